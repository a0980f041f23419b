"""Tagging of large files: shard by shard, by several workers, to be resumed at any time.

Built in notebook 10.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import Timeout
from tqdm import tqdm

from nerlib.addons.folder_lock import lock_folder
from nerlib.tools.bulk.manifest import BulkError, BulkSettings, model_digest, settled
from nerlib.tools.bulk.shards import Shard
from nerlib.tools.bulk.storage import Storage
from nerlib.tools.bulk.tag_shard import FAILED, PARTS, Result, part_name
from nerlib.tools.bulk.workers import Job, run_shards


@dataclass(frozen=True)
class Summary:
    """What a run has done: `earlier` shards were there before, `failed` rows stand in `failed/`.

    `undone` are the shards that could not be done, each with its `error`. The rates and counts of
    rows are those of this run, not of earlier ones.
    """

    shards: int
    earlier: int
    rows: int
    failed: int
    seconds: float
    undone: tuple[Result, ...] = ()

    def __str__(self) -> str:
        rate = self.rows / self.seconds if self.seconds else 0.0
        lines = [
            f"{self.rows:,} rows in {self.seconds:.1f} s ({rate:,.0f} rows/s), "
            f"{self.failed:,} failed; {self.shards - len(self.undone)} of {self.shards} shards are "
            f"done, {self.earlier} of them before"
        ]
        lines += [f"not done: {one.name}: {one.error}" for one in self.undone[:10]]
        return "\n".join(lines)


def tag_in_bulk(
    source: str | Path,
    output: str | Path,
    model: str | Path,
    settings: BulkSettings | None = None,
    workers: int = 2,
    device: str = "cpu",
    report: Callable[[str], None] = print,
    after_shard: Callable[[Result], None] | None = None,
    progress: bool = True,
) -> Summary:
    """Tag every row of the input files into `output`, and return what was done.

    `source` and `output` are paths or URLs. Each of the `workers` is a process with a model of its
    own; 0 does all in this process. Started again after a kill, it resumes with the shards that are
    not done. `after_shard` is called in this process with every result. Raises `BulkError` if the
    output belongs to another run or one writes to it now, `StorageError` for what cannot be read or
    written, `ExtraError` if a Ray cluster is asked for and Ray is not installed.
    """
    settings, started = settings or BulkSettings(), time.perf_counter()
    inputs, target = Storage(source), Storage(output)
    results = []
    with ExitStack() as end:
        end.callback(_lock(target))
        digest = model_digest(model)
        shards = settled(inputs, target, digest, settings)
        todo = _left(shards, target, settings)
        who = f"{workers} workers" if workers else "in this process"
        rows = {shard.name: shard.rows for shard in todo}
        report(f"{len(todo)} of {len(shards)} shards to do, {sum(rows.values()):,} rows, {who}")
        folder = str(Path(model).absolute())
        job = Job(folder, digest, inputs.address, target.address, settings, device)
        bar = end.enter_context(_bar(sum(rows.values()), progress))
        for result in run_shards(job, todo, workers):
            bar.update(rows[result.name])
            results.append(result)
            if after_shard:
                after_shard(result)
    return Summary(
        shards=len(shards),
        earlier=len(shards) - len(todo),
        rows=sum(result.rows for result in results),
        failed=sum(result.failed for result in results),
        seconds=time.perf_counter() - started,
        undone=tuple(result for result in results if result.error),
    )


def _left(shards: Sequence[Shard], target: Storage, settings: BulkSettings) -> list[Shard]:
    """Return the shards that are not done, after removing what killed writes have left."""
    for folder in (PARTS, FAILED):
        target.sweep(folder)
    done = {f"{PARTS}/{name}" for name in target.names(PARTS)}
    return [shard for shard in shards if part_name(shard, settings.written) not in done]


def _bar(rows: int, shown: bool) -> tqdm[Any]:
    """Return a bar of the rows done, how fast, and how long the rest takes."""
    every = 0.5 if sys.stderr.isatty() else 30.0  # seconds: in a log file, a line now and then
    return tqdm(total=rows, unit="row", unit_scale=True, mininterval=every, disable=not shown)


def _lock(target: Storage) -> Callable[[], object]:
    """Keep another run from writing to the same folder, where the storage has locks."""
    try:
        return lock_folder(target.root) if target.local else lambda: None
    except Timeout:
        raise BulkError(
            f"another run is writing to {target.address}: wait for its end, stop it, or choose "
            "another output folder"
        ) from None
