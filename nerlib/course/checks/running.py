"""Run a learner's function safely: copies of the arguments, a budget, and errors explained."""

from __future__ import annotations

import builtins
import contextlib
import copy
import inspect
import io
import linecache
import tomllib
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from nerlib.course.checks.budget import STEPS, OutOfSteps, learners_place, within_budget
from nerlib.course.checks.hint import Hint, NotWritten, plainly

MOST_PRINTED = 2_000  # characters
WORDS = Path(__file__).parents[2] / "data" / "hints" / "errors.toml"


class AskedForInput(Exception):
    """The learner's code called `input`, which nobody would answer."""


@dataclass(frozen=True)
class Outcome:
    """What a call gave back and printed, and whether it changed its arguments."""

    value: Any
    printed: str
    changed_arguments: bool


def run(function: Callable[..., Any], arguments: Sequence[Any], case: str) -> Outcome:
    """Call a learner's function with copies of the arguments; `case` is how hints name the call.

    Raises `Hint` for any error in it, an endless loop, or arguments that it does not take.
    """
    _fits_signature(function, arguments, case)
    copies = copy.deepcopy(tuple(arguments))
    printed = _Bounded()
    try:
        with _surroundings(function, printed):
            value = within_budget(lambda: _finished(function(*copies)))
    except (Exception, SystemExit) as error:
        raise explained(error, case) from None
    return Outcome(value, printed.getvalue(), _differ(copies, arguments))


def explained(error: BaseException, case: str) -> Hint:
    """Return a hint that says which error, on which line, for which case, and what to do."""
    if isinstance(error, NotImplementedError) and not str(error):
        return NotWritten()
    place = learners_place(error.__traceback__)
    if isinstance(error, OutOfSteps):
        place = error.place
    advice = _words("advice", error)
    if "Module.__init__()" in str(error):
        advice = "The first line of a module's `__init__` is `super().__init__()`."
    told = _words("hint", error).format(
        case=case,
        where=_where(*place),
        steps=STEPS,
        name=type(error).__name__,
        message=plainly(str(error))[1:-1] or "no message",
        advice=advice,
    )
    return Hint(told.rstrip())


def _words(part: str, error: BaseException) -> str:
    """Return what a part of the data says about the nearest class of an error."""
    known = _error_words()[part]
    return next(known[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in known)


@cache
def _error_words() -> dict[str, dict[str, str]]:
    return tomllib.loads(WORDS.read_text(encoding="utf-8"))


def _where(file: str, line: int) -> str:
    """Return the line of the learner's code, as part of a sentence; nothing if there is none."""
    source = linecache.getline(file, line).strip()
    code = f", `{plainly(source)[1:-1]}`" if source else ""
    return f", on line {line} of your code{code}" if line else ""


def _fits_signature(function: Callable[..., Any], arguments: Sequence[Any], case: str) -> None:
    """Raise `Hint` if the function takes another number of arguments."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions written in C have none
        return
    try:
        signature.bind(*arguments)
    except TypeError:
        count = f"{len(arguments)} argument{'s' * (len(arguments) != 1)}"
        raise Hint(
            f"{case} is called with {count}, but yours is defined as "
            f"`{plainly(function)}{signature}`. Keep the parameters of the exercise."
        ) from None


def _finished(value: Any) -> Any:
    """Return the value; an endless generator has to be run inside of the budget, and is closed."""
    if isinstance(value, types.GeneratorType | types.CoroutineType):
        value.close()
    return value


def _differ(copies: tuple[Any, ...], arguments: Sequence[Any]) -> bool:
    """Return whether a list or a dictionary among the arguments was changed."""
    pairs = zip(copies, arguments, strict=True)
    try:
        return any(one != other for one, other in pairs if isinstance(other, list | dict | set))
    except Exception:  # lists of tensors cannot be compared
        return False


class _Bounded(io.StringIO):
    """Keeps the beginning of what is printed."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, MOST_PRINTED - self.tell())])
        return len(text)


@contextlib.contextmanager
def _surroundings(function: Callable[..., Any], printed: io.StringIO) -> Iterator[None]:
    """Catch what is printed; nobody can be asked, and nothing can be ended."""

    def asked(*_: object) -> str:
        raise AskedForInput

    def ended(*_: object) -> None:
        raise SystemExit

    # A notebook's cells have `exit`, `quit` and `input` of their own; its `exit` ends the kernel.
    cell, known = getattr(function, "__globals__", {}), vars(builtins)
    instead = {"exit": ended, "quit": ended, "input": asked}
    kept = [(names, {n: names[n] for n in instead if n in names}) for names in (cell, known)]
    try:
        for names, own in kept:
            names.update({name: instead[name] for name in own})
        with contextlib.redirect_stdout(printed):
            yield
    finally:
        for names, own in kept:
            names.update(own)
