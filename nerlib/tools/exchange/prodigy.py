"""Prodigy's JSON lines: a text, its tokens and spans, and what the annotator answered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nerlib.parsing import Word
from nerlib.tools.exchange.document import Document, ExchangeError, located, words_of, words_under
from nerlib.tools.exchange.json_files import (
    Row,
    a_list,
    a_score,
    a_span,
    a_text,
    read_json_lines,
)

ANSWERS = (None, "accept", "reject", "ignore")


def read_prodigy(path: Path, report: Callable[[str], None] = print) -> list[Document]:
    """Return the tasks of a file that were accepted, or that nobody has answered yet.

    `report` hears how many were rejected or ignored: these are left out. Raises `ExchangeError`
    with file and line for what cannot be read.
    """
    documents: list[Document] = []
    left_out = 0
    for where, row in read_json_lines(path):
        with located(where):
            answer = row.get("answer")
            if answer not in ANSWERS:
                raise ExchangeError(f"Prodigy has no answer {str(answer)[:40]!r}")
            if answer in ANSWERS[:2]:
                documents.append(_document(row))
            else:
                left_out += 1
    if left_out:
        report(f"{path.name}: {left_out} rejected or ignored tasks are left out")
    return documents


def prodigy_task(document: Document) -> Row:
    """Return a document as a task, accepted if a person marked it and unanswered if a model did.

    Raises `ExchangeError` for spans that do not begin and end with a word.

    >>> from nerlib import Span
    >>> task = prodigy_task(Document("at nine am", (Span("time", 3, 10),)))
    >>> task["spans"]
    [{'start': 3, 'end': 10, 'label': 'time', 'token_start': 1, 'token_end': 2}]
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


def _document(row: Row) -> Document:
    """Return a task as a document."""
    items = a_list(row.get("spans"), "spans")
    spans = tuple(a_span(item, item.get("label")) for item in items)
    scored = [item["score"] for item in items if item.get("score") is not None]
    scores = None
    if row.get("answer") is None and (scored or not items):
        if len(scored) < len(items):
            raise ExchangeError("some spans have a score and others none")
        scores = tuple(map(a_score, scored))
    return Document(a_text(row.get("text"), "text"), spans, _words(row), scores)


def _words(row: Row) -> tuple[Word, ...] | None:
    """Return a task's tokens, but for those of white space alone."""
    if row.get("tokens") is None:
        return None
    words = []
    for item in a_list(row["tokens"], "tokens"):
        span = a_span(item, "token")
        words.append(Word(a_text(item.get("text"), "the text of a token"), span.start, span.end))
    return tuple(word for word in words if not word.text.isspace())
