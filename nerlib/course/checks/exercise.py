"""An exercise: its number, its check, and what somebody who passes it has learnt."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

import nerlib.course.checks
from nerlib.course.checks.answer import Answer


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson.

    `number` is lesson and place, as "02.3". `examine` asks the answer questions and raises `Hint`
    at the first one that it gets wrong, one of `hints`, say. `learned` is said to somebody who gets
    them all right.
    """

    number: str
    title: str
    examine: Callable[[Answer], None]
    learned: str
    hints: Mapping[str, str] = field(default_factory=dict)

    @property
    def lesson(self) -> str:
        """The lesson's number, as "02"."""
        return self.number.partition(".")[0]


@cache
def all_exercises() -> dict[str, Exercise]:
    """Return every exercise by its number: the `EXERCISES` of the modules beside this one.

    >>> all_exercises()["02.1"].title
    'Tags on paper'
    """
    names = sorted(module.name for module in pkgutil.iter_modules(nerlib.course.checks.__path__))
    lessons = [name for name in names if name.startswith(("lesson_", "capstone"))]
    modules = [importlib.import_module(f"nerlib.course.checks.{name}") for name in lessons]
    found = [exercise for module in modules for exercise in module.EXERCISES]
    return {exercise.number: exercise for exercise in sorted(found, key=lambda e: e.number)}


def of_lesson(lesson: str) -> list[Exercise]:
    """Return the exercises of one lesson, in their order."""
    return [exercise for exercise in all_exercises().values() if exercise.lesson == lesson]
