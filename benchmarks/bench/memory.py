"""How much memory training on a whole locale takes, and whether that of a stream keeps growing.

Each is measured in a process of its own.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psutil

from benchmarks.bench.material import gather
from benchmarks.bench.tag_contenders import tagger_of
from nerlib.addons.train import train
from nerlib.device import set_threads

MEGABYTE = 1_000_000
WARM = 20_000  # texts after which the stream's memory is taken as the start


def measure(
    work: Callable[..., dict[str, Any]], threads: int | None, *settings: Any
) -> dict[str, Any]:
    """Return what a fresh process measures, in megabytes and seconds."""
    context = get_context("spawn")
    with ProcessPoolExecutor(1, context, initializer=set_threads, initargs=(threads,)) as pool:
        return pool.submit(work, *settings).result()


def resident() -> float:
    """Return the memory that this process holds now, in megabytes."""
    return float(psutil.Process().memory_info().rss) / MEGABYTE


def peak() -> float:
    """Return the most memory that this process has held, in megabytes."""
    if sys.platform == "linux":  # where `getrusage` also counts what the starting process held
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / MEGABYTE
    import resource  # which Windows does not have

    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / MEGABYTE


def training() -> dict[str, float]:
    """Train an epoch on all rows of the locale, with validation and the best weights kept."""
    material = gather(rows=64, texts=64)
    started = time.perf_counter()
    model, settings = material.model(), material.config
    train(model, material.whole, material.data, settings, report=lambda line: None)
    return {"peak_mb": peak(), "seconds": time.perf_counter() - started}


def stream(texts: int) -> dict[str, float]:
    """Tag a stream of texts, and return how far memory rose behind its warm start."""
    material = gather(rows=64, texts=2_000)
    tagger = tagger_of(material, "auto")
    held, before = [resident()], time.perf_counter()
    for number, _ in enumerate(tagger(endless(material.texts, texts)), start=1):
        if number % 4_000 == 0:
            held.append(resident())
    start = min(WARM // 4_000, len(held) - 1)
    seconds = time.perf_counter() - before
    return {"growth_mb": max(held[start:]) - held[start], "seconds": seconds}


def endless(texts: Sequence[str], count: int) -> Iterator[str]:
    """Yield texts again and again, each time with another number behind, so that all differ."""
    numbered = (f"{text} {number}" for number, text in enumerate(cycle(texts)))
    return islice(numbered, count)
