"""What notebook 04 writes by hand agrees with the library, on more data than the notebook shows."""

from typing import Any

import pytest
import torch
from tiny_encoders import new_model, small_data

from nerlib import NERDataset, collate, pool_words
from nerlib.analysis.plots import word_map
from nerlib.course.figures import attention_map
from nerlib.model import count_parameters, word_vectors

LESSON = "04_model"
POOLINGS = ("mean", "first", "last", "max")


def random_word_ids(batch, subwords, num_words, generator):
    """Return word numbers in which some words have no subword, with special ones at both ends."""
    rows = torch.randint(0, num_words, (batch, subwords), generator=generator).sort(1).values
    rows[:, 0] = -1
    ends = torch.randint(2, subwords, (batch,), generator=generator)
    return rows.where(torch.arange(subwords) < ends.unsqueeze(1), -1)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("seed", range(5))
def test_pooling_equals_the_loop_with_its_gradients(by_hand, pooling, seed):
    generator = torch.Generator().manual_seed(seed)
    word_ids = random_word_ids(6, 17, 9, generator)
    assert any(set(range(9)) - set(row) for row in word_ids.tolist())  # words without subword
    hidden = torch.randn(6, 17, 12, generator=generator, requires_grad=True)
    weights = torch.randn(6, 9, 12, generator=generator)
    fast = pool_words(hidden, word_ids, 9, pooling)
    rows = zip(hidden, word_ids, strict=True)
    slow = torch.stack([by_hand["pool_words_by_hand"](*row, 9, pooling) for row in rows])
    assert torch.allclose(fast, slow, rtol=0, atol=1e-5)
    (gradient,) = torch.autograd.grad((fast * weights).sum(), hidden)
    (wanted,) = torch.autograd.grad((slow * weights).sum(), hidden)
    assert torch.allclose(gradient, wanted, rtol=0, atol=1e-5)
    assert gradient[word_ids == -1].count_nonzero() == 0


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
