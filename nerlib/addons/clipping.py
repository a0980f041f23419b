"""Gradient clipping that needs no pass of its own over all gradients."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


def clip_gradients(model: nn.Module, optimizer: Optimizer, max_norm: float) -> Tensor:
    """Clip all gradients together to a norm of `max_norm`; return the norm they had, a scalar.

    A fused optimiser divides each gradient by its `grad_scale` as it reads it, which PyTorch made
    for mixed precision: clipping by it costs nothing. Others have their gradients scaled here.
    Source: Pascanu et al. (2013), On the difficulty of training recurrent neural networks.

    >>> layer = nn.Linear(1, 1, bias=False)
    >>> layer.weight.grad = torch.tensor([[4.0]])
    >>> clip_gradients(layer, torch.optim.SGD(layer.parameters(), lr=1.0), max_norm=1.0).item()
    4.0
    >>> round(layer.weight.grad.item(), 4)
    1.0
    """
    if not optimizer.defaults.get("fused"):
        return nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    norm = nn.utils.get_total_norm(gradients)
    told: dict[str, Tensor] = {
        "grad_scale": (norm / max_norm).clamp(min=1.0).float(),
        "found_inf": torch.zeros((), device=norm.device),
    }
    vars(optimizer).update(told)  # attributes that its type does not name
    return norm
