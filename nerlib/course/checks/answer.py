"""A learner's answer, and the questions that a check may ask it."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Sequence
from typing import Any, get_args

from nerlib.course.checks.differences import difference, same
from nerlib.course.checks.hint import Hint, NotWritten, plainly, shown
from nerlib.course.checks.kinds import described, fitting
from nerlib.course.checks.running import Outcome, run

# What a typical mistake makes of the arguments, and what to say to somebody who gets just that.
Slip = tuple[Callable[..., Any], str]


class Answer:
    """What a learner handed in: a value, a function or a class, with what it printed."""

    def __init__(self, value: Any, name: str | None = None) -> None:
        self.value = value
        self.name = name or getattr(value, "__name__", "your answer")
        self.printed = ""
        self.told = "Your answer"
        self.passed: list[tuple[Sequence[Any], Any]] = []  # cases it got right: arguments, result

    def read(self, kind: Any) -> Any:
        """Return the value, which has to be of this kind, as `list[str]`; raises `Hint`."""
        if self.value is ...:
            raise NotWritten
        value = fitting(self.value, kind, "Your answer")
        self.told = f"Your answer is {shown(value)}."
        return value

    def call(self, *arguments: Any, kind: Any, case: str | None = None) -> Any:
        """Return what the learner's function makes of these arguments, of which it gets copies.

        `kind` is what it has to give back; `case` is how a hint names the call, if the arguments
        are too long to show. Raises `Hint` for anything that goes wrong.
        """
        self._must_be_callable()
        told = case or ", ".join(plainly(argument) for argument in arguments)
        call = f"`{self.name}({told})`"
        outcome = run(self.value, arguments, call)
        self.printed = self.printed or outcome.printed
        if outcome.value is None and types.NoneType not in get_args(kind):
            raise Hint(f"{call} gives back `None`. {_nothing(outcome)}")
        value = fitting(outcome.value, kind, f"What {call} gives back")
        self.told = f"{call} gives back {shown(value)}."
        return value

    def compare(
        self,
        reference: Callable[..., Any],
        arguments: Sequence[Any],
        kind: Any,
        slips: Iterable[Slip] = (),
        case: str | None = None,
    ) -> Any:
        """Call the function and the reference with the same arguments; return what came.

        If the two differ, raises `Hint`: that of the first slip that makes the same mistake here
        and is right wherever the function was, or where the difference is.
        """
        found = self.call(*arguments, kind=kind, case=case)
        expected = fitting(reference(*arguments), kind, "the reference")
        if found is None and expected is not None and self.printed:
            raise self.hint(_printed_instead(self.printed))
        if not same(found, expected):
            likely = [slip for slip in slips if _gives(slip, [*self.passed, (arguments, found)])]
            raise self.hint(likely[0][1] if likely else difference(found, expected))
        self.passed.append((arguments, expected))
        return found

    def hint(self, idea: str) -> Hint:
        """Return a hint that names the last case and what came of it, and then the idea."""
        return Hint(f"{self.told} {idea}")

    def _must_be_callable(self) -> None:
        if self.value is ...:
            raise NotWritten
        if isinstance(self.value, types.CoroutineType):
            self.value.close()
        if not callable(self.value):
            raise Hint(
                f"A function is expected here, and what came is {described(self.value)}. Hand in "
                "the function itself: its name without round brackets behind it."
            )


def _nothing(outcome: Outcome) -> str:
    """Return what to do about a function that gives nothing back."""
    if outcome.changed_arguments:
        return "It changes its argument instead. Build something new, and `return` that."
    if outcome.printed:
        return _printed_instead(outcome.printed)
    return "Does every way through the function end with a `return`?"


def _gives(slip: Slip, cases: Iterable[tuple[Sequence[Any], Any]]) -> bool:
    """Return whether a mistake gives just these results for these arguments."""
    try:
        return all(same(result, slip[0](*arguments)) for arguments, result in cases)
    except Exception:  # this mistake cannot be made with these arguments
        return False


def _printed_instead(printed: str) -> str:
    first = plainly(printed.strip())[1:-1]
    return f"It prints `{first}` instead. Printing shows a value, `return` hands it on."
