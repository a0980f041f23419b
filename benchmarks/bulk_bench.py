"""How fast tagging in bulk is, and how flat its memory: workers against the stream of one process.

    python -m benchmarks.bulk_bench      # writes benchmarks/bulk.json

The utterances are generated, the model is that of `make run`. The stream is `tagger(iterator)` with
one thread on one core; it gets as many rows as one of the workers does, so that both parts take
about as long. Each part runs in a process of its own. Memory is what the system counts as resident,
sampled whenever a shard is done.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import pyarrow
from pyarrow import parquet

from benchmarks.bench.memory import MEGABYTE, measure, resident
from benchmarks.measured import RESULTS_FOLDER, machine, write_json
from nerlib.course.utterances import utterances
from nerlib.optimization import TrainConfig
from nerlib.tools.bulk.manifest import BulkSettings
from nerlib.tools.bulk.run import tag_in_bulk
from nerlib.tools.bulk.tag_shard import Result
from nerlib.tools.recipes import output_folder
from nerlib.tools.tagger import Tagger

ROWS, WORKERS = 1_000_000, 2
GROUP = 10_000  # rows that a reader of the file holds at a time


def held() -> tuple[float, float]:
    """Return the memory, in megabytes, of this process, and of all that it has started."""
    workers = 0.0
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it ended while we looked
            workers += child.memory_info().rss / MEGABYTE
    return resident(), workers


def memory_of(samples: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Return the peaks, in megabytes, and by how much that of the second half is higher."""
    sums, middle = list(map(sum, samples)), max(1, len(samples) // 2)
    here, workers = (round(max(column), 1) for column in zip(*samples, strict=True))
    growth = round(max(sums[middle:] or sums) - max(sums[:middle]), 1)
    return {"peak": {"here": here, "workers": workers}, "growth": growth}


def write_utterances(path: Path, rows: int) -> Path:
    """Write utterances to a Parquet file with a column `text`, and return its path."""
    texts = list(islice(utterances(seed=0), rows))
    parquet.write_table(pyarrow.table({"text": texts}), path, row_group_size=GROUP)
    return path


def measure_stream(source: Path, model: str, settings: BulkSettings) -> dict[str, Any]:
    """Return how fast one process tags an iterator, and what memory it takes."""
    tagger = Tagger.from_pretrained(model, "cpu", settings.precision)  # type: ignore[arg-type]
    samples, rows, started = [held()], 0, time.perf_counter()
    batches = parquet.ParquetFile(source).iter_batches(batch_size=1024)
    for _ in tagger(text for batch in batches for text in batch.column("text").to_pylist()):
        rows += 1
        if rows % settings.shard_rows == 0:
            samples.append(held())
    return {**_speed(rows, time.perf_counter() - started), "memory": memory_of(samples)}


def measure_workers(
    source: Path, model: str, settings: BulkSettings, workers: int
) -> dict[str, Any]:
    """Return how fast workers tag a file, and what memory they take.

    `steady` leaves out the start: what was done after the first shard, in the time after it.
    """
    samples, seen = [held()], list[tuple[float, int]]()

    def after_shard(result: Result) -> None:
        samples.append(held())
        seen.append((time.perf_counter(), result.rows))

    with tempfile.TemporaryDirectory(prefix="bulk-") as output:
        summary = tag_in_bulk(source, output, model, settings, workers, after_shard=after_shard)
    print(summary)
    (first, _), *later = seen[max(1, workers) - 1 :]  # by then, every worker has its model
    steady = _speed(sum(rows for _, rows in later), later[-1][0] - first)
    speed = _speed(summary.rows, summary.seconds)
    return {**speed, "failed": summary.failed, "steady": steady, "memory": memory_of(samples)}


def main() -> int:
    """Measure both parts, and write what was found."""
    model, settings = str(output_folder() / "model"), BulkSettings()
    facts = {"command": "python -m benchmarks.bulk_bench", "rows": ROWS, "workers": WORKERS}
    facts |= {"shard_rows": settings.shard_rows, **machine(TrainConfig(device="cpu"))}
    with tempfile.TemporaryDirectory(prefix="utterances-") as folder:
        whole = write_utterances(Path(folder, "whole.parquet"), ROWS)
        part = write_utterances(Path(folder, "part.parquet"), ROWS // WORKERS)
        stream = measure(measure_stream, 1, part, model, settings)
        bulk = measure(measure_workers, 1, whole, model, settings, WORKERS)
    write_json(RESULTS_FOLDER / "bulk.json", {**facts, "stream": stream, "bulk": bulk})
    return 0


def _speed(rows: int, seconds: float) -> dict[str, Any]:
    return {"rows": rows, "seconds": round(seconds, 1), "rows_per_second": round(rows / seconds, 1)}


if __name__ == "__main__":
    sys.exit(main())
