"""The checks of lesson 09: export and serve. None of them needs the extra."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Exercise

# 09.1 --------------------------------------------------------------------------------------------
TIMES = (5.0, 6.0, 4.0, 90.0, 6.0, 5.0, 7.0, 30.0, 8.0, 9.0)
ASKED = ("p50", "p90", "mean")


def times_on_paper(answer: Answer) -> None:
    """p50, p90 and the mean of ten times."""
    told = answer.read(dict[str, float])
    for name in ASKED:
        if name not in told:
            raise answer.hint(f"The key `{name}` is missing.")
    expected = {"p50": percentile(TIMES, 50), "p90": percentile(TIMES, 90), "mean": _mean(TIMES, 0)}
    for name in ASKED:
        if abs(told[name] - expected[name]) > 0.005:
            raise answer.hint(_times_idea(name, told[name], expected))


def _times_idea(name: str, found: float, expected: dict[str, float]) -> str:
    """Return which reading of the ten times leads to a number."""
    if name == "mean":
        return "The mean is the sum of all ten, divided by ten."
    if found == expected["mean"]:
        return f"That is the mean, which the slowest answer pulls up. Sort the times for {name}."
    if found == TIMES[4 if name == "p50" else 8]:
        return "Sort the times first: the place counts in the sorted list."
    if name == "p90" and found == max(TIMES):
        return "That is the slowest of all, p100. One in ten may be slower than p90."
    if name == "p50" and found in (6.5, 7.0):
        return "Five of ten times have to be no larger: it is the fifth in the sorted list."
    return f"{name}: the smallest of the times that {name[1:]} of 100 of them do not exceed."


# 09.2 --------------------------------------------------------------------------------------------
SERIES = (
    ([3.0, 1.0, 2.0, 4.0, 7.0], 40),
    ([3.0, 1.0, 2.0, 4.0], 51),
    ([5.0], 99),
    ([float(n) for n in range(200, 0, -1)], 99),
    ([2.0, 9.0, 4.0], 100),
    ([2.0, 9.0, 4.0], 1),
)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` per cent of the values do not exceed."""
    return sorted(values)[max(math.ceil(share / 100 * len(values)), 1) - 1]


def _unsorted(values: Sequence[float], share: float) -> float:
    return list(values)[max(math.ceil(share / 100 * len(values)), 1) - 1]


def _one_too_far(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(math.ceil(share / 100 * len(values)), len(values) - 1)]


def _rounded_down(values: Sequence[float], share: float) -> float:
    return sorted(values)[max(int(share / 100 * len(values)), 1) - 1]


def _from_above(values: Sequence[float], share: float) -> float:
    return percentile([-value for value in values], share) * -1


def _mean(values: Sequence[float], share: float) -> float:
    return sum(values) / len(values)


PERCENTILE_SLIPS = (
    (_unsorted, "The values come in any order. Sort them before you count."),
    (_from_above, "Sort upwards: the small values are those that are not exceeded."),
    (_one_too_far, "One place too far: the fifth of ten values stands at index 4."),
    (_rounded_down, "At least that share: where it is no whole number of values, round up."),
    (_mean, "That is the mean. Sort, and pick one of the values."),
)


def percentile_of_times(answer: Answer) -> None:
    """A function from values and a share to one of the values."""
    for case in SERIES:
        told = f"200 values, {case[1]}" if len(case[0]) > 10 else None
        answer.compare(percentile, case, float, PERCENTILE_SLIPS, told)


# 09.3 --------------------------------------------------------------------------------------------
def rounded(weights: Tensor, bits: int) -> Tensor:
    """Return weights (outputs, inputs) that take whole-number steps, one step size a row."""
    most = 2 ** (bits - 1) - 1
    scale = weights.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / most
    steps: Tensor = (weights / scale).round() * scale
    return steps


def _scaled(weights: Tensor, most: int, largest: Tensor) -> Tensor:
    scale = largest.clamp(min=1e-12) / most
    steps: Tensor = (weights / scale).round() * scale
    return steps


def _one_scale(weights: Tensor, bits: int) -> Tensor:
    return _scaled(weights, 2 ** (bits - 1) - 1, weights.abs().max())


def _by_column(weights: Tensor, bits: int) -> Tensor:
    return _scaled(weights, 2 ** (bits - 1) - 1, weights.abs().amax(0, keepdim=True))


def _without_sign(weights: Tensor, bits: int) -> Tensor:
    return _scaled(weights, 2**bits - 1, weights.abs().amax(1, keepdim=True))


def _cut_off(weights: Tensor, bits: int) -> Tensor:
    scale = weights.abs().amax(1, keepdim=True).clamp(min=1e-12) / (2 ** (bits - 1) - 1)
    steps: Tensor = (weights / scale).trunc() * scale
    return steps


def _still_whole(weights: Tensor, bits: int) -> Tensor:
    scale = weights.abs().amax(1, keepdim=True).clamp(min=1e-12) / (2 ** (bits - 1) - 1)
    steps: Tensor = (weights / scale).round()
    return steps


def _largest_not_absolute(weights: Tensor, bits: int) -> Tensor:
    return _scaled(weights, 2 ** (bits - 1) - 1, weights.amax(1, keepdim=True))


ROUNDING_SLIPS = (
    (_still_whole, "These are the whole numbers. Multiply by the scale again."),
    (_one_scale, "One scale for all rows: a row of small weights is rounded to next to nothing. "
     "Give each output its own."),
    (_by_column, "A scale for each input. The weights are (outputs, inputs): one scale a row."),
    (_without_sign, "One of the bits is for the sign: the largest whole number is "
     "2^(bits − 1) − 1."),
    (_cut_off, "Cutting off goes towards 0 always, and that adds up. Round to the nearest."),
    (_largest_not_absolute, "The largest weight may be negative: look at absolute values."),
)  # fmt: skip


def rounding(answer: Answer) -> None:
    """A function from weights and bits to rounded weights."""
    random = torch.Generator().manual_seed(9)
    weights = torch.randn(4, 6, generator=random) * torch.tensor([[1.0], [0.01], [3.0], [0.5]])
    weights[1] = -weights[1].abs() - 0.001
    for bits in (8, 4, 3):
        answer.compare(rounded, (weights, bits), Tensor, ROUNDING_SLIPS, f"weights (4, 6), {bits}")
    found = answer.call(torch.zeros(2, 3), 8, kind=Tensor, case="zeros (2, 3), 8")
    if found.isnan().any():
        raise answer.hint("A row of zeros has the scale 0, and 0 / 0 is not a number: clamp it.")


# 09.4 --------------------------------------------------------------------------------------------
GATES = (
    ({"fp32": 0.704, "bf16": 0.7035, "int8": 0.690}, 0.704, 0.002),
    ({"fp32": 0.704, "bf16": 0.7025}, 0.704, 0.002),
    ({"fp32": 0.704, "int8": 0.702, "tiny": 0.7019}, 0.704, 0.002),
    ({"a": 0.75, "b": 0.6999}, 0.70, 0.0),
    ({"good": 0.9, "fair": 0.45}, 0.5, 0.06),
    ({"a": 0.95, "b": 0.90}, 0.90, 0.01),
)


def gate(scores: dict[str, float], reference: float, permitted: float) -> list[str]:
    """Return the names of the variants that may pass, in their order."""
    return [name for name, f1 in scores.items() if f1 >= reference - permitted - 1e-9]


def _both_ways(scores: dict[str, float], reference: float, permitted: float) -> list[str]:
    return [name for name, f1 in scores.items() if abs(f1 - reference) <= permitted + 1e-9]


def _strict(scores: dict[str, float], reference: float, permitted: float) -> list[str]:
    return [name for name, f1 in scores.items() if reference - f1 < permitted - 1e-9]


def _relative(scores: dict[str, float], reference: float, permitted: float) -> list[str]:
    return [n for n, f1 in scores.items() if f1 >= reference * (1 - permitted) - 1e-9]


def _against_the_best(scores: dict[str, float], reference: float, permitted: float) -> list[str]:
    return gate(scores, max(scores.values()), permitted)


def _refused(scores: dict[str, float], reference: float, permitted: float) -> list[str]:
    return [name for name in scores if name not in gate(scores, reference, permitted)]


GATE_SLIPS = (
    (_refused, "These are the ones to refuse. Return those that pass."),
    (_both_ways, "A variant that is better than the model has lost nothing. Only a loss counts."),
    (_strict, "A loss of just what is permitted is permitted. (Floats: 0.704 − 0.702 is a little "
     "more than 0.002, so allow a millionth of a millionth.)"),
    (_relative, "That is a share of the reference. The permitted loss is in points of F1 itself."),
    (_against_the_best, "That compares with the best variant. The measure is the torch model."),
)  # fmt: skip


def gate_of_variants(answer: Answer) -> None:
    """A function from scores, the reference and the permitted loss to names."""
    for case in GATES:
        answer.compare(gate, case, list[str], GATE_SLIPS)


# 09.5 --------------------------------------------------------------------------------------------
Line = tuple[str, float, float, float]  # name, F1, texts a second, p99 in ms
LINES: list[Line] = [
    ("torch fp32", 0.704, 600.0, 12.5),
    ("onnx fp32", 0.704, 550.0, 7.0),
    ("onnx int8", 0.690, 2000.0, 4.4),
    ("openvino bf16", 0.7035, 1700.0, 12.3),
    ("openvino int8", 0.7030, 1500.0, 9.0),
]
CHOICES = (
    (LINES, 0.704, 20.0),
    (LINES, 0.704, 10.0),
    (LINES, 0.704, 8.0),
    (LINES[::-1], 0.704, 9.0),
    (LINES, 0.704, 3.0),
    ([("a", 0.8, 10.0, 1.0), ("b", 0.5, 99.0, 0.5)], 0.5, 5.0),
)


def choose(lines: list[Line], reference: float, most: float) -> str | None:
    """Return the fastest variant that has lost at most 0.002, with a p99 of at most `most` ms."""
    fitting = [one for one in lines if one[1] >= reference - 0.002 - 1e-9 and one[3] <= most]
    return max(fitting, key=lambda one: one[2])[0] if fitting else None


def _no_gate(lines: list[Line], reference: float, most: float) -> str | None:
    return choose(lines, 0.0, most)


def _no_limit(lines: list[Line], reference: float, most: float) -> str | None:
    return choose(lines, reference, math.inf)


def _choice(lines: list[Line], reference: float, most: float, place: int, sign: int) -> str | None:
    fitting = [one for one in lines if one[1] >= reference - 0.002 - 1e-9 and one[3] <= most]
    return max(fitting, key=lambda one: sign * float(one[place]))[0] if fitting else None


def _quickest_alone(lines: list[Line], reference: float, most: float) -> str | None:
    return _choice(lines, reference, most, 3, -1)


def _best_f1(lines: list[Line], reference: float, most: float) -> str | None:
    return _choice(lines, reference, most, 1, 1)


def _slowest(lines: list[Line], reference: float, most: float) -> str | None:
    return _choice(lines, reference, most, 2, -1)


def _fastest_then_checked(lines: list[Line], reference: float, most: float) -> str | None:
    fastest = max(lines, key=lambda one: one[2])
    return choose([fastest], reference, most)


CHOICE_SLIPS = (
    (_fastest_then_checked, "If the fastest does not fit, another one may: first leave out what "
     "does not fit, then take the fastest."),
    (_no_gate, "It has lost too much F1. The gate comes before any speed."),
    (_no_limit, "Its p99 is above the limit: one user in a hundred would wait longer."),
    (_quickest_alone, "That is the one with the shortest p99. All that fit are quick enough: take "
     "the most texts a second."),
    (_best_f1, "That is the one with the best F1. All that fit are good enough: take the most "
     "texts a second."),
    (_slowest, "That is the slowest of those that fit. More texts a second are better."),
)  # fmt: skip


def choice_of_a_variant(answer: Answer) -> None:
    """A function from lines of a table, the reference and a limit to a name, or None."""
    for lines, reference, most in CHOICES:
        case = f"{len(lines)} lines from `{lines[0][0]}` on, {reference}, {most}"
        answer.compare(choose, (lines, reference, most), str | None, CHOICE_SLIPS, case)


EXERCISES = (
    Exercise(
        "09.1", "Times on paper", times_on_paper,
        "A mean tells nobody how long they wait; p50 and p90 do.",
    ),
    Exercise(
        "09.2", "A percentile", percentile_of_times,
        "Sort, round the place up, and remember that lists count from 0.",
    ),
    Exercise(
        "09.3", "Fewer bits", rounding,
        "A scale says what a step is worth, and each row of weights deserves its own.",
    ),
    Exercise(
        "09.4", "The gate", gate_of_variants,
        "A gate is a rule about a loss, in points of F1, against the model itself.",
    ),
    Exercise(
        "09.5", "Choose", choice_of_a_variant,
        "First what must hold, then what should be large.",
    ),
)  # fmt: skip
