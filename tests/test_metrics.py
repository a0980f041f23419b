"""Scores against seqeval and scikit-learn, and the MASSIVE paper's metric re-computed."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval import metrics as seqeval
from sklearn.metrics import accuracy_score

from nerlib import Score, entity_scores, evaluate_tags, massive_slot_f1, token_accuracy
from nerlib.metrics import total_score

TAGS = ("O", "B-TIME", "I-TIME", "B-DATE", "I-DATE", "B-PLACE_NAME", "I-PLACE_NAME")
ROW = st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), max_size=9)


def sides(rows):
    """Return gold and predicted tags from rows of pairs."""
    return [[g for g, _ in row] for row in rows], [[p for _, p in row] for row in rows]


def random_rows(count, seed):
    """Return rows whose predictions are half right, so that entities do match."""
    source = random.Random(seed)
    rows = []
    for _ in range(count):
        gold = [source.choice(TAGS) for _ in range(source.randint(1, 9))]
        rows.append([(g, g if source.random() < 0.7 else source.choice(TAGS)) for g in gold])
    return rows


def assert_equal_to_seqeval(gold, predicted):
    ours = total_score(entity_scores(gold, predicted))
    for name in ("precision", "recall", "f1"):
        theirs = getattr(seqeval, f"{name}_score")(gold, predicted, zero_division=0)
        assert getattr(ours, name) == pytest.approx(theirs)


@pytest.mark.parametrize("seed", range(3))
def test_thousands_of_random_rows_equal_seqeval_overall_and_per_type(seed):
    gold, predicted = sides(random_rows(1500, seed))
    assert_equal_to_seqeval(gold, predicted)
    ours = entity_scores(gold, predicted)
    report = seqeval.classification_report(gold, predicted, output_dict=True, zero_division=0)
    assert {name for name in report if not name.endswith("avg")} == set(ours)
    for name, score in ours.items():
        found = (score.precision, score.recall, score.f1, score.gold)
        assert found == pytest.approx(tuple(report[name].values()))
    result = evaluate_tags(gold, predicted)
    assert result.macro_f1 == pytest.approx(report["macro avg"]["f1-score"])
    assert list(result.per_type) == sorted(ours, key=lambda name: -ours[name].gold)


@settings(max_examples=300)
@given(rows=st.lists(ROW, min_size=1, max_size=8))
def test_scores_equal_seqeval_and_scikit_learn(rows):
    gold, predicted = sides(rows)
    if any(tag != "O" for row in gold + predicted for tag in row):
        assert_equal_to_seqeval(gold, predicted)
    flat = [tag for row in gold for tag in row], [tag for row in predicted for tag in row]
    wanted = accuracy_score(*flat) if flat[0] else 0
    assert token_accuracy(gold, predicted) == pytest.approx(wanted)


def test_scores_of_nothing_are_zero():
    for gold, predicted in ([], []), ([[]], [[]]), ([["O"]], [["O"]]):
        result = evaluate_tags(gold, predicted)
        assert (result.overall, result.per_type) == (Score(), {})
        assert (result.overall.precision, result.overall.recall, result.overall.f1) == (0, 0, 0)
        assert result.macro_f1 == 0
    assert token_accuracy([], []) == 0


@pytest.mark.parametrize("score", [token_accuracy, entity_scores, evaluate_tags])
def test_sides_of_different_shape_raise(score):
    with pytest.raises(ValueError, match="1 gold but 2 predicted utterances"):
        score([["O"]], [["O"], ["O"]])
    with pytest.raises(ValueError, match="utterance 1: 2 gold but 1 predicted tags"):
        score([["O"], ["O", "O"]], [["O"], ["O"]])


# The metric of the MASSIVE paper: plain names, equal neighbours are one entity.


@pytest.mark.parametrize(
    ("gold", "predicted", "f1"),
    [
        # One of two entities right, nothing invented: precision 1, recall 1/2.
        ([["time", "Other", "date"]], [["time", "Other", "Other"]], 2 / 3),
        # Two slots of one type that touch are merged on both sides alike.
        ([["time", "time", "Other"]], [["time", "time", "Other"]], 1),
        # A hole splits one entity into two, neither of which is right.
        ([["time", "time", "time"]], [["time", "Other", "time"]], 0),
        # Too short: filled with "Other", so the last entity is missed.
        ([["date", "Other", "time"]], [["date"]], 2 / 3),
        # Too long: what sticks out does not count.
        ([["date"]], [["date", "time", "time"]], 1),
    ],
)
def test_massive_worked_examples(gold, predicted, f1):
    assert massive_slot_f1(gold, predicted) == pytest.approx(f1)


def to_bio(names):
    """Return BIO tags for plain names, written without the library."""
    tags, before = [], None
    for name in names:
        tags.append("O" if name == "Other" else ("I-" if name == before else "B-") + name)
        before = name
    return tags


NAMES = st.lists(st.sampled_from(["Other", "time", "date", "place_name"]), max_size=8)


@settings(max_examples=300)
@given(rows=st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=8))
def test_massive_equals_seqeval_on_merged_names(rows):
    gold, predicted = map(list, zip(*rows, strict=True))
    fitted = [(p + ["Other"] * len(g))[: len(g)] for g, p in rows]
    both = [list(map(to_bio, side)) for side in (gold, fitted)]
    some = any(tag != "O" for side in both for tags in side for tag in tags)
    wanted = seqeval.f1_score(*both, zero_division=0) if some else 0
    assert massive_slot_f1(gold, predicted) == pytest.approx(wanted)
