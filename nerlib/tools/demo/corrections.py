"""From text to sentences, and from marked text to the bracketed lines that training reads.

All functions are pure. What cannot be written so that it comes back as it is, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nerlib.inference import Entity
from nerlib.parsing import AnnotationError, Parser, Span

MOST_CHARACTERS = 5_000
MOST_SENTENCES = 50
LONGEST_TYPE = 40
NEW = "label"  # what Gradio calls the type of an entity until its user has given one
_TYPE = re.compile(r"[\w-]+")

Piece = tuple[str, str | None]  # some text, and the type of the entity that it is


class RefusedError(ValueError):
    """What a user asked of the page and cannot have: why, in one line."""


def cut_sentences(text: str) -> list[str]:
    """Return the sentences of a text: its lines, without blanks around them and without empty ones.

    Every kind of line end counts, so that a sentence is one line in any file. Raises `RefusedError`
    for no text at all, for too much of it, and for half a character, which no file can hold.

    >>> cut_sentences("wake me at nine" + chr(10) * 2 + " call anna ")
    ['wake me at nine', 'call anna']
    """
    if len(text) > MOST_CHARACTERS:
        raise RefusedError(f"{len(text):,} characters: take at most {MOST_CHARACTERS:,} at a time")
    half = re.search("[\ud800-\udfff]", text)
    if half:
        raise RefusedError(f"character {half.start()} is half a character (a lone surrogate)")
    sentences = [line for line in map(trimmed, text.splitlines()) if line]
    if not sentences:
        raise RefusedError("there is no text yet: type or paste a sentence")
    if len(sentences) > MOST_SENTENCES:
        raise RefusedError(f"{len(sentences)} lines: take at most {MOST_SENTENCES} at a time")
    return sentences


def trimmed(line: str) -> str:
    """Return a line without blanks and byte order marks at its edges, which readers remove.

    >>> trimmed(" \ufeff at nine ")
    'at nine'
    """
    before = ""
    while line != before:
        before, line = line, line.strip().strip("\ufeff")
    return line


def marked(sentences: Sequence[str], entities: Iterable[Iterable[Entity]]) -> list[Piece]:
    """Return sentences in pieces, each entity a piece and each line end another.

    >>> marked(["at nine"], [[Entity("time", "nine", 3, 7, 0.9)]])
    [('at ', None), ('nine', 'time')]
    """
    pieces: list[Piece] = []
    for sentence, found in zip(sentences, entities, strict=True):
        cursor = 0
        for entity in found:
            pieces += [(sentence[cursor : entity.start], None), (entity.text, entity.type)]
            cursor = entity.end
        pieces += [(sentence[cursor:], None), ("\n", None)]
    return [piece for piece in pieces[:-1] if piece[0]]


def lines_apart(pieces: Iterable[Piece]) -> list[Piece]:
    """Return the pieces with each line, and each line end, a piece of its own.

    >>> lines_apart([("one" + chr(10) + "two", None)])
    [('one', None), ('\\n', None), ('two', None)]
    """
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
        except RefusedError as reason:
            refused.append(f"line {number}: {reason}")
        text, spans, number = "", [], number + 1
    return lines, refused


def bracketed(text: str, spans: Iterable[Span], parser: Parser) -> str:
    """Return the line of a training file that says the same, with spans widened to whole words.

    The format has no way to write a bracket that is none, and readers pass over lines that start
    with `#`: such sentences raise `RefusedError`. So does everything else that would not come back
    as it is when the line is read.

    >>> bracketed("call [me]", [], Parser())
    Traceback (most recent call last):
    nerlib.tools.demo.corrections.RefusedError: '[' at character 5 marks an entity: take it out
    """
    if cut_sentences(text) != [text]:
        raise RefusedError("a sentence is one line, with no blanks around it")
    stray = re.search(r"[\[\]]", text)
    if stray:
        raise RefusedError(
            f"{stray[0]!r} at character {stray.start()} marks an entity: take it out"
        )
    whole = [_whole_words(span, text, parser) for span in spans]
    try:
        line = parser.annotate(text, whole)
        parsed = parser.parse(line)
    except AnnotationError as error:
        raise RefusedError(f"the line cannot be written: {error.reason}") from None
    except ValueError:
        raise RefusedError("two entities have a word in common: remove one of them") from None
    if line.startswith("#"):
        raise RefusedError("a line that starts with '#' is a comment: take it out")
    if (parsed.text, list(parsed.spans), trimmed(line)) != (text, whole, line):
        raise RefusedError("the line would not be read as it is meant")
    return line


def readable_type(name: str) -> str:
    """Return a slot type as files write it; raises `RefusedError` for one that they cannot.

    >>> readable_type(" Place name ")
    'place_name'
    """
    slot_type = "_".join(name.lower().split())
    if slot_type in ("", NEW):
        raise RefusedError("an entity has no type: click it and write one")
    if len(slot_type) > LONGEST_TYPE or not _TYPE.fullmatch(slot_type):
        raise RefusedError(
            f"a type is one word of at most {LONGEST_TYPE} letters, digits, '_' and '-', "
            f"not {slot_type[:LONGEST_TYPE]!a}"
        )
    return slot_type


def _whole_words(span: Span, text: str, parser: Parser) -> Span:
    words = [w for w in parser.split_words(text) if w.start < span.end and span.start < w.end]
    if not words:
        raise RefusedError(f"the entity at character {span.start} covers no word: remove it")
    return Span(readable_type(span.type), words[0].start, words[-1].end)
