"""Many users of the demo at once: does each get an answer, their own, and how soon?

python -m benchmarks.demo_load --users 50               # with the models in build/
python -m benchmarks.demo_load --model FOLDER --rounds 5
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from nerlib.tools.demo.visitor import VisitError, Visitor

NAMES = ("find", "keep")


@dataclass
class Load:
    """What a run of many users gave: seconds of every step by its name, and all errors."""

    users: int
    seconds: dict[str, list[float]] = field(default_factory=lambda: {n: [] for n in NAMES})
    errors: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"users at once: {self.users}, errors: {len(self.errors)}"]
        for name, times in self.seconds.items():
            percentiles = ", ".join(
                f"p{p} {percentile(times, p) * 1000:,.0f} ms" for p in (50, 90, 99)
            )
            lines.append(f"{name:<5} {len(times):>5} steps: {percentiles}")
        return "\n".join([*lines, *self.errors[:5]])


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least so many percent of all values do not exceed.

    >>> percentile([3, 1, 2, 4], 50), percentile([3, 1, 2, 4], 99)
    (2, 4)
    """
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def load(address: str, users: int, rounds: int) -> Load:
    """Let many users do the same at the same time: find, and keep; in a sentence of their own."""
    result = Load(users)
    with ThreadPoolExecutor(users) as threads:
        for seconds, errors in threads.map(partial(visit, address, rounds), range(users)):
            result.errors += errors
            for name, times in seconds.items():
                result.seconds[name] += times
    return result


def visit(address: str, rounds: int, user: int) -> tuple[dict[str, list[float]], list[str]]:
    """Be one user; return the seconds of each step, and what went wrong."""
    seconds: dict[str, list[float]] = {name: [] for name in NAMES}
    try:
        visitor = Visitor(address)
        model = visitor.choices("model")[0]
        texts = [f"wake user{user} at nine am on day{number}" for number in range(rounds)]
        for number, text in enumerate(texts):
            timed(visitor, seconds, "find", model, text)
            kept = str(timed(visitor, seconds, "keep")["kept"])
            if not all(f"user{user}" in line for line in kept.splitlines()):
                return seconds, [f"user {user} sees lines of others"]
            if len(kept.splitlines()) != number + 1:
                return seconds, [f"user {user} has lost a line"]
    except (VisitError, OSError) as error:
        return seconds, [f"user {user}: {error}"]
    return seconds, []


def timed(
    visitor: Visitor, seconds: dict[str, list[float]], name: str, *values: str
) -> dict[str, object]:
    """Do one step, and note how long it took."""
    started = time.perf_counter()
    shown = visitor.step(name, *values)
    seconds[name].append(time.perf_counter() - started)
    return shown


@contextmanager
def running(models: Sequence[str]) -> Iterator[str]:
    """Run the demo in a process of its own; yields its address."""
    named = [word for model in models for word in ("--model", model)]
    command = [sys.executable, "-m", "nerlib", "demo", "--no-browser", *named]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit(process.wait())  # it has said why
        yield line.split()[4]
    finally:
        process.terminate()
        process.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the latencies; exit status 1 if there was any error."""
    parser = argparse.ArgumentParser(prog="benchmarks.demo_load", description=__doc__)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=4, help="sentences a user (4)")
    parser.add_argument("--model", action="append", default=[], metavar="FOLDER")
    options = parser.parse_args(arguments)
    with running(options.model) as address:
        load(address, 1, 1)  # the first request pays for what is only set up once
        results = [load(address, users, options.rounds) for users in (1, options.users)]
    print(*results, sep="\n")
    return int(any(result.errors for result in results))


if __name__ == "__main__":
    sys.exit(main())
