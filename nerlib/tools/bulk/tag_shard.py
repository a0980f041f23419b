"""One shard tagged: its rows read, its entities written, what failed set apart with its reason.

    OUTPUT/parts/00000-000000010000.parquet    the shard's rows with their entities
    OUTPUT/failed/00000-000000010000.jsonl     rows that could not be tagged, if there are any

The part is put in place last of all, whole. If it is there, the shard is done, for good.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from itertools import islice
from typing import IO, Any, Protocol

import pyarrow
from pyarrow import parquet

from nerlib.inference import Entity
from nerlib.tools.bulk.shards import PARQUET, Row, Shard, read_rows
from nerlib.tools.bulk.storage import Storage, StorageError

CHUNK = 1024  # rows that are tagged, and in memory, at a time
PARTS, FAILED = "parts", "failed"
ENTITY = pyarrow.struct(
    [
        ("type", pyarrow.string()),
        ("text", pyarrow.string()),
        ("start", pyarrow.int32()),
        ("end", pyarrow.int32()),
        ("score", pyarrow.float32()),
    ]
)
SCHEMA = pyarrow.schema(
    [
        ("file", pyarrow.string()),
        ("row", pyarrow.int64()),
        ("text", pyarrow.string()),
        ("entities", pyarrow.list_(ENTITY)),
    ]
)


class TagsLists(Protocol):
    """What can tag a list of texts: a `Tagger`."""

    def __call__(self, text: Sequence[str], /) -> list[list[Entity]]:
        """Return the entities of each text."""


@dataclass(frozen=True)
class Result:
    """What became of a shard: rows read, those of them that failed, and who did it.

    `error` says why nothing became of it.
    """

    name: str
    rows: int = 0
    failed: int = 0
    process: int = 0
    error: str = ""


def tag_shard(
    tagger: TagsLists,
    source: Storage,
    target: Storage,
    shard: Shard,
    column: str = "text",
    written: str = PARQUET,
    max_characters: int = 10_000,
) -> Result:
    """Tag a shard's rows into its part, `CHUNK` rows at a time; return how many there were.

    Raises `StorageError` if the input cannot be read or the output cannot be written; then there
    is no part.
    """
    rows = failed = 0
    with ExitStack() as files:
        # They are closed in the opposite order: the part comes last.
        part = files.enter_context(target.new(part_name(shard, written)))
        write = files.enter_context(closing(Writer(part, written)))
        trouble: IO[bytes] | None = None
        lines = read_rows(source, shard, column)
        while chunk := list(islice(lines, CHUNK)):
            for row, found, reason in tag_rows(tagger, chunk, max_characters):
                if not reason:
                    write.row(shard.shown, row, found)
                    continue
                failed += 1
                if trouble is None:
                    trouble = files.enter_context(target.new(f"{FAILED}/{shard.name}.jsonl"))
                trouble.write(_json_line({"file": shard.shown, "row": row.number, "why": reason}))
            rows += len(chunk)
            write.flush()
        if rows != shard.rows:
            raise StorageError(
                f"{shard.shown} has changed: {rows:,} rows from row {shard.start:,}, not "
                f"{shard.rows:,}"
            )
    return Result(shard.name, rows, failed)


def part_name(shard: Shard, written: str) -> str:
    """Return the name of a shard's part below the output folder."""
    return f"{PARTS}/{shard.name}.{written}"


def tag_rows(
    tagger: TagsLists, rows: Sequence[Row], max_characters: int
) -> Iterator[tuple[Row, list[Entity], str]]:
    """Yield each row with its entities, or with the reason why it could not be tagged."""
    checked = [_too_long(row, max_characters) for row in rows]
    good = [row for row in checked if not row.problem]
    tagged = dict(zip((row.number for row in good), _answers(tagger, good), strict=True))
    for row in checked:
        found, reason = tagged.get(row.number, ([], row.problem))
        yield row, found, reason


def _too_long(row: Row, most: int) -> Row:
    if len(row.text) <= most:
        return row
    return Row(row.number, "", f"its text has {len(row.text):,} characters, more than {most:,}")


def _answers(tagger: TagsLists, rows: Sequence[Row]) -> list[tuple[list[Entity], str]]:
    """Return the entities of each row, and why there are none; one bad row spoils no other."""
    try:
        return [(found, "") for found in tagger([row.text for row in rows])]
    except Exception as error:  # whatever it is belongs to some row, which is looked for
        if len(rows) == 1:
            return [([], f"tagging failed: {type(error).__name__}: {error}"[:500])]
    middle = len(rows) // 2
    return _answers(tagger, rows[:middle]) + _answers(tagger, rows[middle:])


class Writer:
    """Writes tagged rows as Parquet or as JSON lines; `flush` ends a row group."""

    def __init__(self, file: IO[bytes], written: str) -> None:
        self.file = file
        self.rows: list[dict[str, Any]] = []
        self.table = parquet.ParquetWriter(file, SCHEMA) if written == PARQUET else None

    def row(self, file: str, row: Row, entities: Sequence[Entity]) -> None:
        """Take a row with its entities."""
        found = [asdict(entity) for entity in entities]
        content = {"file": file, "row": row.number, "text": row.text, "entities": found}
        if self.table is None:
            self.file.write(_json_line(content))
        else:
            self.rows.append(content)

    def flush(self) -> None:
        """Write what has been taken."""
        if self.table is not None and self.rows:
            self.table.write_table(pyarrow.Table.from_pylist(self.rows, SCHEMA))
            self.rows.clear()

    def close(self) -> None:
        """End the file."""
        if self.table is not None:
            self.table.close()


def _json_line(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
