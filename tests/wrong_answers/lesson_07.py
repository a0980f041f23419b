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
        (kinds(row4="invented", row6="missed"), "missed_or_invented"),
        (kinds(row5="wrong type"), "one_fault"),
        (kinds(row2="missed"), "both_sides"),
        (kinds(row6="wrong type"), "one_side"),
        (kinds(row3="correct"), "not_right"),
        (kinds(row2="wrong type", row3="wrong boundary"), "other"),
        (kinds(row1="right"), "names"),
        (KINDS[:5], "keys"),
    ],
    "07.2": [(divides_by_nothing, "ZeroDivisionError")],
}
