"""What every reader returns and every writer takes: a text, and the spans marked in it.

What they share stands here as well: how a file is to be read, what was left out, where it fails.
"""

import re
import sys
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from operator import attrgetter
from typing import Any, TypeVar
from unicodedata import normalize

from nerlib.corpus import CorpusError
from nerlib.parsing import OUTSIDE, ParsedUtterance, Parser, Span, Word

T = TypeVar("T")
R = TypeVar("R")
_PLACE = attrgetter("start", "end", "type")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_UNITS: dict[str, Callable[[str], int]] = {  # what programs count, other than characters
    "UTF-16 units": lambda letter: 1 + (letter > "\uffff"),
    "characters without carriage returns": lambda letter: int(letter != "\r"),
    "bytes of UTF-8": lambda letter: len(letter.encode()),
}


class ExchangeError(CorpusError):
    """Something that cannot be read, or that a format cannot hold: where, what and what to do."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its spans, in the order of their places.

    `words` are there if the file fixed them, as CoNLL and spaCy do; `scores` if a model marked the
    spans, which may overlap. Raises `ExchangeError` for spans outside of the text.

    >>> Document("at nine am", (Span("time", 3, 10),)).marked
    [('time', 'nine am')]
    """

    text: str
    spans: tuple[Span, ...] = ()
    words: tuple[Word, ...] | None = None
    scores: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if lone := _SURROGATE.search(self.text):
            raise ExchangeError(f"character {lone.start()}: half a character (a lone surrogate)")
        for span in self.spans:
            if not span.type.strip() or _SURROGATE.search(span.type):
                raise ExchangeError(f"a span has the type {span.type!r}: it must be a word")
            if not 0 <= span.start < span.end <= len(self.text):
                where = f"is empty or lies outside of the text of {len(self.text)} characters"
                raise ExchangeError(f"{shown(span)} {where}")
        end = 0
        for word in self.words or ():
            is_there = word.text and self.text[word.start : word.end] == word.text
            if word.start < end or not is_there:
                raise ExchangeError(f"the word {word.text[:40]!r} does not stand at its place")
            end = word.end
        if self.scores is not None and len(self.scores) != len(self.spans):
            raise ExchangeError(f"{len(self.spans)} spans but {len(self.scores)} scores")
        order = sorted(range(len(self.spans)), key=lambda i: _PLACE(self.spans[i]))
        for name in ("spans", "scores"):
            if (column := getattr(self, name)) is not None:
                object.__setattr__(self, name, tuple(column[i] for i in order))

    @property
    def marked(self) -> list[tuple[str, str]]:
        """Each span's type and text."""
        return [(span.type, self.text[span.start : span.end]) for span in self.spans]


def documents_of(corpus: Iterable[Mapping[str, Any]]) -> Iterator[Document]:
    """Yield the rows of a corpus (`load_corpus`, `corpus_from_lines`) as documents.

    >>> rows = [{"id": "1", "locale": "en-US", "annot_utt": "at [time : nine am]"}]
    >>> [document.marked for document in documents_of(rows)]
    [[('time', 'nine am')]]
    """
    for row in corpus:
        parsed = Parser.for_locale(row.get("locale", "")).parse(row["annot_utt"], row.get("id"))
        yield Document(parsed.text, parsed.spans, parsed.words)


def to_stderr(line: str) -> None:
    """Print a note on standard error, where it does not get in between results."""
    print(f"nerlib: {line}", file=sys.stderr)


@dataclass
class Reading:
    """How to read what a file does not say itself, and what is to be told of it.

    `columns` are the numbers of the word's and the tag's column, from 1; `text_field` names the
    field that holds the text; `spans_key` the group of spans; with `predictions`, what a model
    marked and nobody has reviewed counts as marked; texts of a `pool` need no marks at all.
    `report` hears what was left out.
    """

    report: Callable[[str], None] = print
    columns: tuple[int, int] | None = None
    text_field: str = ""
    spans_key: str = ""
    predictions: bool = False
    pool: bool = False
    notes: Counter[str] = field(default_factory=Counter)

    def note(self, what: str, count: int = 1) -> None:
        """Remember that `count` of something, as "tasks are left out", has to be told."""
        self.notes[what] += count

    def tell(self, name: str) -> None:
        """Report all notes about a file."""
        for what, count in (+self.notes).items():
            self.report(f"{name}: {count:,} {what}")
        self.notes.clear()


@contextmanager
def located(where: str) -> Iterator[None]:
    """Put `where` in front of the message of every `ExchangeError` that is raised inside."""
    try:
        yield
    except ExchangeError as error:
        raise ExchangeError(f"{where}: {error}") from None


def each(function: Callable[[T], R], items: Iterable[T], what: str = "row") -> Iterator[R]:
    """Yield what a function returns for each item, numbered from 1.

    After the first error nothing more is yielded; it is raised at the end, with its own number and
    those of the other items that failed.

    >>> list(each(lambda text: Document(text, (Span("x", 0, 1),)), ["a", "", ""]))
    Traceback (most recent call last):
    nerlib.tools.exchange.document.ExchangeError: row 2: 'x' at 0 to 1 is empty or lies outside of \
the text of 0 characters (and 1 more: 3)
    """
    first, others = "", []
    for number, item in enumerate(items, start=1):
        try:
            result = function(item)
        except ExchangeError as error:
            others += [str(number)] if first else []
            first = first or f"{what} {number}: {error}"
        else:
            if not first:
                yield result
    if first:
        more = f"{', '.join(others[:9])}{', …' if len(others) > 9 else ''}"
        raise ExchangeError(first + (f" (and {len(others)} more: {more})" if others else ""))


def fitting_spans(
    text: str, spans: Sequence[Span], quotes: Sequence[object]
) -> tuple[tuple[Span, ...], str]:
    """Return spans that agree with the texts that a row quotes for them, and what it had counted.

    A quote of None is not looked at. Where exactly one other way to count makes all of a row's
    spans agree, they are put right; else raises `ExchangeError`.

    >>> fitting_spans("😀 on friday", [Span("date", 6, 12)], ["friday"])
    ((Span(type='date', start=5, end=11),), 'UTF-16 units')
    """

    def agrees(span: Span, quote: object) -> bool:
        found = text[max(0, span.start) : max(0, span.end)]
        # Some programs escape line ends in the quote, or write them as one character.
        return quote in (None, found, found.replace("\n", "\\n"), found.replace("\r\n", "\n"))

    wrong = [pair for pair in zip(spans, quotes, strict=True) if not agrees(*pair)]
    if not wrong:
        return tuple(spans), ""
    fits: dict[tuple[Span, ...], str] = {}
    for name, unit in _UNITS.items():
        counted = [0, *accumulate(map(unit, text))]
        moved = [
            Span(s.type, bisect_right(counted, s.start) - 1, bisect_left(counted, s.end))
            for s in spans
        ]
        if all(map(agrees, moved, quotes)):
            fits.setdefault(tuple(moved), name)
    if len(fits) == 1:
        return next(iter(fits.items()))
    span, quote = wrong[0]
    found, said = text[max(0, span.start) : max(0, span.end)][:40], str(quote)[:40]
    show = ascii if normalize("NFC", found) == normalize("NFC", said) else repr
    raise ExchangeError(f"the text at {shown(span)} is not {show(said)} but {show(found)}")


def repeats(documents: Iterable[Document | ParsedUtterance]) -> Iterator[str]:
    """Yield what there is to say of texts that occur more than once.

    >>> marked = Document("at nine", (Span("time", 3, 7),))
    >>> list(repeats([marked, marked, Document("at nine")]))
    ["1 texts occur again with the same marks, as 'at nine'", \
"1 texts occur again with other marks, as 'at nine'"]
    """
    first: dict[str, tuple[Span, ...]] = {}
    again: dict[bool, list[str]] = {True: [], False: []}
    for document in documents:
        if document.text in first:
            again[first[document.text] == document.spans].append(document.text)
        first.setdefault(document.text, document.spans)
    for same, texts in again.items():
        if texts:
            what = "the same marks" if same else "other marks"
            yield f"{len(texts):,} texts occur again with {what}, as {texts[0][:60]!r}"


def check_apart(spans: Sequence[Span], what: str) -> None:
    """Raise `ExchangeError` if two spans overlap, which `what` cannot hold."""
    for one, other in pairwise(sorted(spans, key=_PLACE)):
        if other.start < one.end:
            both = f"{shown(one)} and {shown(other)}"
            raise ExchangeError(f"{what} cannot hold spans that overlap: {both}; keep one of them")


def shown(span: Span) -> str:
    """Return a span as an error message names it."""
    return f"{span.type[:40]!r} at {span.start} to {span.end}"


def words_of(document: Document) -> tuple[Word, ...]:
    """Return the document's words; where none were fixed, nerlib's, cut at every span's ends too.

    >>> [word.text for word in words_of(Document("at7 pm", (Span("time", 2, 6),)))]
    ['at', '7', 'pm']
    """
    if document.words is not None:
        return tuple(word for word in document.words if not word.text.isspace())
    edges = sorted({0, len(document.text), *(e for s in document.spans for e in (s.start, s.end))})
    split, text = Parser().split_words, document.text
    return tuple(word for a, b in pairwise(edges) for word in split(text[a:b], a))


def words_under(words: Sequence[Word], span: Span) -> tuple[int, int]:
    """Return the first word of a span and the one after its last.

    Raises `ExchangeError` if its ends are not ends of words: nothing is moved in silence.
    """
    first = bisect_left(words, span.start, key=lambda word: word.start)
    end = bisect_right(words, span.end, key=lambda word: word.end)
    if first < end and words[first].start == span.start and words[end - 1].end == span.end:
        return first, end
    touched = [word for word in words if word.start < span.end and span.start < word.end]
    near = f"; the words there are {' '.join(repr(w.text) for w in touched[:5])}" if touched else ""
    raise ExchangeError(f"{shown(span)} does not begin and end with a word{near}")


def tags_of(document: Document, words: Sequence[Word], what: str) -> list[str]:
    """Return one IOB2 tag a word, types as they are written; raises as the two checks above do."""
    check_apart(document.spans, what)
    tags = [OUTSIDE] * len(words)
    for span in document.spans:
        first, end = words_under(words, span)
        tags[first:end] = [f"B-{span.type}"] + [f"I-{span.type}"] * (end - first - 1)
    return tags
