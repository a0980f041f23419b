"""Typical wrong answers, a module a lesson: each with words of the hint that it should get.

`WRONG` gives for each exercise a list of (answer, words that stand in its hint and in no other
hint of this exercise). The mistakes that a check knows by name (`slips`) are answers as well.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

from nerlib.course.checks.comparison import Comparison, OnPaper
from nerlib.course.checks.exercise import all_exercises

Wrong = dict[str, list[tuple[Any, str]]]


def wrong_answers() -> list[tuple[str, Any, str]]:
    """Return (number, answer, words of the hint) of all wrong answers."""
    return [
        (number, answer, words)
        for number, exercise in all_exercises().items()
        for answer, words in [*of_check(exercise.examine), *listed(exercise.lesson, number)]
    ]


def of_check(examine: Any) -> list[tuple[Any, str]]:
    """Return the mistakes that a check knows, each with its whole hint."""
    return examine.mistakes if isinstance(examine, Comparison | OnPaper) else []


def listed(lesson: str, number: str) -> list[tuple[Any, str]]:
    """Return the wrong answers to an exercise that its lesson's module lists, if there is one."""
    name = f"wrong_answers.lesson_{lesson}"
    module = importlib.import_module(name) if find_spec(name) else None
    return module.WRONG.get(number, []) if module else []
