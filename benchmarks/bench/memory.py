"""How much memory some work takes, measured in a process of its own."""

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import psutil

from benchmarks.bench.material import gather
from nerlib.addons.train import train
from nerlib.device import set_threads

MEGABYTE = 1_000_000
T = TypeVar("T")


def measure(work: Callable[..., T], threads: int | None, *settings: Any) -> T:
    """Return what a fresh process measures."""
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


def training() -> float:
    """Return the most memory held in an epoch on all rows, with the best weights kept."""
    material = gather(rows=64, texts=64)
    model, settings = material.model(), material.config
    train(model, material.whole, material.data, settings, report=lambda line: None)
    return peak()
