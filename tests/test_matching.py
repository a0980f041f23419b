"""Pairs of entities, kinds of errors, and lenient scores against the package nervaluate."""

from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nervaluate import Evaluator
from seqeval import metrics as seqeval
from seqeval.scheme import IOB2
from test_metrics import TAGS, sides

from nerlib import entity_scores, evaluate_tags
from nerlib.analysis.matching import KINDS, count_kinds, lenient_scores, match_entities
from nerlib.metrics import begun_chunks, total_score
from nerlib.parsing import tag_chunks

SCHEMES = {"strict": "strict", "exact": "exact", "partial": "partial", "type": "ent_type"}
PAIR = st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS))
ROWS = st.lists(st.lists(PAIR, min_size=1, max_size=9), min_size=1, max_size=8)


def overlaps(a, b):
    return min(a[2], b[2]) > max(a[1], b[1])


def is_one_to_one(gold, predicted):
    """Whether no entity overlaps several of the other side: then there is only one pairing."""
    both = tag_chunks(gold), tag_chunks(predicted)
    return all(sum(overlaps(a, b) for b in y) <= 1 for x, y in (both, both[::-1]) for a in x)


@settings(max_examples=300)
@given(rows=ROWS)
def test_lenient_scores_equal_nervaluate(rows):
    gold, predicted = sides([row for row in rows if is_one_to_one(*zip(*row, strict=True))])
    assume(any("B-" in tag or "I-" in tag for side in (gold, predicted) for t in side for tag in t))
    theirs = Evaluator(gold, predicted, ["TIME", "DATE", "PLACE_NAME"], loader="list").evaluate()
    ours = lenient_scores(count_kinds(gold, predicted))
    for name, scheme in SCHEMES.items():
        expected = theirs["overall"][scheme]
        for value in ("precision", "recall", "f1"):
            assert getattr(ours[name], value) == pytest.approx(getattr(expected, value))


@settings(max_examples=200)
@given(rows=ROWS)
def test_every_entity_is_in_exactly_one_match(rows):
    for left, right in zip(*sides(rows), strict=True):
        matches = match_entities(left, right)
        assert sorted(m.gold for m in matches if m.gold) == sorted(tag_chunks(left))
        assert sorted(m.predicted for m in matches if m.predicted) == sorted(tag_chunks(right))
        assert all(overlaps(m.gold, m.predicted) for m in matches if m.gold and m.predicted)
        # Nothing is left apart that could have been a pair.
        missed = [m.gold for m in matches if m.kind == "missed"]
        invented = [m.predicted for m in matches if m.kind == "invented"]
        assert not any(overlaps(a, b) for a in missed for b in invented)
        places = [min(c[1] for c in (m.gold, m.predicted) if c) for m in matches]
        assert all(a <= b for a, b in pairwise(places))


@settings(max_examples=200)
@given(rows=ROWS)
def test_kinds_add_up_and_strict_is_the_entity_score(rows):
    gold, predicted = sides(rows)
    kinds, overall = count_kinds(gold, predicted), evaluate_tags(gold, predicted).overall
    assert tuple(kinds) == KINDS
    assert kinds["correct"] == overall.correct
    assert sum(kinds.values()) - kinds["invented"] == overall.gold
    assert sum(kinds.values()) - kinds["missed"] == overall.predicted
    scores = lenient_scores(kinds)
    for name in ("precision", "recall", "f1"):
        assert getattr(scores["strict"], name) == pytest.approx(getattr(overall, name))
    assert all(scores["strict"].f1 <= score.f1 + 1e-12 for score in scores.values())


@pytest.mark.parametrize(
    ("gold", "predicted", "kinds"),
    [
        ("O", "O", []),
        ("B-TIME I-TIME", "B-TIME I-TIME", ["correct"]),
        ("B-TIME I-TIME", "B-DATE I-DATE", ["wrong type"]),
        ("B-TIME I-TIME", "B-TIME O", ["wrong boundary"]),
        ("B-TIME I-TIME", "B-DATE O", ["wrong type and boundary"]),
        ("B-TIME O", "O O", ["missed"]),
        ("O O", "O B-TIME", ["invented"]),
        ("B-TIME O", "O B-TIME", ["missed", "invented"]),  # side by side is no overlap
        ("B-TIME I-TIME", "B-TIME B-TIME", ["wrong boundary", "invented"]),
        # The exact one wins, although the other comes first.
        ("B-TIME B-DATE", "B-TIME B-DATE", ["correct", "correct"]),
        # The same type wins over the longer overlap of another type.
        ("B-TIME I-TIME I-TIME", "B-DATE I-DATE B-TIME", ["invented", "wrong boundary"]),
        # Among equals the longer overlap wins.
        ("B-TIME I-TIME I-TIME", "B-TIME B-TIME I-TIME", ["invented", "wrong boundary"]),
    ],
)
def test_kinds_of_matches(gold, predicted, kinds):
    found = match_entities(gold.split(), predicted.split())
    assert [match.kind for match in found] == kinds


def test_sides_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="1 gold but 2"):
        match_entities(["O"], ["O", "O"])
    with pytest.raises(ValueError, match="1 gold but 0"):
        count_kinds([["O"]], [])


@settings(max_examples=300)
@given(rows=ROWS)
def test_chunks_that_need_a_b_equal_seqeval_in_strict_mode(rows):
    gold, predicted = sides(rows)
    # seqeval cannot score nothing at all.
    assume(any(tag.startswith("B") for side in (gold, predicted) for tags in side for tag in tags))
    ours = total_score(entity_scores(gold, predicted, begun_chunks))
    options = {"mode": "strict", "scheme": IOB2, "zero_division": 0}
    assert ours.precision == pytest.approx(seqeval.precision_score(gold, predicted, **options))
    assert ours.recall == pytest.approx(seqeval.recall_score(gold, predicted, **options))
