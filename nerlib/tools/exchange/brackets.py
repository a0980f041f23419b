"""The course's own format: one sentence a line, as `the [part : chain] skips`, with no escapes."""

from __future__ import annotations

import re
from pathlib import Path

from nerlib.parsing import Parser
from nerlib.tools.exchange.document import Document, ExchangeError, check_apart, shown
from nerlib.tools.own_recipe import corpus_from_file

_IN_TEXT = {
    r"\A\s*\Z": "there is no text, and an empty line is not a sentence; leave the row out",
    r"[][]": "a bracketed line cannot hold '[' or ']' in the text; write another mark there",
    r"\n": "a bracketed line cannot hold a line end in the text; write a space there",
    r"\A[\s\ufeff]|\s\Z": "a bracketed line cannot begin or end with white space, nor begin with "
    "a byte order mark; take it out of the text",
}


def read_brackets(path: Path) -> list[Document]:
    """Return the sentences of a file; raises `OwnDataError` with every line that cannot be read."""
    parser = Parser()
    parsed = (parser.parse(line) for line in corpus_from_file(path)["annot_utt"])
    return [Document(sentence.text, sentence.spans) for sentence in parsed]


def bracketed(document: Document) -> str:
    """Return a document as one bracketed line; scores and words are not kept.

    Raises `ExchangeError` for what such a line cannot hold.

    >>> from nerlib import Span
    >>> bracketed(Document("wake me at nine am", (Span("time", 11, 18),)))
    'wake me at [time : nine am]'
    """
    for pattern, reason in _IN_TEXT.items():
        if found := re.search(pattern, document.text):
            raise ExchangeError(f"{reason} (character {found.start()})")
    for span in document.spans:
        if re.search(r"[][\s]", span.type):
            raise ExchangeError(f"the type {span.type!r} holds white space or a bracket")
        if not document.text[span.start : span.end].strip():
            raise ExchangeError(f"{shown(span)} covers white space alone; mark a word")
    check_apart(document.spans, "a bracketed line")
    line = Parser().annotate(document.text, document.spans)
    if line.startswith("#"):
        raise ExchangeError("a line that begins with '#' is a comment; take it out of the text")
    return line
