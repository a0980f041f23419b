"""Who does the shards: this process, or several that it starts.

Only a shard's description and its result travel; no input or output is ever unpickled.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, cast

import torch

from nerlib.device import set_threads
from nerlib.tools.bulk.manifest import BulkError, BulkSettings, model_digest
from nerlib.tools.bulk.shards import Shard
from nerlib.tools.bulk.storage import Storage, StorageError, one_line
from nerlib.tools.bulk.tag_shard import Result, tag_shard
from nerlib.tools.tagger import Tagger

MOST_TRIES = 3


@dataclass(frozen=True)
class Job:
    """What a worker needs to know: the model's folder and its digest, addresses and settings."""

    model: str
    digest: str
    source: str
    target: str
    settings: BulkSettings
    device: str


def run_shard(job: Job, shard: Shard) -> Result:
    """Tag a shard in this process; a failure of the storage is a result."""
    try:
        return tag_shard(*_opened(job), shard, job.settings)
    except (OSError, StorageError) as error:
        return Result(shard.name, process=os.getpid(), error=one_line(error))


def run_shards(job: Job, todo: Sequence[Shard], workers: int) -> Iterator[Result]:
    """Yield the results of all shards as they come; 0 workers: in this process.

    When a worker dies, the others are started anew with it, and the shards that they had are done
    again one by one, `MOST_TRIES` times at most. Raises `BulkError` if no worker can start.
    """
    if not workers:
        yield from (run_shard(job, shard) for shard in todo)
        return
    waiting, deaths = deque(todo), Counter[Shard]()
    while waiting:
        running = dict[Future[Result], Shard]()
        with _pool(min(workers, len(waiting)), job.device) as pool:
            try:
                while waiting or running:
                    # Alone, a shard shows whether it was the one that the worker died of.
                    while waiting and len(running) < (1 if deaths[waiting[0]] else workers):
                        future = pool.submit(run_shard, job, waiting[0])
                        running[future] = waiting.popleft()
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        yield future.result()
                        del running[future]
            except BrokenProcessPool:
                deaths.update(running.values())
        for shard in running.values():
            if deaths[shard] < MOST_TRIES:
                waiting.append(shard)
            else:
                yield Result(shard.name, error=f"{MOST_TRIES} workers died while tagging it")


@lru_cache(maxsize=1)
def _opened(job: Job) -> tuple[Tagger, Storage, Storage]:
    """Return a job's tagger and storage, opened once in each process, with one thread a worker."""
    set_threads(1)
    if model_digest(job.model) != job.digest:
        raise BulkError(f"{job.model} has changed since the start: start again with one model")
    tagger = Tagger.from_pretrained(job.model, job.device, cast(Any, job.settings.precision))
    return tagger, Storage(job.source), Storage(job.target)


@contextmanager
def _pool(workers: int, device: str) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of new processes; raises `BulkError` if none can start."""
    # A fork of this process would share PyTorch's threads. Linux can fork a server that imported
    # what a worker needs, and done nothing else; macOS's libraries bear no fork.
    context = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
    context.set_forkserver_preload([__name__])
    start = partial(_start, context.Value("i", 0), device)
    with ProcessPoolExecutor(workers, context, start) as pool:
        try:
            pool.submit(os.getpid).result()
        except BrokenProcessPool:
            advice = 'does the script call this below `if __name__ == "__main__":`?'
            raise BulkError(f"no worker can start: {advice}") from None
        yield pool


def _start(started: Any, device: str) -> None:
    """Take the next GPU, if wanted; end as soon as the process that started this one does."""

    def wait_for_parent() -> None:
        if parent := multiprocessing.parent_process():
            parent.join()
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=wait_for_parent, daemon=True).start()
    if device == "cuda" and torch.cuda.is_available():  # else the tagger will say what is wrong
        with started:
            torch.cuda.set_device(started.value % torch.cuda.device_count())
            started.value += 1
