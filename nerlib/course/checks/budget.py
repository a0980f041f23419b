"""A budget of steps for code that may never end: lines are counted, not seconds.

So a slow machine gives the same verdict as a fast one, and it works on every system and in the main
thread of a notebook's kernel. Not seen is a loop inside of a single call into C, such as
`list(itertools.count())`, or a huge `"a" * n`: for those, *Kernel → Interrupt* remains.
"""

from __future__ import annotations

import ctypes
import dis
import os
import site
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any

STEPS = 300_000
PATIENCE = 0.1  # seconds between two calls to stop, for code that catches the first one


class OutOfSteps(BaseException):
    """Raised in the middle of code that has run more lines than its budget.

    No `Exception`, so that `except Exception` in that code lets it pass.
    """

    def __init__(self, line: int = 0, file: str = "") -> None:
        super().__init__(line, file)
        self.line, self.file = line, file


@contextmanager
def budget(steps: int = STEPS) -> Iterator[None]:
    """Stop the learner's code inside of the `with` after so many lines; raises `OutOfSteps`.

    >>> with budget(100):
    ...     while True:
    ...         number = 1
    Traceback (most recent call last):
    nerlib.course.checks.budget.OutOfSteps: ...
    """
    counter = _Counter(steps, threading.get_ident())
    before = sys.gettrace()
    here = sys._getframe(2)  # the frame of the `with` itself, past contextlib's
    sys.settrace(counter.enter)
    traced, here.f_trace = here.f_trace, counter.step if is_learners(here) else here.f_trace
    try:
        yield
    except OutOfSteps:
        pass  # raised again below, with the line
    finally:
        sys.settrace(before)
        here.f_trace = traced
        counter.end()
    if counter.spent:
        raise OutOfSteps(*counter.place)


class _Counter:
    """Counts the lines that a thread runs, and insists when they are too many."""

    def __init__(self, steps: int, thread: int) -> None:
        self.left, self.thread = steps, thread
        self.spent, self.insisted, self.place = False, False, (0, "")
        self.over, self.lock = threading.Event(), threading.Lock()

    def enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Be told of a call: lines are counted in the learner's functions only."""
        if not is_learners(frame):
            return None
        # Python tells of no line in a loop of a single instruction, such as `while True: pass`.
        frame.f_trace_opcodes = _jumps_to_itself(frame.f_code)
        return self.step(frame, event, argument)

    def step(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Be told of a line."""
        if event in ("line", "call", "opcode"):
            self.left -= 1
            if self.left < 0:
                self.stop(frame)
        return self.step

    def stop(self, frame: FrameType) -> None:
        """Raise `OutOfSteps`, and go on raising it should the code catch it."""
        self.spent, self.place = True, (frame.f_lineno, frame.f_code.co_filename)
        # Python stops counting once this function has raised: a bare `except:` in an endless loop
        # would then run for ever.
        threading.Thread(target=self.insist, daemon=True).start()
        raise OutOfSteps(*self.place)

    def insist(self) -> None:
        """Raise it again in the learner's thread until that has ended."""
        while not self.over.wait(PATIENCE):
            with self.lock:
                if not self.over.is_set():
                    self.insisted = True
                    _raise_in(self.thread, OutOfSteps)

    def end(self) -> None:
        """Say that the code has ended."""
        with self.lock:
            self.over.set()
        try:
            for _ in range(10 * self.insisted):
                pass  # one that was sent in the last moment is raised in the first rounds
        except OutOfSteps:
            pass


def _raise_in(thread: int, error: type[BaseException]) -> None:
    """Let a thread raise an error at its next jump backwards or call."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))


@cache
def _jumps_to_itself(code: CodeType) -> bool:
    """Return whether a loop's body is empty."""
    jumps = (step for step in dis.get_instructions(code) if step.opcode in dis.hasjrel)
    return any(step.argval == step.offset for step in jumps)


def is_learners(frame: FrameType) -> bool:
    """Return whether a frame runs the learner's code, and not that of a library."""
    return is_learners_file(frame.f_code.co_filename)


@cache
def is_learners_file(name: str) -> bool:
    """Return whether a file holds no library: a notebook's cell, say.

    >>> is_learners_file(threading.__file__), is_learners_file("<ipython-input-1>")
    (False, True)
    """
    return not name.startswith("<frozen") and not os.path.normcase(name).startswith(_libraries())


@cache
def _libraries() -> tuple[str, ...]:
    """Return the folders that hold the standard library, installed packages and nerlib itself."""
    paths = sysconfig.get_paths()
    found = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    found += [*site.getsitepackages(), site.getusersitepackages(), str(Path(__file__).parents[2])]
    real = {os.path.realpath(path) for path in found}  # a virtual environment may be a link
    return tuple(os.path.join(os.path.normcase(path), "") for path in {*found, *real})


def learners_lines(trace: TracebackType | None) -> list[tuple[str, int]]:
    """Return (file, line) of the learner's lines that led to an error, the innermost last."""
    found = []
    while trace is not None:
        if is_learners(trace.tb_frame):
            found.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    return found
