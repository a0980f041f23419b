"""The checks of lesson 12: windows, streams, and text for other programs."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from html import escape
from itertools import islice
from operator import length_hint

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Comparison, Function, each
from nerlib.course.checks.lesson_06 import entities_of
from nerlib.inference import Entity


def windows(words: int, limit: int, overlap: int) -> list[tuple[int, int]]:
    """Return first word and end of each window; neighbours share `overlap` words."""
    found = [(0, min(limit, words))]
    while found[-1][1] < words:
        first = found[-1][1] - overlap
        found.append((first, min(first + limit, words)))
    return found


WINDOWS = Comparison(
    windows,
    no_overlap=lambda words, limit, overlap: windows(words, limit, 0),
    last_words=each(windows, lambda window: (window[0], window[1] - 1)),
    lengths=each(windows, lambda window: (window[0], window[1] - window[0])),
)


def chunks(texts: Iterator[str], size: int) -> Iterator[list[str]]:
    """Yield lists of `size` texts, the last perhaps shorter; read no more than they hold."""
    while chunk := list(islice(texts, size)):
        yield chunk


def _ahead(texts: Iterator[str], size: int) -> Iterator[list[str]]:
    chunk: list[str] = []
    for text in texts:
        if len(chunk) == size:
            yield chunk
            chunk = []
        chunk.append(text)
    if chunk:
        yield chunk


def _taken_from(function: Function) -> Function:
    """Return what somebody sees who takes some chunks out of a function's generator."""

    def taken_from(texts: list[str], size: int, taken: int) -> dict[str, object] | None:
        stream = iter(texts)
        generator = function(stream, size)
        if generator is None:
            return None
        found = list(islice(generator, taken))
        return {"chunks taken": found, "texts read": len(texts) - length_hint(stream)}

    return taken_from


class _Stream(Comparison):
    """Takes chunks out of the answer's generator, and counts what it reads."""

    def __call__(self, answer: Answer) -> None:
        """Compare what is taken; raises `Hint` for the first difference."""
        slips = {name: _taken_from(slip) for name, slip in self.slips.items()}
        value = _taken_from(answer.value) if callable(answer.value) else answer.value
        asked = Answer(value, answer.hints, answer.cases)
        asked.name = answer.name
        Comparison(_taken_from(self.reference), name=self.name, **slips)(asked)


STREAM = _Stream(
    chunks,
    name=lambda texts, size, taken: f"{len(texts)} texts, {size}",
    reads_everything=lambda texts, size: list(chunks(texts, size)),
    one_ahead=_ahead,
    rest_lost=lambda texts, size: (chunk for chunk in chunks(texts, size) if len(chunk) == size),
    one_by_one=lambda texts, size: ([text] for text in texts),
)


def browser_places(
    text: str, start: int, end: int, encoding: str = "utf-16-le", size: int = 2
) -> tuple[int, int]:
    """Return a place counted in UTF-16 units; the slips take other encodings or sizes."""
    first, last = (len(text[:place].encode(encoding)) // size for place in (start, end))
    return first, last


BROWSER = Comparison(
    browser_places,
    byte_order_mark=partial(browser_places, encoding="utf-16"),
    bytes_of_utf16=partial(browser_places, size=1),
    characters=lambda text, start, end: (start, end),
    bytes_of_utf8=partial(browser_places, encoding="utf-8", size=1),
    end_unchanged=lambda text, start, end: (browser_places(text, start, end)[0], end),
)


def whole_text(found: list[tuple[int, list[Entity]]]) -> list[Entity]:
    """Return the entities of windows with offsets into the whole text, each once."""
    return _once(_moved(found))


def _once(entities: list[Entity]) -> list[Entity]:
    """Return the first entity of each type and place: in another window it has another score."""
    found: dict[tuple[str, int, int], Entity] = {}
    for one in entities:
        found.setdefault((one.type, one.start, one.end), one)
    return list(found.values())


def _found(text: str, number: int) -> list[Entity]:
    """Return the entities of a window, each less sure than in the window before."""
    return [replace(one, score=0.9 - number / 10) for one in entities_of(text)[1]]


def _moved(found: list[tuple[int, list[Entity]]], start: int = 1, end: int = 1) -> list[Entity]:
    """Return entities that are moved so many times the place of their window."""
    return [
        replace(entity, start=entity.start + start * first, end=entity.end + end * first)
        for first, entities in found
        for entity in entities
    ]


WHOLE = Comparison(
    whole_text,
    read=lambda windows: ([(p, _found(text, n)) for n, (p, text) in enumerate(windows)],),
    name=lambda found: f"{len(found)} windows",
    not_moved=partial(_moved, start=0, end=0),
    start_only=lambda found: _once(_moved(found, end=0)),
    other_way=partial(_moved, start=-1, end=-1),
    twice=_moved,
)


def to_html(
    text: str, entities: list[Entity], outside: Function = escape, inside: Function = escape
) -> str:
    """Return escaped text with each entity between <mark> and </mark>."""
    parts, done = [], 0
    for entity in entities:
        marked = inside(text[entity.start : entity.end])
        parts += [outside(text[done : entity.start]), f"<mark>{marked}</mark>"]
        done = entity.end
    return "".join([*parts, outside(text[done:])])


PAGE = Comparison(
    to_html,
    read=entities_of,
    nothing_escaped=partial(to_html, outside=str, inside=str),
    inside_not=partial(to_html, inside=str),
    outside_not=partial(to_html, outside=str),
    escaped_first=lambda text, entities: to_html(escape(text), entities, str, str),
    name=lambda text, entities: f"'{text}', {len(entities)} entities",
)

CHECKS = (WINDOWS, STREAM, BROWSER, WHOLE, PAGE)  # in the order of their numbers
