"""Prodigy's JSON lines: a text, its tokens and spans, and what the annotator answered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nerlib.parsing import Word
from nerlib.tools.exchange import json_files as js
from nerlib.tools.exchange.document import Document, ExchangeError, words_of, words_under
from nerlib.tools.exchange.json_files import Row


def read_prodigy(path: Path, report: Callable[[str], None] = print) -> list[Document]:
    """Return the tasks of a file that were accepted, or that nobody has answered yet.

    `report` hears how many were left out. Raises `ExchangeError` with file and line.
    """
    tasks = js.read_json_lines(path, _document)
    documents = [task for task in tasks if task is not None]
    if left_out := len(tasks) - len(documents):
        report(f"{path.name}: {left_out} rejected or ignored tasks are left out")
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


def _document(row: Row) -> Document | None:
    """Return a task as a document, if it was not rejected or ignored."""
    answer = row.get("answer")
    if answer in ("reject", "ignore"):
        return None
    if answer not in (None, "accept"):
        raise ExchangeError(f"Prodigy has no answer {str(answer)[:40]!r}")
    items = js.objects(row.get("spans"), "spans")
    spans = tuple(js.a_span(item, item.get("label")) for item in items)
    scored = [item["score"] for item in items if item.get("score") is not None]
    scores = None
    if answer is None and (scored or not items):
        if len(scored) < len(items):
            raise ExchangeError("some spans have a score and others none")
        scores = tuple(map(js.a_score, scored))
    words = None
    if row.get("tokens") is not None:
        words = tuple(
            Word(js.checked(token.get("text"), str, "the text of a token"), at.start, at.end)
            for token in js.objects(row["tokens"], "tokens")
            for at in [js.a_span(token, "token")]
            if not str(token.get("text")).isspace()
        )
    return Document(js.checked(row.get("text"), str, "text"), spans, words, scores)
