"""The checks of lesson 09: export and serve. None of them needs the extra."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from statistics import fmean

import torch
from torch import Tensor

from nerlib.course.checks.exercise import Comparison, Function, entry_by_entry

TIMES = entry_by_entry(dict[str, float], close=0.005)


def percentile(values: Sequence[float], share: int) -> float:
    """Return the smallest value that at least `share` per cent of the values do not exceed."""
    return sorted(values)[_place(values, share)]


def _place(values: Sequence[float], share: int) -> int:
    """Return the place of a percentile in the sorted values."""
    return max(math.ceil(share * len(values) / 100), 1) - 1


def _values(values: list[float] | int, share: int) -> tuple[list[float], int]:
    """Return a case; a number stands for so many values, falling to 1."""
    return [float(n) for n in range(values, 0, -1)] if isinstance(values, int) else values, share


PERCENTILE = Comparison(
    percentile,
    read=_values,
    unsorted=lambda values, share: values[_place(values, share)],
    one_too_far=lambda values, share: [*sorted(values), max(values)][_place(values, share) + 1],
    rounded_down=lambda values, share: sorted(values)[max(share * len(values) // 100, 1) - 1],
    mean=lambda values, share: fmean(values),
)


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


def _weights(bits: int, *zeros: list[float]) -> tuple[Tensor, int]:
    """Return rows of zeros, or (4, 6) whose rows are of different sizes, one of them below 0."""
    random = torch.Generator().manual_seed(9)
    weights = torch.randn(4, 6, generator=random) * torch.tensor([[1.0], [0.01], [3.0], [0.5]])
    weights[1] = -weights[1].abs() - 0.001
    return torch.tensor(zeros) if zeros else weights, bits


ROUNDING = Comparison(
    rounded,
    read=_weights,
    one_scale=partial(rounded, largest=lambda w: w.abs().max()),
    by_column=partial(rounded, largest=lambda w: w.abs().amax(0)),
    no_sign=partial(rounded, most=lambda bits: 2**bits - 1),
    cut_off=partial(rounded, whole=torch.trunc),
)


def gate(
    scores: dict[str, float],
    reference: float,
    permitted: float,
    fine: Function = lambda lost, permitted: lost <= permitted + 1e-9,
) -> list[str]:
    """Return the names of the variants that may pass, in their order."""
    return [name for name, f1 in scores.items() if fine(reference - f1, permitted)]


GATE = Comparison(
    gate,
    refused=partial(gate, fine=lambda lost, permitted: lost > permitted + 1e-9),
    both_ways=partial(gate, fine=lambda lost, permitted: abs(lost) <= permitted + 1e-9),
    strict=partial(gate, fine=lambda lost, permitted: lost < permitted - 1e-9),
    relative=lambda scores, reference, share: gate(scores, reference, share * reference),
)

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


CHOICE = Comparison(
    choose,
    read=lambda reference, most, *lines: (list(lines) or LINES, reference, most),
    no_gate=lambda lines, reference, most: choose(lines, 0.0, most),
    no_limit=lambda lines, reference, most: choose(lines, reference, math.inf),
    quickest=partial(choose, best=lambda line: -line[3]),
    best_f1=partial(choose, best=lambda line: line[1]),
)

CHECKS = (TIMES, PERCENTILE, ROUNDING, GATE, CHOICE)  # in the order of their numbers
