"""The course's own format: one sentence a line, as `the [part : chain] skips`.

Brackets have no escape, so a text that holds one itself cannot be written; line ends neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nerlib.atomic import whole_file
from nerlib.parsing import Parser, Span
from nerlib.tools.exchange.document import Document, ExchangeError, at_rows, check_apart, shown
from nerlib.tools.own_recipe import corpus_from_file

NAME = "a bracketed line"


def read_brackets(path: Path) -> list[Document]:
    """Return the sentences of a file; raises `OwnDataError` with every line that cannot be read."""
    parser = Parser()
    parsed = (parser.parse(line) for line in corpus_from_file(path)["annot_utt"])
    return [Document(sentence.text, sentence.spans) for sentence in parsed]


def write_brackets(documents: Iterable[Document], path: Path) -> int:
    """Write one sentence a line and return their number; scores and words are not kept.

    Raises `ExchangeError` with row and reason for what such a line cannot hold.
    """
    count = 0
    with whole_file(path) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as file:
        for row, document in at_rows(documents):
            file.write(f"{bracketed(document, row)}\n")
            count += 1
    return count


def bracketed(document: Document, row: str = "row 1") -> str:
    """Return a document as one bracketed line.

    >>> bracketed(Document("wake me at nine am", (Span("time", 11, 18),)))
    'wake me at [time : nine am]'
    >>> bracketed(Document("see [1]"))
    Traceback (most recent call last):
    nerlib.tools.exchange.document.ExchangeError: row 1: a bracketed line cannot hold '[' or ']' \
in the text (character 4); write another mark there
    """
    reason = _problem(document)
    if reason:
        raise ExchangeError(f"{row}: {reason}")
    try:
        check_apart(document.spans, NAME)
    except ExchangeError as error:
        raise ExchangeError(f"{row}: {error}") from None
    line = Parser().annotate(document.text, document.spans)
    if line != line.strip() or line.startswith(("#", "\ufeff")):
        raise ExchangeError(
            f"{row}: {NAME} cannot begin or end with white space, nor begin with '#' or a byte "
            "order mark; take it out of the text"
        )
    return line


def _problem(document: Document) -> str:
    """Return what keeps a document from being such a line, but for its ends and overlaps."""
    text = document.text
    if not text.strip():
        return "there is no text, and an empty line is no sentence; leave the row out"
    for mark, name in (("[", "'[' or ']'"), ("]", "'[' or ']'"), ("\n", "a line end")):
        if mark in text:
            place = f"in the text (character {text.index(mark)})"
            return f"{NAME} cannot hold {name} {place}; write another mark there"
    return next(filter(None, (_span_problem(span, text) for span in document.spans)), "")


def _span_problem(span: Span, text: str) -> str:
    """Return what is wrong with a span's type or value."""
    if len(span.type.split()) != 1 or span.type.strip() != span.type or {*"[]"} & {*span.type}:
        return f"the type {span.type!r} holds white space or a bracket; write it as one_word"
    if not text[span.start : span.end].strip():
        return f"{shown(span)} covers white space alone; mark a word"
    return ""
