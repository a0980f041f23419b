"""The checks of lesson 07: how good, how sure, and where it fails."""

import operator
from functools import partial
from itertools import takewhile
from statistics import fmean

import numpy as np
import torch
from torch import Tensor, nn

from nerlib.analysis.significance import f1_of_counts
from nerlib.course.checks.exercise import Comparison, Function, entry_by_entry
from nerlib.metrics import Score

KINDS = entry_by_entry(list[str], "Row {key} is `{found}` in your list.")


def macro_f1(
    counts: dict[str, tuple[int, int, int]],
    belongs: Function = lambda gold, predicted, correct: gold,
) -> float:
    """Return the mean F1 of the types that occur in the gold data; 0 if there are none.

    The slips take the mean over other types.
    """
    scores = [Score(*numbers).f1 for numbers in counts.values() if belongs(*numbers)]
    return fmean(scores) if scores else 0.0


MACRO = Comparison(
    macro_f1,
    micro=lambda counts: Score(*map(sum, zip(*counts.values(), strict=True))).f1,
    all_types=partial(macro_f1, belongs=lambda *numbers: True),
    found_types_only=partial(macro_f1, belongs=lambda gold, predicted, _: gold and predicted),
)


def lowest_threshold(confidences: list[float], right: list[bool], wanted: float) -> float | None:
    """Return the lowest confidence from which on the precision is at least `wanted`."""
    return min(_precise(confidences, right, wanted), default=None)


def _precise(
    confidences: list[float], right: list[bool], wanted: float, keeps: Function = operator.ge
) -> list[float]:
    """Return the confidences from which on the precision is at least `wanted`."""
    pairs = list(zip(confidences, right, strict=True))
    kept = {c: [hit for sure, hit in pairs if keeps(sure, c)] for c in confidences}
    return [c for c, hits in kept.items() if hits and fmean(hits) >= wanted]


def _first_fall(confidences: list[float], right: list[bool], wanted: float) -> float | None:
    """Return the answer of somebody who stops as soon as the precision is too low."""
    fine = _precise(confidences, right, wanted)
    return min(takewhile(fine.__contains__, sorted(confidences, reverse=True)), default=None)


THRESHOLD = Comparison(
    lowest_threshold,
    recall=lambda confidences, right, wanted: min(confidences),  # all of the right ones are kept
    highest=lambda *given: max(_precise(*given), default=None),
    above=lambda confidences, right, wanted: min(
        _precise(confidences, right, wanted, operator.gt), default=None
    ),
    first_fall=_first_fall,
)

TEMPERATURES = [1.0, 0.5, 2.0, 4.0]
ONE_IN_FOUR_WRONG = torch.tensor([[8.0, 0, 0], [0, 8.0, 0], [8.0, 0, 0], [0, 0, 8.0]])
TARGETS = torch.tensor([0, 1, 1, 2])


def best_temperature(logits: Tensor, targets: Tensor, temperatures: list[float]) -> float:
    """Return the temperature with the lowest mean loss."""
    return min(temperatures, key=lambda t: _loss(logits / t, targets))


def _loss(logits: Tensor, targets: Tensor) -> float:
    return nn.functional.cross_entropy(logits, targets).item()


TEMPERATURE = Comparison(
    best_temperature,
    read=lambda by: (ONE_IN_FOUR_WRONG / by, TARGETS, TEMPERATURES),
    times=lambda logits, targets, ts: min(ts, key=lambda t: _loss(logits * t, targets)),
    worst=lambda logits, targets, ts: max(ts, key=lambda t: _loss(logits / t, targets)),
    most_right=lambda logits, targets, ts: ts[0],  # all have the same share of right tags
    surest=lambda logits, targets, ts: min(ts),
)


def bootstrap(
    counts: list[tuple[int, int, int]],
    resamples: int,
    seed: int,
    score: Function = f1_of_counts,
    replace: bool = True,
    cut_off: float = 2.5,
) -> tuple[float, float]:
    """Return the ends of the 95 % interval of F1; the slips change how it is computed."""
    table, random = np.array(counts), np.random.default_rng(seed)
    scores = []
    for _ in range(resamples):
        chosen = random.integers(0, len(table), len(table))
        scores.append(score(table[chosen] if replace else table))
    low, high = np.percentile(scores, [cut_off, 100 - cut_off])
    return float(low), float(high)


INTERVAL = Comparison(
    bootstrap,
    without_replacement=partial(bootstrap, replace=False),
    same_draw=lambda counts, resamples, seed: bootstrap(counts, 1, seed),
    mean_of_rows=partial(bootstrap, score=lambda drawn: fmean(map(f1_of_counts, drawn[:, None]))),
    whole_range=partial(bootstrap, cut_off=0),
    five_each=partial(bootstrap, cut_off=5),
)

CHECKS = (KINDS, MACRO, THRESHOLD, TEMPERATURE, INTERVAL)  # in the order of their numbers
