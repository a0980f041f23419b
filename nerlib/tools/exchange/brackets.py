"""The course's own format: one sentence a line, as `the [part : chain] skips`.

There is one escape: `\\#` for a sentence that begins with `#` and would else be a comment.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from nerlib.corpus import CorpusError, decode_lines
from nerlib.parsing import Parser, Span
from nerlib.tools.exchange.document import Document, ExchangeError, check_apart, shown
from nerlib.tools.own_data import COMMENT, ESCAPED, corpus_from_lines

_IN_TEXT = {
    r"\A\s*\Z": "there is no text, and an empty line is not a sentence; leave the row out",
    r"[][]": "a bracketed line cannot hold '[' or ']' in the text; write another mark there",
    r"[\n\r]": "a bracketed line cannot hold a line end in the text; write a space there",
    r"\A[\s\ufeff]|\s\Z": "a bracketed line cannot begin or end with white space, nor begin with "
    "a byte order mark; take it out of the text",
}


def read_brackets(path: Path) -> list[Document]:
    """Return the sentences of a file; raises `OwnDataError` with every line that cannot be read."""
    with path.open("rb") as file:
        return read_lines(decode_lines(file, path.name, CorpusError))


def read_lines(lines: str | Iterable[str]) -> list[Document]:
    """Return the sentences of bracketed lines; raises `OwnDataError` with all broken ones."""
    parsed = map(Parser().parse, corpus_from_lines(lines)["annot_utt"])
    return [Document(sentence.text, sentence.spans) for sentence in parsed]


def whole_words(text: str, spans: Iterable[Span], parser: Parser) -> Document:
    """Return a text with what a person has marked: whole words, of types without blanks.

    >>> whole_words("at nine", [Span("Wake time", 4, 5)], Parser()).spans
    (Span(type='Wake_time', start=3, end=7),)
    """
    words, whole = parser.split_words(text), []
    for span in spans:
        inside = [word for word in words if word.start < span.end and span.start < word.end]
        if not inside:
            raise ExchangeError(f"the mark at character {span.start} covers no word: select one")
        whole.append(Span("_".join(span.type.split()), inside[0].start, inside[-1].end))
    return Document(text, tuple(whole))


def unfit(text: str) -> str:
    """Return why a bracketed line cannot hold a text, and where; nothing if it can.

    >>> unfit("at nine\\n")
    'a bracketed line cannot hold a line end in the text; write a space there (character 7)'
    """
    found = ((reason, re.search(pattern, text)) for pattern, reason in _IN_TEXT.items())
    return next((f"{reason} (character {at.start()})" for reason, at in found if at), "")


def bracketed(document: Document) -> str:
    """Return a document as one bracketed line; scores and words are not kept.

    Raises `ExchangeError` for what such a line cannot hold.

    >>> from nerlib import Span
    >>> bracketed(Document("wake me at nine am", (Span("time", 11, 18),)))
    'wake me at [time : nine am]'
    """
    if reason := unfit(document.text):
        raise ExchangeError(reason)
    for span in document.spans:
        if re.search(r"[][\s]", span.type):
            what = f"the type {span.type!r} holds white space or a bracket"
            raise ExchangeError(f"{what}; write it as one_word")
        if not document.text[span.start : span.end].strip():
            raise ExchangeError(f"{shown(span)} covers white space alone; mark a word")
    check_apart(document.spans, "a bracketed line")
    line = Parser().annotate(document.text, document.spans)
    return "\\" + line if COMMENT.match(line) or ESCAPED.match(line) else line
