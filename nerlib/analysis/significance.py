"""How much of a score is luck: bootstrap intervals, and tests between two models on the same rows.

Built in notebook 07.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nerlib.metrics import Tags, check_lengths
from nerlib.parsing import tag_chunks

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Interval:
    """A value and the interval around it that the data leaves open.

    >>> str(Interval(0.6224, 0.571, 0.6718))
    '0.622 (0.571 to 0.672)'
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def count_entities(gold: Sequence[Tags], predicted: Sequence[Tags]) -> Counts:
    """Return (utterances, 3): how many entities each utterance has, got, and got right.

    Raises `ValueError` if the two sides do not fit.

    >>> count_entities([["B-TIME", "O"]], [["B-TIME", "B-DATE"]]).tolist()
    [[1, 2, 1]]
    """
    check_lengths(gold, predicted)
    sides = ([set(tag_chunks(tags)) for tags in side] for side in (gold, predicted))
    rows = [(len(a), len(b), len(a & b)) for a, b in zip(*sides, strict=True)]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def f1_of_counts(counts: Counts) -> float:
    """Return the micro F1 of some utterances' counts (utterances, 3); 0 if there is no entity.

    >>> f1_of_counts(np.array([[1, 2, 1], [1, 0, 0]]))
    0.5
    """
    gold, predicted, correct = counts.sum(axis=0).tolist()
    return 2 * correct / (gold + predicted) if gold + predicted else 0.0


def bootstrap_f1(counts: Counts, resamples: int = 1000, seed: int = 0) -> Interval:
    """Return the F1 and its 95 % percentile bootstrap interval.

    Each resample draws as many utterances as there are, with replacement. Whole utterances are
    drawn, since the entities of one utterance are right or wrong together more often than by
    chance. Raises `ValueError` where there is nothing to draw from.
    Source: Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.

    >>> bootstrap_f1(np.array([[1, 1, 1], [1, 1, 1]]))
    Interval(value=1.0, low=1.0, high=1.0)
    """
    return _bootstrap(lambda rows: f1_of_counts(counts[rows]), len(counts), resamples, seed)


def bootstrap_difference(
    first: Counts, second: Counts, resamples: int = 1000, seed: int = 0
) -> Interval:
    """Return the second model's F1 minus the first one's, with its 95 % paired bootstrap interval.

    Both models get the same utterances in every resample. Raises `ValueError` for counts of
    different utterances.
    Source: Koehn (2004), Statistical Significance Tests for Machine Translation Evaluation.

    >>> counts = np.array([[1, 1, 1], [1, 1, 0]])
    >>> bootstrap_difference(counts, counts)
    Interval(value=0.0, low=0.0, high=0.0)
    """
    _check_same_rows(first, second)
    return _bootstrap(
        lambda rows: f1_of_counts(second[rows]) - f1_of_counts(first[rows]),
        *(len(first), resamples, seed),
    )


def _bootstrap(
    score: Callable[[NDArray[np.int64]], float], rows: int, resamples: int, seed: int
) -> Interval:
    """Return the score of all rows, and the percentiles of those of resampled row numbers."""
    if not rows:
        raise ValueError("there are no utterances to draw from")
    if resamples < 1:
        raise ValueError("resamples must be 1 or more")
    random = np.random.default_rng(seed)
    scores = [score(random.integers(0, rows, rows)) for _ in range(resamples)]
    low, high = np.percentile(scores, [2.5, 97.5])
    return Interval(score(np.arange(rows)), float(low), float(high))


def randomisation_test(first: Counts, second: Counts, rounds: int = 1000, seed: int = 0) -> float:
    """Return how often a difference in F1 this large, in either direction, comes from mere chance.

    In each round the two models' answers are swapped in about half of the utterances, which would
    change nothing if the models were equally good. The result is (1 + rounds with a difference at
    least as large) / (1 + rounds). Raises `ValueError` for counts of different utterances.
    Source: Yeh (2000), More Accurate Tests for the Statistical Significance of Result Differences.

    >>> counts = np.array([[1, 1, 1], [1, 1, 0]])
    >>> randomisation_test(counts, counts)
    1.0
    """
    _check_same_rows(first, second)
    if rounds < 1 or not len(first):
        raise ValueError("there must be an utterance, and a round")
    random = np.random.default_rng(seed)
    observed = abs(f1_of_counts(second) - f1_of_counts(first))
    as_large = 0
    for _ in range(rounds):
        swap = random.random((len(first), 1)) < 0.5
        ours, theirs = np.where(swap, second, first), np.where(swap, first, second)
        # Equal ones count, whatever the rounding.
        as_large += abs(f1_of_counts(theirs) - f1_of_counts(ours)) >= observed - 1e-12
    return (1 + as_large) / (1 + rounds)


def _check_same_rows(first: Counts, second: Counts) -> None:
    """Raise `ValueError` unless both counts can be of the same utterances."""
    if first.shape != second.shape or (first[:, 0] != second[:, 0]).any():
        raise ValueError("the two models must be scored on the same utterances, in the same order")
