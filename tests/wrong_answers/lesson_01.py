"""What people get wrong in lesson 01."""

from __future__ import annotations


def with_slot(rows):
    return sum("[" in row for row in rows) / len(rows) if rows else 0.0


def percent(rows):
    return 100 * sum("[" not in row for row in rows) / len(rows) if rows else 0.0


def counts(rows):
    return sum("[" not in row for row in rows)


def counts_slots(rows):
    return 1 - sum(row.count("[") for row in rows) / len(rows) if rows else 0.0


def divides_by_nothing(rows):
    return sum("[" not in row for row in rows) / len(rows)


def set_of_values(training, new):
    known = {value.casefold() for value in training}
    different = {value.casefold() for value in new}
    return len(known & different) / len(different) if different else 0.0


def letter_case(training, new):
    return sum(value in training for value in new) / len(new) if new else 0.0


def other_way_round(training, new):
    known = {value.casefold() for value in new}
    return sum(value.casefold() in known for value in training) / len(training)


def new_ones(training, new):
    known = {value.casefold() for value in training}
    return sum(value.casefold() not in known for value in new) / len(new) if new else 0.0


def parts(training, new):
    text = ", ".join(training).lower()
    return sum(value.lower() in text for value in new) / len(new) if new else 0.0


def _safe(part, whole):
    return part / whole if whole else 0.0


def swapped(gold, found):
    right = len(gold & found)
    precision, recall = _safe(right, len(gold)), _safe(right, len(found))
    return precision, recall, _safe(2 * precision * recall, precision + recall)


def plain_average(gold, found):
    right = len(gold & found)
    precision, recall = _safe(right, len(found)), _safe(right, len(gold))
    return precision, recall, (precision + recall) / 2


def without_types(gold, found):
    gold, found = {entity[1:] for entity in gold}, {entity[1:] for entity in found}
    right = len(gold & found)
    precision, recall = _safe(right, len(found)), _safe(right, len(gold))
    return precision, recall, _safe(2 * precision * recall, precision + recall)


def partly(gold, found):
    right = sum(any(g[0] == f[0] and g[1] < f[2] and f[1] < g[2] for g in gold) for f in found)
    precision, recall = _safe(right, len(found)), _safe(right, len(gold))
    return precision, recall, _safe(2 * precision * recall, precision + recall)


def no_guard(gold, found):
    right = len(gold & found)
    precision, recall = right / len(found), right / len(gold)
    return precision, recall, 2 * precision * recall / (precision + recall)


def forgets_f1(gold, found):
    right = len(gold & found)
    return _safe(right, len(found)), _safe(right, len(gold))


def _fill(words, tags, allowed, new=("B-TIME", "I-TIME"), units=("am", "pm")):
    filled = list(tags)
    for index in range(len(words) - 1):
        if words[index].isdigit() and words[index + 1] in units and allowed(tags, index):
            filled[index : index + 2] = new
    return filled


def both_free(tags, index):
    return tags[index] == "O" and tags[index + 1] == "O"


def overwrites(words, tags):
    return _fill(words, tags, lambda tags, index: True)


def looks_at_one(words, tags):
    return _fill(words, tags, lambda tags, index: tags[index] == "O")


def begins_twice(words, tags):
    return _fill(words, tags, both_free, ("B-TIME", "B-TIME"))


def only_am(words, tags):
    return _fill(words, tags, both_free, units=("am",))


def any_am(words, tags):
    filled = list(tags)
    for index, word in enumerate(words):
        if word in ("am", "pm") and both_free(tags, index - 1):
            filled[index - 1 : index + 1] = ["B-TIME", "I-TIME"]
    return filled


def beyond_the_end(words, tags):
    filled = list(tags)
    for index, word in enumerate(words):
        if word.isdigit() and words[index + 1] in ("am", "pm") and both_free(tags, index):
            filled[index : index + 2] = ["B-TIME", "I-TIME"]
    return filled


def changes_in_place(words, tags):
    tags[:] = _fill(words, tags, both_free)


WRONG = {
    "01.1": [
        (with_slot, "rows *with* a slot"),
        (percent, "a percentage"),
        (counts, "divide by the number of rows"),
        (counts_slots, "a row with two slots is still one row"),
        (divides_by_nothing, "nothing to divide by"),
    ],
    "01.2": [
        (set_of_values, "A `set` forgets that"),
        (letter_case, "compare them in small letters"),
        (other_way_round, "Ask the other way round"),
        (new_ones, "that are *new*"),
        (parts, "not one long string"),
    ],
    "01.3": [
        (swapped, "are exchanged"),
        (plain_average, "harmonic mean"),
        (without_types, "the type is not"),
        (partly, "Both ends have to be right"),
        (no_guard, "ZeroDivisionError"),
        (forgets_f1, "a tuple (a number, a number, a number) is expected"),
    ],
    "01.4": [
        (overwrites, "knew this one already"),
        (looks_at_one, "only where *both* tags are"),
        (begins_twice, "one time: the second word"),
        (only_am, "`pm`, too"),
        (any_am, "*am* is also a verb"),
        (beyond_the_end, "IndexError"),
        (changes_in_place, "changes its argument instead"),
    ],
}
