"""Who does the shards: this process, other ones of this machine, or the workers of a Ray cluster.

Only a shard's description and its result travel; no input or output is ever unpickled.
"""

import logging
import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast

import torch

from nerlib.device import set_threads
from nerlib.tools.bulk.manifest import BulkError, BulkSettings
from nerlib.tools.bulk.shards import Shard
from nerlib.tools.bulk.storage import Storage, StorageError, one_line
from nerlib.tools.bulk.tag_shard import Result, tag_shard
from nerlib.tools.extras import require_extra
from nerlib.tools.tagger import Tagger

MOST_TRIES = 3

Submit = Callable[[Shard], Future[Result]]  # has one worker, or its successor, tag a shard


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

    A worker that dies is replaced, and its shard tried `MOST_TRIES` times. RAY_ADDRESS names a
    cluster. Raises `BulkError` if no worker can start, `ExtraError` if Ray is not installed.
    """
    if not workers:
        yield from (run_shard(job, shard) for shard in todo)
    elif todo:
        started = _ray_tasks if os.environ.get("RAY_ADDRESS") else _processes
        with started(job, min(workers, len(todo))) as (free, death):
            yield from scheduled(todo, free, death)


@lru_cache(maxsize=1)
def _opened(job: Job) -> tuple[Tagger, Storage, Storage]:
    """Return a job's tagger and storage, opened once in each process, with one thread a worker."""
    set_threads(1)
    tagger = Tagger.from_pretrained(job.model, job.device, cast(Any, job.settings.precision))
    return tagger, Storage(job.source), Storage(job.target)


def scheduled(
    todo: Sequence[Shard], free: list[Submit], death: type[Exception]
) -> Iterator[Result]:
    """Give every free worker a shard at a time; yield results. A dead one raises `death`."""
    waiting, deaths = deque(todo), Counter[str]()
    running: dict[Future[Result], tuple[Submit, Shard]] = {}
    while waiting or running:
        while waiting and free:
            submit, shard = free.pop(), waiting.popleft()
            running[submit(shard)] = submit, shard
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            submit, shard = running.pop(future)
            free.append(submit)
            if not isinstance(future.exception(), death):
                yield future.result()
                continue
            deaths[shard.name] += 1
            if deaths[shard.name] < MOST_TRIES:
                waiting.append(shard)
            else:
                yield Result(shard.name, error=f"{MOST_TRIES} workers died while tagging it")


class _Process:
    """A process of this machine: a pool of its own, so that its death ends no other one."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would share PyTorch's threads
        self.pool = ProcessPoolExecutor(1, context, initializer=_end_with_parent)

    def __call__(self, shard: Shard) -> Future[Result]:
        with suppress(BrokenProcessPool):
            return self.pool.submit(run_shard, self.job, shard)
        self.start()
        return self.pool.submit(run_shard, self.job, shard)


@contextmanager
def _processes(job: Job, workers: int) -> Iterator[tuple[list[Submit], type[Exception]]]:
    """Yield processes of this machine; with `cuda`, they take turns on its GPUs."""
    gpus = torch.cuda.device_count() if job.device == "cuda" else 0
    devices = [f"cuda:{number}" for number in range(gpus)] or [job.device]
    jobs = [replace(job, device=devices[number % len(devices)]) for number in range(workers)]
    processes = [_Process(own) for own in jobs]
    try:
        for started in [process.pool.submit(os.getpid) for process in processes]:
            started.result()
        yield [*processes], BrokenProcessPool
    except BrokenProcessPool:
        advice = 'does the script call this below `if __name__ == "__main__":`?'
        raise BulkError(f"no worker can start: {advice}") from None
    finally:
        for process in processes:
            process.pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """End this process as soon as Ctrl-C is pressed, or the process that started it is gone."""

    def wait_for_parent() -> None:
        if parent := multiprocessing.parent_process():
            parent.join()
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=wait_for_parent, daemon=True).start()


@contextmanager
def _ray_tasks(job: Job, workers: int) -> Iterator[tuple[list[Submit], type[Exception]]]:
    """Yield tasks for the cluster that RAY_ADDRESS names: each a core, with `cuda` a GPU, too."""
    require_extra("scale", "ray")
    import ray

    # Deaths are counted here, as for own processes; a worker keeps its model from shard to shard.
    gpus = int(job.device.startswith("cuda"))
    remote = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0, max_calls=0)(run_shard)
    with ExitStack() as end:
        if not ray.is_initialized():
            end.callback(ray.shutdown)
            try:
                ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
            except Exception as error:  # Ray raises a plain one
                raise BulkError(f"the Ray cluster cannot be used: {one_line(error)}") from None
        crashed = ray.exceptions.WorkerCrashedError
        yield [lambda shard: remote.remote(job, shard).future()] * workers, crashed
