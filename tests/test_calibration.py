"""Reliability and thresholds against scikit-learn."""

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


@given(answers=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_bins_hold_every_answer_in_its_place(answers: list[tuple[float, bool]]) -> None:
    confidences, right = [c for c, _ in answers], [r for _, r in answers]
    bins = reliability_bins(confidences, right)
    assert sum(b.count for b in bins) == len(answers)
    assert sum(b.count * b.accuracy for b in bins) == pytest.approx(sum(right))
    assert all(b.low - 1e-9 <= b.confidence <= b.high + 1e-9 for b in bins)
    gap = abs(sum(confidences) - sum(right)) / len(answers)
    assert gap - 1e-9 <= expected_calibration_error(bins) <= 1  # bins cannot cancel out


@pytest.mark.parametrize(
    ("confidences", "right", "error"),
    [
        ([0.8] * 10, [True] * 8 + [False] * 2, 0),
        ([0.95] * 10, [True] * 8 + [False] * 2, 0.15),
        ([1.0, 0.95], [True, True], 0.025),  # 1 belongs to the highest bin
        ([], [], 0),
    ],
)
def test_calibration_error(confidences: list[float], right: list[bool], error: float) -> None:
    bins = reliability_bins(confidences, right)
    assert expected_calibration_error(bins) == pytest.approx(error)


def test_thresholds_equal_scikit_learn() -> None:
    confidences, right = made_up(200, seed=3)
    precision, recall, thresholds = precision_recall_curve(right, confidences)
    scores = threshold_scores(confidences, right, sum(right), thresholds.tolist()).values()
    assert [s.precision for s in scores] == pytest.approx(precision[:-1].tolist())
    assert [s.recall for s in scores] == pytest.approx(recall[:-1].tolist())


@pytest.mark.parametrize(
    ("confidences", "bins"), [([0.1, 0.2], 10), ([1.2], 10), ([float("nan")], 10), ([0.5], 0)]
)
def test_bad_input_is_refused(confidences: list[float], bins: int) -> None:
    with pytest.raises(ValueError, match="confidences"):
        reliability_bins(confidences, [True], bins)
