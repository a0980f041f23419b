"""Reliability and thresholds against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve

from nerlib.analysis.calibration import (
    expected_calibration_error,
    reliability_bins,
    threshold_scores,
)

ANSWERS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def made_up(count: int, seed: int) -> tuple[list[float], list[bool]]:
    random = np.random.default_rng(seed)
    sure = random.random(count)
    return sure.tolist(), (random.random(count) < sure**2).tolist()


@pytest.mark.parametrize("bins", [1, 4, 10])
def test_bins_equal_scikit_learn(bins: int) -> None:
    confidences, right = made_up(500, seed=bins)
    ours = reliability_bins(confidences, right, bins)
    accuracy, confidence = calibration_curve(right, confidences, n_bins=bins)
    assert [b.accuracy for b in ours] == pytest.approx(list(accuracy))
    assert [b.confidence for b in ours] == pytest.approx(list(confidence))
    assert sum(b.count for b in ours) == 500


@given(answers=ANSWERS)
def test_bins_hold_every_answer_in_its_place(answers: list[tuple[float, bool]]) -> None:
    confidences, right = [c for c, _ in answers], [r for _, r in answers]
    bins = reliability_bins(confidences, right)
    assert sum(b.count for b in bins) == len(answers)
    assert sum(b.count * b.accuracy for b in bins) == pytest.approx(sum(right))
    assert all(b.low - 1e-9 <= b.confidence <= b.high + 1e-9 for b in bins)
    error = expected_calibration_error(bins)
    assert 0 <= error <= 1
    gap = abs(sum(confidences) - sum(right)) / len(answers)
    assert error >= gap - 1e-9  # distances of bins cannot cancel out


def test_a_calibrated_model_has_no_error_and_an_overconfident_one_has() -> None:
    right = [True] * 8 + [False] * 2
    assert expected_calibration_error(reliability_bins([0.8] * 10, right)) == pytest.approx(0)
    assert expected_calibration_error(reliability_bins([0.95] * 10, right)) == pytest.approx(0.15)
    assert expected_calibration_error([]) == 0


def test_one_belongs_to_the_highest_bin() -> None:
    assert [(b.low, b.count) for b in reliability_bins([1.0, 0.95], [True, True])] == [(0.9, 2)]


def test_thresholds_equal_scikit_learn() -> None:
    confidences, right = made_up(200, seed=3)
    precision, recall, thresholds = precision_recall_curve(right, confidences)
    scores = threshold_scores(confidences, right, sum(right), thresholds.tolist())
    found = list(scores.values())
    assert [s.precision for s in found] == pytest.approx(precision[:-1].tolist())
    assert [s.recall for s in found] == pytest.approx(recall[:-1].tolist())


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="2 confidences but 1 answers"):
        reliability_bins([0.1, 0.2], [True])
    for confidences, bins in (([1.2], 10), ([float("nan")], 10), ([0.5], 0)):
        with pytest.raises(ValueError, match="between 0 and 1"):
            reliability_bins(confidences, [True], bins)
