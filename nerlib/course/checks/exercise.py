"""The exercises of all lessons, and the two commonest checks: of a function, and of a value.

`nerlib/data/hints/06.toml` has the data of lesson 06: titles, cases, what one learns, and hints by
name.
"""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.differences import CLOSE, same
from nerlib.course.checks.kinds import fitting

FOLDER = Path(__file__).parents[2] / "data" / "hints"
Function = Callable[..., Any]


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson.

    `number` is lesson and place, as "02.3". `examine` asks the answer questions, about `cases`, and
    raises `Hint` at the first one that it gets wrong, one of `hints`, say. `learned` is said to
    somebody who gets them all right.
    """

    number: str
    examine: Callable[[Answer], None]
    title: str
    learned: str
    cases: Any = ()
    hints: Mapping[str, str] = field(default_factory=dict)

    @property
    def lesson(self) -> str:
        """The lesson's number, as "02"."""
        return self.number.partition(".")[0]


class Comparison:
    """Compares an answer with a reference; each of `slips` makes one typical mistake.

    A slip's name is that of its hint: the first slip that gives what the answer gives decides.
    `read` makes the arguments from a case. `name` says how a hint names a call whose arguments are
    too long to show. `then` asks further questions once all cases are right.
    """

    def __init__(
        self,
        reference: Function,
        *,
        read: Function = lambda *case: case,
        name: Function = lambda *arguments: None,
        then: Function = lambda answer: None,
        **slips: Function,
    ) -> None:
        self.reference, self.read, self.name, self.then = reference, read, name, then
        self.slips = slips

    def __call__(self, answer: Answer) -> None:
        """Ask the answer all questions; raises `Hint` at the first that it gets wrong."""
        kinds = get_type_hints(self.reference)
        for case in answer.cases:
            pairs = zip(self.read(*case), kinds.values(), strict=False)
            arguments = [fitting(value, kind, "a case") for value, kind in pairs]
            told = self.name(*arguments)
            answer.compare(self.reference, arguments, kinds["return"], self.slips, told)
        self.then(answer)


class OnPaper:
    """Compares a value that was worked out by hand; each of `slips` is what a mistake leads to.

    A slip's name is that of its hint. `other` raises the hint for a value that is neither right
    nor any of these. `close` is how far numbers may be from the right ones.
    """

    def __init__(
        self,
        kind: Any,
        expected: Any,
        *,
        other: Callable[[Answer, Any], None],
        close: float = CLOSE,
        **slips: Any,
    ) -> None:
        self.kind, self.expected, self.other, self.close = kind, expected, other, close
        self.slips = slips

    def __call__(self, answer: Answer) -> None:
        """Read the value; raises `Hint` if it is wrong."""
        found = answer.read(self.kind)
        if same(found, self.expected, self.close):
            return
        for name, value in self.slips.items():
            if same(found, value, self.close):
                answer.fail(name)
        self.other(answer, found)


def each(reference: Function, change: Function) -> Function:
    """Return a slip: the reference, with each entry of its result changed.

    >>> each(str.split, len)("wake me")
    [4, 2]
    """
    return lambda *arguments: [change(entry) for entry in reference(*arguments)]


@dataclass(frozen=True)
class EntryByEntry:
    """Compares each entry of a list or dictionary that was worked out by hand.

    The case is a table: `right`, and for each mistake what it leads to, entry by entry, under the
    name of its hint. Else the hint is `names`, if there is one and no entry should hold what is
    found; the one named after the entry; or `other`. `told` says how a hint names an entry.
    """

    kind: Any
    told: str = "For `{key}` you write `{found}`."
    close: float = CLOSE

    def __call__(self, answer: Answer) -> None:
        """Read the entries; raises `Hint` at the first wrong one."""
        entries = _by_key(answer.read(self.kind))
        mistakes = {name: _by_key(values) for name, values in answer.cases.items()}
        right = mistakes.pop("right")
        if entries.keys() != right.keys():
            answer.fail("keys")
        for key, expected in right.items():
            found = entries[key]
            if same(found, expected, self.close):
                continue
            names = [n for n, values in mistakes.items() if _in(found, values.get(key, ()))]
            names += ["names"] * (found not in right.values()) + [key, "other"]
            hint = next(name for name in names if name in answer.hints)
            answer.fail(hint, self.told.format(key=key, found=found), key=key, found=found)


def _in(found: Any, values: Iterable[Any]) -> bool:
    return any(same(found, value) for value in values)


def _by_key(entries: Any) -> dict[str, Any]:
    """Return a dictionary as it is, and the entries of a list by their number, from "1"."""
    if isinstance(entries, dict):
        return entries
    return {str(number): entry for number, entry in enumerate(entries, start=1)}


def exercises(lesson: str, *checks: Callable[[Answer], None]) -> Iterable[Exercise]:
    """Yield the exercises of a lesson, given their checks in order; the rest is in its file.

    >>> list(exercises("10", *5 * [print]))[1].title
    'One gradient from many'
    """
    content = tomllib.loads((FOLDER / f"{lesson}.toml").read_text(encoding="utf-8"))
    for (number, entry), check in zip(content.items(), checks, strict=True):
        yield Exercise(number, check, **entry)


@cache
def all_exercises() -> dict[str, Exercise]:
    """Return every exercise by its number: the `CHECKS` of the modules beside this one.

    >>> all_exercises()["02.1"].title
    'Tags on paper'
    """
    found: dict[str, Exercise] = {}
    for path in sorted(FOLDER.glob("[0-9C]*.toml")):
        module = importlib.import_module(f"nerlib.course.checks.lesson_{path.stem}")
        found |= {e.number: e for e in exercises(path.stem, *module.CHECKS)}
    return found


def of_lesson(lesson: str) -> list[Exercise]:
    """Return the exercises of one lesson, in their order."""
    return [exercise for exercise in all_exercises().values() if exercise.lesson == lesson]
