"""Spans beside a text, a row a line: doccano's, spaCy's tuples, and what our own `tag` prints."""

from pathlib import Path
from typing import Any

from nerlib.tools.exchange import json_files as js
from nerlib.tools.exchange.document import Document, ExchangeError, Reading
from nerlib.tools.exchange.json_files import Row

FIELDS = ("label", "labels", "entities")


def read_doccano(path: Path, reading: Reading) -> list[Document]:
    """Return the texts of a file with their spans; raises `ExchangeError` with file and line."""
    return js.read_json_lines(path, lambda row: _document(row, reading))


def doccano_row(document: Document) -> Row:
    """Return a document as a row; words and scores are not kept.

    >>> from nerlib import Span
    >>> doccano_row(Document("at nine", (Span("time", 3, 7),)))
    {'text': 'at nine', 'label': [[3, 7, 'time']]}
    """
    label = [[span.start, span.end, span.type] for span in document.spans]
    return {"text": document.text, "label": label}


def _document(row: Row, reading: Reading) -> Document:
    name = next((name for name in FIELDS if isinstance(row.get(name), list)), None)
    if name is None:
        raise ExchangeError(f"no list of {' or '.join(FIELDS)}; the fields are {js.some(row)}")
    text = js.a_text(row, reading)
    reading.note("relations are left out", len(js.objects(row.get("relations"), "relations")))
    marks = [_mark(item) for item in row[name]]
    scores = [js.a_score(mark["score"]) for mark, _ in marks if "score" in mark]
    of_model = name == "entities" and len(scores) == len(marks)  # as `tag` prints them
    spans = js.marked(text, marks, reading)
    return Document(text, spans, scores=tuple(scores) if of_model else None)


def _mark(item: Any) -> tuple[Row, Any]:
    """Return a mark as an object with `start` and `end`, and its type."""
    if isinstance(item, list) and len(item) == 3:
        return {"start": item[0], "end": item[1]}, item[2]
    row = js.checked(item, dict, "a mark that is not [start, end, type]")
    places = {name: row.get(f"{name}_offset", row.get(name)) for name in ("start", "end")}
    return row | places, row.get("label", row.get("type"))
