"""JSON from other programs, checked field by field, and known by how it begins."""

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from nerlib.corpus import decode_lines, short_lines
from nerlib.parsing import Span
from nerlib.tools.exchange.document import ExchangeError, Reading, T, each, fitting_spans, located

BOM = b"\xef\xbb\xbf"
LARGEST_FILE = 512 * 2**20  # bytes; a JSON file has to be read as a whole
_KINDS = {dict: "a JSON object", list: "a list", str: "a text", int: "a whole number"}

Row = dict[str, Any]


def read_json_file(path: Path) -> Any:
    """Return what a JSON file holds; raises `ExchangeError` if it holds none, or is too large."""
    if path.stat().st_size > LARGEST_FILE:
        raise ExchangeError(f"{path.name} is larger than {LARGEST_FILE // 2**20} MiB: split it")
    with path.open("rb") as file, located(path.name):
        return _load(b"".join(short_lines(file)))


def read_json_lines(path: Path, convert: Callable[[Row], T]) -> list[T]:
    """Return what `convert` makes of each object of a JSON-lines file; errors name the line."""

    def converted(line: str) -> list[T]:
        return [convert(checked(_load(line.encode()), dict, "the line"))] if line.strip() else []

    with path.open("rb") as file:
        lines = each(converted, decode_lines(file, path.name, ExchangeError), f"{path.name}, line")
        rows = [found for line in lines for found in line]
    if not rows:
        raise ExchangeError(f"{path.name} holds no row: each line must be a JSON object")
    return rows


def json_format(path: Path) -> str:
    """Return the name of the format of a JSON file: tasks as a whole, or spans, a row a line."""
    with path.open("rb") as file:
        first = next(filter(None, map(bytes.strip, short_lines(file))), b"").removeprefix(BOM)
    whole = first[:1] == b"[" or first == b"{" or re.match(rb'\{.*"data": ?\{', first)
    return "label-studio" if whole else "prodigy"  # whose reader takes all such rows


def a_text(row: Row, reading: Reading, what: str = "") -> str:
    """Return the text of a row: the field that is asked for, else `text`, else the only one."""
    texts = [name for name, value in row.items() if isinstance(value, str)]
    name = reading.text_field or ("text" if "text" in row or len(texts) != 1 else texts[0])
    if name not in row and row:
        fields = some(texts or row)
        how = "which field holds the text? say it by convert --text-field"
        raise ExchangeError(f"{how}: {what}{fields}")
    return checked(row.get(name), str, name)


def marked(text: str, items: Sequence[tuple[Row, Any]], reading: Reading) -> tuple[Span, ...]:
    """Return the spans of objects with `start`, `end`, perhaps `text`, and the type beside each.

    Offsets that another program counted in its own way are put right, which is noted.
    """
    spans = [a_span(item, name) for item, name in items]
    fitting, unit = fitting_spans(text, spans, [item.get("text") for item, _ in items])
    if unit:
        reading.note(f"texts whose offsets counted {unit} are put right")
    return fitting


def to_json(content: object) -> str:
    """Return JSON; raises `ExchangeError` for numbers that JSON does not have."""
    try:
        return json.dumps(content, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise ExchangeError("a score is not finite, and JSON has no such number") from None


def checked(value: Any, kind: type[T], what: str) -> T:
    """Return a value of JSON; raises `ExchangeError` if it is of another kind."""
    if type(value) is not kind:
        raise ExchangeError(f"{what} must be {_KINDS[kind]}, not {type(value).__name__}")
    return value


def objects(value: Any, what: str) -> list[Row]:
    """Return a list of JSON objects, empty for null; raises `ExchangeError` for anything else."""
    items = checked([] if value is None else value, list, what)
    return [checked(item, dict, f"an item of {what}") for item in items]


def a_span(item: Row, name: Any) -> Span:
    """Return a span with `start` and `end` of a JSON object; raises `ExchangeError`."""
    start, end = (checked(item.get(key), int, f"{key} of a span") for key in ("start", "end"))
    return Span(checked(name, str, "the type of a span"), start, end)


def a_score(value: Any) -> float:
    """Return a score; raises `ExchangeError` for what is not a finite number."""
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ExchangeError(f"a score must be a finite number, not {repr(value)[:40]}")
    return float(value)


def some(names: Iterable[str]) -> str:
    """Return the first names of a list, short enough for an error message."""
    return ", ".join(name[:40] for name in [*names][:12]) or "none"


def _load(content: bytes) -> Any:
    """Return what JSON says; Python refuses to convert thousands of digits, and none is needed."""
    try:
        return json.loads(content.decode("utf-8-sig"), parse_int=lambda digits: int(digits[:20]))
    except (ValueError, RecursionError) as error:
        raise ExchangeError(f"not JSON in UTF-8 ({error})") from None
