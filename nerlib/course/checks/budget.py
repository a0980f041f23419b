"""A budget of steps for code that may never end: lines are counted, not seconds.

So a slow machine gives the same verdict as a fast one, on every system. Not seen is a loop inside
of a single call into C, such as `list(itertools.count())`: there *Kernel → Interrupt* remains.
"""

import ctypes
import dis
import os
import site
import sys
import sysconfig
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any

STEPS = 300_000
PATIENCE = 0.1  # seconds between two attempts to stop code that catches the first one


class OutOfSteps(SystemExit):
    """Raised in the middle of code that has run more lines than its budget: its file and line.

    No `Exception`, so that `except Exception` in that code lets it pass; a `SystemExit`, because
    that ends a thread silently.
    """


def within_budget(function: Callable[[], Any], steps: int = STEPS) -> Any:
    """Return what the learner's function gives back; it may run so many lines.

    Raises `OutOfSteps` after that, and whatever the function raises.

    >>> within_budget(lambda: "nine")
    'nine'
    """
    runner = _Runner(function, steps)
    try:
        runner.start()
        while runner.is_alive():
            runner.join(PATIENCE)
            if runner.left < 0 and not runner.ended:  # an error at its next call or jump backwards
                thread = ctypes.c_ulong(runner.ident or 0)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(OutOfSteps))
    except KeyboardInterrupt:
        runner.left = 0  # its next line is its last one
        raise
    if runner.left < 0:
        raise OutOfSteps(*runner.place)
    if runner.error:
        raise runner.error
    return runner.value


class _Runner(threading.Thread):
    """Runs a function and counts its lines, in a thread that can be stopped from outside.

    Python stops counting once the counting function has raised: a bare `except:` in an endless
    loop would then run for ever.
    """

    def __init__(self, function: Callable[[], Any], steps: int) -> None:
        super().__init__(daemon=True)
        self.function, self.left, self.place = function, steps, ("", 0)
        self.value: Any = None
        self.error: BaseException | None = None
        self.ended = False

    def run(self) -> None:
        sys.settrace(self.enter)
        try:
            self.value = self.function()
        except BaseException as error:  # it is raised again in the thread that waits
            self.error = error
        finally:
            self.ended = True

    def enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Count the lines of the learner's functions only."""
        if not is_learners_file(frame.f_code.co_filename):
            return None
        # Python reports no line in a loop of a single instruction, such as `while True: pass`.
        frame.f_trace_opcodes = _jumps_to_itself(frame.f_code)
        return self.step(frame, event, argument)

    def step(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Count a line; raises `OutOfSteps`."""
        self.left -= event in ("line", "call", "opcode")
        if self.left < 0:
            self.place = (frame.f_code.co_filename, frame.f_lineno)
            raise OutOfSteps
        return self.step


@cache
def _jumps_to_itself(code: CodeType) -> bool:
    """Return whether a loop's body is empty."""
    jumps = (step for step in dis.get_instructions(code) if step.opcode in dis.hasjrel)
    return any(step.argval == step.offset for step in jumps)


def is_learners_file(name: str) -> bool:
    """Return whether a file is no library: a notebook's cell, say.

    >>> is_learners_file(threading.__file__), is_learners_file("<ipython-input-1>")
    (False, True)
    """
    return not name.startswith("<frozen") and not os.path.normcase(name).startswith(_libraries())


@cache
def _libraries() -> tuple[str, ...]:
    """Return the folders that hold the standard library, installed packages and nerlib itself."""
    paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths += [*site.getsitepackages(), site.getusersitepackages(), str(Path(__file__).parents[2])]
    paths += [os.path.realpath(path) for path in paths]  # a virtual environment may be a link
    return tuple(os.path.join(os.path.normcase(path), "") for path in paths)


def learners_place(trace: TracebackType | None) -> tuple[str, int]:
    """Return (file, line) of the learner's innermost line that led to an error; else ("", 0)."""
    found = ("", 0)
    while trace is not None:
        if is_learners_file(trace.tb_frame.f_code.co_filename):
            found = (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        trace = trace.tb_next
    return found
