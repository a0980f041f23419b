"""The checks of lesson 09: export and serve. None of them needs the extra."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Comparison, EntryByEntry

# 09.1 --------------------------------------------------------------------------------------------
TIMES = EntryByEntry(dict[str, float], close=0.005)


# 09.2 --------------------------------------------------------------------------------------------
def percentile(values: Sequence[float], share: int) -> float:
    """Return the smallest value that at least `share` per cent of the values do not exceed."""
    return sorted(values)[_place(values, share)]


def _place(values: Sequence[float], share: int) -> int:
    """Return the place of a percentile in the sorted values."""
    return max(math.ceil(share / 100 * len(values)), 1) - 1


def _one_too_far(values: Sequence[float], share: int) -> float:
    return sorted(values)[min(_place(values, share) + 1, len(values) - 1)]


def _rounded_down(values: Sequence[float], share: int) -> float:
    return sorted(values)[max(int(share / 100 * len(values)), 1) - 1]


def _mean(values: Sequence[float], share: int = 0) -> float:
    return sum(values) / len(values)


def _values(values: list[float] | int, share: int) -> tuple[list[float], int]:
    """Return a case; a number stands for so many values, falling to 1."""
    return [float(n) for n in range(values, 0, -1)] if isinstance(values, int) else values, share


PERCENTILE = Comparison(
    percentile,
    read=_values,
    unsorted=lambda values, share: values[_place(values, share)],
    from_above=lambda values, share: -percentile([-value for value in values], share),
    one_too_far=_one_too_far,
    rounded_down=_rounded_down,
    mean=_mean,
    name=lambda values, share: f"200 values, {share}" if len(values) > 10 else None,
)


# 09.3 --------------------------------------------------------------------------------------------
Scale = Callable[[Tensor], Tensor]


def rounded(
    weights: Tensor,
    bits: int,
    largest: Scale = lambda weights: weights.abs().amax(1, keepdim=True),
    most: Callable[[int], int] = lambda bits: 2 ** (bits - 1) - 1,
    whole: Scale = torch.round,
) -> Tensor:
    """Return weights (outputs, inputs) that take whole-number steps, one step size a row.

    The slips take another step size, or round in another way.
    """
    scale = largest(weights).clamp(min=1e-12) / most(bits)
    steps: Tensor = whole(weights / scale) * scale
    return steps


def _still_whole(weights: Tensor, bits: int) -> Tensor:
    most = 2 ** (bits - 1) - 1
    steps: Tensor = (weights * most / weights.abs().amax(1, keepdim=True)).round()
    return steps


def _weights() -> Tensor:
    """Return weights (4, 6) whose rows are of different sizes, one of them below 0."""
    random = torch.Generator().manual_seed(9)
    weights = torch.randn(4, 6, generator=random) * torch.tensor([[1.0], [0.01], [3.0], [0.5]])
    weights[1] = -weights[1].abs() - 0.001
    return weights


def _zeros(answer: Answer) -> None:
    """Ask for rows of zeros, whose scale is 0."""
    found = answer.call(torch.zeros(2, 3), 8, kind=Tensor, case="zeros (2, 3), 8")
    if found.isnan().any():
        raise answer.hint("A row of zeros has the scale 0, and 0 / 0 is not a number: clamp it.")


ROUNDING = Comparison(
    rounded,
    read=lambda bits: (_weights(), bits),
    still_whole=_still_whole,
    one_scale=partial(rounded, largest=lambda w: w.abs().max()),
    by_column=partial(rounded, largest=lambda w: w.abs().amax(0)),
    no_sign=partial(rounded, most=lambda bits: 2**bits - 1),
    cut_off=partial(rounded, whole=torch.trunc),
    not_absolute=partial(rounded, largest=lambda w: w.amax(1, keepdim=True)),
    name=lambda weights, bits: f"weights (4, 6), {bits}",
    then=_zeros,
)

# 09.4 --------------------------------------------------------------------------------------------
F1s = dict[str, float]


def gate(scores: F1s, reference: float, permitted: float) -> list[str]:
    """Return the names of the variants that may pass, in their order."""
    return _passing(lambda lost, permitted: lost <= permitted + 1e-9)(scores, reference, permitted)


def _passing(fine: Callable[[float, float], bool]) -> Callable[[F1s, float, float], list[str]]:
    """Return a gate that looks at what a variant has lost and what is permitted."""
    return lambda scores, reference, permitted: [
        name for name, f1 in scores.items() if fine(reference - f1, permitted)
    ]


GATE = Comparison(
    gate,
    refused=_passing(lambda lost, permitted: lost > permitted + 1e-9),
    both_ways=_passing(lambda lost, permitted: abs(lost) <= permitted + 1e-9),
    strict=_passing(lambda lost, permitted: lost < permitted - 1e-9),
    relative=lambda scores, reference, share: gate(scores, reference, share * reference),
    against_the_best=lambda scores, _, lost: gate(scores, max(scores.values()), lost),
)

# 09.5 --------------------------------------------------------------------------------------------
Line = tuple[str, float, float, float]  # name, F1, texts a second, p99 in ms
LINES: list[Line] = [
    ("torch fp32", 0.704, 600.0, 12.5),
    ("onnx fp32", 0.704, 550.0, 9.5),
    ("onnx int8", 0.690, 2000.0, 4.4),
    ("openvino bf16", 0.7035, 1700.0, 12.3),
    ("openvino int8", 0.7030, 1500.0, 7.0),
]


def choose(
    lines: list[Line],
    reference: float,
    most: float,
    best: Callable[[Line], float] = lambda line: line[2],
) -> str | None:
    """Return the best variant that has lost at most 0.002, with a p99 of at most `most` ms.

    The best one is the fastest; the slips take another.
    """
    fitting = [line for line in lines if line[1] >= reference - 0.002 - 1e-9 and line[3] <= most]
    return max(fitting, key=best)[0] if fitting else None


def _fastest_then_checked(lines: list[Line], reference: float, most: float) -> str | None:
    return choose([max(lines, key=lambda line: line[2])], reference, most)


CHOICE = Comparison(
    choose,
    read=lambda reference, most, *lines: (list(lines) or LINES, reference, most),
    fastest_then_checked=_fastest_then_checked,
    no_gate=lambda lines, reference, most: choose(lines, 0.0, most),
    no_limit=lambda lines, reference, most: choose(lines, reference, math.inf),
    quickest=partial(choose, best=lambda line: -line[3]),
    best_f1=partial(choose, best=lambda line: line[1]),
    slowest=partial(choose, best=lambda line: -line[2]),
    name=lambda lines, f1, ms: f"{len(lines)} lines from `{lines[0][0]}` on, {f1}, {ms}",
)

CHECKS = (TIMES, PERCENTILE, ROUNDING, GATE, CHOICE)
