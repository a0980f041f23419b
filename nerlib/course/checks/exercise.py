"""The exercises of all lessons, and the two commonest checks: of a function, and of a table.

`nerlib/data/hints/06.toml` has the data of lesson 06: titles, cases, what one learns, named hints.
"""

import importlib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.differences import CLOSE, difference, same
from nerlib.course.checks.kinds import fitting

FOLDER = Path(__file__).parents[2] / "data" / "hints"
Check = Callable[[Answer], None]
Function = Callable[..., Any]


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson.

    `number` is lesson and place, as "02.3". `examine` asks the answer questions, about `cases`, and
    raises `Hint` at the first one that it gets wrong, one of `hints`, say. `learned` is said to
    somebody who gets them all right.
    """

    number: str
    examine: Check
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

    A slip's name is that of its hint, which is given for the first slip that makes the same
    mistake and is right wherever the answer was; if none does, the hint is where the difference is.
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
        kind = kinds["return"]
        asked: list[tuple[list[Any], Any]] = []
        for case in answer.cases:
            pairs = zip(self.read(*case), kinds.values(), strict=False)
            arguments = [fitting(*pair, "a case") for pair in pairs]
            found = answer.call(*arguments, kind=kind, case=self.name(*arguments))
            expected = fitting(self.reference(*arguments), kind, "the reference")
            asked.append((arguments, found))
            if found is None and expected is not None and answer.printed:
                raise answer.hint(answer.printed_instead())
            if not same(found, expected):
                likely = (answer.hints[n] for n, slip in self.slips.items() if _gives(slip, asked))
                raise answer.hint(next(likely, None) or difference(found, expected))
        self.then(answer)


def _gives(slip: Function, cases: Sequence[tuple[list[Any], Any]]) -> bool:
    """Return whether a mistake gives just these results for these arguments."""
    try:
        return all(same(result, slip(*arguments)) for arguments, result in cases)
    except Exception:  # this mistake cannot be made with these arguments
        return False


def each(reference: Function, change: Function) -> Function:
    """Return a slip: the reference, with each entry of its result changed.

    >>> each(str.split, len)("wake me")
    [4, 2]
    """
    return lambda *arguments: [change(entry) for entry in reference(*arguments)]


def entry_by_entry(
    kind: Any, told: str = "For `{key}` you write `{found}`.", close: float = CLOSE
) -> Check:
    """Return the check of a list or dictionary that was worked out by hand.

    The case is a table: `right`, and for each mistake what it leads to, entry by entry, under the
    name of its hint. Else the hint is `names`, if there is one and no entry should hold what is
    found; the one named after the entry; or `other`. `told` says how a hint names an entry.
    """

    def check(answer: Answer) -> None:
        entries = _by_key(answer.read(kind))
        mistakes = {name: _by_key(values) for name, values in answer.cases.items()}
        right = mistakes.pop("right")
        if entries.keys() != right.keys():
            answer.fail("keys")
        for key, expected in right.items():
            if not same(found := entries[key], expected, close):
                made = {n: values.get(key, ()) for n, values in mistakes.items()}
                names = [n for n, values in made.items() if any(same(found, v) for v in values)]
                names += ["names"] * (found not in right.values()) + [key, "other"]
                hint = next(name for name in names if name in answer.hints)
                answer.fail(hint, told.format(key=key, found=found), key=key, found=found)

    return check


def _by_key(entries: Any) -> dict[str, Any]:
    """Return a dictionary as it is, and the entries of a list by their number, from "1"."""
    if isinstance(entries, dict):
        return entries
    return {str(number): entry for number, entry in enumerate(entries, start=1)}


@cache
def all_exercises() -> dict[str, Exercise]:
    """Return every exercise by its number: the `CHECKS` of the modules beside this one.

    >>> all_exercises()["02.1"].title
    'Tags on paper'
    """
    found = {}
    for path in sorted(FOLDER.glob("[0-9C]*.toml")):
        checks = importlib.import_module(f"nerlib.course.checks.lesson_{path.stem}").CHECKS
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        for (number, entry), check in zip(content.items(), checks, strict=True):
            found[number] = Exercise(number, check, **entry)
    return found


def of_lesson(lesson: str) -> list[Exercise]:
    """Return the exercises of one lesson, in their order."""
    return [exercise for exercise in all_exercises().values() if exercise.lesson == lesson]
