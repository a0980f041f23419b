"""What notebook 04 writes by hand agrees with the library, on more data than the notebook shows."""

from typing import Any

import pytest
import torch
from notebook_cells import names_by_hand
from tiny_encoders import new_model, small_data

from nerlib import NERDataset, collate
from nerlib.analysis.plots import word_map
from nerlib.course.figures import attention_map
from nerlib.model import count_parameters, word_vectors

POOLINGS = ("mean", "first", "last", "max")


@pytest.fixture(scope="module")
def by_hand():
    return names_by_hand("04_model")


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


def test_word_map_refuses_what_it_cannot_show():
    with pytest.raises(ValueError, match="eight"):
        word_map(torch.zeros(9, 2).numpy(), list("abcdefghi"), "too many types")
    with pytest.raises(ValueError, match="one point"):
        word_map(torch.zeros(3, 2).numpy(), ["a", "b"], "one label is missing")


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
