"""How fast tagging in bulk is, and how flat its memory: workers against the stream of one process.

    python -m benchmarks.bulk_bench --rows 1000000      # writes benchmarks/bulk.json

The utterances are generated. The stream is `tagger(iterator)` with one thread on one core; it gets
as many rows as one of the workers does, so that both parts take about as long. Each part runs in a
process of its own. Memory is what the system counts as resident, sampled whenever a shard is done.
"""

import argparse
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
from nerlib.atomic import whole_file
from nerlib.course.utterances import utterances
from nerlib.optimization import TrainConfig
from nerlib.tools.bulk.manifest import BulkSettings
from nerlib.tools.bulk.run import tag_in_bulk
from nerlib.tools.bulk.tag_shard import Result
from nerlib.tools.tagger import Tagger

GROUP = 10_000  # rows that are in memory when a file is written


class Memory:
    """The memory of this process, and of those that it has started, whenever `look` is called."""

    def __init__(self) -> None:
        self.samples: list[dict[str, float]] = []

    def look(self) -> None:
        """Take a sample, in megabytes: `here`, and all processes that it has started, `workers`."""
        workers = 0.0
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):  # it ended while we looked
                workers += child.memory_info().rss / MEGABYTE
        self.samples.append({"here": resident(), "workers": workers})

    def as_json(self) -> dict[str, Any]:
        """Return the peaks, in megabytes, and by how much that of the second half is higher."""
        sums = [sample["here"] + sample["workers"] for sample in self.samples]
        middle = max(1, len(sums) // 2)
        return {
            "peak": {
                name: round(max(s[name] for s in self.samples), 1) for name in self.samples[0]
            },
            "growth": round(max(sums[middle:] or sums) - max(sums[:middle]), 1),
        }


def write_utterances(path: str | Path, rows: int, seed: int = 0) -> Path:
    """Write utterances to a Parquet file with a column `text`, and return its path."""
    source = utterances(seed)
    schema = pyarrow.schema([("text", pyarrow.string())])
    with whole_file(Path(path)) as unfinished, parquet.ParquetWriter(unfinished, schema) as writer:
        for done in range(0, rows, GROUP):
            texts = list(islice(source, min(GROUP, rows - done)))
            writer.write_table(pyarrow.table({"text": texts}, schema))
    return Path(path)


def measure_stream(source: Path, model: str, settings: BulkSettings) -> dict[str, Any]:
    """Return how fast one process tags an iterator, and what memory it takes."""
    tagger = Tagger.from_pretrained(model, "cpu", settings.precision)  # type: ignore[arg-type]
    memory, rows, started = Memory(), 0, time.perf_counter()
    batches = parquet.ParquetFile(source).iter_batches(batch_size=1024)
    for _ in tagger(text for batch in batches for text in batch.column("text").to_pylist()):
        rows += 1
        if rows % settings.shard_rows == 0:
            memory.look()
    seconds = time.perf_counter() - started
    memory.look()
    return {**_speed(rows, seconds), "memory": memory.as_json()}


def measure_workers(
    source: Path, model: str, settings: BulkSettings, workers: int
) -> dict[str, Any]:
    """Return how fast workers tag a file, and what memory they take.

    `steady` leaves out the start: what was done after the first shard, in the time after it.
    """
    memory, seen = Memory(), list[tuple[float, int]]()

    def after_shard(result: Result) -> None:
        memory.look()
        seen.append((time.perf_counter(), result.rows))

    with tempfile.TemporaryDirectory(prefix="bulk-") as output:
        summary = tag_in_bulk(source, output, model, settings, workers, after_shard=after_shard)
    print(summary)
    begun = min(max(1, workers), len(seen))  # shards: by then, every worker has its model
    later, first = sum(rows for _, rows in seen[begun:]), seen[begun - 1][0]
    steady = _speed(later, seen[-1][0] - first) if later else None
    speed = _speed(summary.rows, summary.seconds)
    return {**speed, "failed": summary.failed, "steady": steady, "memory": memory.as_json()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both parts, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shard-rows", type=int, default=10_000)
    parser.add_argument("--model", default="build/model", help="a model folder (build/model)")
    parser.add_argument("--output", type=Path, default=RESULTS_FOLDER / "bulk.json")
    options = parser.parse_args(arguments)
    how = options.model, BulkSettings(shard_rows=options.shard_rows)
    facts = {
        "command": f"python -m benchmarks.bulk_bench --rows {options.rows}",
        "rows": options.rows,
        "workers": options.workers,
        "shard_rows": options.shard_rows,
        **machine(TrainConfig(device="cpu")),
    }
    with tempfile.TemporaryDirectory(prefix="utterances-") as folder:
        whole = write_utterances(Path(folder, "whole.parquet"), options.rows)
        part = write_utterances(Path(folder, "part.parquet"), options.rows // options.workers)
        stream = measure(measure_stream, 1, part, *how)
        bulk = measure(measure_workers, 1, whole, *how, options.workers)
    write_json(options.output, {**facts, "stream": stream, "bulk": bulk})
    print(f"written to {options.output}")
    return 0


def _speed(rows: int, seconds: float) -> dict[str, Any]:
    return {"rows": rows, "seconds": round(seconds, 1), "rows_per_second": round(rows / seconds, 1)}


if __name__ == "__main__":
    sys.exit(main())
