"""From text to sentences, and from marked text to the bracketed lines that training reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nerlib.inference import Entity
from nerlib.parsing import Parser, Span
from nerlib.tools.exchange import brackets
from nerlib.tools.exchange.document import Document, ExchangeError

MOST_CHARACTERS = 5_000
MOST_SENTENCES = 50
NEW = "label"  # what Gradio calls the type of an entity until its user has given one
_EDGES = re.compile(r"\A[\s\ufeff]+|[\s\ufeff]+\Z")  # readers remove these

Piece = tuple[str, str | None]  # some text, and the type of the entity that it is


class DemoError(ExchangeError):
    """What the demo cannot do: why, in one line."""


def cut_sentences(text: str) -> list[str]:
    """Return a text's lines without blanks around them; raises `ExchangeError` for too many."""
    if len(text) > MOST_CHARACTERS:
        raise DemoError(f"{len(text):,} characters: take at most {MOST_CHARACTERS:,} at a time")
    Document(text)  # raises for half a character
    sentences = [line for line in (_EDGES.sub("", line) for line in text.splitlines()) if line]
    if not sentences:
        raise DemoError("there is no text yet: type or paste a sentence")
    if len(sentences) > MOST_SENTENCES:
        raise DemoError(f"{len(sentences)} lines: take at most {MOST_SENTENCES} at a time")
    return sentences


def marked(sentences: Sequence[str], entities: Iterable[Iterable[Entity]]) -> list[Piece]:
    """Return sentences in pieces, each entity a piece and each line end another."""
    pieces: list[Piece] = []
    for sentence, found in zip(sentences, entities, strict=True):
        cursor = 0
        for entity in found:
            pieces += [(sentence[cursor : entity.start], None), (entity.text, entity.type)]
            cursor = entity.end
        pieces += [(sentence[cursor:], None), ("\n", None)]
    return [piece for piece in pieces[:-1] if piece[0]]


def lines_apart(pieces: Iterable[Piece]) -> list[Piece]:
    """Return the pieces with each line, and each line end, a piece of its own."""
    parts = ((part, name) for text, name in pieces for part in re.split("(\n)", text))
    return [(part, None if part == "\n" else name) for part, name in parts if part]


def bracketed_lines(pieces: Iterable[Piece], parser: Parser) -> tuple[dict[str, str], list[str]]:
    """Return the bracketed line of each sentence, and for each that has none the reason.

    >>> bracketed_lines([("at ", None), ("nine", "Wake time")], Parser())
    ({'at nine': 'at [wake_time : nine]'}, [])
    """
    lines, refused, number = dict[str, str](), [], 1
    text, spans = "", list[Span]()
    for piece, name in [*lines_apart(pieces), ("\n", None)]:
        if piece != "\n":
            spans += [Span(name, len(text), len(text) + len(piece))] if name else []
            text += piece
            continue
        try:
            if text:
                lines[text] = bracketed(text, spans, parser)
        except ExchangeError as reason:
            refused.append(f"line {number}: {reason}")
        text, spans, number = "", [], number + 1
    return lines, refused


def bracketed(text: str, spans: Iterable[Span], parser: Parser) -> str:
    """Return the line to train on, with spans widened to whole words; raises `ExchangeError`."""
    if cut_sentences(text) != [text]:
        raise DemoError("a sentence is one line, with no blanks around it")
    words, whole = parser.split_words(text), []
    for span in spans:
        inside = [word for word in words if word.start < span.end and span.start < word.end]
        if not inside:
            raise DemoError(f"the entity at character {span.start} covers no word: remove it")
        whole.append(Span(readable_type(span.type), inside[0].start, inside[-1].end))
    return brackets.bracketed(Document(text, tuple(whole)))


def readable_type(name: str) -> str:
    """Return a slot type as files write it; raises `DemoError` for one that they cannot.

    >>> readable_type(" Place name ")
    'place_name'
    """
    slot_type = "_".join(name.lower().split())
    if slot_type in ("", NEW):
        raise DemoError("an entity has no type: click it and write one")
    if not re.fullmatch(r"[\w-]{1,40}", slot_type):
        rule = "one word of at most 40 letters, digits, '_' and '-'"
        raise DemoError(f"a type is {rule}, not {slot_type[:40]!a}")
    return slot_type
