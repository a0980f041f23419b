"""A learner's answer, and the questions that a check may ask it."""

import types
from collections.abc import Mapping
from typing import Any, NoReturn, get_args

from nerlib.course.checks.hint import Hint, bare, plainly, shown
from nerlib.course.checks.kinds import fitting
from nerlib.course.checks.running import run


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

    def read(self, kind: Any) -> Any:
        """Return the value, which has to be of this kind, as `list[str]`; raises `Hint`."""
        value = fitting(self.value, kind, "Your answer")
        self.told = f"Your answer is {shown(value)}."
        return value

    def call(self, *arguments: Any, kind: Any, case: str | None = None) -> Any:
        """Return what the learner's function makes of these arguments, of which it gets copies.

        `kind` is what it has to give back; `case` is how a hint names the call, if the arguments
        are too long to show. Raises `Hint` for anything that goes wrong.
        """
        if not callable(self.value):
            raise Hint(
                f"A function is expected here, and what came is {shown(self.value)}. Hand in the "
                "function itself: its name without round brackets after it."
            )
        call = f"`{self.name}({case or ', '.join(map(plainly, arguments))})`"
        value, printed, changed = run(self.value, arguments, call)
        self.printed = self.printed or printed
        if value is None and types.NoneType not in get_args(kind):
            advice = "Does every way through the function end with a `return`?"
            if changed:
                advice = "It changes its argument instead. Build something new, and `return` that."
            elif printed:
                advice = self.printed_instead()
            raise Hint(f"{call} gives back `None`. {advice}")
        value = fitting(value, kind, f"What {call} gives back")
        self.told = f"{call} gives back {shown(value)}."
        return value

    def printed_instead(self) -> str:
        """Return what to say of a function that prints what it should give back."""
        told = f"It prints `{bare(self.printed)}` instead."
        return f"{told} Printing shows a value, `return` hands it on."

    def hint(self, idea: str) -> Hint:
        """Return a hint that names the last case and what came of it, and then the idea."""
        return Hint(f"{self.told} {idea}")

    def fail(self, hint: str, about: str = "", /, **details: object) -> NoReturn:
        """Raise the hint of this name, filled in; `about` says what of the answer it is about."""
        self.told = about or self.told
        raise self.hint(self.hints[hint].format(**details))
