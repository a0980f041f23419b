"""The checks of lesson 00: what a tagger finds, and how it is built."""

from itertools import pairwise

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Comparison, Function, each
from nerlib.course.figures import STATIONS
from nerlib.parsing import Parser, Span


def entities_on_paper(answer: Answer) -> None:
    """A dictionary from the pieces of the text to their types."""
    found = answer.read(dict[str, str])
    (marked,) = answer.cases
    parsed = Parser().parse(marked)
    expected = {parsed.text[span.start : span.end]: span.type for span in parsed.spans}
    for piece, name in found.items():
        if hint := _piece_hint(piece, name, parsed.text, expected):
            answer.fail(hint, f"You mark `{piece}` as `{name}`.", text=parsed.text)
    if len(found) < len(expected):
        answer.fail("another", f"You mark {len(found)} of the pieces in the sentence.")


def _piece_hint(piece: str, name: str, text: str, expected: dict[str, str]) -> str:
    """Return the name of the hint for one entity; nothing if it is right."""
    if piece in expected.values() and name in expected:
        return "other_way_round"
    if piece not in text:
        return "not_there"
    whole = next((value for value in expected if piece in value or value in piece), None)
    if whole is None:
        return "no_entity"
    if len(piece) != len(whole):
        return "part" if len(piece) < len(whole) else "too_long"
    if name not in expected.values():
        return "capitals" if name.lower() in expected.values() else "other_types"
    return "" if name == expected[whole] else "wrong_type"


NAMES = {"corpus", "parsing", "model", "training", "evaluation", "inference"}
IN_ORDER = [name for name, *_ in STATIONS if name in NAMES]


def pipeline_in_order(answer: Answer) -> None:
    """A list of the stations."""
    found = answer.read(list[str])
    for name in [*found, *IN_ORDER]:
        if name not in IN_ORDER:
            answer.fail("none_of_them", name=name)
        if found.count(name) != 1:
            answer.fail("not_once", name=name, count=found.count(name))
    if found == IN_ORDER[::-1]:
        answer.fail("backwards")
    for before, after in pairwise(IN_ORDER):
        if found.index(before) > found.index(after):
            answer.fail(f"{before}_first", after=after)


def place_of(text: str, value: str) -> tuple[int, int] | None:
    """Return start and end of the first occurrence."""
    start = text.find(value)
    return None if start < 0 else (start, start + len(value))


def _moved(start: int, end: int) -> Function:
    return lambda text, value: (text.find(value) + start, text.find(value) + len(value) + end)


PLACE = Comparison(
    place_of,
    inclusive=_moved(0, -1),
    from_one=_moved(1, 0),
    length_as_end=lambda text, value: (text.find(value), len(value)),
    not_found=_moved(0, 0),
)

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def spans_of_days(text: str) -> list[Span]:
    """Return the days among the words of a text."""
    words = Parser().split_words(text)
    return [Span("date", word.start, word.end) for word in words if word.text in DAYS]


def _by_letters(text: str) -> list[Span]:
    places = [(day, i) for i in range(len(text)) for day in DAYS if text.startswith(day, i)]
    return [Span("date", start, start + len(day)) for day, start in places]


DAYS_TAGGER = Comparison(
    spans_of_days,
    too_short=each(spans_of_days, lambda span: Span(span.type, span.start, span.end - 1)),
    of_type_day=each(spans_of_days, lambda span: Span("day", span.start, span.end)),
    only_first=lambda text: spans_of_days(text)[:1],
    at_spaces=lambda text: [span for span in spans_of_days(text) if text[span.end :][:1] in " "],
    by_letters=_by_letters,
)

CHECKS = (entities_on_paper, pipeline_in_order, PLACE, DAYS_TAGGER)  # in the order of their numbers
