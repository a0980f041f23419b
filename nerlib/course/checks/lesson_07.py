"""The checks of lesson 07: how good, how sure, and where it fails."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from statistics import fmean

import numpy as np
import torch
from torch import Tensor, nn

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Comparison, EntryByEntry
from nerlib.metrics import Score

# 07.1 --------------------------------------------------------------------------------------------
KINDS = EntryByEntry(list[str], told="Row {key} is `{found}` in your list.")


# 07.2 --------------------------------------------------------------------------------------------
Counts = dict[str, tuple[int, int, int]]


def macro_f1(counts: Counts) -> float:
    """Return the mean F1 of the types that occur in the gold data; 0 if there are none."""
    return _mean_over(counts, lambda numbers: numbers[0] > 0)


def _mean_over(
    counts: Counts,
    belongs: Callable[[tuple[int, int, int]], object],
    ratio: Callable[[Score], float] = lambda score: score.f1,
) -> float:
    """Return the mean of a ratio over the types that belong to it; 0 if none do."""
    scores = [ratio(Score(*numbers)) for numbers in counts.values() if belongs(numbers)]
    return fmean(scores) if scores else 0.0


def _weighted(counts: Counts) -> float:
    total = sum(gold for gold, _, _ in counts.values())
    return sum(n[0] * Score(*n).f1 for n in counts.values()) / total if total else 0.0


def _from_means(counts: Counts) -> float:
    """Return F1 of the mean precision and the mean recall."""
    precision = _mean_over(counts, lambda n: n[0], lambda score: score.precision)
    recall = _mean_over(counts, lambda n: n[0], lambda score: score.recall)
    return 2 * precision * recall / (precision + recall) if precision else 0.0


MACRO = Comparison(
    macro_f1,
    micro=lambda counts: Score(*map(sum, zip(*counts.values(), strict=True))).f1,
    weighted=_weighted,
    from_means=_from_means,
    mean_recall=lambda counts: _mean_over(counts, lambda n: n[0], lambda s: s.recall),
    all_types=lambda counts: _mean_over(counts, lambda n: True),
    found_types_only=lambda counts: _mean_over(counts, lambda n: n[0] and n[1]),
)

# 07.3 --------------------------------------------------------------------------------------------
Threshold = float | None


def lowest_threshold(confidences: list[float], right: list[bool], wanted: float) -> Threshold:
    """Return the lowest confidence from which on the precision is at least `wanted`."""
    return min(_precise(confidences, right, wanted), default=None)


def _precise(confidences: list[float], right: list[bool], wanted: float) -> list[float]:
    """Return the confidences from which on the precision is at least `wanted`."""
    kept = {c: _kept(confidences, right, c) for c in confidences}
    return [c for c, hits in kept.items() if fmean(hits) >= wanted]


def _kept(confidences: Sequence[float], right: Sequence[bool], threshold: float) -> list[bool]:
    """Return which of the entities that are kept are right."""
    return [hit for sure, hit in zip(confidences, right, strict=True) if sure >= threshold]


def _first_fall(confidences: list[float], right: list[bool], wanted: float) -> Threshold:
    """Return the answer of somebody who stops as soon as the precision is too low."""
    found, fine = None, _precise(confidences, right, wanted)
    for threshold in sorted(confidences, reverse=True):
        if threshold not in fine:
            break
        found = threshold
    return found


def _unsorted(confidences: list[float], right: list[bool], wanted: float) -> Threshold:
    """Return the answer of somebody who takes the lists to be sorted."""
    precise = [c for n, c in enumerate(confidences, start=1) if fmean(right[:n]) >= wanted]
    return precise[-1] if precise else None


def _above(confidences: list[float], right: list[bool], wanted: float) -> Threshold:
    """Return the answer of somebody who keeps only what is above the threshold."""
    kept = {c: _kept(confidences, right, math.nextafter(c, math.inf)) for c in confidences}
    return min((c for c, hits in kept.items() if hits and fmean(hits) >= wanted), default=None)


def _recall(confidences: list[float], right: list[bool], wanted: float) -> Threshold:
    """Return the answer of somebody who looks at the share of right ones that is kept."""
    enough = wanted * max(1, sum(right))
    fine = (c for c in confidences if sum(_kept(confidences, right, c)) >= enough)
    return min(fine, default=None)


THRESHOLD = Comparison(
    lowest_threshold,
    recall=_recall,
    highest=lambda *given: max(_precise(*given), default=None),
    above=_above,
    unsorted=_unsorted,
    first_fall=_first_fall,
)

# 07.4 --------------------------------------------------------------------------------------------
TEMPERATURES = [1.0, 0.5, 2.0, 4.0]
ONE_IN_FOUR_WRONG = torch.tensor([[8.0, 0, 0], [0, 8.0, 0], [8.0, 0, 0], [0, 0, 8.0]])
TARGETS = torch.tensor([0, 1, 1, 2])


def best_temperature(logits: Tensor, targets: Tensor, temperatures: list[float]) -> float:
    """Return the temperature with the lowest mean loss."""
    return min(temperatures, key=lambda t: _loss(logits / t, targets))


def _loss(logits: Tensor, targets: Tensor) -> float:
    return nn.functional.cross_entropy(logits, targets).item()


def _most_right(logits: Tensor, targets: Tensor, temperatures: list[float]) -> float:
    return max(temperatures, key=lambda t: int(((logits / t).argmax(-1) == targets).sum()))


def _surest(logits: Tensor, targets: Tensor, temperatures: list[float]) -> float:
    return max(temperatures, key=lambda t: (logits / t).softmax(-1).amax(-1).mean().item())


TEMPERATURE = Comparison(
    best_temperature,
    read=lambda by: (ONE_IN_FOUR_WRONG / by, TARGETS, TEMPERATURES),
    # Too shy first, then too sure, then as it should be.
    times=lambda logits, targets, ts: min(ts, key=lambda t: _loss(logits * t, targets)),
    worst=lambda logits, targets, ts: max(ts, key=lambda t: _loss(logits / t, targets)),
    most_right=_most_right,
    surest=_surest,
    loss_itself=lambda logits, targets, ts: min(_loss(logits / t, targets) for t in ts),
)

# 07.5 --------------------------------------------------------------------------------------------
Rows = list[tuple[int, int, int]]
Interval = tuple[float, float]


def _pooled(drawn: np.ndarray) -> float:
    gold, predicted, correct = drawn.sum(axis=0)
    return float(2 * correct / max(1, gold + predicted))


def _mean_of_rows(drawn: np.ndarray) -> float:
    return fmean(2 * c / max(1, g + p) for g, p, c in drawn.tolist())


def _recall_of(drawn: np.ndarray) -> float:
    gold, _, correct = drawn.sum(axis=0)
    return float(correct / max(1, gold))


def bootstrap(
    counts: Rows,
    resamples: int,
    seed: int,
    score: Callable[[np.ndarray], float] = _pooled,
    replace: bool = True,
    cut_off: float = 2.5,
) -> Interval:
    """Return the ends of the 95 % interval of F1; the slips change how it is computed."""
    table, random = np.array(counts), np.random.default_rng(seed)
    scores = []
    for _ in range(resamples):
        chosen = random.integers(0, len(table), len(table))
        scores.append(score(table[chosen] if replace else table))
    low, high = np.percentile(scores, [cut_off, 100 - cut_off])
    return float(low), float(high)


def _single_utterance(answer: Answer) -> None:
    """Ask for an interval without width."""
    if not math.isclose(*answer.call([(1, 1, 1)], 5, 0, kind=Interval)):
        raise answer.hint("With a single utterance, all resamples are the same.")


INTERVAL = Comparison(
    bootstrap,
    without_replacement=partial(bootstrap, replace=False),
    same_draw=lambda counts, resamples, seed: bootstrap(counts, 1, seed),
    mean_of_rows=partial(bootstrap, score=_mean_of_rows),
    recall=partial(bootstrap, score=_recall_of),
    whole_range=partial(bootstrap, cut_off=0),
    five_each=partial(bootstrap, cut_off=5),
    name=lambda counts, resamples, seed: f"{counts}, {resamples}, {seed}",
    then=_single_utterance,
)

CHECKS = (KINDS, MACRO, THRESHOLD, TEMPERATURE, INTERVAL)
