"""Typical wrong answers, a module a lesson: each with words of the hint that it should get.

`WRONG` gives for each exercise a list of (answer, words that stand in its hint and in no other
hint of this exercise).
"""

from __future__ import annotations

import importlib
from typing import Any

from nerlib.course.checks.exercise import all_exercises

Wrong = dict[str, list[tuple[Any, str]]]


def wrong_answers() -> list[tuple[str, Any, str]]:
    """Return (number, answer, words of the hint) of all wrong answers."""
    lessons = sorted({exercise.lesson for exercise in all_exercises().values()})
    modules = [importlib.import_module(f"wrong_answers.lesson_{lesson}") for lesson in lessons]
    return [
        (number, answer, words)
        for module in modules
        for number, listed in module.WRONG.items()
        for answer, words in listed
    ]
