"""Work cut into shards, each some thousand rows of one file. Built in notebook 10."""

from __future__ import annotations

import io
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, islice
from typing import Any, NamedTuple

import pyarrow
from pyarrow import parquet

from nerlib.corpus import decode_line, short_lines
from nerlib.tools.bulk.storage import Storage, StorageError, StoredFile, storage_errors

LINES, PARQUET = "jsonl", "parquet"
KINDS = {".jsonl": LINES, ".ndjson": LINES, ".json": LINES, ".parquet": PARQUET, ".pq": PARQUET}
BLOCK = 2**20  # bytes that are read at a time
BATCH = 1024  # rows of a Parquet file that are decoded at a time

Value = Callable[[], object]  # returns a row's text, or raises `ValueError` with the reason


class Row(NamedTuple):
    """One row of the input: its number in the file, from 0, and its text, or why it has none."""

    number: int
    text: str
    problem: str = ""


@dataclass(frozen=True)
class Shard:
    """Rows `start` to `start + rows` of a file; `byte` is where the first of these lines begins.

    >>> Shard(file=3, path="day.jsonl", start=20_000, rows=10_000).name
    '00003-000000020000'
    """

    file: int
    path: str
    start: int
    rows: int
    byte: int = 0

    @property
    def name(self) -> str:
        """What its files are called, the same in every run over the same input."""
        return f"{self.file:05d}-{self.start:012d}"


def plan(source: Storage, files: list[StoredFile], shard_rows: int) -> list[Shard]:
    """Return the shards of all files, in order, each read once; raises `StorageError`."""
    shards = []
    for number, (path, *_) in enumerate(files):
        cut = _cut_lines if _kind_of(path) == LINES else _cut_parquet
        with source.open(path) as content, storage_errors(path):
            shards += [Shard(number, path, *piece) for piece in cut(content, shard_rows)]
    return shards


def read_rows(
    source: Storage, shard: Shard, column: str, max_characters: int = 10_000
) -> Iterator[Row]:
    """Yield every row of a shard, those without a usable text too; raises `StorageError`."""
    values = _lines if _kind_of(shard.path) == LINES else _parquet
    with source.open(shard.path) as file, storage_errors(shard.path):
        for number, value in enumerate(values(file, shard, column), shard.start):
            try:
                row = Row(number, _checked_text(value(), max_characters))
            except (ValueError, OverflowError, pyarrow.ArrowException) as error:
                row = Row(number, "", str(error))
            yield row


def _kind_of(path: str) -> str:
    """Return what a file holds, by its name; raises `StorageError` for others."""
    ending = "." + path.lower().rsplit(".", 1)[-1]
    if ending not in KINDS:
        raise StorageError(f"{path} is of an unknown kind: use {', '.join(KINDS)}, uncompressed")
    return KINDS[ending]


def _cut_parquet(file: Any, shard_rows: int) -> Iterator[tuple[int, int, int]]:
    """Yield start and number of rows of a Parquet file's shards; its footer says how many."""
    total = parquet.read_metadata(file).num_rows
    for start in range(0, total, shard_rows):
        yield start, min(shard_rows, total - start), 0


def _cut_lines(file: Any, shard_rows: int) -> Iterator[tuple[int, int, int]]:
    """Yield start, number of rows and first byte of a file's shards, one line being one row."""
    start, places = 0, (byte for byte, _ in _lines_from(file, 0))
    for first in places:
        rows = 1 + sum(1 for _ in islice(places, shard_rows - 1))
        yield start, rows, first
        start += rows


def _lines_from(file: Any, byte: int) -> Iterator[tuple[int, bytes]]:
    """Yield a file's lines from a byte on, each with its first byte; of one too long, a part."""
    reader, begins = io.BufferedReader(file, BLOCK), True
    reader.seek(byte)
    for piece in short_lines(reader):
        if begins:
            yield byte, piece
        byte, begins = byte + len(piece), piece.endswith(b"\n")


def _checked_text(value: object, max_characters: int) -> str:
    """Return a text that can be tagged and written; raises `ValueError` for anything else."""
    if not isinstance(value, str):
        raise ValueError(f"the text has to be a string, not {type(value).__name__}")
    value.encode()  # raises for half a character, a lone surrogate
    if len(value) > max_characters:
        raise ValueError(f"the text has {len(value):,} characters, more than {max_characters:,}")
    return value


def _lines(file: Any, shard: Shard, column: str) -> Iterator[Value]:
    """Yield the rows of lines that hold JSON objects."""
    lines = enumerate(islice(_lines_from(file, shard.byte), shard.rows), shard.start + 1)
    yield from (partial(_text_of_line, line, number, column) for number, (_, line) in lines)


def _text_of_line(line: bytes, number: int, column: str) -> object:
    """Return what a line of JSON, counted from 1, has in a column; raises `ValueError`."""
    text = decode_line(line, number)
    if not text.strip():
        raise ValueError("the line is empty")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:  # the second for brackets nested too deep
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"not a JSON object but a {type(content).__name__}")
    return content[column] if column in content else _missing(column, list(content))


def _missing(column: str, names: list[str]) -> object:
    raise ValueError(f"no column {column!r}: there is {', '.join(names[:5])[:200] or 'nothing'}")


def _parquet(file: Any, shard: Shard, column: str) -> Iterator[Value]:
    """Yield the rows of a Parquet file."""
    table = parquet.ParquetFile(file, pre_buffer=False)
    names, stop = table.schema_arrow.names, shard.start + shard.rows
    if column not in names:
        yield from [partial(_missing, column, names)] * shard.rows
        return
    sizes = [table.metadata.row_group(group).num_rows for group in range(table.num_row_groups)]
    starts = [0, *accumulate(sizes)]  # the first row of each group
    first, end = bisect_right(starts, shard.start) - 1, bisect_left(starts, stop)
    number, groups = starts[first], [*range(first, min(end, len(sizes)))]
    for batch in table.iter_batches(batch_size=BATCH, row_groups=groups, columns=[column]):
        wanted = slice(max(0, shard.start - number), max(0, stop - number))
        yield from (value.as_py for value in batch.column(0)[wanted])
        number += len(batch)
