"""JSON from other programs: whole files and lines, within limits, checked field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nerlib.corpus import decode_lines, short_lines
from nerlib.parsing import Span
from nerlib.tools.exchange.document import Document, ExchangeError, located

LARGEST_FILE = 512 * 2**20  # bytes; a JSON file has to be read as a whole

Row = dict[str, Any]


def read_json_file(path: Path) -> Any:
    """Return what a JSON file holds; raises `ExchangeError` if it holds none, or is too large."""
    if path.stat().st_size > LARGEST_FILE:
        raise ExchangeError(f"{path.name} is larger than {LARGEST_FILE // 2**20} MiB: split it")
    with path.open("rb") as file, located(path.name):
        return _load(b"".join(short_lines(file)))


def read_json_lines(path: Path) -> Iterator[tuple[str, Row]]:
    """Yield each object of a JSON-lines file with its place, for error messages."""
    with path.open("rb") as file:
        for number, line in enumerate(decode_lines(file, path.name, ExchangeError), start=1):
            where = f"{path.name}, line {number}"
            if line.strip():
                with located(where):
                    content = an_object(_load(line.encode()), "the line")
                yield where, content


def read_tagged(path: Path) -> list[Document]:
    """Return the texts that `python -m nerlib tag` printed, with the entities that it found."""
    documents = []
    for where, row in read_json_lines(path):
        with located(where):
            found = a_list(row.get("entities"), "entities")
            spans = tuple(a_span(item, item.get("type")) for item in found)
            scores = tuple(a_score(item.get("score")) for item in found)
            documents.append(Document(a_text(row.get("text"), "text"), spans, scores=scores))
    return documents


def to_json(content: object) -> str:
    """Return JSON; raises `ExchangeError` for numbers that JSON does not have.

    >>> to_json({"start": 1})
    '{"start": 1}'
    """
    try:
        return json.dumps(content, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise ExchangeError("a score is not finite, and JSON has no such number") from None


def an_object(value: Any, what: str) -> Row:
    """Return a JSON object; raises `ExchangeError` for anything else."""
    if not isinstance(value, dict):
        raise ExchangeError(f"{what} must be a JSON object, not {type(value).__name__}")
    return value


def a_list(value: Any, what: str) -> list[Row]:
    """Return a list of JSON objects, empty for null; raises `ExchangeError` for anything else."""
    if not isinstance(value, list | None):
        raise ExchangeError(f"{what} must be a list, not {type(value).__name__}")
    return [an_object(item, f"an item of {what}") for item in value or []]


def a_text(value: Any, what: str) -> str:
    """Return a text; raises `ExchangeError` for anything else."""
    if not isinstance(value, str):
        raise ExchangeError(f"{what} must be a text, not {type(value).__name__}")
    return value


def a_span(item: Row, name: Any) -> Span:
    """Return a span with `start` and `end` of a JSON object; raises `ExchangeError`.

    >>> a_span({"start": 3, "end": 7}, "time")
    Span(type='time', start=3, end=7)
    """
    for key in ("start", "end"):
        if type(item.get(key)) is not int:
            found = repr(item.get(key))[:40]
            raise ExchangeError(f"{key} of a span must be a whole number, not {found}")
    return Span(a_text(name, "the type of a span"), item["start"], item["end"])


def a_score(value: Any) -> float:
    """Return a score; raises `ExchangeError` for what is not a finite number."""
    if type(value) not in (int, float) or not abs(value) < 1e308:
        raise ExchangeError(f"a score must be a finite number, not {repr(value)[:40]}")
    return float(value)


def _load(content: bytes) -> Any:
    """Return what JSON says; Python refuses to convert thousands of digits, and none is needed."""
    try:
        return json.loads(content.decode("utf-8-sig"), parse_int=lambda digits: int(digits[:20]))
    except (ValueError, RecursionError) as error:
        raise ExchangeError(f"not JSON in UTF-8 ({error})") from None
