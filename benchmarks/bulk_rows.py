"""The rows that tagging in bulk is measured with: a Parquet file of synthetic utterances."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pyarrow
from pyarrow import parquet

from nerlib.atomic import whole_file
from nerlib.course.utterances import utterances

GROUP = 10_000  # rows that are in memory when a file is written


def write_utterances(path: str | Path, rows: int, seed: int = 0) -> Path:
    """Write utterances to a Parquet file with a column `text`, and return its path."""
    source = utterances(seed)
    schema = pyarrow.schema([("text", pyarrow.string())])
    with whole_file(Path(path)) as unfinished, parquet.ParquetWriter(unfinished, schema) as writer:
        for done in range(0, rows, GROUP):
            texts = list(islice(source, min(GROUP, rows - done)))
            writer.write_table(pyarrow.table({"text": texts}, schema))
    return Path(path)
