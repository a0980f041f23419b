"""Tagging of more rows than anybody waits for: shard by shard, by several workers, to be resumed.

Built in notebook 10.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from nerlib.addons.folder_lock import FolderInUse, lock_folder
from nerlib.tools.bulk.manifest import BulkError, BulkSettings, settled
from nerlib.tools.bulk.shards import Shard
from nerlib.tools.bulk.storage import Storage
from nerlib.tools.bulk.tag_shard import FAILED, PARTS, Result, part_name
from nerlib.tools.bulk.worker import TRIES, ShardWorker


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
    progress: bool | None = None,
) -> Summary:
    """Tag every row of the input files into `output`, and return what was done.

    `source` and `output` are paths or URLs. Each of the `workers` is a process of Ray's with a
    model of its own; 0 does without Ray, in this process. Started again after a kill, it goes on
    with the shards that are not done. `after_shard` is called in this process with every result.
    Raises `BulkError` if the output belongs to another run or one writes to it now, `StorageError`
    for what cannot be read or written, `ExtraError` if Ray is not installed.
    """
    settings = settings or BulkSettings()
    inputs, target = Storage(source), Storage(output)
    with _locked(target):
        shards = settled(inputs, target, model, settings)
        for folder in (PARTS, FAILED):
            target.sweep(folder)
        target.clear(TRIES)
        there = set(target.names(PARTS))
        todo = [one for one in shards if part_name(one, settings.written) not in _below(there)]
        rows = sum(shard.rows for shard in todo)
        report(
            f"{len(todo)} of {len(shards)} shards to do, {rows:,} rows, "
            f"{f'{workers} workers' if workers else 'in this process'}"
        )
        started = time.perf_counter()
        job = (str(Path(model).absolute()), inputs.address, target.address, settings)
        if not inputs.local or not target.local:
            report("storage that is not a local disk: every worker opens it by itself")
        results = []
        for result in _bar(_run(todo, job, workers, device), todo, progress):
            results.append(result)
            if after_shard:
                after_shard(result)
        target.clear(TRIES)
    undone = tuple(result for result in results if result.error)
    return Summary(
        shards=len(shards),
        earlier=len(shards) - len(todo),
        rows=sum(result.rows for result in results),
        failed=sum(result.failed for result in results),
        seconds=time.perf_counter() - started,
        undone=undone,
    )


def _run(
    todo: Sequence[Shard], job: tuple[str, str, str, BulkSettings], workers: int, device: str
) -> Iterable[Result]:
    """Return the results of all shards as they come."""
    if not todo:
        return []
    if workers:
        from nerlib.tools.bulk.ray_workers import tag_with_ray

        return tag_with_ray(todo, job, workers, device)
    return map(ShardWorker(*job, threads=1, device=device), todo)


def _bar(
    results: Iterable[Result], todo: Sequence[Shard], progress: bool | None
) -> Iterator[Result]:
    """Yield the results and show how many rows are done, how fast, and how long the rest takes."""
    rows = {shard.name: shard.rows for shard in todo}
    on_terminal = sys.stderr.isatty()
    every = 0.5 if on_terminal else 30.0  # seconds: in a log file, a line now and then
    total = sum(rows.values())
    with tqdm(
        total=total, unit="row", unit_scale=True, mininterval=every, disable=progress is False
    ) as bar:
        for result in results:
            bar.update(rows[result.name])
            yield result


def _below(names: set[str]) -> set[str]:
    return {f"{PARTS}/{name}" for name in names}


@contextmanager
def _locked(target: Storage) -> Iterator[None]:
    """Keep another run from writing to the same folder, where the storage knows locks."""
    if not target.local:
        yield
        return
    try:
        unlock: Callable[[], Any] = lock_folder(target.root)
    except FolderInUse:
        raise BulkError(
            f"another run is writing to {target.address}: wait for its end, stop it, or choose "
            "another output folder"
        ) from None
    try:
        yield
    finally:
        unlock()
