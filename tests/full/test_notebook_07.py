"""What notebook 07 writes by hand agrees with the library, on more data than the notebook shows."""

import re

import pytest
import torch
from hypothesis import given
from notebook_cells import tag_pairs

from nerlib import Score, evaluate_tags, massive_slot_f1
from nerlib.analysis.display import shade_words
from nerlib.analysis.error_analysis import word_losses
from nerlib.analysis.matching import match_entities
from nerlib.analysis.plots import confusion_map, group_chart, threshold_chart
from nerlib.metrics import plain_names
from nerlib.parsing import tag_chunks

LESSON = "07_evaluation"


@given(pairs=tag_pairs())
def test_scores_by_hand_are_the_library_s(by_hand, pairs):
    gold, predicted = zip(*pairs, strict=True)
    library = evaluate_tags(gold, predicted)
    overall = library.overall
    spans = [[tag_chunks(tags) for tags in side] for side in (gold, predicted)]
    expected = (overall.precision, overall.recall, overall.f1)
    assert by_hand["strict_by_hand"](*spans) == pytest.approx(expected)
    assert by_hand["macro_by_hand"](gold, predicted) == pytest.approx(library.macro_f1)
    names = [[plain_names(tags) for tags in side] for side in (gold, predicted)]
    assert by_hand["massive_by_hand"](gold, predicted) == pytest.approx(massive_slot_f1(*names))
    for left, right in pairs:
        assert by_hand["chunks_by_hand"](left) == tag_chunks(left)
        matches = match_entities(left, right)
        expected_pairs = [(match.gold, match.predicted) for match in matches]
        assert sorted(by_hand["pairs_by_hand"](left, right), key=repr) == sorted(
            expected_pairs, key=repr
        )
        kinds = [by_hand["kind_by_hand"](*pair) for pair in expected_pairs]
        assert kinds == [match.kind for match in matches]


@pytest.mark.parametrize("seed", range(5))
def test_losses_by_hand_are_the_library_s(by_hand, seed):
    logits = 5 * torch.randn(6, 3, generator=torch.Generator().manual_seed(seed))
    labels, tags = ["O", "B-TIME", "I-TIME"], ["O", "B-TIME", "I-TIME", "B-CITY", "O", "O"]
    numbers = torch.tensor([labels.index(tag) if tag in labels else -100 for tag in tags])
    expected = word_losses(logits.unsqueeze(0), numbers.unsqueeze(0))[0].tolist()
    found = by_hand["losses_by_hand"](logits, tags, labels)
    assert found == pytest.approx(expected, abs=1e-4, nan_ok=True)


class TestFigures:
    def test_a_confusion_map_colours_mistakes_only(self):
        counts = {("time", "date"): 3, ("date", "date"): 7, ("time", "nothing"): 2}
        (heat,) = confusion_map(counts, ["time", "date", "nothing"]).axes
        assert heat.images[0].get_array().tolist() == [[0, 3, 2], [0, 0, 0], [0, 0, 0]]
        assert [text.get_text() for text in heat.texts if text.get_text()] == ["3", "2", "7"]

    def test_a_group_chart_has_a_bar_for_each_tagger(self):
        series = {"model": {"seen": Score(4, 4, 3)}, "list": {"seen": Score(4, 4, 1)}}
        bars = group_chart(series, "title").axes[0]
        assert [bar.get_width() for group in bars.containers for bar in group] == [0.75, 0.25]
        assert [label.get_text() for label in bars.get_yticklabels()] == ["seen (4)"]

    def test_no_precision_is_drawn_where_nothing_is_kept(self):
        scores = {0.0: Score(4, 4, 2), 0.5: Score(4, 1, 1), 0.9: Score(4, 0, 0)}
        lines = threshold_chart(scores).axes[0].lines
        assert {line.get_label(): list(line.get_ydata()) for line in lines} == {
            "precision": [0.5, 1.0],
            "recall": [0.5, 0.25],
            "F1": [0.5, 0.4],
        }


def test_shaded_words_are_darker_with_their_value():
    shown = shade_words(["<b>", "at", "up"], [9.0, 4.0, float("nan")], darkest=8.0)
    # Opaque: on a dark page dark text would vanish on a colour that lets the page through.
    assert re.findall(r"background:([^\"]+)", shown.markup) == ["#e08640", "#efc39f", "#ffffff"]
    assert repr(shown) == "<b> 9.0 | at 4.0 | up –"
