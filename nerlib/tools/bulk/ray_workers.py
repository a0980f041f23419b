"""Workers that Ray starts, watches and replaces: Ray Data hands the shards to a pool of actors.

What travels through Ray is a shard's description and its result, some hundred bytes: rows go from
the input files to a worker and on to the output, never through this process. Ray packs what it
sends between its processes with pickle; nothing of the input or the output is ever unpickled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from nerlib.tools.bulk.manifest import BulkError, BulkSettings
from nerlib.tools.bulk.ray_session import ray_session
from nerlib.tools.bulk.shards import Shard
from nerlib.tools.bulk.tag_shard import Result
from nerlib.tools.bulk.worker import ShardWorker
from nerlib.tools.extras import require_extra

MOST_BLOCKS = 2000  # what Ray plans at once; with more shards, a block has several


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
    with ray_session(workers) as ray:
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
