"""What notebook 14 writes by hand, and plants, does what it says."""

import math

import numpy as np
import pytest

from nerlib import Parser, load_corpus
from nerlib.analysis.error_analysis import Outcome
from nerlib.course.planted import KINDS, found_among, plant
from nerlib.tools.review import label_quality

LESSON = "14_wrong_labels"


def test_label_quality_by_hand_is_that_of_review(by_hand):
    chances, row = (0.9, 0.25, 0.5), Parser().parse("three words here")
    outcome = Outcome("own-1", row, ("O",) * 3, chances, tuple(-math.log(one) for one in chances))
    found = by_hand["label_quality_by_hand"]([[one] for one in chances], [0] * 3)
    assert found == pytest.approx(label_quality(outcome))


def test_no_head_has_seen_the_rows_that_it_answers(by_hand):
    """Each row's words have a value of their own, so that only a head that saw it could know it."""
    vectors = [np.full((2, 1), row, dtype=float) for row in range(10)]
    numbers = [[row, row] for row in range(10)]
    found = by_hand["out_of_fold_by_hand"](vectors, numbers, 10)
    assert [one.shape for one in found] == [(2, 10)] * 10
    assert all(one[:, row].max() == 0 for row, one in enumerate(found))


def test_planted_rows_are_those_that_differ_and_nothing_else_changes():
    clean = load_corpus("en-US", "train[:200]", source="sample")
    planted = plant(clean, Parser(), 0.1, seed=3)
    sides = [[Parser().parse(line) for line in c["annot_utt"]] for c in (clean, planted.corpus)]
    assert {n for n, (a, b) in enumerate(zip(*sides, strict=True)) if a != b} == set(planted.kinds)
    assert (len(planted.kinds), set(planted.kinds.values())) == (20, set(KINDS))
    for row, kind in planted.kinds.items():
        before, after = (set(side[row].spans) for side in sides)
        assert sides[0][row].text == sides[1][row].text
        assert (len(before - after), len(after - before)) == (1, kind != KINDS[0])
        for old, changed in zip(before - after, after - before, strict=False):
            assert (old.type == changed.type) == (kind == KINDS[2]) == (old.end < changed.end)
    assert found_among(list(planted.kinds), planted) == list(range(1, 21))
