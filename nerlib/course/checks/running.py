"""Run a learner's function safely: copies of the arguments, a limit of steps, errors explained."""

import contextlib
import copy
import io
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from nerlib.course.checks.hint import WORDS, Hint, NotWritten, bare, plainly

STEPS = 3_000_000
LIBRARIES = ("<frozen", sysconfig.get_path("stdlib"), str(Path(__file__).parents[2]))


class OutOfSteps(BaseException):
    """Raised in the middle of code that runs too long; no `Exception`, which that may catch."""


def run(function: Callable[..., Any], arguments: Sequence[Any], case: str) -> tuple[Any, str, bool]:
    """Call a learner's function with copies of the arguments; `case` is how hints name the call.

    Returns what it gives back, what it prints, and whether it changes a list, dictionary or set
    among its arguments. Raises `Hint` for any error in it, or an endless loop.
    """
    copies = copy.deepcopy(tuple(arguments))
    printed = io.StringIO()
    changed = False
    try:
        with contextlib.redirect_stdout(printed), limited(STEPS):
            value = function(*copies)
    except (Exception, SystemExit, OutOfSteps) as error:
        raise explained(error, case) from None
    pairs = zip(copies, arguments, strict=True)
    with contextlib.suppress(Exception):  # lists of tensors cannot be compared
        changed = any(one != other for one, other in pairs if isinstance(other, list | dict | set))
    return value, printed.getvalue(), changed


@contextlib.contextmanager
def limited(steps: int) -> Iterator[None]:
    """Let the learner's code within the block run so many of Python's steps; raises `OutOfSteps`.

    Steps, not seconds: a slow machine gives the same verdict as a fast one. Not ended is a loop
    inside of a call into C, or one with a bare `except:`: there *Kernel → Interrupt* remains.
    """
    left, before = steps, sys.gettrace()

    def count(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        if event == "call" and not is_learners_file(frame.f_code.co_filename):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False  # some loops have no line
        left -= 1
        if left < 0:
            raise OutOfSteps
        return count

    sys.settrace(count)
    try:
        yield
    finally:
        sys.settrace(before)


def is_learners_file(name: str) -> bool:
    """Return whether a file is no library: a notebook's cell, say.

    >>> is_learners_file(io.__file__), is_learners_file("<ipython-input-1>")
    (False, True)
    """
    return not name.startswith(LIBRARIES) and "-packages" not in name


def explained(error: BaseException, case: str) -> Hint:
    """Return a hint that says which error, on which line, for which case, and what to do."""
    if isinstance(error, NotImplementedError) and not str(error):
        return NotWritten()
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_learners_file(frame.filename)]
    where = f", on line {own[-1].lineno} of your code" if own else ""
    where += f", `{bare(own[-1].line)}`" if own and own[-1].line else ""
    classes = [kind.__name__ for kind in type(error).__mro__]
    hint, advice = (
        next(WORDS[part][name] for name in classes if name in WORDS[part])
        for part in ("hint", "advice")
    )
    if "Module.__init__()" in str(error):
        advice = "The first line of a module's `__init__` is `super().__init__()`."
    elif isinstance(error, TypeError) and not own:
        advice = "Keep the parameters of the exercise."
    told = hint.format(
        case=case,
        where=where,
        steps=STEPS,
        name=type(error).__name__,
        message=plainly(str(error))[1:-1] or "no message",
        advice=advice,
    )
    return Hint(told.rstrip())
