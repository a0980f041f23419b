"""What notebook 06 writes by hand does the same as nerlib, on random data."""

import math
from functools import cache
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_encoders import new_model, tokenizer_of

from nerlib import Parser, Tagger, tags_to_spans
from nerlib.course.figures import trellis
from nerlib.inference import to_entities

LESSON = "06_inference"
TEXTS = st.lists(
    st.sampled_from(
        ["wake", "me", "at", "nine,", "7:30", "don't", "(friday)", "пятницу", "👋", ""]
    ),
    max_size=9,
).map(" ".join)
# No subword is shorter than a byte, but for the mark of a word's start that XLM-RoBERTa may write
# alone: these fit into the tiny encoders' 48 places.
SHORT_TEXTS = TEXTS.filter(
    lambda text: text.strip() and len(text.encode()) + len(Parser().split_words(text)) <= 44
)
LABELS = ["O", "B-TIME", "I-TIME", "B-DATE", "I-DATE"]
TAGS = st.sampled_from(LABELS)


@cache
def tagger(family: str) -> Tagger:
    """An untrained tagger, whose predictions are as good as random."""
    return Tagger(new_model(family), tokenizer_of(family), device="cpu", precision="fp32")


@given(data=st.data(), text=TEXTS)
def test_entities_by_hand_are_the_library_s(by_hand, data, text):
    words = Parser().split_words(text)
    tags = data.draw(st.lists(TAGS, min_size=len(words), max_size=len(words)))
    scores = data.draw(st.lists(st.floats(0, 1), min_size=len(words), max_size=len(words)))
    entities = by_hand["entities_by_hand"](text, words, tags, scores)
    assert entities == to_entities(text, words, tags, scores)
    assert [(e.type, e.start, e.end) for e in entities] == [
        (span.type, span.start, span.end) for span in tags_to_spans(words, tags)
    ]


@given(logits=st.lists(st.floats(-1e4, 1e4), min_size=1))
def test_softmax_by_hand_is_torch_s(by_hand, logits):
    probabilities = by_hand["softmax_by_hand"](logits)
    expected = torch.tensor(logits, dtype=torch.float64).softmax(-1).tolist()
    assert probabilities == pytest.approx(expected, abs=1e-12)
    assert math.fsum(probabilities) == pytest.approx(1)


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
@given(text=SHORT_TEXTS)
def test_the_three_steps_make_the_tagger(by_hand, family, text):
    model = tagger(family)
    words, logits = by_hand["logits_by_hand"](text, model)
    tags, scores = by_hand["tags_by_hand"](logits, model.model.config.labels)
    assert list(zip((word.text for word in words), tags, strict=True)) == model.tags(text)
    entities = by_hand["entities_by_hand"](text, words, tags, scores)
    expected = model(text)
    assert [(e.type, e.text, e.start) for e in entities] == [
        (e.type, e.text, e.start) for e in expected
    ]
    assert [e.score for e in entities] == pytest.approx([e.score for e in expected], abs=1e-5)


def test_a_trellis_shows_the_best_way_and_what_may_not_follow(by_hand):
    logits = torch.tensor([[0.0, 1.5, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0, 3.0], [2.0, 0, 0, 0, 0]])
    rows = [by_hand["softmax_by_hand"](row) for row in logits.tolist()]
    columns = by_hand["best_ways"](rows, LABELS)
    arrows: dict[str, set[tuple[str, ...]]] = {}
    axis = trellis(["a", "b", "c"], LABELS, columns, by_hand["may_follow"]).axes[0]
    for line in axis.lines:
        if len(line.get_ydata()) == 3:  # else it belongs to the legend
            tags = tuple(LABELS[-int(line.get_ydata()[end])] for end in (0, -1))
            kind = {4.0: "best", 1.2: "allowed"}.get(line.get_linewidth(), line.get_marker())
            arrows.setdefault(kind, set()).add(tags)
    best = ["O", *by_hand["tags_by_hand"](logits, LABELS)[0]]
    assert best == ["O", "B-DATE", "I-DATE", "O"]
    assert arrows["best"] == set(pairwise(best))
    assert all(after[0] == "I" and before[2:] != after[2:] for before, after in arrows["x"])
    assert not any(
        after[0] == "I" and before[2:] != after[2:] for before, after in arrows["allowed"]
    )
