"""Prodigy's JSON lines: a text, its tokens and spans, and what the annotator answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from nerlib.atomic import whole_file
from nerlib.parsing import Span, Word
from nerlib.tools.exchange.document import (
    Document,
    ExchangeError,
    at_rows,
    words_of,
    words_under,
)
from nerlib.tools.exchange.json_files import (
    a_list,
    a_score,
    a_span,
    a_text,
    read_json_lines,
    to_json,
)

Row = dict[str, Any]


def read_prodigy(path: Path, report: Callable[[str], None] = print) -> list[Document]:
    """Return the tasks of a file that were accepted, or that nobody has answered yet.

    `report` hears how many were rejected or ignored: these are left out. Raises `ExchangeError`
    with file and line for what cannot be read.
    """
    documents: list[Document] = []
    left_out = 0
    for where, row in read_json_lines(path):
        answer = row.get("answer")
        if answer not in (None, "accept", "reject", "ignore"):
            raise ExchangeError(f"{where}: the answer {str(answer)[:40]!r} is none of Prodigy's")
        if answer in ("reject", "ignore"):
            left_out += 1
            continue
        try:
            documents.append(_document(row, where))
        except ExchangeError as error:
            told = str(error)
            raise ExchangeError(told if told.startswith(where) else f"{where}: {told}") from None
    if left_out:
        report(f"{path.name}: {left_out} rejected or ignored tasks are left out")
    return documents


def write_prodigy(documents: Iterable[Document], path: Path) -> int:
    """Write documents as Prodigy's tasks and return their number.

    What a person marked is written as accepted; what a model marked has scores and no answer yet.
    Raises `ExchangeError` with row and reason for spans that do not begin and end with a word.
    """
    count = 0
    with whole_file(path) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as file:
        for row, document in at_rows(documents):
            try:
                task = prodigy_task(document)
            except ExchangeError as error:
                raise ExchangeError(f"{row}: {error}") from None
            file.write(to_json(task, row) + "\n")
            count += 1
    return count


def prodigy_task(document: Document) -> Row:
    """Return a document as a task.

    >>> task = prodigy_task(Document("at nine am", (Span("time", 3, 10),)))
    >>> task["spans"]
    [{'start': 3, 'end': 10, 'label': 'time', 'token_start': 1, 'token_end': 2}]
    """
    words = words_of(document)
    spans = [_span(span, words) for span in document.spans]
    task = {"text": document.text, "tokens": _tokens(document.text, words), "spans": spans}
    if document.scores is None:
        return {**task, "answer": "accept"}
    for span, score in zip(spans, document.scores, strict=True):
        span["score"] = score
    return task


def _span(span: Span, words: Sequence[Word]) -> Row:
    first, end = words_under(words, span)
    places = {"start": span.start, "end": span.end, "label": span.type}
    return {**places, "token_start": first, "token_end": end - 1}  # inclusive, in Prodigy


def _tokens(text: str, words: Sequence[Word]) -> list[Row]:
    return [
        {
            "text": word.text,
            "start": word.start,
            "end": word.end,
            "id": number,
            "ws": text[word.end : word.end + 1].isspace(),
        }
        for number, word in enumerate(words)
    ]


def _document(row: Row, where: str) -> Document:
    """Return a task as a document."""
    text = a_text(row.get("text"), where, "text")
    items = a_list(row.get("spans"), where, "spans")
    spans = tuple(a_span(item, item.get("label"), where) for item in items)
    scored = [item for item in items if item.get("score") is not None]
    scores = None
    if row.get("answer") is None and len(scored) == len(items):
        scores = tuple(a_score(item["score"], where) for item in items)
    elif row.get("answer") is None and scored:
        raise ExchangeError(f"{where}: some spans have a score and others none")
    return Document(text, spans, _words(row, where), scores)


def _words(row: Row, where: str) -> tuple[Word, ...] | None:
    """Return a task's tokens, but for those of white space alone."""
    if row.get("tokens") is None:
        return None
    words = []
    for item in a_list(row["tokens"], where, "tokens"):
        span = a_span(item, "token", where)
        token = a_text(item.get("text"), where, "the text of a token")
        if not token.isspace():
            words.append(Word(token, span.start, span.end))
    return tuple(words)
