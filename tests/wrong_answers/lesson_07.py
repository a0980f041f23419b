"""What people get wrong in lesson 07, besides the mistakes that its checks know by name."""

from __future__ import annotations

KINDS = [
    "correct", "wrong boundary", "wrong type", "missed", "wrong type and boundary", "invented",
]  # fmt: skip


def kinds(**changed):
    return [changed.get(f"row{number}", kind) for number, kind in enumerate(KINDS, start=1)]


def divides_by_nothing(counts):
    return sum(correct / predicted for _, predicted, correct in counts.values()) / len(counts)


WRONG = {
    "07.1": [
        (kinds(row4="invented", row6="missed"), "*Missed* is there and was not predicted"),
        (kinds(row5="wrong type"), "Only one of the two faults"),
        (kinds(row2="missed"), "the two share a word"),
        (kinds(row6="wrong type"), "no entity here at all"),
        (kinds(row3="correct"), "It is not right"),
        (kinds(row2="wrong type", row3="wrong boundary"), "once more, one after the other"),
        (kinds(row1="right"), "The kinds are"),
        (KINDS[:5], "There are 6 rows"),
    ],
    "07.2": [(divides_by_nothing, "ZeroDivisionError")],
}
