"""What a model's confidence is worth: reliability, calibration error, and a threshold on it.

Built in notebook 07.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from nerlib.metrics import Score


@dataclass(frozen=True)
class ConfidenceBin:
    """The answers whose confidence lies between `low` and `high`: how sure, and how often right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def reliability_bins(
    confidences: Sequence[float], right: Sequence[bool], bins: int = 10
) -> list[ConfidenceBin]:
    """Return the bins of equal width that have any answers, with mean confidence and accuracy.

    The highest bin includes 1. Raises `ValueError` for sides of different length, and for
    confidences outside of 0 to 1. Built in notebook 07.
    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, section 2.

    >>> reliability_bins([0.9, 0.7, 0.8], [True, False, True], bins=2)[0].count
    3
    """
    if len(confidences) != len(right):
        raise ValueError(f"{len(confidences)} confidences but {len(right)} answers")
    if not all(0 <= confidence <= 1 for confidence in confidences) or bins < 1:
        raise ValueError("confidences lie between 0 and 1, and there must be a bin")
    groups: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for confidence, hit in zip(confidences, right, strict=True):
        groups[min(int(confidence * bins), bins - 1)].append((confidence, hit))
    means = {low: [*map(fmean, zip(*group, strict=True))] for low, group in enumerate(groups)}
    return [
        ConfidenceBin(low / bins, (low + 1) / bins, len(groups[low]), *both)
        for low, both in means.items()
        if both
    ]


def expected_calibration_error(bins: Sequence[ConfidenceBin]) -> float:
    """Return the mean distance between confidence and accuracy, weighted by the bins' counts.

    0 is perfect; 0 as well if there are no answers. Built in notebook 07.
    Source: Naeini, Cooper & Hauskrecht (2015), Obtaining Well Calibrated Probabilities Using
    Bayesian Binning.

    >>> expected_calibration_error(reliability_bins([0.9, 0.9], [True, False]))
    0.4
    """
    total = sum(b.count for b in bins)
    return sum(b.count * abs(b.confidence - b.accuracy) for b in bins) / total if total else 0.0


def threshold_scores(
    confidences: Sequence[float], right: Sequence[bool], gold: int, thresholds: Sequence[float]
) -> dict[float, Score]:
    """Return the score of keeping only the answers with at least each threshold's confidence.

    `gold` is the number of entities that there are to find. Built in notebook 07.

    >>> threshold_scores([0.9, 0.4], [True, False], gold=2, thresholds=[0.0, 0.5])[0.5]
    Score(gold=2, predicted=1, correct=1)
    """
    pairs = list(zip(confidences, right, strict=True))
    kept = {least: [hit for sure, hit in pairs if sure >= least] for least in thresholds}
    return {least: Score(gold, len(hits), sum(hits)) for least, hits in kept.items()}
