"""What notebook 07 writes by hand agrees with the library, on more data than the notebook shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nerlib import Score, evaluate_tags, massive_slot_f1
from nerlib.analysis.calibration import expected_calibration_error, reliability_bins
from nerlib.analysis.display import shade_words
from nerlib.analysis.error_analysis import word_losses
from nerlib.analysis.matching import KINDS, count_kinds, lenient_scores, match_entities
from nerlib.analysis.plots import (
    confusion_map,
    group_chart,
    interval_chart,
    label_curve,
    reliability_diagram,
    threshold_chart,
)
from nerlib.analysis.significance import (
    Interval,
    bootstrap_f1,
    count_entities,
    f1_of_counts,
    randomisation_test,
)
from nerlib.metrics import plain_names
from nerlib.parsing import tag_chunks

PATH = Path(__file__).resolve().parents[1] / "notebooks" / "07_evaluation.ipynb"
ByHand = dict[str, Any]
Utterances = list[tuple[list[str], list[str]]]


@pytest.fixture(scope="module")
def by_hand() -> ByHand:
    """The names that the notebook's set-up cell and its cells tagged `by-hand` define."""
    names: ByHand = {}
    for cell in nbformat.read(PATH, as_version=4).cells:
        if cell.id == "07-setup" or "by-hand" in cell.metadata.get("tags", []):
            lines = [line for line in cell.source.splitlines() if not line.startswith("%")]
            exec(compile("\n".join(lines), f"{PATH.name}:{cell.id}", "exec"), names)
    return names


def tag_pairs(most: int = 6) -> st.SearchStrategy[Utterances]:
    """Some utterances, each with gold and predicted tags; an `I-` may stand anywhere."""
    tag = st.sampled_from(("O", "B-TIME", "I-TIME", "B-DATE", "I-DATE"))
    pair = st.lists(st.tuples(tag, tag), min_size=1, max_size=8)
    split = pair.map(lambda words: ([gold for gold, _ in words], [tag for _, tag in words]))
    return st.lists(split, min_size=1, max_size=most)


def sides(pairs: Utterances) -> tuple[list[list[str]], list[list[str]]]:
    return [gold for gold, _ in pairs], [predicted for _, predicted in pairs]


@given(pairs=tag_pairs())
def test_scores_by_hand_are_the_library_s(by_hand: ByHand, pairs: Utterances) -> None:
    gold, predicted = sides(pairs)
    library = evaluate_tags(gold, predicted)
    overall = library.overall
    spans = [[tag_chunks(tags) for tags in side] for side in (gold, predicted)]
    expected = (overall.precision, overall.recall, overall.f1)
    assert by_hand["strict_by_hand"](*spans) == pytest.approx(expected)
    assert by_hand["macro_by_hand"](gold, predicted) == pytest.approx(library.macro_f1)
    names = [[plain_names(tags) for tags in side] for side in (gold, predicted)]
    assert by_hand["massive_by_hand"](gold, predicted) == pytest.approx(massive_slot_f1(*names))


@given(pairs=tag_pairs(most=3))
def test_pairs_by_hand_are_the_library_s(by_hand: ByHand, pairs: Utterances) -> None:
    for gold, predicted in pairs:
        assert by_hand["chunks_by_hand"](gold) == tag_chunks(gold)
        found = by_hand["pairs_by_hand"](gold, predicted)
        matches = match_entities(gold, predicted)
        key = repr
        assert sorted(found, key=key) == sorted(((m.gold, m.predicted) for m in matches), key=key)
        for match in matches:
            assert by_hand["kind_by_hand"](match.gold, match.predicted) == match.kind


@given(numbers=st.lists(st.integers(0, 30), min_size=6, max_size=6))
def test_semeval_by_hand_is_the_library_s(by_hand: ByHand, numbers: list[int]) -> None:
    kinds = dict(zip(KINDS, numbers, strict=True))
    library = {name: score.f1 for name, score in lenient_scores(kinds).items()}
    assert by_hand["semeval_by_hand"](kinds) == pytest.approx(library)


def made_up_counts(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    tags = ("O", "B-TIME", "I-TIME", "B-DATE")
    gold = [list(np.random.default_rng(7).permutation(tags)) for _ in range(50)]
    answers = [[t if random.random() < 0.7 else "O" for t in row] for row in gold]
    return count_entities(gold, answers)


@pytest.mark.parametrize("seed", range(4))
def test_resampling_by_hand_is_the_library_s(by_hand: ByHand, seed: int) -> None:
    counts, other = made_up_counts(seed), made_up_counts(seed + 100)
    scores = by_hand["bootstrap_by_hand"](counts, 200, seed)
    interval = bootstrap_f1(counts, 200, seed=seed)
    assert np.percentile(scores, [2.5, 97.5]) == pytest.approx([interval.low, interval.high])
    assert min(scores) < f1_of_counts(counts) < max(scores)
    p = by_hand["randomisation_by_hand"](counts, other, 100, seed)
    assert p == randomisation_test(counts, other, 100, seed)


@given(answers=st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40))
def test_calibration_error_by_hand_is_the_library_s(
    by_hand: ByHand, answers: list[tuple[float, bool]]
) -> None:
    confidences, right = [sure for sure, _ in answers], [hit for _, hit in answers]
    library = expected_calibration_error(reliability_bins(confidences, right))
    found = by_hand["calibration_error_by_hand"](confidences, right)
    assert found == pytest.approx(library, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_losses_by_hand_are_the_library_s(by_hand: ByHand, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = 5 * torch.randn(6, 3, generator=generator)
    labels, tags = ["O", "B-TIME", "I-TIME"], ["O", "B-TIME", "I-TIME", "B-CITY", "O", "O"]
    numbers = torch.tensor([labels.index(tag) if tag in labels else -100 for tag in tags])
    expected = word_losses(logits.unsqueeze(0), numbers.unsqueeze(0))[0].tolist()
    found = by_hand["losses_by_hand"](logits, tags, labels)
    assert found == pytest.approx(expected, abs=1e-4, nan_ok=True)


def test_kinds_by_hand_cover_all_kinds(by_hand: ByHand) -> None:
    gold = [["B-A", "I-A", "B-B", "O", "B-C", "I-C", "B-D", "O", "B-E", "O"]]
    predicted = [["B-A", "I-A", "B-C", "O", "B-C", "O", "O", "B-A", "B-A", "I-A"]]
    kinds = count_kinds(gold, predicted)
    assert all(kinds.values()), "the example must have every kind"
    pairs = by_hand["pairs_by_hand"](gold[0], predicted[0])
    found = [by_hand["kind_by_hand"](a, b) for a, b in pairs]
    assert {kind: found.count(kind) for kind in KINDS} == kinds


def test_the_figures_show_what_they_are_given() -> None:
    counts = {("time", "date"): 3, ("date", "date"): 7, ("time", "nothing"): 2}
    heat = confusion_map(counts, ["time", "date", "nothing"]).axes[0]
    assert heat.images[0].get_array().tolist() == [[0, 3, 2], [0, 0, 0], [0, 0, 0]]
    assert [text.get_text() for text in heat.texts if text.get_text()] == ["3", "2", "7"]
    assert (heat.get_xlabel(), heat.get_ylabel()) == ("predicted", "gold")
    series = {"model": {"seen": Score(4, 4, 3)}, "list": {"seen": Score(4, 1, 1)}}
    bars = group_chart(series, "title", "recall").axes[0]
    assert [bar.get_width() for group in bars.containers for bar in group] == [0.75, 0.25]
    assert [label.get_text() for label in bars.get_yticklabels()] == ["seen (4)"]
    curve = label_curve({100: Interval(0.3, 0.2, 0.4), 200: Interval(0.5, 0.4, 0.6)}).axes[0]
    assert [list(part) for part in curve.lines[0].get_data()] == [[100, 200], [0.3, 0.5]]
    # Where nothing is kept there is no precision to draw.
    kept = threshold_chart({0.0: Score(4, 4, 2), 0.5: Score(4, 1, 1), 0.9: Score(4, 0, 0)}).axes[0]
    assert {line.get_label(): list(line.get_ydata()) for line in kept.lines} == {
        "precision": [0.5, 1.0],
        "recall": [0.5, 0.25],
        "F1": [0.5, 0.4],
    }
    shown = interval_chart({"a": Interval(0.3, 0.2, 0.4)}, "title", "F1", "tagger").axes[0]
    assert [list(line.get_xdata()) for line in shown.lines] == [[0.2, 0.4], [0.3]]
    bins = reliability_bins([0.95, 0.91, 0.15], [True, False, False])
    left, right = reliability_diagram(bins, 0.1).axes
    assert [bar.get_height() for bar in left.patches] == [0.0, 0.5]
    assert [bar.get_height() for bar in right.patches] == [1, 2]


def test_shaded_words_are_escaped_and_darker_with_their_value() -> None:
    shown = shade_words(["<b>", "at", "up"], [9.0, 4.0, float("nan")], darkest=8.0)
    assert "&lt;b&gt;" in shown.markup
    assert "<b>" not in shown.markup
    # Opaque: on a dark page dark text would vanish on a colour that lets the page through.
    assert re.findall(r"background:([^\"]+)", shown.markup) == ["#e08640", "#efc39f", "#ffffff"]
    assert repr(shown) == "<b> 9.0 | at 4.0 | up –"
