"""A learner's answer, and the questions that a check may ask it."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, get_args

from nerlib.course.checks.differences import difference, same
from nerlib.course.checks.hint import Hint, NotWritten, plainly, shown
from nerlib.course.checks.kinds import described, fitting
from nerlib.course.checks.running import Outcome, run


class Answer:
    """What a learner handed in: a value, a function or a class, with what it printed.

    `hints` are those of the exercise, by name, and `cases` what it asks about.
    """

    def __init__(
        self, value: Any, hints: Mapping[str, str], cases: Any = (), name: str = "your answer"
    ) -> None:
        self.value, self.hints, self.cases = value, hints, cases
        self.name = getattr(value, "__name__", name)
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
        slips: Mapping[str, Callable[..., Any]],
        case: str | None = None,
    ) -> Any:
        """Call the function and the reference with the same arguments; return what came.

        If the two differ, raises `Hint`: that of the first of `slips`, wrong functions by the name
        of their hint, that makes the same mistake here and is right wherever the answer was; else
        it says where the difference is.
        """
        found = self.call(*arguments, kind=kind, case=case)
        expected = fitting(reference(*arguments), kind, "the reference")
        if found is None and expected is not None and self.printed:
            raise self.hint(_printed_instead(self.printed))
        if not same(found, expected):
            cases = [*self.passed, (arguments, found)]
            likely = (self.hints[name] for name, slip in slips.items() if _gives(slip, cases))
            raise self.hint(next(likely, None) or difference(found, expected))
        self.passed.append((arguments, expected))
        return found

    def hint(self, idea: str) -> Hint:
        """Return a hint that names the last case and what came of it, and then the idea."""
        return Hint(f"{self.told} {idea}")

    def fail(self, hint: str, about: str = "", /, **details: object) -> NoReturn:
        """Raise the hint of this name, filled in; `about` says what of the answer it is about."""
        self.told = about or self.told
        raise self.hint(self.hints[hint].format(**details))

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


def _gives(slip: Callable[..., Any], cases: Iterable[tuple[Sequence[Any], Any]]) -> bool:
    """Return whether a mistake gives just these results for these arguments."""
    try:
        return all(same(result, slip(*arguments)) for arguments, result in cases)
    except Exception:  # this mistake cannot be made with these arguments
        return False


def _printed_instead(printed: str) -> str:
    first = plainly(printed.strip())[1:-1]
    return f"It prints `{first}` instead. Printing shows a value, `return` hands it on."
