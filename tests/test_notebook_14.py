"""What notebook 14 writes by hand, and plants, does what the libraries do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from notebook_cells import names_by_hand
from sklearn.metrics import cohen_kappa_score

from nerlib import Parser, load_corpus
from nerlib.analysis.error_analysis import Outcome
from nerlib.course.planted import KINDS, found_among, plant
from nerlib.tools.review import label_quality

LESSON = "14_wrong_labels"
chance = st.floats(min_value=1e-6, max_value=1)


@given(st.lists(chance, min_size=1, max_size=9))
def test_label_quality_by_hand_is_that_of_review(chances):
    words = len(chances)
    row = Parser().parse(" ".join(["word"] * words))
    losses = tuple(-math.log(value) for value in chances)
    outcome = Outcome("own-1", row, ("O",) * words, tuple(chances), losses)
    by_hand = names_by_hand(LESSON)["label_quality_by_hand"]([[p] for p in chances], [0] * words)
    assert by_hand == pytest.approx(label_quality(outcome), abs=1e-6)


@given(st.lists(st.tuples(*[st.sampled_from(["O", "B-TIME", "B-DATE"])] * 2), min_size=2))
def test_kappa_by_hand_is_that_of_scikit_learn(pairs):
    first, second = map(list, zip(*pairs, strict=True))
    if len({*first, *second}) > 1:  # else chance alone agrees on all
        observed, kappa = names_by_hand(LESSON)["kappa_by_hand"](first, second)
        assert kappa == pytest.approx(cohen_kappa_score(first, second))
        assert observed == np.mean(np.array(first) == np.array(second))


def test_no_head_has_seen_the_rows_that_it_answers():
    """Each row's words have a value of their own, so that only a head that saw it could know it."""
    vectors = [np.full((2, 1), row, dtype=float) for row in range(10)]
    numbers = [[row, row] for row in range(10)]
    found = names_by_hand(LESSON)["out_of_fold_by_hand"](vectors, numbers, 10)
    assert [one.shape for one in found] == [(2, 10)] * 10
    assert all(one[:, row].max() == 0 for row, one in enumerate(found))


def test_planted_rows_are_those_that_differ_and_nothing_else_changes():
    clean = load_corpus("en-US", "train[:200]", source="sample")
    planted = plant(clean, Parser(), 0.1, seed=3)
    rows = zip(clean["annot_utt"], planted.corpus["annot_utt"], strict=True)
    assert {n for n, (a, b) in enumerate(rows) if a != b} == set(planted.kinds)
    assert len(planted.kinds) == 20
    assert set(planted.kinds.values()) == set(KINDS)
    assert planted.corpus["utt"] == clean["utt"]
    for row, kind in planted.kinds.items():
        before, after = (Parser().parse(c["annot_utt"][row]) for c in (clean, planted.corpus))
        gone, new = (set(a.spans) - set(b.spans) for a, b in ((before, after), (after, before)))
        assert (len(gone), len(new)) == (1, kind != KINDS[0])
        if new:
            (old,), (changed,) = gone, new
            assert (old.type == changed.type) == (kind == KINDS[2]) == (old.end < changed.end)
    assert found_among(list(planted.kinds), planted) == list(range(1, 21))
    with pytest.raises(ValueError, match="larger than population"):
        plant(clean, Parser(), 1.5)
