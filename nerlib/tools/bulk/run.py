"""Files tagged shard by shard, to be resumed: `python -m nerlib bulk`. Built in notebook 10."""

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout
from tqdm import tqdm

from nerlib.addons.folder_lock import lock_folder
from nerlib.tools.bulk.manifest import (
    MANIFEST,
    BulkError,
    BulkSettings,
    model_digest,
    settled,
)
from nerlib.tools.bulk.storage import Storage
from nerlib.tools.bulk.tag_shard import FAILED, PARTS, Result, part_name
from nerlib.tools.bulk.workers import Job, run_shards

MANY = 0.1  # of the rows


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

    @property
    def many_failed(self) -> bool:
        """Whether more than a tenth of the rows could not be tagged."""
        return self.failed > MANY * self.rows

    def __str__(self) -> str:
        rate = self.rows / self.seconds if self.seconds else 0.0
        speed = f"{self.rows:,} rows in {self.seconds:.1f} s ({rate:,.0f} rows/s)"
        done = f"{self.shards - len(self.undone)} of {self.shards} shards are done"
        first = f"{speed}, {self.failed:,} failed; {done}, {self.earlier} of them before"
        if self.failed:
            first += f"\nthe first that failed is {self.why}"
        if self.rows and self.failed == self.rows:
            first += "\nno row could be tagged, so nothing is kept: mend it and start again"
        undone = [f"not done: {one.name}: {one.error}" for one in self.undone[:10]]
        return "\n".join([first, *undone])


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
    `BulkError` if the output belongs to another run, `StorageError`, and `ExtraError` without Ray.
    """
    settings, started = settings or BulkSettings(), time.perf_counter()
    inputs, target = Storage(source), Storage(output)
    results = []
    with ExitStack() as end:
        if target.local:  # other storage has no locks
            try:
                end.callback(lock_folder(target.root))
            except Timeout:
                what = f"another run is writing to {target.address}: wait for its end, stop it"
                raise BulkError(f"{what}, or choose another output folder") from None
        digest = model_digest(model)
        shards, skipped = settled(inputs, target, digest, settings)
        target.names(FAILED, sweep=True)
        done = {f"{PARTS}/{name}" for name in target.names(PARTS, sweep=True)}
        todo = [shard for shard in shards if part_name(shard, settings.written) not in done]
        who = f"{workers} workers" if workers else "in this process"
        rows = {shard.name: shard.rows for shard in todo}
        total = sum(rows.values())
        report(f"{len(todo)} of {len(shards)} shards to do, {total:,} rows, {who}")
        if skipped:
            report(f"{len(skipped)} files without rows are left out: {', '.join(skipped[:9])}")
        folder = str(Path(model).absolute())
        job = Job(folder, digest, inputs.address, target.address, settings, device)
        every = 0.5 if sys.stderr.isatty() else 30.0  # seconds: in a log file, a line now and then
        silent = not progress
        bar = tqdm(total=total, unit="row", unit_scale=True, mininterval=every, disable=silent)
        end.enter_context(bar)
        for result in run_shards(job, todo, workers):
            bar.update(rows[result.name])
            results.append(result)
            if after_shard:
                after_shard(result)
        failed = sum(result.failed for result in results)
        if failed and failed == sum(shard.rows for shard in shards):
            forget(target)
    return Summary(
        shards=len(shards),
        earlier=len(shards) - len(todo),
        rows=sum(result.rows for result in results),
        failed=failed,
        seconds=time.perf_counter() - started,
        undone=tuple(result for result in results if result.error),
        why=next((result.why for result in results if result.why), ""),
    )


def forget(target: Storage) -> None:
    """Remove a run without any result, so that the next one may have other settings."""
    for folder in (PARTS, FAILED):
        for name in target.names(folder):
            target.remove(f"{folder}/{name}")
    target.remove(MANIFEST)
