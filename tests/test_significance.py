"""Bootstrap and randomisation against scipy, and against what must hold by construction."""

import numpy as np
import pytest
from scipy import stats

from nerlib import evaluate_tags
from nerlib.analysis.significance import (
    bootstrap_difference,
    bootstrap_f1,
    count_entities,
    f1_of_counts,
    randomisation_test,
)

TAGS = ("O", "B-TIME", "I-TIME", "B-DATE")


def counts_of(rows: int, quality: float, seed: int) -> np.ndarray:
    """Counts of a made-up model: one to three gold entities, each found with some probability."""
    random = np.random.default_rng(seed)
    gold = np.random.default_rng(99).integers(1, 4, rows)
    correct = random.binomial(gold, quality)
    return np.stack([gold, correct + random.integers(0, 2, rows), correct], axis=1)


def f1(gold, predicted, correct, axis=-1):
    """F1 in the form in which scipy wants a statistic."""
    return 2 * correct.sum(axis) / (gold.sum(axis) + predicted.sum(axis))


def difference(g1, p1, c1, g2, p2, c2, axis=-1):
    return f1(g2, p2, c2, axis) - f1(g1, p1, c1, axis)


def test_counts_give_the_entity_f1():
    random = np.random.default_rng(0)
    sides = [[list(random.choice(TAGS, 6)) for _ in range(80)] for _ in range(2)]
    counts = count_entities(*sides)
    overall = evaluate_tags(*sides).overall
    assert counts.sum(axis=0).tolist() == [overall.gold, overall.predicted, overall.correct]
    assert f1_of_counts(counts) == pytest.approx(overall.f1)
    assert f1_of_counts(np.zeros((3, 3), dtype=int)) == 0


@pytest.mark.parametrize(
    ("ours", "statistic", "sides"),
    [
        (bootstrap_f1, f1, [counts_of(120, 0.7, 1)]),
        (bootstrap_difference, difference, [counts_of(120, 0.6, 4), counts_of(120, 0.75, 5)]),
    ],
)
def test_intervals_equal_scipy_up_to_chance(ours, statistic, sides):
    data = [column for side in sides for column in side.T]
    theirs = stats.bootstrap(
        data, statistic, paired=True, vectorized=True, method="percentile",
        n_resamples=4000, random_state=3,
    ).confidence_interval  # fmt: skip
    found = ours(*sides, resamples=4000, seed=2)
    assert found.value == pytest.approx(statistic(*data))
    width = theirs.high - theirs.low
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.05 * width)


@pytest.mark.parametrize(("quality", "seed"), [(0.6, 6), (0.7, 7), (0.9, 8)])
def test_p_value_equals_scipy_s_exact_test(quality: float, seed: int):
    first, second = counts_of(11, 0.6, seed=3), counts_of(11, quality, seed)
    rows = np.unique(np.concatenate([first, second]), axis=0)  # scipy swaps plain numbers only

    def distance(a, b):
        return abs(f1(*rows[a.astype(int)].T) - f1(*rows[b.astype(int)].T))

    data = [np.array([rows.tolist().index(row) for row in s.tolist()]) for s in (first, second)]
    theirs = stats.permutation_test(
        data, distance, permutation_type="samples", alternative="greater", n_resamples=10_000
    ).pvalue
    assert randomisation_test(first, second, rounds=4000) == pytest.approx(theirs, abs=0.03)


def test_seeds_do_what_they_say():
    counts = counts_of(60, 0.7, seed=1)
    assert bootstrap_f1(counts, seed=5) == bootstrap_f1(counts, seed=5)
    assert bootstrap_f1(counts, seed=5) != bootstrap_f1(counts, seed=6)


@pytest.mark.parametrize(
    ("function", "arguments", "settings"),
    [
        (randomisation_test, (counts_of(5, 0.5, 0), counts_of(4, 0.5, 0)), {}),
        (randomisation_test, (counts_of(5, 0.5, 0), counts_of(5, 0.5, 0)), {"rounds": 0}),
        (bootstrap_difference, (counts_of(5, 0.5, 0), counts_of(5, 0.5, 0) + 1), {}),
        (bootstrap_f1, (np.zeros((0, 3), dtype=int),), {}),
        (bootstrap_f1, (counts_of(5, 0.5, 0),), {"resamples": 0}),
        (count_entities, ([["O"]], []), {}),
    ],
)
def test_what_cannot_be_tested_is_refused(function, arguments, settings):
    with pytest.raises(ValueError, match=r"utterance|resamples"):
        function(*arguments, **settings)
