"""Work cut into shards, each some thousand rows of one file. Built in notebook 10."""

import csv
import io
import json
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow
from pyarrow import parquet

from nerlib.corpus import decode_line, short_lines
from nerlib.tools.bulk.storage import Storage, StorageError, StoredFile, storage_errors

PARTS, FAILED = "parts", "failed"  # the folders of what becomes of them
LINES, PARQUET = "jsonl", "parquet"
KINDS = {".jsonl": LINES, ".ndjson": LINES, ".json": LINES, ".parquet": PARQUET, ".pq": PARQUET}
KINDS |= {".csv": ",", ".tsv": "\t"}  # tables of text: what stands between their cells
BLOCK = 2**20  # bytes that are read at a time
BATCH = 1024  # rows of a Parquet file that are decoded at a time

Columns = dict[str, object]
Value = Callable[[], Columns]  # returns a row's columns, or raises `ValueError` with the reason


class Row(NamedTuple):
    """One row of the input: its number in the file, from 0, and its text, or why it has none.

    `other` holds its other columns as JSON, empty if there are none.
    """

    number: int
    text: str
    problem: str = ""
    other: str = ""


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


def data_files(
    source: Storage, files: list[StoredFile], column: str
) -> tuple[list[StoredFile], list[str]]:
    """Return the files with rows, and the names of others in the same folder, as README.md.

    A `.json` file there has to begin with a row that has the column: others are about the data.
    """
    if [path for path, *_ in files] == [source.root]:
        return files, []
    kept = [file for file in files if _is_data(source, file[0], column)]
    return kept, [source.relative(path) for path, *_ in sorted({*files} - {*kept})]


def _is_data(source: Storage, path: str, column: str) -> bool:
    if not path.lower().endswith(".json"):
        return Path(path).suffix.lower() in KINDS
    with source.open(path) as file, suppress(ValueError, RecursionError):
        first = json.loads(next(_lines_from(file, 0), (0, b"null"))[1])
        return isinstance(first, dict) and column in first
    return False


def plan(source: Storage, files: list[StoredFile], shard_rows: int) -> list[Shard]:
    """Return the shards of all files, in order, each read once; raises `StorageError`."""
    shards = []
    for number, (path, *_) in enumerate(files):
        kind = _kind_of(path)
        with source.open(path) as file, storage_errors(path):
            if kind == LINES:
                pieces = [*_cut_lines(file, shard_rows)]
            else:
                rows = _count_rows(file, kind)
                starts = range(0, rows, shard_rows)
                pieces = [(start, min(shard_rows, rows - start), 0) for start in starts]
        shards += [Shard(number, path, *piece) for piece in pieces]
    return shards


def read_rows(
    source: Storage, shard: Shard, column: str, max_characters: int = 10_000
) -> Iterator[Row]:
    """Yield every row of a shard, those without a usable text too; raises `StorageError`."""
    readers = {LINES: _lines, PARQUET: _parquet}
    values = readers.get(kind := _kind_of(shard.path)) or partial(_table, between=kind)
    with source.open(shard.path) as file, storage_errors(shard.path):
        for number, value in enumerate(values(file, shard), shard.start):
            try:
                columns = value()
                text = _text_of(columns, column, max_characters)
                other = _as_json(columns) if columns else ""
                row = Row(number, text, other=other)
            except (ValueError, OverflowError, pyarrow.ArrowException) as error:
                row = Row(number, "", str(error))
            yield row


def _kind_of(path: str) -> str:
    """Return what a file holds, by its name; raises `StorageError` for others."""
    if (ending := Path(path).suffix.lower()) not in KINDS:
        raise StorageError(f"{path} is of an unknown kind: use {', '.join(KINDS)}, uncompressed")
    return KINDS[ending]


def _count_rows(file: Any, kind: str) -> int:
    """Return how many rows a Parquet file has, by its footer, or a table of text."""
    if kind == PARQUET:
        return int(parquet.read_metadata(file).num_rows)
    return sum(1 for _ in _records(file, kind)) - 1


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


def _text_of(columns: Columns, column: str, max_characters: int) -> str:
    """Take a text that can be tagged and written out of a row; raises `ValueError` if none is."""
    if column not in columns:
        found = ", ".join([*columns][:5])[:200] or "nothing"
        raise ValueError(f"no column {column!r}: there is {found} (--column)")
    value = columns.pop(column)
    if not isinstance(value, str):
        raise ValueError(f"the text has to be a string, not {type(value).__name__}")
    value.encode()  # raises for half a character, a lone surrogate
    if len(value) > max_characters:
        raise ValueError(f"the text has {len(value):,} characters, more than {max_characters:,}")
    return value


def _as_json(columns: Columns) -> str:
    """Return columns as JSON; what it does not have, as dates and NaN, becomes text."""
    try:
        return json.dumps(columns, default=str, allow_nan=False)
    except ValueError:
        return json.dumps(json.loads(json.dumps(columns, default=str), parse_constant=str))


def _lines(file: Any, shard: Shard) -> Iterator[Value]:
    """Yield the rows of lines that hold JSON objects."""
    lines = islice(_lines_from(file, shard.byte), shard.rows)
    for number, (_, line) in enumerate(lines, shard.start + 1):
        yield partial(_columns_of_line, line, number)


def _columns_of_line(line: bytes, number: int) -> Columns:
    """Return the columns of a line of JSON, counted from 1; raises `ValueError`."""
    text = decode_line(line, number)
    if not text.strip():
        raise ValueError("the line is empty")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:  # the second for brackets nested too deep
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"not a JSON object but a {type(content).__name__}")
    return content


def _parquet(file: Any, shard: Shard) -> Iterator[Value]:
    """Yield the rows of a Parquet file."""
    table = parquet.ParquetFile(file, pre_buffer=False)
    _apart(table.schema_arrow.names)
    stop = shard.start + shard.rows
    sizes = [table.metadata.row_group(group).num_rows for group in range(table.num_row_groups)]
    starts = [0, *accumulate(sizes)]  # the first row of each group
    first, end = bisect_right(starts, shard.start) - 1, bisect_left(starts, stop)
    number, groups = starts[first], [*range(first, min(end, len(sizes)))]
    for batch in table.iter_batches(batch_size=BATCH, row_groups=groups):
        wanted = range(max(0, shard.start - number), min(len(batch), stop - number))
        yield from (partial(_columns_of_batch, batch, row) for row in wanted)
        number += len(batch)


def _columns_of_batch(batch: pyarrow.RecordBatch, row: int) -> Columns:
    return {name: batch.column(name)[row].as_py() for name in batch.schema.names}


def _records(file: Any, between: str) -> Iterator[list[str]]:
    """Yield the records of a table of text, the first of which names the columns.

    A record may go over several lines, so that it is found from the file's beginning alone.
    """
    text = io.TextIOWrapper(io.BufferedReader(file, BLOCK), encoding="utf-8-sig", newline="")
    csv.field_size_limit(16 * BLOCK)  # a longer cell is one whose quote is never closed
    records = csv.reader(text, delimiter=between, strict=True)
    try:
        yield _apart(next(filter(None, records), []))
        yield from records
    except (UnicodeDecodeError, csv.Error) as error:
        advice = "save it in UTF-8, with quotes doubled inside of quoted cells"
        raise OSError(f"near line {records.line_num} ({error}): {advice}") from None


def _table(file: Any, shard: Shard, between: str) -> Iterator[Value]:
    """Yield the rows of a table of text."""
    records = _records(file, between)
    names = next(records)
    for cells in islice(records, shard.start, shard.start + shard.rows):
        yield partial(_columns_of_record, names, cells)


def _apart(names: list[str]) -> list[str]:
    """Return the names of columns; raises `OSError` if two are the same."""
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise OSError(f"two columns are called {twice[0]!r}: rename one")
    return names


def _columns_of_record(names: list[str], cells: list[str]) -> Columns:
    if not cells:
        raise ValueError("the line is empty")
    if len(cells) != len(names):
        raise ValueError(f"{len(cells)} cells, not {len(names)} as in the first line")
    return dict(zip(names, cells, strict=True))
