"""Work cut into shards: some thousand rows of one file, known before anything is read.

A shard is what one worker does in one go and what is there afterwards or not. Its name says which
rows it holds, so that a run which starts again knows what is left. Built in notebook 10.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow
from pyarrow import parquet

from nerlib.corpus import MOST_BYTES, decode_line
from nerlib.tools.bulk.storage import FileFacts, Storage, StorageError, told

LINES, PARQUET = "jsonl", "parquet"
KINDS = {".jsonl": LINES, ".ndjson": LINES, ".json": LINES, ".parquet": PARQUET, ".pq": PARQUET}
PACKED = (".gz", ".zst", ".bz2", ".xz", ".zip")
BLOCK = 2**20  # bytes that are read at a time, and rows' worth of memory that a reader takes
BATCH = 1024  # rows of a Parquet file that are decoded at a time


class Row(NamedTuple):
    """One row of the input: its number in the file, from 0, and its text, or why it has none."""

    number: int
    text: str
    problem: str = ""


@dataclass(frozen=True)
class Shard:
    """Rows `start` to `start + rows` of a file; `byte` is where the first of these lines begins.

    >>> Shard(file=3, path="day.jsonl", shown="day.jsonl", start=20_000, rows=10_000).name
    '00003-000000020000'
    """

    file: int
    path: str
    shown: str
    start: int
    rows: int
    byte: int = 0

    @property
    def name(self) -> str:
        """What its files are called, the same in every run over the same input."""
        return f"{self.file:05d}-{self.start:012d}"

    @property
    def kind(self) -> str:
        """Whether the file holds Parquet or JSON lines."""
        return kind_of(self.path)


def kind_of(path: str) -> str:
    """Return what a file holds, by its name; raises `StorageError` for others.

    >>> kind_of("day.parquet"), kind_of("DAY.JSONL")
    ('parquet', 'jsonl')
    """
    ending = "." + path.lower().rsplit(".", 1)[-1]
    if ending in KINDS:
        return KINDS[ending]
    if ending in PACKED:
        raise StorageError(f"{path} is packed: unpack it, since a worker starts in its middle")
    raise StorageError(f"{path} is of no known kind: use {', '.join(KINDS)}")


def plan(source: Storage, files: list[FileFacts], shard_rows: int) -> list[Shard]:
    """Return the shards of all files, in order. Lines have to be counted: each file is read once.

    Raises `StorageError` for a file that cannot be read.
    """
    shards = []
    for number, file in enumerate(files):
        shown = source.relative(file.path)
        cut = cut_lines if kind_of(file.path) == LINES else cut_parquet
        with source.open(file.path) as content, told(file.path):
            pieces = list(cut(content, shard_rows))
        shards += [Shard(number, file.path, shown, *piece) for piece in pieces]
    return shards


def cut_parquet(file: Any, shard_rows: int) -> Iterator[tuple[int, int, int]]:
    """Yield start and number of rows of a Parquet file's shards; its footer says how many."""
    total = parquet.read_metadata(file).num_rows
    for start in range(0, total, shard_rows):
        yield start, min(shard_rows, total - start), 0


def cut_lines(file: Any, shard_rows: int) -> Iterator[tuple[int, int, int]]:
    """Yield start, number of rows and first byte of a file's shards, one line being one row.

    >>> import io
    >>> list(cut_lines(io.BytesIO(b"{}" + bytes([10]) + b"{}" + bytes([10]) + b"{}"), shard_rows=2))
    [(0, 2, 0), (2, 1, 6)]
    """
    lines = begin = position = start = 0  # of the shard that is being counted: lines, first byte
    ended = True
    while block := file.read(BLOCK):
        found = -1
        while (found := block.find(b"\n", found + 1)) >= 0:
            lines += 1
            if lines == shard_rows:
                yield start, lines, begin
                start, lines, begin = start + lines, 0, position + found + 1
        position, ended = position + len(block), block.endswith(b"\n")
    lines += not ended  # a last line without a line end
    if lines:
        yield start, lines, begin


def read_rows(source: Storage, shard: Shard, column: str) -> Iterator[Row]:
    """Yield every row of a shard, those without a usable text too; a few are in memory at a time.

    Raises `StorageError` if the file cannot be read.
    """
    read = _lines if shard.kind == LINES else _parquet
    with source.open(shard.path) as file, told(shard.path):
        yield from read(file, shard, column)


def _lines(file: Any, shard: Shard, column: str) -> Iterator[Row]:
    """Yield the rows of lines that hold JSON objects."""
    file.seek(shard.byte)
    for number, line in enumerate(_whole_lines(file, shard.rows), shard.start):
        try:
            if line is None:
                raise ValueError(f"the line is longer than {MOST_BYTES // 2**20} MiB")
            yield Row(number, text_of_line(decode_line(line, number + 1), column))
        except ValueError as problem:
            yield Row(number, "", str(problem))


def _whole_lines(file: Any, count: int) -> Iterator[bytes | None]:
    """Yield so many lines, without their ends; None in place of one that is too long.

    pyarrow's files know no lines, so that they are cut from blocks here.
    """
    kept, skipping = b"", False
    while count:
        block = file.read(BLOCK)
        *ended, rest = (kept + block).split(b"\n")
        if not block:  # what is left is a last line without a line end, if it is anything
            ended, rest = [kept] if kept or skipping else [], b""
        for line in ended[:count]:
            yield None if skipping else line
            skipping = False
        count -= min(count, len(ended))
        skipping = skipping or len(rest) > MOST_BYTES
        kept = b"" if skipping else rest
        if not block:
            return


def text_of_line(line: str, column: str) -> str:
    """Return the text in a line of JSON; raises `ValueError` with what is wrong with it.

    >>> text_of_line('{"text": "wake me at nine"}', "text")
    'wake me at nine'
    >>> text_of_line('{"utt": "hello"}', "text")
    Traceback (most recent call last):
    ValueError: it has no 'text'; it has utt
    """
    if not line.strip():
        raise ValueError("the line is empty")
    try:
        content = json.loads(line)
    except RecursionError:
        raise ValueError("it is no JSON that can be read: nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"it is no JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"it is no JSON object but a {type(content).__name__}")
    if column not in content:
        names = ", ".join(list(content)[:5]) or "nothing"
        raise ValueError(f"it has no {column!r}; it has {names[:200]}")
    return checked_text(content[column])


def checked_text(value: object) -> str:
    """Return a text that can be tagged and written; raises `ValueError` for anything else.

    >>> checked_text(None)
    Traceback (most recent call last):
    ValueError: its text is no string, its type is NoneType
    """
    if not isinstance(value, str):
        raise ValueError(f"its text is no string, its type is {type(value).__name__}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"character {error.start} is half of a pair (no UTF-8)") from None
    return value


def _parquet(file: Any, shard: Shard, column: str) -> Iterator[Row]:
    """Yield the rows of a Parquet file."""
    table = parquet.ParquetFile(file, pre_buffer=False)
    names = table.schema_arrow.names
    stop = shard.start + shard.rows
    if column not in names:
        problem = f"the file has no column {column!r}; it has {', '.join(names[:5])}"
        yield from (Row(number, "", problem) for number in range(shard.start, stop))
        return
    groups, number = _row_groups(table.metadata, shard.start, stop)
    for batch in table.iter_batches(batch_size=BATCH, row_groups=groups, columns=[column]):
        skip, end = max(0, shard.start - number), min(len(batch), stop - number)
        for place in range(skip, end):
            try:
                yield Row(number + place, checked_text(_value(batch.column(0)[place])))
            except ValueError as problem:
                yield Row(number + place, "", str(problem))
        number += len(batch)


def _value(scalar: Any) -> object:
    """Return a value of Arrow's; raises `ValueError` for bytes that are no UTF-8."""
    try:
        return scalar.as_py()
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} of its text is not UTF-8") from None
    except (pyarrow.ArrowException, OverflowError) as error:
        raise ValueError(f"its text cannot be read: {error}") from None


def _row_groups(metadata: Any, start: int, stop: int) -> tuple[list[int], int]:
    """Return the row groups that hold rows from start to stop, and the first one's first row."""
    groups: list[int] = []
    first = before = 0
    for group in range(metadata.num_row_groups):
        after = before + metadata.row_group(group).num_rows
        if before < stop and after > start:
            first = first if groups else before
            groups.append(group)
        before = after
    return groups, first


__all__ = [
    "Row",
    "Shard",
    "checked_text",
    "cut_lines",
    "cut_parquet",
    "kind_of",
    "plan",
    "read_rows",
    "text_of_line",
]
