"""What people get wrong in lesson 01, besides the mistakes that its checks know by name."""

from __future__ import annotations


def divides_by_nothing(rows):
    return sum("[" not in row for row in rows) / len(rows)


def no_guard(gold, found):
    right = len(gold & found)
    precision, recall = right / len(found), right / len(gold)
    return precision, recall, 2 * precision * recall / (precision + recall)


def forgets_f1(gold, found):
    return len(gold & found) / len(found), len(gold & found) / len(gold)


def beyond_the_end(words, tags):
    filled = list(tags)
    for index, word in enumerate(words):
        both_free = tags[index : index + 2] == ["O", "O"]
        if word.isdigit() and words[index + 1] in ("am", "pm") and both_free:
            filled[index : index + 2] = ["B-TIME", "I-TIME"]
    return filled


def changes_in_place(words, tags):
    tags[-2:] = ["B-TIME", "I-TIME"]


WRONG = {
    "01.1": [(divides_by_nothing, "nothing to divide by")],
    "01.3": [
        (no_guard, "ZeroDivisionError"),
        (forgets_f1, "a tuple (a number, a number, a number) is expected"),
    ],
    "01.4": [(beyond_the_end, "IndexError"), (changes_in_place, "changes its argument instead")],
}
