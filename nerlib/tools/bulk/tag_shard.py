"""One shard tagged: its rows read, its entities written, what failed set apart with its reason.

OUTPUT/parts/00000-000000010000.parquet    its rows with their entities: last of all, and whole
OUTPUT/failed/00000-000000010000.jsonl     rows that could not be tagged, if there are any
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from typing import IO, Any

import pyarrow
from pyarrow import parquet

from nerlib.inference import Entity
from nerlib.tools.bulk.manifest import BulkSettings
from nerlib.tools.bulk.shards import FAILED, LINES, PARTS, Row, Shard, read_rows
from nerlib.tools.bulk.storage import Storage, StorageError

CHUNK = 1024  # rows that are tagged, and in memory, at a time
_TEXT, _PLACE = pyarrow.string(), pyarrow.int32()
_SPAN = {"type": _TEXT, "text": _TEXT, "start": _PLACE, "end": _PLACE, "score": pyarrow.float32()}
_ENTITIES = pyarrow.list_(pyarrow.struct(_SPAN))
_COLUMNS = {"file": _TEXT, "row": pyarrow.int64(), "text": _TEXT, "entities": _ENTITIES}
_COLUMNS["other"] = _TEXT  # the input's other columns, as JSON
SCHEMA = pyarrow.schema(_COLUMNS)

Records = list[dict[str, Any]]
TagsLists = Callable[[list[str]], list[list[Entity]]]  # as a `Tagger` does


@dataclass(frozen=True)
class Result:
    """What became of a shard: rows read and failed, who did it, or why it is not done (`error`).

    `why` is the reason of the first row that failed.
    """

    name: str
    rows: int = 0
    failed: int = 0
    process: int = 0
    error: str = ""
    why: str = ""


def tag_shard(
    tagger: TagsLists, source: Storage, target: Storage, shard: Shard, settings: BulkSettings
) -> Result:
    """Tag a shard's rows into its part, `CHUNK` rows at a time; return how many there were.

    Raises `StorageError` if something cannot be read or written; then there is no part.
    """
    rows, failed, shown, why = 0, 0, source.relative(shard.path), ""
    with ExitStack() as files:
        # They are closed in the opposite order: the part comes last.
        part = files.enter_context(target.new(f"{PARTS}/{shard.name}.{settings.written}"))
        write = files.enter_context(_part_writer(part, settings.written))
        trouble, failed_name = None, f"{FAILED}/{shard.name}.jsonl"
        lines = read_rows(source, shard, settings.column, settings.max_characters)
        while chunk := list(islice(lines, CHUNK)):
            done, broken = tag_rows(tagger, chunk)
            write([{"file": shown, **row} for row in done])
            if broken:
                why = why or f"row {broken[0]['row']} of {shown}: {broken[0]['why']}"
                trouble = trouble or files.enter_context(target.new(failed_name))
                trouble.writelines(_json_line({"file": shown, **row}) for row in broken)
            rows, failed = rows + len(chunk), failed + len(broken)
        if rows != shard.rows:
            found = f"{rows:,} rows from row {shard.start:,}, not {shard.rows:,}"
            raise StorageError(f"{shown} has changed: {found}")
    return Result(shard.name, rows, failed, os.getpid(), why=why)


def tag_rows(tagger: TagsLists, rows: Sequence[Row]) -> tuple[Records, Records]:
    """Return the rows with their entities, and those that could not be tagged, with the reason."""
    done, broken = [], []
    answers = iter(_answers(tagger, [row.text for row in rows if not row.problem]))
    for row in rows:
        found = row.problem or next(answers)
        if isinstance(found, str):
            broken.append({"row": row.number, "why": found})
        else:
            entities = [asdict(entity) for entity in found]
            found_in = {"row": row.number, "text": row.text, "entities": entities}
            done.append(found_in | {"other": row.other or None})
    return done, broken


def _answers(tagger: TagsLists, texts: list[str]) -> list[list[Entity] | str]:
    """Return each text's entities, or why there are none; one bad text spoils no other."""
    try:
        return [*tagger(texts)]
    except Exception as error:  # whatever it is belongs to some text, which is looked for
        if len(texts) == 1:
            return [f"tagging failed: {type(error).__name__}: {error}"[:500]]
    middle = len(texts) // 2
    return _answers(tagger, texts[:middle]) + _answers(tagger, texts[middle:])


@contextmanager
def _part_writer(file: IO[bytes], written: str) -> Iterator[Callable[[Records], object]]:
    """Yield what writes rows to a file, as JSON lines or as a row group of Parquet."""
    if written == LINES:
        yield lambda rows: file.writelines(
            _json_line(row | {"other": json.loads(row["other"] or "null")}) for row in rows
        )
        return
    with parquet.ParquetWriter(file, SCHEMA) as table:
        yield lambda rows: table.write_table(pyarrow.Table.from_pylist(rows, SCHEMA))


def _json_line(content: dict[str, Any]) -> bytes:
    # Half a character becomes an escape, which JSON can hold and UTF-8 cannot.
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
