"""The checks of lesson 01: look at the data, and score a tagger made from a list."""

from collections.abc import Callable
from functools import partial

from nerlib.course.checks.exercise import Comparison, Function, each
from nerlib.metrics import Score
from nerlib.parsing import Parser


def share_without(rows: list[str]) -> float:
    """Return the share of the rows that hold no slot."""
    return slots_of(rows).count(0) / len(rows) if rows else 0.0


def slots_of(rows: list[str]) -> list[int]:
    """Return the number of slots in each row."""
    return [len(Parser().parse(row).spans) for row in rows]


SHARE = Comparison(
    share_without,
    with_slots=lambda rows: 1 - share_without(rows),
    percent=lambda rows: 100 * share_without(rows),
    count=lambda rows: float(slots_of(rows).count(0)),
)


def share_seen(training: list[str], new: list[str]) -> float:
    """Return the share of the new values that occur in training."""
    known = {value.casefold() for value in training}
    return sum(value.casefold() in known for value in new) / len(new) if new else 0.0


SEEN = Comparison(
    share_seen,
    unseen=lambda training, new: 1 - share_seen(training, new),
    swapped=lambda training, new: share_seen(new, training),
    different=lambda training, new: share_seen(training, list({v.casefold() for v in new})),
    sensitive=lambda training, new: sum(value in training for value in new) / len(new),
)

Entities = set[tuple[str, int, int]]
Numbers = tuple[float, float, float]


def three_numbers(gold: Entities, found: Entities, correct: int | None = None) -> Numbers:
    """Return precision, recall and F1; a slip may count other entities as correct."""
    score = Score(len(gold), len(found), len(gold & found) if correct is None else correct)
    return score.precision, score.recall, score.f1


def _with_f1(f1: Callable[..., float]) -> Function:
    """Return the slip of somebody who has another F1, made from the three numbers."""
    return lambda *sides: (*three_numbers(*sides)[:2], f1(*three_numbers(*sides)))


def _overlapping(gold: Entities, found: Entities) -> Numbers:
    hits = sum(any(g[0] == f[0] and g[1] < f[2] and f[1] < g[2] for g in gold) for f in found)
    return three_numbers(gold, found, hits)


SCORES = Comparison(
    three_numbers,
    read=lambda *sides: [set(map(tuple, side)) for side in sides],
    exchanged=lambda gold, found: three_numbers(found, gold),
    arithmetic=_with_f1(lambda precision, recall, f1: (precision + recall) / 2),
    without_two=_with_f1(lambda precision, recall, f1: f1 / 2),
    typeless=lambda gold, found: three_numbers(
        {("", *e[1:]) for e in gold}, {("", *e[1:]) for e in found}
    ),
    overlapping=_overlapping,
)


def times_filled_in(
    words: list[str],
    tags: list[str],
    free: Function = lambda number, unit: number == unit == "O",
    is_number: Function = str.isdigit,
) -> list[str]:
    """Return the tags with a time where digits and am or pm stand and both tags are O.

    The slips take other tags for free, or other words for numbers.
    """
    filled = list(tags)
    for index, word in enumerate(words[:-1]):
        is_time = is_number(word) and words[index + 1] in ("am", "pm")
        if is_time and free(tags[index], tags[index + 1]):
            filled[index : index + 2] = ["B-TIME", "I-TIME"]
    return filled


PATTERN = Comparison(
    times_filled_in,
    read=lambda sentence, tags: (sentence.split(), tags.split()),
    two_begins=each(times_filled_in, lambda tag: tag.replace("I-TIME", "B-TIME")),
    any_am=partial(times_filled_in, free=lambda number, unit: unit == "O", is_number=bool),
    from_nothing=lambda words, tags: times_filled_in(words, ["O"] * len(words)),
    overwriting=partial(times_filled_in, free=lambda number, unit: True),
)

CHECKS = (SHARE, SEEN, SCORES, PATTERN)  # in the order of their numbers
