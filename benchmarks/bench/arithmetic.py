"""How much of what the processor could multiply a training step uses: for information."""

from __future__ import annotations

import time

import torch
from transformers import PreTrainedModel

from nerlib.device import Compute


def products_per_second(compute: Compute, size: int = 2048, times: int = 6) -> float:
    """Return the machine's rate for large matrix products, in floating-point operations a second.

    A product of two square matrices takes 2 · size³ operations; the fastest of some counts.
    """
    kind = torch.bfloat16 if compute.precision == "bf16" else torch.float32
    one, other = (torch.rand(size, size, dtype=kind, device=compute.device) for _ in range(2))
    fastest = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        _ = (one @ other).sum().item()  # which waits for a GPU
        fastest = min(fastest, time.perf_counter() - started)
    return 2 * size**3 / fastest


def operations_per_step(encoder: PreTrainedModel, subwords: int, longest: int) -> float:
    """Return the floating-point operations of a forward and a backward pass.

    `subwords` is the number in the batch, padding included, `longest` that of a row. Per subword:
    2 for each weight of the matrices, and in each layer 4 · hidden · longest for attention; the
    backward pass takes twice as many. Source: Kaplan et al. (2020), Scaling Laws, table 1.
    """
    matrices = sum(
        p.numel() for n, p in encoder.named_parameters() if p.ndim == 2 and "embeddings" not in n
    )
    config = encoder.config
    attention = 4 * int(config.hidden_size) * longest * int(config.num_hidden_layers)
    return 3.0 * subwords * (2 * matrices + attention)
