"""Typical wrong answers, each with the hint that it should get.

A hint is the name of one in `nerlib/data/hints`, or words of one that any exercise may give. What
is a value is in `values.toml`. The mistakes that a check knows by name (`slips`) are answers, too.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from nerlib.course.checks.exercise import all_exercises
from wrong_answers import capstone, functions

VALUES = tomllib.loads(Path(__file__).with_name("values.toml").read_text(encoding="utf-8"))


def wrong_answers() -> list[tuple[str, Any, str]]:
    """Return (number, answer, name or words of the hint) of all wrong answers."""
    exercises = all_exercises().items()
    known = {number: getattr(exercise.examine, "slips", {}) for number, exercise in exercises}
    return [
        *((n, answer, hint) for n, slips in known.items() for hint, answer in slips.items()),
        *((n, answer, hint) for n, values in VALUES.items() for hint, answer in values.items()),
        *functions.FOUND,
        *((n, answer, hint) for n, rows in capstone.WRONG.items() for answer, hint in rows),
    ]


def is_given(message: str, number: str, hint: str) -> bool:
    """Return whether a message gives a hint, whatever it is filled in with."""
    words = all_exercises()[number].hints.get(hint, hint)
    pattern = ".*".join(map(re.escape, re.split(r"\{.*?\}", words)))
    return re.search(pattern, message) is not None
