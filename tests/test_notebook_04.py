"""What notebook 04 writes by hand agrees with the library, on more data than the notebook shows."""

from typing import Any

import pytest
import torch
from notebook_cells import names_by_hand
from tiny_encoders import new_model, small_data

from nerlib import NERDataset, collate, pool_words
from nerlib.analysis.plots import word_map
from nerlib.course.figures import attention_map, model_diagram
from nerlib.model import count_parameters, word_vectors

POOLINGS = ("mean", "first", "last", "max")


@pytest.fixture(scope="module")
def by_hand():
    return names_by_hand("04_model")


def random_batch(seed: int) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Hidden states and word numbers of a random batch; some words have no subword."""
    generator = torch.Generator().manual_seed(seed)
    rows, subwords, hidden, words = 4, 12, 7, 9
    states = torch.randn(rows, subwords, hidden, generator=generator) - 1  # mostly negative
    word_ids = torch.randint(-1, words, (rows, subwords), generator=generator).sort().values
    assert len(word_ids[0].unique()) <= words, "a word without subwords is wanted"
    return states, word_ids, words


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("seed", range(20))
def test_pooling_by_hand_is_the_library_s(by_hand, pooling, seed):
    states, word_ids, words = random_batch(seed)
    library = pool_words(states, word_ids, words, pooling)
    for row in range(len(states)):
        expected = by_hand["pool_words_by_hand"](states[row], word_ids[row], words, pooling)
        torch.testing.assert_close(library[row], expected, atol=1e-5, rtol=0)
    assert library.isfinite().all()


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_head_by_hand_is_the_library_s(by_hand, family):
    model = new_model(family)
    vectors = torch.randn(5, 6, model.encoder.config.hidden_size)
    _, first, _, second = model.head
    expected = by_hand["head_by_hand"](vectors, first, second)
    torch.testing.assert_close(model.head(vectors), expected, atol=1e-5, rtol=0)
    sizes = first.in_features, first.out_features, second.out_features
    assert by_hand["head_parameters_by_hand"](*sizes) == count_parameters(model.head)


def slow_vectors(by_hand: dict[str, Any], model: Any, data: NERDataset, row: int) -> torch.Tensor:
    """One utterance's word vectors, by itself and by hand."""
    batch = collate([data[row]], data.pad_id)
    hidden = model.encoder(batch["input_ids"], batch["attention_mask"])[0][0]
    words = len(data[row]["target"])
    return by_hand["pool_words_by_hand"](hidden, batch["word_ids"][0], words, model.config.pooling)


@pytest.mark.parametrize("pooling", POOLINGS)
@torch.inference_mode()
def test_word_vectors_are_in_order_and_without_padding(by_hand, pooling):
    data = small_data("bert", rows=25)
    model = new_model("bert", data.tags, pooling=pooling)
    vectors = word_vectors(model, data, batch_size=4)
    assert len(vectors) == len(data)
    for row, found in enumerate(vectors):
        assert len(found) == len(data.utterances[row].words)
        expected = slow_vectors(by_hand, model, data, row)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_word_vectors_switch_dropout_off_and_leave_the_model_as_it_was():
    data = small_data("bert", rows=5)
    model = new_model("bert", data.tags).train()
    once, again = word_vectors(model, data), word_vectors(model, data)
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))
    assert model.training


def test_word_map_shows_every_word_under_its_type():
    points = torch.arange(12.0).view(6, 2).numpy()
    figure = word_map(points, ["time", "date", "time", "date", "date", "place_name"], "Words")
    (axis,) = figure.axes
    shown = {dots.get_label(): dots.get_offsets().tolist() for dots in axis.collections}
    assert shown == {
        "time (2)": [[0.0, 1.0], [4.0, 5.0]],
        "date (3)": [[2.0, 3.0], [6.0, 7.0], [8.0, 9.0]],
        "place_name (1)": [[10.0, 11.0]],
    }
    assert axis.get_title() == "Words"
    assert axis.get_xlabel()
    assert axis.get_ylabel()


def test_word_map_refuses_what_it_cannot_show():
    with pytest.raises(ValueError, match="eight"):
        word_map(torch.zeros(9, 2).numpy(), list("abcdefghi"), "too many types")
    with pytest.raises(ValueError, match="one point"):
        word_map(torch.zeros(3, 2).numpy(), ["a", "b"], "one label is missing")


def test_model_diagram_says_every_subword_word_tag_and_shape():
    subwords, word_ids = ["[CLS]", "девя", "##ть", "утра", "[SEP]"], [-1, 0, 0, 1, -1]
    tags = ["B-TIME", "I-TIME"]
    figure = model_diagram(subwords, ["девять", "утра"], word_ids, tags, (8, 4, 3))
    texts = [text.get_text() for text in figure.axes[0].texts]
    for expected in (*subwords, *tags, "девять\n8", "logits\n(1, 2, 3)", "head: 8 → 4 → 3"):
        assert any(text.startswith(expected) for text in texts), expected


def test_attention_map_writes_every_share_in_its_row_and_column():
    (axis,) = attention_map(["a", "$b", "c"], [[50.4, 49.6, 0], [0, 12, 88], [1, 2, 97]]).axes
    written = [(text.get_text(), *text.get_position()) for text in axis.texts]
    numbers = ["50", "50", "0", "0", "12", "88", "1", "2", "97"]
    places = [(column, row) for row in range(3) for column in range(3)]
    assert written == [(text, *place) for text, place in zip(numbers, places, strict=True)]
    colours = [text.get_color() for text in axis.texts]
    assert colours == ["white", "white", *["black"] * 3, "white", "black", "black", "white"]
    names = [
        [tick.get_text() for tick in ticks]
        for ticks in (axis.get_xticklabels(), axis.get_yticklabels())
    ]
    assert names == [["a", r"\$b", "c"]] * 2
    assert axis.get_title()
    assert axis.get_xlabel()
    assert axis.get_ylabel()
