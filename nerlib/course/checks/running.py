"""Run a learner's function safely: copies of the arguments, a budget, and errors explained."""

import builtins
import contextlib
import copy
import inspect
import io
import linecache
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from nerlib.course.checks.budget import STEPS, OutOfSteps, learners_place, within_budget
from nerlib.course.checks.hint import WORDS, Hint, NotWritten, bare, plainly

MOST_PRINTED = 2_000  # characters


class AskedForInput(Exception):
    """The learner's code called `input`, which nobody would answer."""


def run(function: Callable[..., Any], arguments: Sequence[Any], case: str) -> tuple[Any, str, bool]:
    """Call a learner's function with copies of the arguments; `case` is how hints name the call.

    Returns what it gives back, what it prints, and whether it changes a list, dictionary or set
    among its arguments. Raises `Hint` for any error in it, an endless loop, or arguments that it
    does not take.
    """
    _fits_signature(function, arguments, case)
    copies = copy.deepcopy(tuple(arguments))
    printed = _Bounded()
    changed = False

    def called() -> Any:
        value = function(*copies)
        if isinstance(value, types.GeneratorType | types.CoroutineType):
            value.close()
        return value

    try:
        with _surroundings(function, printed):
            value = within_budget(called)
    except (Exception, SystemExit) as error:
        raise explained(error, case) from None
    pairs = zip(copies, arguments, strict=True)
    with contextlib.suppress(Exception):  # lists of tensors cannot be compared
        changed = any(one != other for one, other in pairs if isinstance(other, list | dict | set))
    return value, printed.getvalue(), changed


def explained(error: BaseException, case: str) -> Hint:
    """Return a hint that says which error, on which line, for which case, and what to do."""
    if isinstance(error, NotImplementedError) and not str(error):
        return NotWritten()
    file, line = learners_place(error.__traceback__)
    if isinstance(error, OutOfSteps):
        file, line = error.args
    source = bare(linecache.getline(file, line))
    where = f", on line {line} of your code" + f", `{source}`" * bool(source)
    classes = [kind.__name__ for kind in type(error).__mro__]
    hint, advice = (
        next(WORDS[part][name] for name in classes if name in WORDS[part])
        for part in ("hint", "advice")
    )
    if "Module.__init__()" in str(error):
        advice = "The first line of a module's `__init__` is `super().__init__()`."
    told = hint.format(
        case=case,
        where=where if line else "",
        steps=STEPS,
        name=type(error).__name__,
        message=plainly(str(error))[1:-1] or "no message",
        advice=advice,
    )
    return Hint(told.rstrip())


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
