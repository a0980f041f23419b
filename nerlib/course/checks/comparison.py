"""The commonest checks: a function is compared with a reference, a value with the right one.

`nerlib/data/hints/06.toml` has the words of lesson 06: titles, what one learns, and hints by name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.differences import CLOSE, same
from nerlib.course.checks.exercise import Exercise

FOLDER = Path(__file__).parents[2] / "data" / "hints"


@dataclass(frozen=True)
class Comparison:
    """Compares an answer with a reference; each of `slips` makes one typical mistake.

    A slip's name is that of its hint: the first slip that gives what the answer gives decides.
    `kind` is what the function returns. `name` says how a hint names a call whose arguments are
    too long to show. `then` asks further questions once all cases are right.
    """

    reference: Callable[..., Any]
    kind: Any
    cases: Iterable[Sequence[Any]]
    slips: Mapping[str, Callable[..., Any]]
    name: Callable[..., str | None] = lambda *arguments: None
    then: Callable[[Answer], None] = lambda answer: None

    def __call__(self, answer: Answer) -> None:
        """Ask the answer all questions; raises `Hint` at the first that it gets wrong."""
        for case in self.cases:
            answer.compare(self.reference, case, self.kind, self.slips, self.name(*case))
        self.then(answer)


@dataclass(frozen=True)
class OnPaper:
    """Compares a value that was worked out by hand; each of `slips` is what a mistake leads to.

    A slip's name is that of its hint. `other` raises the hint for a value that is neither right
    nor any of these. `tolerance` is how far numbers may be from the right ones.
    """

    kind: Any
    expected: Any
    slips: Mapping[str, Any]
    other: Callable[[Answer, Any], None]
    tolerance: float = CLOSE

    def __call__(self, answer: Answer) -> None:
        """Read the value; raises `Hint` if it is wrong."""
        found = answer.read(self.kind)
        if same(found, self.expected, self.tolerance):
            return
        for name, value in self.slips.items():
            if same(found, value, self.tolerance):
                answer.fail(name)
        self.other(answer, found)


def exercises(lesson: str, *checks: Callable[[Answer], None]) -> tuple[Exercise, ...]:
    """Return the exercises of a lesson, given their checks in order; the words are in its file.

    >>> exercises("10", *5 * [print])[1].title
    'One gradient from many'
    """
    words = tomllib.loads((FOLDER / f"{lesson}.toml").read_text(encoding="utf-8"))
    return tuple(
        Exercise(number, entry["title"], check, entry["learned"], entry.get("hints", {}))
        for (number, entry), check in zip(words.items(), checks, strict=True)
    )
