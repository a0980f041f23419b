"""JSON from other programs, checked field by field: Prodigy's, and what our own `tag` prints."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nerlib.corpus import decode_lines, short_lines
from nerlib.parsing import Span, Word
from nerlib.tools.exchange.document import (
    Document,
    ExchangeError,
    Reading,
    T,
    each,
    located,
    words_of,
    words_under,
)

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
        return [found for line in lines for found in line]


def read_tagged(path: Path) -> list[Document]:
    """Return the texts that `python -m nerlib tag` printed, with the entities that it found."""

    def document(row: Row) -> Document:
        found = objects(row.get("entities"), "entities")
        spans = tuple(a_span(item, item.get("type")) for item in found)
        scores = tuple(a_score(item.get("score")) for item in found)
        return Document(checked(row.get("text"), str, "text"), spans, scores=scores)

    return read_json_lines(path, document)


def read_prodigy(path: Path, reading: Reading | None = None) -> list[Document]:
    """Return the tasks of a file that were accepted, or that nobody has answered yet.

    `reading` hears how many were left out. Raises `ExchangeError` with file and line.
    """
    tasks = read_json_lines(path, _prodigy_document)
    documents = [task for task in tasks if task is not None]
    if left_out := len(tasks) - len(documents):
        (reading or Reading()).report(
            f"{path.name}: {left_out} rejected or ignored tasks are left out"
        )
    return documents


def prodigy_task(document: Document) -> Row:
    """Return a document as a task, accepted if a person marked it and unanswered if a model did.

    Raises `ExchangeError` for spans that do not begin and end with a word.
    """
    words = words_of(document)
    spans: list[Row] = []
    for span in document.spans:
        first, end = words_under(words, span)
        places = {"start": span.start, "end": span.end, "label": span.type}
        spans.append({**places, "token_start": first, "token_end": end - 1})  # both inclusive
    tokens = [
        {"text": word.text, "start": word.start, "end": word.end, "id": number,
         "ws": document.text[word.end : word.end + 1].isspace()}
        for number, word in enumerate(words)
    ]  # fmt: skip
    task = {"text": document.text, "tokens": tokens, "spans": spans}
    if document.scores is None:
        return {**task, "answer": "accept"}
    for row, score in zip(spans, document.scores, strict=True):
        row["score"] = score
    return task


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


def _prodigy_document(row: Row) -> Document | None:
    """Return a task as a document, if it was not rejected or ignored."""
    answer = row.get("answer")
    if answer in ("reject", "ignore"):
        return None
    if answer not in (None, "accept"):
        raise ExchangeError(f"Prodigy has no answer {str(answer)[:40]!r}")
    items = objects(row.get("spans"), "spans")
    spans = tuple(a_span(item, item.get("label")) for item in items)
    scored = [item["score"] for item in items if item.get("score") is not None]
    scores = None
    if answer is None and (scored or not items):
        if len(scored) < len(items):
            raise ExchangeError("some spans have a score and others none")
        scores = tuple(map(a_score, scored))
    words = None
    if row.get("tokens") is not None:
        words = tuple(
            Word(checked(token.get("text"), str, "the text of a token"), at.start, at.end)
            for token in objects(row["tokens"], "tokens")
            for at in [a_span(token, "token")]
            if not str(token.get("text")).isspace()
        )
    return Document(checked(row.get("text"), str, "text"), spans, words, scores)


def _load(content: bytes) -> Any:
    """Return what JSON says; Python refuses to convert thousands of digits, and none is needed."""
    try:
        return json.loads(content.decode("utf-8-sig"), parse_int=lambda digits: int(digits[:20]))
    except (ValueError, RecursionError) as error:
        raise ExchangeError(f"not JSON in UTF-8 ({error})") from None
