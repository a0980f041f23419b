"""Files tagged shard by shard, to be resumed: `python -m nerlib bulk`. Built in notebook 10."""

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from nerlib.addons.folder_lock import lock_folder
from nerlib.tools.bulk.manifest import MANIFEST, BulkError, BulkSettings, model_digest, settled
from nerlib.tools.bulk.shards import FAILED, PARTS, Shard
from nerlib.tools.bulk.storage import Storage
from nerlib.tools.bulk.tag_shard import Result
from nerlib.tools.bulk.workers import Job, run_shards

MANY = 0.1  # of the rows: if more could not be tagged, the run has failed


@dataclass(frozen=True)
class Summary:
    """What this run has done: `earlier` shards were there, `undone` ones could not be done."""

    shards: int
    earlier: int
    rows: int
    failed: int
    seconds: float
    undone: tuple[Result, ...] = ()
    why: str = ""  # of the first row that failed

    def __str__(self) -> str:
        rate = self.rows / self.seconds
        speed = f"{self.rows:,} rows in {self.seconds:.1f} s ({rate:,.0f} rows/s)"
        done = f"{self.shards - len(self.undone)} of {self.shards} shards are done"
        lines = [f"{speed}, {self.failed:,} failed; {done}, {self.earlier} of them before"]
        if self.failed:
            lines.append(f"the first that failed is {self.why}")
        if 0 < self.rows == self.failed:
            lines.append("no row could be tagged, so nothing is kept: mend it and start again")
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

    `source` and `output` are paths or URLs; 0 `workers` do all in this process. Started again, it
    resumes with the shards that are not done. `after_shard` is given every result. Raises
    `BulkError` if the output belongs to another run, and `StorageError`.
    """
    settings, started = settings or BulkSettings(), time.perf_counter()
    inputs, target, results = Storage(source), Storage(output), list[Result]()
    with ExitStack() as end:
        if target.local:  # other storage has no locks
            end.callback(lock_folder(target.root, "its results", BulkError))
        digest = model_digest(model)
        shards, skipped = settled(inputs, target, digest, settings)
        if target.local:  # what killed writes left: other storage keeps nothing of them
            for folder in (PARTS, FAILED):
                for leftover in Path(target.root, folder).glob(".*.part"):
                    leftover.unlink()
        done = set(target.names(PARTS))
        todo = {s.name: s for s in shards if f"{s.name}.{settings.written}" not in done}
        total = sum(shard.rows for shard in todo.values())
        who = f"{workers} workers" if workers else "in this process"
        report(f"{len(todo)} of {len(shards)} shards to do, {total:,} rows, {who}")
        if skipped:
            report(f"{len(skipped)} files without rows are left out: {', '.join(skipped[:9])}")
        folder = str(Path(model).absolute())
        job = Job(folder, digest, inputs.address, target.address, settings, device)
        every = 0.5 if sys.stderr.isatty() else 30.0  # seconds: in a log file, a line now and then
        how: Any = {"unit": "row", "unit_scale": True, "disable": not progress}
        bar = end.enter_context(tqdm(total=total, mininterval=every, **how))
        for result in run_shards(job, [*todo.values()], workers):
            bar.update(todo[result.name].rows)
            results.append(result)
            if after_shard:
                after_shard(result)
        failed = sum(result.failed for result in results)
        if failed and failed == sum(shard.rows for shard in shards):
            _forget(target, shards)
    rows, seconds = sum(result.rows for result in results), time.perf_counter() - started
    undone = tuple(result for result in results if result.error)
    why = next((result.why for result in results if result.why), "")
    return Summary(len(shards), len(shards) - len(todo), rows, failed, seconds, undone, why)


def _forget(target: Storage, shards: Sequence[Shard]) -> None:
    """Remove a run without any result, so that the next one may have other settings."""
    own = {shard.name for shard in shards}
    for folder in (PARTS, FAILED):
        for name in target.names(folder):
            if Path(name).stem in own:
                target.system.rm(target.path(f"{folder}/{name}"))
    target.system.rm(target.path(MANIFEST))
