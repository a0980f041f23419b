"""Spans beside a text, a row a line: Prodigy's tasks, doccano's rows, spaCy's, our own `tag`'s."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nerlib.parsing import Word
from nerlib.tools.exchange import json_files as js
from nerlib.tools.exchange.document import Document, ExchangeError, Reading, words_of, words_under
from nerlib.tools.exchange.json_files import Row

FIELDS = ("spans", "label", "labels", "entities")
NO = ("reject", "ignore")


def read_span_rows(path: Path, reading: Reading) -> list[Document]:
    """Return the texts of a file with their spans, but those that somebody rejected.

    `reading` hears what is left out. Raises `ExchangeError` with file and line, and for a file in
    which no row has a list of spans: it is of another program.
    """
    rows = js.read_json_lines(path, lambda row: (list(row), has_spans(row)))
    if not (reading.pool or any(some for _, some in rows)):
        fields = js.some(dict.fromkeys(field for found, _ in rows for field in found))
        known = "spans (Prodigy), label, labels or entities (doccano, spaCy, tag)"
        raise ExchangeError(f"{path.name}: no row has {known}; the fields are {fields}")
    documents = js.read_json_lines(path, lambda row: read_span_row(row, reading))
    return [document for document in documents if document is not None]


def doccano_row(document: Document) -> Row:
    """Return a document as doccano's row; words and scores are not kept.

    >>> from nerlib import Span
    >>> doccano_row(Document("at nine", (Span("time", 3, 7),)))
    {'text': 'at nine', 'label': [[3, 7, 'time']]}
    """
    label = [[span.start, span.end, span.type] for span in document.spans]
    return {"text": document.text, "label": label}


def prodigy_task(document: Document) -> Row:
    """Return a document as Prodigy's task: accepted if a person marked it, else unanswered.

    Its tokens are cut as spaCy does: a blank belongs to the token before it (`ws`), other white
    space is a token. Raises `ExchangeError` for spans that do not begin and end with a word.
    """
    tokens = list(_tokens(document.text, words_of(document)))
    words, spans = [token for token, _ in tokens], list[Row]()
    for span in document.spans:
        first, end = words_under(words, span)
        places = {"start": span.start, "end": span.end, "label": span.type}
        spans.append({**places, "token_start": first, "token_end": end - 1})  # both inclusive
    rows = [
        {"text": word.text, "start": word.start, "end": word.end, "id": number, "ws": blank}
        for number, (word, blank) in enumerate(tokens)
    ]
    task = {"text": document.text, "tokens": rows, "spans": spans}
    if document.scores is None:
        return {**task, "answer": "accept"}
    for row, score in zip(spans, document.scores, strict=True):
        row["score"] = score
    return task


def _tokens(text: str, words: tuple[Word, ...]) -> Iterator[tuple[Word, bool]]:
    """Yield each token, those of white space included, and whether a blank follows it."""
    cursor = 0
    for word in (*words, Word("", len(text), len(text))):
        if gap := text[cursor : word.start]:
            if not gap.isspace():
                raise ExchangeError(f"{gap[:40]!r} is in none of its words")
            yield Word(gap, cursor, word.start), False
        blank = text[word.end : word.end + 1] == " "
        if word.text:
            yield word, blank
        cursor = word.end + blank


def has_spans(row: Row) -> bool:
    """Return whether a row has spans, empty or wrong ones too; a text labels the whole row."""
    return any(not isinstance(row.get(name), str | None) for name in FIELDS)


def read_span_row(row: Row, reading: Reading) -> Document | None:
    """Return a row as a document, if it was not rejected or ignored."""
    answer = row.get("answer")
    if answer in NO:
        reading.note("rejected or ignored tasks are left out")
        return None
    if answer not in (None, "accept"):
        raise ExchangeError(f"Prodigy has no answer {str(answer)[:40]!r}")
    lists = [name for name in FIELDS if isinstance(row.get(name), list)]
    name = next((name for name in lists if row[name]), lists[0] if lists else FIELDS[0])
    marks = [_mark(item) for item in js.checked(row.get(name) or [], list, name)]
    kept = [mark for mark in marks if mark[0].get("answer") not in NO]
    reading.note("rejected or ignored spans are left out", len(marks) - len(kept))
    reading.note("relations are left out", len(js.objects(row.get("relations"), "relations")))
    text = js.a_text(row, reading)
    spans = js.marked(text, kept, reading)
    scores = tuple(js.a_score(mark["score"]) for mark, _ in kept if "score" in mark)
    # A model marks with scores; what nobody has answered, and has no spans, may be of one, too.
    maybe = scores or not (kept or "relations" in row)  # which doccano alone writes
    of_model = name in ("spans", "entities") and answer is None and maybe
    if of_model and len(scores) < len(kept):
        raise ExchangeError("some spans have a score and others none")
    words = _words(row) if name == "spans" else None
    return Document(text, spans, words, scores if of_model else None)


def _mark(item: Any) -> tuple[Row, Any]:
    """Return a mark as an object with `start` and `end`, and its type."""
    if isinstance(item, list) and len(item) == 3:
        return {"start": item[0], "end": item[1]}, item[2]
    row = js.checked(item, dict, "a mark that is not [start, end, type]")
    places = {name: row.get(f"{name}_offset", row.get(name)) for name in ("start", "end")}
    return row | places, row.get("label", row.get("type"))


def _words(row: Row) -> tuple[Word, ...] | None:
    """Return a task's tokens but those of white space, if it has any."""
    if row.get("tokens") is None:
        return None
    return tuple(
        Word(js.checked(token.get("text"), str, "the text of a token"), at.start, at.end)
        for token in js.objects(row["tokens"], "tokens")
        for at in [js.a_span(token, "token")]
        if not str(token.get("text")).isspace()
    )
