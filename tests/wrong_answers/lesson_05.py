"""What people get wrong in lesson 05, besides the mistakes that its checks know by name."""

from __future__ import annotations

from nerlib.course.checks.lesson_05 import train_once


def returns_the_sum(model, batches, optimizer, limit):
    return sum(train_once(model, batches, optimizer, limit))


WRONG = {
    "05.1": [
        ({"precision": 0.4, "recall": 0.5, "f1": 0.2}, "f1"),
        ({"precision": 40, "recall": 50, "f1": 44.4}, "percent"),
        ({"precision": 0.1, "recall": 0.2, "f1": 0.3}, "unclear"),
        ({"precision": 0.4, "recall": 0.5}, "keys"),
        ([0.4, 0.5, 0.44], "a dictionary from strings to numbers is expected"),
    ],
    "05.5": [(returns_the_sum, "a list of numbers is expected")],
}
