"""What each variant costs, in one table: size, time to load, texts a second, one sentence.

Built in notebook 09.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nerlib.dataset import NERDataset
from nerlib.device import fast_bf16
from nerlib.evaluation import evaluate
from nerlib.tools.serving.engines import TITLES, Backend
from nerlib.tools.serving.manifest import read_manifest
from nerlib.tools.tagger import Tagger

ROUNDS = 3
SINGLE_TEXTS = 200


@dataclass(frozen=True)
class Measured:
    """One line of the table.

    `size` is in MB, `load` in seconds, `rate` in texts a second, `p50` and `p99` in milliseconds
    for one text at a time: half of the texts, and 99 of 100, take no longer.
    """

    name: str
    f1: float
    size: float
    load: float
    rate: float
    p50: float
    p99: float


def compare(
    folder: str | Path,
    validation: NERDataset,
    backends: Sequence[Backend],
    rounds: int = ROUNDS,
) -> list[Measured]:
    """Return what torch and every variant that passed the gate cost, on the same rows.

    All of them use torch's number of threads. Without torch weights in the folder, torch is left
    out.
    """
    choices: list[tuple[str, str, str]] = []
    if (Path(folder) / "model.safetensors").is_file():
        choices += [("torch", "fp32", "fp32")]
        choices += [("torch", "bf16", "bf16")] if fast_bf16("cpu") else []
    for backend in backends:
        variants = read_manifest(Path(folder) / backend, backend).variants
        choices += [(backend, name, "fp32") for name, one in variants.items() if one.passed]
    return [_measure(Path(folder), *choice, validation, rounds) for choice in choices]


def _measure(
    folder: Path,
    backend: str,
    variant: str,
    precision: str,
    validation: NERDataset,
    rounds: int,
) -> Measured:
    texts = [utterance.text for utterance in validation.utterances]
    started = time.perf_counter()
    chosen = None if backend == "torch" else variant
    tagger = Tagger.from_pretrained(folder, "cpu", precision, backend, chosen)  # type: ignore[arg-type]
    load = time.perf_counter() - started
    f1 = evaluate(tagger.model, validation, tagger.compute)[0].overall.f1
    rate = max(len(texts) / seconds(lambda: tagger(texts)) for _ in range(rounds))
    single = [1000 * seconds(lambda text=text: tagger(text)) for text in texts[:SINGLE_TEXTS]]  # type: ignore[misc]
    p50, p99 = (float(np.percentile(single, share, method="inverted_cdf")) for share in (50, 99))
    name = f"{TITLES.get(backend, backend)} {variant}"
    return Measured(name, f1, _size(folder, backend, variant), load, rate, p50, p99)


def seconds(work: Callable[[], object]) -> float:
    """Return how long some work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _size(folder: Path, backend: str, variant: str) -> float:
    """Return the size of a variant's weights and graph in MB."""
    torch_files = folder.glob("*.safetensors")
    files = torch_files if backend == "torch" else (folder / backend).glob(f"{variant}.*")
    return sum(file.stat().st_size for file in files) / 1e6


def table(rows: Sequence[Measured]) -> str:
    """Return the measurements as text, `times` being the rate over the first line's.

    >>> print(table([Measured("torch fp32", 0.7, 91.2, 0.3, 600, 9.9, 12.5)]))
    variant                F1  size/MB  load/s  texts/s  times  p50/ms  p99/ms
    --------------------------------------------------------------------------
    torch fp32         0.7000     91.2    0.30      600    1.0     9.9    12.5
    """
    head = f"{'variant':<18}{'F1':>7}{'size/MB':>9}{'load/s':>8}{'texts/s':>9}{'times':>7}"
    lines = [f"{head}{'p50/ms':>8}{'p99/ms':>8}"]
    lines.append("-" * len(lines[0]))
    lines += [
        f"{row.name:<18}{row.f1:>7.4f}{row.size:>9.1f}{row.load:>8.2f}{row.rate:>9.0f}"
        f"{row.rate / rows[0].rate:>7.1f}{row.p50:>8.1f}{row.p99:>8.1f}"
        for row in rows
    ]
    return "\n".join(lines)
