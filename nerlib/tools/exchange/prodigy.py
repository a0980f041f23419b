"""Prodigy's tasks, a JSON object a line: a text, its tokens and spans, and somebody's answer."""

from collections.abc import Iterator
from pathlib import Path

from nerlib.parsing import Word
from nerlib.tools.exchange import json_files as js
from nerlib.tools.exchange.document import Document, ExchangeError, Reading, words_of, words_under
from nerlib.tools.exchange.json_files import Row

NO = ("reject", "ignore")


def read_prodigy(path: Path, reading: Reading) -> list[Document]:
    """Return the tasks of a file that were accepted, or that nobody has answered yet.

    `reading` hears what is left out. Raises `ExchangeError` with file and line, and for a file in
    which no row has spans: it is of another program.
    """
    rows = js.read_json_lines(path, lambda row: (_document(row, reading), list(row)))
    fields = dict.fromkeys(field for _, found in rows for field in found)
    if "spans" not in fields:
        found = js.some(fields)
        raise ExchangeError(f"{path.name}: no row has spans, as Prodigy's have; there are {found}")
    return [document for document, _ in rows if document is not None]


def prodigy_task(document: Document) -> Row:
    """Return a document as a task, accepted if a person marked it and unanswered if a model did.

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


def _document(row: Row, reading: Reading) -> Document | None:
    """Return a task as a document, if it was not rejected or ignored."""
    answer, items = row.get("answer"), js.objects(row.get("spans"), "spans")
    if answer in NO:
        reading.note("rejected or ignored tasks are left out")
        return None
    if answer not in (None, "accept"):
        raise ExchangeError(f"Prodigy has no answer {str(answer)[:40]!r}")
    kept = [item for item in items if item.get("answer") not in NO]
    reading.note("rejected or ignored spans are left out", len(items) - len(kept))
    text = js.a_text(row, reading)
    spans = js.marked(text, [(item, item.get("label")) for item in kept], reading)
    scored = [item["score"] for item in kept if item.get("score") is not None]
    scores = None
    if answer is None and (scored or not kept):
        if len(scored) < len(kept):
            raise ExchangeError("some spans have a score and others none")
        scores = tuple(map(js.a_score, scored))
    return Document(text, spans, _words(row), scores)


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
