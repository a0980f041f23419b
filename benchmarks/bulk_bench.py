"""How fast tagging in bulk is, and how flat its memory: workers against the stream of one process.

    python -m benchmarks.bulk_bench --rows 1000000      # writes benchmarks/bulk.json
    python -m benchmarks.bulk_bench --rows 20000 --part bulk --output build/bulk.json

The utterances are generated. The stream is `tagger(iterator)` with one thread on one core; it gets
as many rows as one of the workers does, so that both parts take about as long. Each part runs in a
process of its own. Memory is what the system counts as resident, sampled whenever a shard is done.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet

from benchmarks.measured import RESULTS_FOLDER, machine, write_json
from nerlib.atomic import whole_file
from nerlib.course.utterances import utterances
from nerlib.device import set_threads
from nerlib.optimization import TrainConfig
from nerlib.tools.bulk.arithmetic import efficiency
from nerlib.tools.bulk.manifest import BulkSettings
from nerlib.tools.bulk.run import tag_in_bulk
from nerlib.tools.bulk.tag_shard import Result
from nerlib.tools.tagger import Tagger

MEGABYTE = 10**6
PARTS = ("stream", "bulk")
GROUP = 10_000  # rows that are in memory when a file is written


class Memory:
    """The memory of this process, and of those that it has started, whenever `look` is called."""

    def __init__(self) -> None:
        import psutil

        self._process, self._gone = psutil.Process(), psutil.Error
        self.samples: list[dict[str, float]] = []

    def look(self) -> None:
        """Take a sample, in megabytes: `here`, and all processes that it has started, `workers`."""
        sample = {"here": float(self._process.memory_info().rss), "workers": 0.0}
        for child in self._process.children(recursive=True):
            with suppress(self._gone):  # it ended while we looked
                sample["workers"] += child.memory_info().rss
        self.samples.append({name: round(size / MEGABYTE, 1) for name, size in sample.items()})

    def as_json(self) -> dict[str, Any]:
        """Return the peaks, about ten samples from start to end, and how much was added later.

        `growth` is the peak of the second half less that of the first, of this process and the
        workers together.
        """
        sums = [sample["here"] + sample["workers"] for sample in self.samples]
        middle = max(1, len(sums) // 2)
        every = max(1, len(self.samples) // 10)
        return {
            "unit": "MB",
            "peak": {name: max(s[name] for s in self.samples) for name in self.samples[0]},
            "growth": round(max(sums[middle:] or sums) - max(sums[:middle]), 1),
            "samples": self.samples[::every],
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
    set_threads(1)
    tagger = Tagger.from_pretrained(model, "cpu", settings.precision)  # type: ignore[arg-type]
    memory, entities, rows = Memory(), 0, 0
    started = time.perf_counter()
    for found in tagger(_texts(source)):
        entities, rows = entities + len(found), rows + 1
        if rows % settings.shard_rows == 0:
            memory.look()
    seconds = time.perf_counter() - started
    memory.look()
    return {**_speed(rows, seconds), "entities": entities, "memory": memory.as_json()}


def measure_workers(
    source: Path, model: str, settings: BulkSettings, workers: int
) -> dict[str, Any]:
    """Return how fast workers tag a file, and what memory they take.

    `steady` leaves out the start: what was done after the first shard, in the time after it.
    """
    set_threads(1)
    memory, seen = Memory(), list[tuple[float, int]]()

    def after_shard(result: Result) -> None:
        memory.look()
        seen.append((time.perf_counter(), result.rows))

    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bulk-") as output:
        summary = tag_in_bulk(
            source, output, model, settings, workers, report=_tell, after_shard=after_shard
        )
    seconds = time.perf_counter() - started
    _tell(str(summary))
    begun = min(max(1, workers), len(seen))  # shards: by then, every worker has its model
    later, first = sum(rows for _, rows in seen[begun:]), seen[begun - 1][0]
    steady = _speed(later, seen[-1][0] - first) if later else None
    return {
        **_speed(summary.rows, seconds),
        "workers": workers,
        "failed": summary.failed,
        "seconds_to_first_shards": round(first - started, 1),
        "steady": steady,
        "memory": memory.as_json(),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both parts, or one, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shard-rows", type=int, default=10_000)
    parser.add_argument("--model", default="build/model", help="a model folder (build/model)")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    parser.add_argument("--part", choices=PARTS, help="only this one (both)")
    parser.add_argument("--output", type=Path, default=RESULTS_FOLDER / "bulk.json")
    options = parser.parse_args(arguments)
    set_threads(1)
    parts = [options.part] if options.part else list(PARTS)
    facts = {
        "command": f"python -m benchmarks.bulk_bench --rows {options.rows}",
        "rows": options.rows,
        "workers": options.workers,
        "shard_rows": options.shard_rows,
        **machine(TrainConfig(device="cpu", precision=options.precision)),
    }
    found = {part: _in_a_process(part, options) for part in parts}
    if len(found) == len(PARTS):
        alone = found["stream"]["rows_per_second"]
        for result in (found["bulk"], found["bulk"]["steady"]):
            if result:
                share = efficiency(result["rows_per_second"], options.workers, alone)
                result["efficiency"] = round(share, 3)
    write_json(options.output, {**facts, **found})
    _tell(f"written to {options.output}")
    return 0


def _in_a_process(part: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one part in a fresh process, with rows of its own, and return what it found."""
    rows = options.rows if part == "bulk" else options.rows // options.workers
    settings = BulkSettings(shard_rows=options.shard_rows, precision=options.precision)
    with tempfile.TemporaryDirectory(prefix="utterances-") as folder:
        source = write_utterances(Path(folder) / "utterances.parquet", rows)
        _tell(f"{part}: {rows:,} utterances")
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            if part == "stream":
                done = pool.submit(measure_stream, source, options.model, settings)
            else:
                arguments = (source, options.model, settings, options.workers)
                done = pool.submit(measure_workers, *arguments)
            return done.result()


def _texts(source: Path) -> Iterator[str]:
    with parquet.ParquetFile(source) as file:
        for batch in file.iter_batches(batch_size=1024, columns=["text"]):
            yield from batch.column(0).to_pylist()


def _speed(rows: int, seconds: float) -> dict[str, Any]:
    return {"rows": rows, "seconds": round(seconds, 1), "rows_per_second": round(rows / seconds, 1)}


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
