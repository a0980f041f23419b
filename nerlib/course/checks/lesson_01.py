"""The checks of lesson 01: look at the data, and score a tagger made from a list."""

from __future__ import annotations

import re

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Exercise
from nerlib.metrics import Score
from nerlib.parsing import Parser

SLOT = re.compile(r"\[\S+ : [^\]]+\]")

# 01.1 --------------------------------------------------------------------------------------------
ROWS: tuple[list[str], ...] = (
    ["wake me at [time : nine]", "stop", "on [date : friday]", "in [place_name : rome]"],
    ["play [genre : jazz] in [house_place : kitchen]", "thanks", "stop"],
    ["thanks", "stop"],
    [],
)


def share_without(rows: list[str]) -> float:
    """Return the share of the rows that hold no slot."""
    return sum(not Parser().parse(row).spans for row in rows) / len(rows) if rows else 0.0


def _with_slots(rows: list[str]) -> float:
    return 1 - share_without(rows)


def _percent(rows: list[str]) -> float:
    return 100 * share_without(rows)


def _count(rows: list[str]) -> float:
    return share_without(rows) * len(rows)


def _slots_a_row(rows: list[str]) -> float:
    return 1 - sum(len(SLOT.findall(row)) for row in rows) / len(rows)


def _odds(rows: list[str]) -> float:
    empty = sum(not SLOT.search(row) for row in rows)
    return empty / (len(rows) - empty)


SHARE_SLIPS = (
    (_with_slots, "That is the share of rows *with* a slot."),
    (_percent, "A share lies between 0 and 1: this one is a percentage."),
    (_count, "That is how many rows have no slot. For a share, divide by the number of rows."),
    (_odds, "Divide by *all* rows, not by those with a slot."),
    (_slots_a_row, "You count slots, not rows: a row with two slots is still one row."),
)  # fmt: skip


def rows_without_slots(answer: Answer) -> None:
    """A function from bracketed rows to a share."""
    for rows in ROWS:
        answer.compare(share_without, (rows,), float, SHARE_SLIPS)


# 01.2 --------------------------------------------------------------------------------------------
VALUES: tuple[tuple[list[str], list[str]], ...] = (
    (["nine am", "rome", "jazz"], ["nine am", "oslo", "jazz", "ten am"]),
    (["rome", "jazz", "blues", "rock"], ["rome", "rome", "oslo", "rome"]),
    (["Rome"], ["rome", "ROME", "oslo"]),
    (["nine am"], ["nine", "am"]),
    (["rome"], []),
)


def share_seen(training: list[str], new: list[str]) -> float:
    """Return the share of the new values that occur in training."""
    known = {value.casefold() for value in training}
    return sum(value.casefold() in known for value in new) / len(new) if new else 0.0


def _sensitive(training: list[str], new: list[str]) -> float:
    return sum(value in training for value in new) / len(new)


def _different(training: list[str], new: list[str]) -> float:
    return share_seen(training, list({value.casefold() for value in new}))


def _unseen(training: list[str], new: list[str]) -> float:
    return 1 - share_seen(training, new)


def _swapped(training: list[str], new: list[str]) -> float:
    return share_seen(new, training)


def _of_training(training: list[str], new: list[str]) -> float:
    return share_seen(training, new) * len(new) / len(training)


def _inside(training: list[str], new: list[str]) -> float:
    together = " ".join(training).casefold()
    return sum(value.casefold() in together for value in new) / len(new)


SEEN_SLIPS = (
    (_unseen, "That is the share of values that are *new*."),
    (_swapped, "You ask how many training values come again. Ask the other way round: how many of "
     "the new rows' values were seen before?"),
    (_of_training, "Divide by the number of *new* values, of which a share is asked for."),
    (_different, "A value that comes three times counts three times: a tagger meets it three "
     "times. A `set` forgets that."),
    (_sensitive, "`Rome` and `rome` are the same value here: compare them in small letters."),
    (_inside, "A value is seen if it is *equal* to one in training. A part of one, as `nine` of "
     "`nine am`, is another value: use a set or a list, not one long string."),
)  # fmt: skip


def seen_values(answer: Answer) -> None:
    """A function from two lists of values to a share."""
    for arguments in VALUES:
        answer.compare(share_seen, arguments, float, SEEN_SLIPS)


# 01.3 --------------------------------------------------------------------------------------------
Entities = set[tuple[str, int, int]]
NINE, FRIDAY, ROME, JAZZ = ("time", 4, 6), ("date", 7, 8), ("place", 1, 2), ("genre", 1, 2)
SCORED: tuple[tuple[Entities, Entities], ...] = (
    ({NINE, FRIDAY, ROME}, {NINE, FRIDAY, ROME}),
    ({NINE, FRIDAY, ROME, ("food", 9, 10)}, {NINE}),
    ({NINE, ROME}, {NINE, JAZZ, ("food", 9, 10)}),
    ({NINE, FRIDAY}, {("time", 4, 5), FRIDAY, ("food", 9, 10)}),
    ({NINE}, set()),
    (set(), {NINE}),
)


def three_numbers(gold: Entities, found: Entities) -> tuple[float, float, float]:
    """Return precision, recall and F1."""
    score = Score(gold=len(gold), predicted=len(found), correct=len(gold & found))
    return score.precision, score.recall, score.f1


def _exchanged(gold: Entities, found: Entities) -> tuple[float, float, float]:
    return three_numbers(found, gold)


def _arithmetic(gold: Entities, found: Entities) -> tuple[float, float, float]:
    precision, recall, _ = three_numbers(gold, found)
    return precision, recall, (precision + recall) / 2


def _typeless(gold: Entities, found: Entities) -> tuple[float, float, float]:
    return three_numbers({("", *e[1:]) for e in gold}, {("", *e[1:]) for e in found})


def _overlapping(gold: Entities, found: Entities) -> tuple[float, float, float]:
    hits = sum(any(g[0] == f[0] and g[1] < f[2] and f[1] < g[2] for g in gold) for f in found)
    score = Score(gold=len(gold), predicted=len(found), correct=hits)
    return score.precision, score.recall, score.f1


def _without_two(gold: Entities, found: Entities) -> tuple[float, float, float]:
    precision, recall, f1 = three_numbers(gold, found)
    return precision, recall, f1 / 2


SCORE_SLIPS = (
    (_exchanged, "Precision and recall are exchanged. Precision: of what was *found*, which share "
     "is right? Recall: of what is *there*, which share was found?"),
    (_arithmetic, "F1 is not the plain average of the two, but their harmonic mean: "
     "2 P R / (P + R). It is high only if both are."),
    (_without_two, "F1 is half of what it should be: the harmonic mean has a 2 in it."),
    (_typeless, "The place is right, but the type is not: an entity counts only if both are."),
    (_overlapping, "An entity with only some of its words counts as found. Both ends have to be "
     "right."),
)  # fmt: skip


def scores(answer: Answer) -> None:
    """A function from two sets of entities to three numbers."""
    for arguments in SCORED:
        answer.compare(three_numbers, arguments, tuple[float, float, float], SCORE_SLIPS)


# 01.4 --------------------------------------------------------------------------------------------
TO_FILL = tuple(
    (sentence.split(), tags.split())
    for sentence, tags in (
        ("wake me at 7 am", "O O O O O"),
        ("call at 10 pm or 11 am", "O O O O O O O"),
        ("i am late", "O O O"),
        ("remind me at 9 pm on friday", "O O O O O O B-DATE"),
        ("play 7 am by them", "O B-SONG_NAME I-SONG_NAME O O"),
        ("7 am radio", "O B-RADIO_NAME I-RADIO_NAME"),
        ("at 7", "O O"),
        ("", ""),
    )
)


def times_filled_in(words: list[str], tags: list[str]) -> list[str]:
    """Return the tags with a time where digits and am or pm stand and both tags are O."""
    filled = list(tags)
    for index in range(len(words) - 1):
        if _is_time(words, index) and tags[index] == tags[index + 1] == "O":
            filled[index : index + 2] = ["B-TIME", "I-TIME"]
    return filled


def _is_time(words: list[str], index: int) -> bool:
    return words[index].isdigit() and words[index + 1] in ("am", "pm")


def _overwriting(words: list[str], tags: list[str]) -> list[str]:
    filled = list(tags)
    for index in range(len(words) - 1):
        if _is_time(words, index):
            filled[index : index + 2] = ["B-TIME", "I-TIME"]
    return filled


def _half_overwriting(words: list[str], tags: list[str]) -> list[str]:
    """Return the tags of somebody who looks at the number's tag only."""
    filled = list(tags)
    for index in range(len(words) - 1):
        if _is_time(words, index) and tags[index] == "O":
            filled[index : index + 2] = ["B-TIME", "I-TIME"]
    return filled


def _from_nothing(words: list[str], tags: list[str]) -> list[str]:
    """Return the tags of somebody who starts with O everywhere."""
    return times_filled_in(words, ["O"] * len(words))


def _any_am(words: list[str], tags: list[str]) -> list[str]:
    filled = list(tags)
    for index, word in enumerate(words):
        if word in ("am", "pm") and index and tags[index] == "O":
            filled[index - 1 : index + 1] = ["B-TIME", "I-TIME"]
    return filled


def _two_begins(words: list[str], tags: list[str]) -> list[str]:
    return [tag.replace("I-TIME", "B-TIME") for tag in times_filled_in(words, tags)]


def _number_only(words: list[str], tags: list[str]) -> list[str]:
    return [tag.replace("I-TIME", "O") for tag in times_filled_in(words, tags)]


def _first_only(words: list[str], tags: list[str]) -> list[str]:
    filled = times_filled_in(words, tags)
    if "B-TIME" not in filled:
        return filled
    first = filled.index("B-TIME") + 2
    return filled[:first] + tags[first:]


def _am_only(words: list[str], tags: list[str]) -> list[str]:
    return times_filled_in(["" if word == "pm" else word for word in words], tags)


FILL_SLIPS = (
    (_two_begins, "Number and *am* are one time: the second word continues it, with `I-`."),
    (_number_only, "*am* or *pm* belongs to the time: it continues it, with `I-`."),
    (_am_only, "Times end in `pm`, too."),
    (_first_only, "There is a second time in this sentence. Does the function return too early?"),
    (_any_am, "*am* is also a verb: only behind a number, a word of digits, is it a time."),
    (_from_nothing, "Tags that were there are gone: begin with the tags that come in, and fill in "
     "only what is missing."),
    (_overwriting, "The list knew this one already. The pattern only fills in where the tags are "
     "`O`."),
    (_half_overwriting, "One of the two words has a tag already: fill in only where *both* tags "
     "are `O`, or half of an entity is overwritten."),
)  # fmt: skip


def pattern(answer: Answer) -> None:
    """A function from words and tags to tags with times filled in."""
    for arguments in TO_FILL:
        answer.compare(times_filled_in, arguments, list[str], FILL_SLIPS)


EXERCISES = (
    Exercise(
        "01.1", "Rows with nothing to find", rows_without_slots,
        "Rows without a slot are data, too: a tagger has to learn when to be silent.",
    ),
    Exercise(
        "01.2", "Seen before", seen_values,
        "The share of values seen before is the most that a list can find.",
    ),
    Exercise(
        "01.3", "Three numbers", scores,
        "Precision asks what was found, recall what is there, and F1 is high only if both are.",
    ),
    Exercise(
        "01.4", "A pattern fills the gaps", pattern,
        "Rules can be added one after the other, as long as each leaves alone what others found.",
    ),
)  # fmt: skip
