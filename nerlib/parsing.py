"""From bracketed text to words, spans and BIO tags, with character offsets all the way.

Built in notebook 02.
"""

import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from unicodedata import normalize

import regex

Segmentation = Literal["spaces", "characters"]

OUTSIDE = "O"
SEPARATOR = " : "

# MASSIVE writes these locales without spaces and tags them character by character.
CHARACTER_LOCALES = frozenset({"ja-JP", "zh-CN", "zh-TW"})

# Possessive quantifiers (`*+`) never give characters back, so matching stays linear in the length.
_BRACKETS = regex.compile(r"\[(?P<inside>[^\[\]]*+)\]|(?P<stray>[\[\]])")
# Punctuation and symbols that are split off a word; not when a mark makes them part of an emoji.
_EDGE = regex.compile(r"[\p{P}\p{Sc}\p{Sm}^`](?!\p{M})")
_CHUNK = {
    "spaces": regex.compile(r"\S++"),
    "characters": regex.compile(r"(?:[!-~]\p{M}*+)++|\S\p{M}*+"),
}


class AnnotationError(ValueError):
    """A bracketed annotation that cannot be read: where, what is wrong and what to do.

    Attributes: `reason`, `advice`, `position` (character, counted from 0, in the text that is at
    fault) and `row_id` (the row of the corpus, if known).
    """

    def __init__(self, reason: str, advice: str, position: int, row_id: str | None = None) -> None:
        self.reason, self.advice, self.position, self.row_id = reason, advice, position, row_id
        row = "" if row_id is None else f"row {row_id}, "
        super().__init__(f"{row}character {position}: {reason}; {advice}")

    def __reduce__(self) -> tuple[type["AnnotationError"], tuple[str, str, int, str | None]]:
        return AnnotationError, (self.reason, self.advice, self.position, self.row_id)


@dataclass(frozen=True, slots=True)
class Word:
    """A unit that gets one tag: `text` stands at `start` to `end` (exclusive) in the utterance."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Span:
    """A slot: its `type` and the characters from `start` to `end` (exclusive) that it covers."""

    type: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ParsedUtterance:
    """What one annotation says: plain `text`, its `words`, its `spans` and one BIO tag a word."""

    text: str
    words: tuple[Word, ...]
    spans: tuple[Span, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parser:
    """Reads and writes bracketed annotations such as `wake me at [time : nine am]`.

    A word is what stands between spaces, with punctuation at its edges split off; it never crosses
    a slot's boundary. With `segmentation="characters"` (Chinese, Japanese) every character is a
    word, and runs of ASCII stay whole. Built in notebook 02.

    >>> parser = Parser()
    >>> parser("wake me at nine am", "wake me at [time : nine am]")
    ['O', 'O', 'O', 'B-TIME', 'I-TIME']
    >>> parser.parse("wake me at [time : nine am]").spans
    (Span(type='time', start=11, end=18),)
    """

    segmentation: Segmentation = "spaces"

    def __post_init__(self) -> None:
        if self.segmentation not in _CHUNK:
            raise ValueError(
                f"unknown segmentation {self.segmentation!r}: use 'spaces' or 'characters'"
            )

    @classmethod
    def for_locale(cls, locale: str) -> "Parser":
        """Return the parser that fits a MASSIVE locale.

        >>> Parser.for_locale("ja-JP").segmentation
        'characters'
        """
        return cls("characters" if locale in CHARACTER_LOCALES else "spaces")

    def __call__(self, sentence: str, annotated: str, row_id: str | None = None) -> list[str]:
        """Return one BIO tag per word of `sentence`, read from its bracketed version `annotated`.

        Raises `AnnotationError` for a broken annotation, or one that is not of this sentence.
        """
        parsed = self.parse(annotated, row_id)
        check_same_text(parsed.text, sentence, row_id)
        return list(parsed.tags)

    def parse(self, annotated: str, row_id: str | None = None) -> ParsedUtterance:
        """Return text, words, spans and tags of one annotation; raises `AnnotationError`."""
        texts: list[str] = []
        words: list[Word] = []
        spans: list[Span] = []
        tags: list[str] = []
        length = 0
        for text, slot_type in _segments(annotated, row_id):
            inside = self.split_words(text, length)
            words += inside
            tags += bio_tags(slot_type, len(inside))
            if slot_type is not None:
                spans.append(Span(slot_type, length, length + len(text)))
            texts.append(text)
            length += len(text)
        return ParsedUtterance("".join(texts), tuple(words), tuple(spans), tuple(tags))

    def split_words(self, text: str, offset: int = 0) -> list[Word]:
        """Return the words of plain text; `offset` is added to their positions.

        >>> [word.text for word in Parser().split_words("don't stop, please!")]
        ["don't", 'stop', ',', 'please', '!']
        """
        words: list[Word] = []
        for match in _CHUNK[self.segmentation].finditer(text):
            chunk, start = match[0], match.start() + offset
            if chunk.isalnum():  # the usual case, and the quick one
                words.append(Word(chunk, start, start + len(chunk)))
            else:
                words += split_edges(chunk, start)
        return words

    def annotate(self, text: str, spans: Iterable[Span]) -> str:
        """Return the bracketed text: the inverse of `parse`.

        Raises `ValueError` for spans that overlap or lie outside the text.

        >>> Parser().annotate("wake me at nine am", [Span("time", 11, 18)])
        'wake me at [time : nine am]'
        """
        pieces: list[str] = []
        cursor = 0
        for span in sorted(spans, key=lambda span: span.start):
            if not cursor <= span.start < span.end <= len(text):
                raise ValueError(f"{span} overlaps another span, is empty or lies outside the text")
            value = text[span.start : span.end]
            pieces += [text[cursor : span.start], f"[{span.type}{SEPARATOR}{value}]"]
            cursor = span.end
        return "".join([*pieces, text[cursor:]])


def bio_tags(slot_type: str | None, length: int) -> list[str]:
    """Return the tags of `length` words that stand together in a slot, or outside of any (`None`).

    >>> bio_tags("time", 3)
    ['B-TIME', 'I-TIME', 'I-TIME']
    """
    if slot_type is None:
        return [OUTSIDE] * length
    name = slot_type.upper()
    return [f"B-{name}", *[f"I-{name}"] * (length - 1)] if length else []


def spans_to_tags(words: Sequence[Word], spans: Iterable[Span]) -> list[str]:
    """Return one BIO tag per word for spans given by character offsets. Built in notebook 02.

    The words stand in their order, as `Parser.split_words` gives them. Raises `ValueError` for a
    span that covers no whole word: its entity would be lost.

    >>> spans_to_tags(Parser().split_words("at nine am"), [Span("time", 3, 10)])
    ['O', 'B-TIME', 'I-TIME']
    """
    tags = [OUTSIDE] * len(words)
    starts = [word.start for word in words]
    for span in spans:
        first = end = bisect_left(starts, span.start)
        while end < len(words) and words[end].end <= span.end:
            end += 1
        if first == end:
            raise ValueError(f"{span} covers no whole word: move its edges to the words' edges")
        tags[first:end] = bio_tags(span.type, end - first)
    return tags


def tag_chunks(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return the entities of a tag sequence as (type, first word, end word), end exclusive.

    An `I-X` that follows neither `B-X` nor `I-X` starts an entity, the convention of the CoNLL
    scorer (Tjong Kim Sang & Buchholz, 2000), also for models that forget the `B-`.

    >>> tag_chunks(["B-TIME", "I-TIME", "O", "I-DATE"])
    [('TIME', 0, 2), ('DATE', 3, 4)]
    """
    chunks: list[tuple[str, int, int]] = []
    previous = ""
    for index, tag in enumerate(tags):
        name = tag[2:]
        if name and tag.startswith("I") and name == previous:
            chunks[-1] = (name, chunks[-1][1], index + 1)
        elif name:
            chunks.append((name, index, index + 1))
        previous = name
    return chunks


def tags_to_spans(words: Sequence[Word], tags: Sequence[str]) -> list[Span]:
    """Return the spans that BIO tags describe, types in lower case. Built in notebook 02.

    >>> tags_to_spans(Parser().split_words("at nine am"), ["O", "B-TIME", "I-TIME"])
    [Span(type='time', start=3, end=10)]
    """
    if len(words) != len(tags):
        raise ValueError(f"{len(words)} words but {len(tags)} tags: one tag per word is needed")
    return [
        Span(name.lower(), words[first].start, words[end - 1].end)
        for name, first, end in tag_chunks(tags)
    ]


def check_same_text(found: str, sentence: str, row_id: str | None = None) -> None:
    """Raise `AnnotationError` unless the annotation without brackets equals the sentence."""
    if found == sentence:
        return
    pairs = enumerate(zip(found, sentence, strict=False))
    position = next((i for i, (a, b) in pairs if a != b), min(len(found), len(sentence)))
    alike = normalize("NFC", found) == normalize("NFC", sentence)
    one, other = (
        (ascii if alike else repr)(t[position : position + 12]) for t in (found, sentence)
    )
    raise AnnotationError(
        "annot_utt without its brackets differs from utt here: "
        f"{one} instead of {other}{', which looks the same' if alike else ''}",
        "make both say the same",
        position,
        row_id,
    )


def split_edges(chunk: str, start: int) -> Iterator[Word]:
    """Yield leading punctuation, the core and trailing punctuation, one character a mark."""
    first, last = 0, len(chunk)
    while first < last and _EDGE.match(chunk, first):
        first += 1
    while first < last and _EDGE.match(chunk, last - 1):
        last -= 1
    for text in filter(None, (*chunk[:first], chunk[first:last], *chunk[last:])):
        yield Word(text, start, start + len(text))
        start += len(text)


def _segments(annotated: str, row_id: str | None) -> Iterator[tuple[str, str | None]]:
    """Yield the text's pieces in order, each with its slot type, or None outside of a slot."""
    cursor = 0
    for match in _BRACKETS.finditer(annotated):
        if match["stray"]:
            raise _stray_bracket(annotated, match.start(), row_id)
        if cursor < match.start():
            yield annotated[cursor : match.start()], None
        slot_type, value = _read_slot(match["inside"], match.start(), row_id)
        yield value, slot_type
        cursor = match.end()
    if cursor < len(annotated):
        yield annotated[cursor:], None


def _read_slot(inside: str, position: int, row_id: str | None) -> tuple[str, str]:
    """Return (slot type, value) of what stands between one pair of brackets."""
    slot_type, separator, value = inside.partition(SEPARATOR)
    advice = "write [type : value]"
    if not separator:
        reason = f"[{_shown(inside)}] has no ' : ' between type and value"
        advice += ", or take a literal bracket out of the text"
    elif not slot_type.strip():
        reason = "the slot has no type"
    elif not value.strip():
        reason = f"the slot {_shorten(slot_type)!r} has no value"
    elif len(slot_type.split()) != 1 or slot_type != slot_type.strip():
        reason = f"the slot type {_shorten(slot_type)!r} contains a space"
        advice = "write it as one word, with underscores"
    else:
        return sys.intern(slot_type), value  # one string a type, however large the corpus
    raise AnnotationError(reason, advice, position, row_id)


def _stray_bracket(annotated: str, position: int, row_id: str | None) -> AnnotationError:
    """Say which kind of bracket trouble starts at `position`."""
    if annotated[position] == "]":
        reason, advice = "']' closes no slot", "remove it, or add the '[' that it closes"
    elif "[" in annotated[position + 1 :].partition("]")[0]:
        reason = "a slot stands inside another slot"
        advice = "close the first one with ']' before the second"
    else:
        reason, advice = "'[' is never closed", "add the ']' after the slot's value"
    return AnnotationError(reason, advice, position, row_id)


def _shorten(text: str, limit: int = 30) -> str:
    """Return text short enough for one line of an error message."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _shown(text: str) -> str:
    """Return text short, with what a screen would obey instead of show as Python escapes it."""
    short = _shorten(text)
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in short)
