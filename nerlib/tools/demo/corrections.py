"""Corrections of what a tagger found, word by word, and the bracketed line that comes of them.

All functions are pure: they return a new sentence, or say in one line why there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from nerlib.inference import Entity
from nerlib.parsing import AnnotationError, Parser, Span, Word
from nerlib.tools.demo.sentences import RefusedError, check_characters, shown, trimmed

LONGEST_TYPE = 40
_TYPE = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class Mark:
    """A type on the words from number `first` to `end` (exclusive); `score` if a model gave it."""

    type: str
    first: int
    end: int
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """One line of text with its words, and the marks on them in the order of their places."""

    text: str
    words: tuple[Word, ...]
    marks: tuple[Mark, ...]
    parser: Parser

    def span(self, mark: Mark) -> Span:
        """Return a mark's type and character offsets."""
        return Span(mark.type, self.words[mark.first].start, self.words[mark.end - 1].end)

    def value(self, mark: Mark) -> str:
        """Return the piece of text that a mark stands on."""
        span = self.span(mark)
        return self.text[span.start : span.end]


def tagged(text: str, entities: Iterable[Entity], parser: Parser) -> Sentence:
    """Return a sentence with the entities that a tagger found in it.

    >>> sentence = tagged("wake me at nine am", [Entity("time", "nine am", 11, 18, 0.9)], Parser())
    >>> sentence.marks
    (Mark(type='time', first=3, end=5, score=0.9),)
    """
    words = tuple(parser.split_words(text))
    firsts = {word.start: number for number, word in enumerate(words)}
    ends = {word.end: number + 1 for number, word in enumerate(words)}
    marks = (Mark(e.type, firsts[e.start], ends[e.end], e.score) for e in entities)
    return Sentence(text, words, tuple(marks), parser)


def added(sentence: Sentence, slot_type: str, first: int, last: int) -> Sentence:
    """Return the sentence with one mark more, on the words `first` to `last`, counted from 0.

    Raises `RefusedError` for a type that cannot be written, words in the wrong order or outside of
    the sentence, and words that another mark stands on.

    >>> bracketed(added(tagged("wake me at nine am", [], Parser()), "time", 3, 4))
    'wake me at [time : nine am]'
    """
    if not 0 <= first <= last < len(sentence.words):
        raise RefusedError("choose a first and a last word, the first not behind the last")
    mark = Mark(readable_type(slot_type), first, last + 1)
    for other in sentence.marks:
        if mark.first < other.end and other.first < mark.end:
            raise RefusedError(
                f"'{shown(sentence.value(other))}' ({other.type}) stands on some of these words: "
                "change or remove it first"
            )
    marks = sorted((*sentence.marks, mark), key=lambda mark: mark.first)
    return replace(sentence, marks=tuple(marks))


def changed(sentence: Sentence, number: int, slot_type: str, first: int, last: int) -> Sentence:
    """Return the sentence with mark `number`, counted from 0, given another type or other words.

    Raises `RefusedError` as `added` does.

    >>> sentence = added(tagged("at nine am", [], Parser()), "date", 1, 1)
    >>> bracketed(changed(sentence, 0, "time", 1, 2))
    'at [time : nine am]'
    """
    return added(removed(sentence, number), slot_type, first, last)


def removed(sentence: Sentence, number: int) -> Sentence:
    """Return the sentence without mark `number`, counted from 0; `RefusedError` if there is none.

    >>> removed(added(tagged("at nine", [], Parser()), "time", 1, 1), 0).marks
    ()
    """
    if not 0 <= number < len(sentence.marks):
        raise RefusedError("choose one of the entities in the table first")
    marks = sentence.marks[:number] + sentence.marks[number + 1 :]
    return replace(sentence, marks=marks)


def readable_type(name: str) -> str:
    """Return a slot type as files write it; raises `RefusedError` for one that they cannot.

    Small letters, and underscores for blanks.

    >>> readable_type(" Place name ")
    'place_name'
    """
    slot_type = "_".join(name.lower().split())
    if not slot_type:
        raise RefusedError("the entity has no type: choose one, or write a new one")
    if len(slot_type) > LONGEST_TYPE or not _TYPE.fullmatch(slot_type):
        raise RefusedError(
            f"a type is one word of at most {LONGEST_TYPE} letters, digits, '_' and '-', "
            f"not '{shown(slot_type)}'"
        )
    return slot_type


def bracketed(sentence: Sentence) -> str:
    """Return the line of a training file that says the same, and nothing else.

    The format has no way to write a bracket that is none, and readers pass over lines that start
    with `#`: such sentences raise `RefusedError`. So does everything else that would not come back
    as it is when the line is read.

    >>> bracketed(tagged("call [me]", [], Parser()))
    Traceback (most recent call last):
    nerlib.tools.demo.sentences.RefusedError: '[' at character 5 cannot be written: ...
    """
    check_characters(sentence.text)
    stray = re.search(r"[\[\]]", sentence.text)
    if stray:
        raise RefusedError(
            f"{stray[0]!r} at character {stray.start()} cannot be written: brackets mark entities "
            "in the file, so take it out of the text"
        )
    spans = [sentence.span(mark) for mark in sentence.marks]
    line = sentence.parser.annotate(sentence.text, spans)
    if line.startswith("#"):
        raise RefusedError("a line that starts with '#' is a comment: take it out of the text")
    _check_reads_back(line, sentence, spans)
    return line


def _check_reads_back(line: str, sentence: Sentence, spans: list[Span]) -> None:
    """Raise `RefusedError` unless reading a line of a file gives the sentence and its spans."""
    if trimmed(line) != line or len(line.splitlines()) != 1:
        raise RefusedError("a line of a file is one line, with no blanks around it")
    try:
        parsed = sentence.parser.parse(line)
    except AnnotationError as error:
        raise RefusedError(f"the line cannot be written: {error.reason}") from None
    if (parsed.text, list(parsed.spans)) != (sentence.text, spans):
        raise RefusedError("the line would not be read as it is meant")
