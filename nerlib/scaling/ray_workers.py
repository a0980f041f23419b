"""Workers that Ray starts, watches and replaces: Ray Data hands the shards to a pool of actors.

What travels through Ray is a shard's description and its result, some hundred bytes: rows go from
the input files to a worker and on to the output, never through this process. Ray packs what it
sends between its processes with pickle; nothing of the input or the output is ever unpickled.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from unittest import mock

from nerlib.extras import require_extra
from nerlib.scaling.bulk import ShardWorker
from nerlib.scaling.manifest import BulkError, BulkSettings
from nerlib.scaling.shards import Shard
from nerlib.scaling.tag_shard import Result

MOST_BLOCKS = 2000  # what Ray plans at once; with more shards, a block has several
MOST_STARTS = 2
MOST_WAITS = 180  # seconds that Ray may take to start
OBJECTS = 100 * 2**20  # bytes that Ray sets aside for what travels: far more than is needed


class RayShards:
    """What Ray Data calls in each worker: a batch of shards in, their results out."""

    def __init__(self, *job: Any, **settings: Any) -> None:
        self.worker = ShardWorker(*job, **settings)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Tag the shards of a batch; both batches have a column a field."""
        rows = zip(*(values.tolist() for values in batch.values()), strict=True)
        shards = [Shard(**dict(zip(batch, row, strict=True))) for row in rows]
        results = [asdict(self.worker(shard)) for shard in shards]
        return {name: [result[name] for result in results] for name in results[0]}


def tag_with_ray(
    todo: Sequence[Shard], job: tuple[str, str, str, BulkSettings], workers: int, device: str
) -> Iterator[Result]:
    """Yield the results of all shards as the workers bring them.

    A worker that dies is replaced and its shard given out again. With RAY_ADDRESS set, the workers
    are those of that cluster. Raises `BulkError` if Ray itself fails, and `ExtraError` if it is not
    installed.
    """
    require_extra("scale", "ray")
    with _ray(workers, device) as ray:
        shards = ray.data.from_items(
            [asdict(shard) for shard in todo], override_num_blocks=min(len(todo), MOST_BLOCKS)
        )
        results = shards.map_batches(
            RayShards,
            fn_constructor_args=job,
            fn_constructor_kwargs={"threads": 1, "device": device},
            batch_size=1,
            batch_format="numpy",
            compute=ray.data.ActorPoolStrategy(size=min(workers, len(todo))),
            num_cpus=1,
            num_gpus=int(device.startswith("cuda")),
        )
        try:
            for row in results.iter_rows():
                yield Result(**row)
        except ray.exceptions.RayError as error:
            reason = str(error).strip().splitlines()[-1]
            raise BulkError(
                f"a worker cannot start or go on: {reason[:300]}; shards that are done stay done: "
                "start again to go on with the rest"
            ) from None


def _start(ray: Any, settings: dict[str, Any]) -> None:
    """Start Ray, again if need be."""
    for left in reversed(range(MOST_STARTS)):
        try:
            with warnings.catch_warnings(), _silent(), _patient():
                warnings.simplefilter("ignore")
                ray.init(log_to_driver=False, logging_level=logging.ERROR, **settings)
            return
        except Exception as error:  # Ray raises a plain one
            ray.shutdown()
            _end_what_started()
            if not left:
                reason = " ".join(str(error).split())[:300]
                raise BulkError(f"Ray cannot start: {reason} (--workers 0 needs no Ray)") from None


def _end_what_started() -> None:
    """End what a start that failed has left: it would only be in the way of the next one."""
    import psutil  # Ray brings its own

    for child in psutil.Process().children(recursive=True):
        try:
            if "ray" in " ".join(child.cmdline()):
                child.kill()
        except psutil.Error:
            continue


@contextmanager
def _patient() -> Iterator[None]:
    """Within the block, let Ray wait longer for its own start than the 30 seconds of Ray 2.60.

    On a busy machine that is not enough, and no setting changes it. Other versions of Ray may do
    without the function that is replaced here; then they start as they always do.
    """
    from ray._private import services

    found = getattr(services, "get_node", None)

    def get_node(*arguments: Any, **named: Any) -> Any:
        for _ in range(MOST_WAITS):
            try:
                return found(*arguments, **named)  # type: ignore[misc]
            except RuntimeError:  # it is not there yet
                time.sleep(1)
        return found(*arguments, **named)  # type: ignore[misc]

    if found is None:
        yield
        return
    with mock.patch.object(services, "get_node", get_node):
        yield


@contextmanager
def _silent() -> Iterator[None]:
    """Within the block, send standard error nowhere: Ray's core writes to it by itself."""
    before, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)


@contextmanager
def _ray(workers: int, device: str) -> Iterator[Any]:
    """Start Ray on this machine alone, quietly, or join the cluster that RAY_ADDRESS names."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # read when Ray is imported: nothing is sent home
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # leave the GPUs' variable
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # no hints for Ray's own developers
    import ray
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    here: dict[str, Any] = {
        "num_cpus": workers,
        "include_dashboard": False,
        "_node_ip_address": "127.0.0.1",  # nobody else on the network can reach it
        "object_store_memory": OBJECTS,
    }
    if os.environ.get("RAY_ADDRESS"):
        here = {}
    already = ray.is_initialized()
    if not already:
        _start(ray, here)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    try:
        yield ray
    finally:
        if not already:
            ray.shutdown()
