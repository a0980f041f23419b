"""JSON from other programs: whole files and lines, within limits, checked field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nerlib.corpus import decode_lines, short_lines
from nerlib.parsing import Span
from nerlib.tools.exchange.document import ExchangeError

LARGEST_FILE = 512 * 2**20  # bytes; a JSON file has to be read as a whole


def read_json_file(path: Path) -> Any:
    """Return what a JSON file holds; raises `ExchangeError` if it is none, or too large."""
    if path.stat().st_size > LARGEST_FILE:
        raise ExchangeError(f"{path.name} is larger than {LARGEST_FILE // 2**20} MiB: split it")
    with path.open("rb") as file:
        content = b"".join(short_lines(file))
    try:
        return _load(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ExchangeError(f"{path.name}: not JSON in UTF-8 ({error})") from None


def read_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each object of a JSON-lines file with its place, for error messages."""
    with path.open("rb") as file:
        for number, line in enumerate(decode_lines(file, path.name, ExchangeError), start=1):
            where = f"{path.name}, line {number}"
            if not line.strip():
                continue
            try:
                content = _load(line)
            except (ValueError, RecursionError) as error:
                raise ExchangeError(f"{where}: not JSON ({error})") from None
            yield where, an_object(content, where, "the line")


def to_json(content: object, where: str, indent: int | None = None) -> str:
    """Return JSON; raises `ExchangeError` for numbers that JSON does not have.

    >>> to_json({"start": 1}, "row 1")
    '{"start": 1}'
    """
    try:
        return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=indent)
    except ValueError:
        raise ExchangeError(f"{where}: a score is no finite number, which JSON lacks") from None


def an_object(value: Any, where: str, what: str) -> dict[str, Any]:
    """Return a JSON object; raises `ExchangeError` for anything else."""
    if not isinstance(value, dict):
        raise ExchangeError(f"{where}: {what} must be a JSON object, not {type(value).__name__}")
    return value


def a_list(value: Any, where: str, what: str) -> list[dict[str, Any]]:
    """Return a list of JSON objects, empty for null; raises `ExchangeError` for anything else."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise ExchangeError(f"{where}: {what} must be a list, not {type(value).__name__}")
    return [an_object(item, where, f"an item of {what}") for item in value]


def a_text(value: Any, where: str, what: str) -> str:
    """Return a text; raises `ExchangeError` for anything else."""
    if not isinstance(value, str):
        raise ExchangeError(f"{where}: {what} must be a text, not {type(value).__name__}")
    return value


def a_span(item: dict[str, Any], name: Any, where: str) -> Span:
    """Return a span with `start` and `end` of a JSON object; raises `ExchangeError`.

    >>> a_span({"start": 3, "end": 7}, "time", "line 1")
    Span(type='time', start=3, end=7)
    """
    for key in ("start", "end"):
        if not isinstance(item.get(key), int) or isinstance(item[key], bool):
            found = repr(item.get(key))[:40]
            raise ExchangeError(f"{where}: {key} of a span must be a whole number, not {found}")
    return Span(a_text(name, where, "the type of a span"), item["start"], item["end"])


def a_score(value: Any, where: str) -> float:
    """Return a score; raises `ExchangeError` for what is no finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e308:
        raise ExchangeError(f"{where}: a score must be a finite number, not {repr(value)[:40]}")
    return float(value)


def _load(text: str) -> Any:
    """Return what JSON says; Python refuses to convert thousands of digits, and none is needed."""
    return json.loads(text, parse_int=lambda digits: int(digits[:20]))
