"""Run a learner's function safely: copies of the arguments, a budget, and errors explained."""

from __future__ import annotations

import builtins
import contextlib
import copy
import inspect
import io
import linecache
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nerlib.course.checks.budget import STEPS, OutOfSteps, budget, learners_lines
from nerlib.course.checks.hint import Hint, NotWritten, plainly

MOST_PRINTED = 2_000  # characters
# What a beginner can do about an error, by its type.
ADVICE: tuple[tuple[type[BaseException], str], ...] = (
    (IndexError, "The index lies beyond the end: a list of n entries ends at n - 1. "
     "Is it empty, or are you at its last entry?"),
    (KeyError, "The dictionary has no such key: ask with `in` or `.get` first."),
    (UnboundLocalError, "A name is read before it was given a value on this path."),
    (NameError, "Python does not know this name: is it spelt right, was its cell run?"),
    (AttributeError, "The value has no such attribute or method: print its `type`."),
    (ZeroDivisionError, "What should come out when there is nothing to divide by? "
     "Deal with that case first."),
    (ValueError, "This line cannot deal with what it gets: is it missing, empty, or of another "
     "length?"),
    (AssertionError, "This is an `assert` of yours that does not hold for this case."),
    (TypeError, "A value is of another type than this line expects: print its `type`."),
    (NotImplementedError, "This part is still to be written."),
    (RuntimeError, "If it speaks of shapes, print the `.shape` of each tensor on this line."),
)  # fmt: skip


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
        with _surroundings(function, printed), budget():
            value = _finished(function(*copies))
    except OutOfSteps as error:
        raise Hint(_endless(error, case)) from None
    except (Exception, SystemExit) as error:
        raise explained(error, case) from None
    return Outcome(value, printed.getvalue(), _differ(copies, arguments))


def explained(error: BaseException, case: str) -> Hint:
    """Return a hint that says which error, on which line, for which case, and what to do."""
    places = learners_lines(error.__traceback__)
    where = _where(*places[-1]) if places else ""
    if isinstance(error, AskedForInput):
        return Hint(f"{case} calls `input`{where}. What it needs comes in as its arguments.")
    if isinstance(error, SystemExit):
        return Hint(f"{case} calls `exit`{where}. A function ends with `return`.")
    if isinstance(error, RecursionError):
        return Hint(
            f"{case} calls itself again and again without end{where}. Which case ends the "
            "recursion, and does each call come closer to it?"
        )
    if isinstance(error, NotImplementedError) and not str(error):
        return NotWritten()
    advice = next((text for kind, text in ADVICE if isinstance(error, kind)), "")
    if "Module.__init__()" in str(error):
        advice = "The first line of a module's `__init__` is `super().__init__()`."
    told = plainly(str(error))[1:-1] if str(error) else "no message"
    return Hint(f"{case} stops with {type(error).__name__}{where}: {told}. {advice}".rstrip())


def _where(file: str, line: int) -> str:
    """Return the line of the learner's code, as part of a sentence."""
    source = linecache.getline(file, line).strip()
    return f", on line {line} of your code" + (f", `{plainly(source)[1:-1]}`" if source else "")


def _endless(error: OutOfSteps, case: str) -> str:
    where = _where(error.file, error.line) if error.file else ""
    return (
        f"{case} had run {STEPS:,} lines and was still not finished{where}. A loop that never "
        "ends? Look for what should change in each round so that it stops: a `while` needs a "
        "condition that becomes false, and a list must not grow while a `for` walks through it."
    )


def _fits_signature(function: Callable[..., Any], arguments: Sequence[Any], case: str) -> None:
    """Raise `Hint` if the function takes another number of arguments."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions written in C do not tell
        return
    try:
        signature.bind(*arguments)
    except TypeError:
        raise Hint(
            f"{case} is called with {len(arguments)} "
            f"argument{'s' * (len(arguments) != 1)}, but yours is defined as "
            f"`{plainly(function)}{signature}`. Keep the parameters of the exercise."
        ) from None


def _finished(value: Any) -> Any:
    """Return the value; an endless generator has to be run inside of the budget, and is closed."""
    if isinstance(value, types.GeneratorType | types.CoroutineType):
        value.close()
    return value


def _differ(copies: tuple[Any, ...], arguments: Sequence[Any]) -> bool:
    """Return whether a list or a dictionary among the arguments was changed."""
    plain = [
        (one, other)
        for one, other in zip(copies, arguments, strict=True)
        if isinstance(other, list | dict | set)
    ]
    try:
        return any(one != other for one, other in plain)
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

    # In a notebook `exit` would end the kernel.
    names = getattr(function, "__globals__", {})
    kept = {name: names[name] for name in ("exit", "quit", "input") if name in names}
    ask = builtins.input
    names.update({name: asked if name == "input" else ended for name in kept})
    builtins.input = asked
    try:
        with contextlib.redirect_stdout(printed):
            yield
    finally:
        builtins.input = ask
        names.update(kept)
