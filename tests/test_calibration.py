"""Reliability and thresholds against scikit-learn."""

import numpy as np
import pytest
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
