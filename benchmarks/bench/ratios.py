"""Contenders that take turns, and how much faster one is than another, round by round.

A machine is never equally fast for long. So nobody is timed alone: all contenders do the same work
one after the other, that is one round, and only speeds of the same round are divided.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.measured import markdown_table

Contender = Callable[[], float]  # does its work once and returns its speed, in things per second
Speeds = dict[str, list[float]]


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as something else: the median over rounds, the lowest, the highest."""

    part: str
    against: str
    precision: str
    median: float
    lowest: float
    highest: float

    def row(self) -> list[str]:
        """Return the line of a table."""
        spread = f"{self.lowest:.2f} to {self.highest:.2f}"
        return [self.part, self.against, self.precision, f"{self.median:.2f}", spread]


def speed_table(results: dict[str, Any]) -> str:
    """Return the ratios of a bench as a Markdown table, with the machine and the memory below."""
    head = "what | against | precision | median | lowest to highest"
    rows = [Ratio(**ratio).row() for ratio in results["ratios"]]
    return (
        f"{markdown_table(head, rows)}\n\n"
        f"{results['corpus']}, {results['locale']}; {results['machine']}, torch "
        f"{results['torch']}; {results['rounds']} rounds. Training an epoch on all rows held "
        f"{results['peak_mb']:,.0f} MB at most."
    )


def take_turns(
    contenders: Mapping[str, Contender], rounds: int, report: Callable[[str], None] = print
) -> Speeds:
    """Return each contender's speeds, one a round. A first round, to warm up, is not counted.

    Every round starts with another contender, so that none always comes after the same one.

    >>> take_turns({"one": lambda: 1.0, "two": lambda: 2.0}, rounds=2, report=lambda line: None)
    {'one': [1.0, 1.0], 'two': [2.0, 2.0]}
    """
    speeds: Speeds = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(rounds + 1):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            speed = contenders[name]()
            if number:
                speeds[name].append(speed)
                report(f"  round {number}  {name:<52} {speed:10.1f}/s")
    return speeds


def speed(work: Callable[[], object], count: int) -> float:
    """Return how many things a second some work does; to give back what it made does not count."""
    started = time.perf_counter()
    made = work()
    seconds = time.perf_counter() - started
    del made
    return count / seconds


def compare(
    part: str,
    against: str,
    precision: str,
    ours: list[float],
    theirs: list[float],
    durations: bool = False,
) -> Ratio:
    """Return how many times as fast we are; with `durations`, how many times as long we take.

    >>> compare("tagging", "one by one", "fp32", [30.0, 20.0, 20.0], [10.0, 10.0, 5.0]).median
    3.0
    """
    pairs = zip(ours, theirs, strict=True)
    ratios = [theirs / ours if durations else ours / theirs for ours, theirs in pairs]
    # Further digits would be others in the next run anyway.
    middle, low, high = (round(one, 3) for one in (median(ratios), min(ratios), max(ratios)))
    return Ratio(part, against, precision, middle, low, high)
