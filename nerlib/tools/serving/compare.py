"""What each variant costs, in one table: size, time to load, texts a second, one sentence."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nerlib.dataset import NERDataset
from nerlib.device import fast_bf16
from nerlib.evaluation import evaluate
from nerlib.tools.serving.engines import TITLES, Backend
from nerlib.tools.serving.manifest import read_manifest
from nerlib.tools.tagger import Tagger

ROUNDS = 3
SINGLE_TEXTS = 100


@dataclass(frozen=True)
class Measured:
    """A line of the table: MB, seconds, texts a second, and milliseconds for one text at a time."""

    name: str
    f1: float
    size: float
    load: float
    rate: float
    p50: float
    p99: float


def compare(
    folder: str | Path, validation: NERDataset, backends: Sequence[Backend], rounds: int = ROUNDS
) -> list[Measured]:
    """Return what torch, if its weights are there, and every variant that passed cost."""
    path = Path(folder)
    choices: list[tuple[str, str]] = []
    if (path / "model.safetensors").is_file():
        choices += [("torch", "fp32"), ("torch", "bf16")][: 1 + fast_bf16("cpu")]
    for backend in backends:
        variants = read_manifest(path / backend, backend).variants
        choices += [(backend, name) for name, one in variants.items() if one.passed]
    return [_measure(path, *choice, validation, rounds) for choice in choices]


def _measure(
    folder: Path, backend: str, variant: str, validation: NERDataset, rounds: int
) -> Measured:
    """Return what one variant costs; those of torch are precisions."""
    texts = [utterance.text for utterance in validation.utterances]
    engine: tuple[Any, ...] = ("fp32", backend, variant)
    files = f"{backend}/{variant}.*"
    if backend == "torch":
        files, engine = "*.safetensors", (variant, backend, None)
    started = time.perf_counter()
    tagger = Tagger.from_pretrained(folder, "cpu", *engine)
    load = time.perf_counter() - started
    f1 = evaluate(tagger.model, validation, tagger.compute)[0].overall.f1
    rate = max(len(texts) / seconds(lambda: tagger(texts)) for _ in range(rounds))
    single = [1000 * seconds(partial(tagger, text)) for text in texts[:SINGLE_TEXTS]]
    p50, p99 = (float(np.percentile(single, share, method="inverted_cdf")) for share in (50, 99))
    size = sum(file.stat().st_size for file in folder.glob(files)) / 1e6
    return Measured(f"{TITLES.get(backend, backend)} {variant}", f1, size, load, rate, p50, p99)


def seconds(work: Callable[[], object]) -> float:
    """Return how long some work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def table(rows: Sequence[Measured]) -> str:
    """Return the measurements as text, `times` being the rate over the first line's.

    >>> print(table([Measured("torch fp32", 0.7, 91.2, 0.3, 600, 9.9, 12.5)]))
    variant                F1  size/MB  load/s  texts/s  times  p50/ms  p99/ms
    --------------------------------------------------------------------------
    torch fp32         0.7000     91.2    0.30      600    1.0     9.9    12.5
    """
    head = "variant                F1  size/MB  load/s  texts/s  times  p50/ms  p99/ms"
    lines = [
        f"{row.name:<18}{row.f1:>7.4f}{row.size:>9.1f}{row.load:>8.2f}{row.rate:>9.0f}"
        f"{row.rate / rows[0].rate:>7.1f}{row.p50:>8.1f}{row.p99:>8.1f}"
        for row in rows
    ]
    return "\n".join([head, "-" * len(head), *lines])
