"""Typical wrong answers, a module a lesson: each with the hint that it should get.

`WRONG` gives for each exercise a list of (answer, hint): the name of a hint in `nerlib/data/hints`,
or words of one that any exercise may give. The mistakes that a check knows by name (`slips`) are
answers as well.
"""

from __future__ import annotations

import importlib
import re
from importlib.util import find_spec
from typing import Any

from nerlib.course.checks.exercise import Exercise, all_exercises

Wrong = dict[str, list[tuple[Any, str]]]


def wrong_answers() -> list[tuple[str, Any, str]]:
    """Return (number, answer, name or words of the hint) of all wrong answers."""
    return [
        (number, answer, hint)
        for number, exercise in all_exercises().items()
        for answer, hint in [*known_to(exercise), *listed(exercise.lesson, number)]
    ]


def known_to(exercise: Exercise) -> list[tuple[Any, str]]:
    """Return the mistakes that a check knows, each with its hint."""
    return [(mistake, name) for name, mistake in getattr(exercise.examine, "slips", {}).items()]


def listed(lesson: str, number: str) -> list[tuple[Any, str]]:
    """Return the wrong answers to an exercise that its lesson's module lists, if there is one."""
    name = f"wrong_answers.lesson_{lesson}"
    module = importlib.import_module(name) if find_spec(name) else None
    return module.WRONG.get(number, []) if module else []


def is_given(message: str, number: str, hint: str) -> bool:
    """Return whether a message gives a hint, whatever it is filled in with."""
    words = all_exercises()[number].hints.get(hint, hint)
    pattern = ".*".join(map(re.escape, re.split(r"\{.*?\}", words)))
    return re.search(pattern, message) is not None
