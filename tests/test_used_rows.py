"""Training only the used rows of the embedding table gives what training all of it gives."""

from contextlib import nullcontext, suppress
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from small_runs import TINY, silent
from tiny_encoders import new_model, small_data
from torch import nn

from nerlib import predict_tags, train
from nerlib.addons.used_rows import UsedRows, training_used_rows, used_subwords

CONFIG = replace(TINY, epochs=4, batch_size=8, learning_rate=5e-3, masked_subwords=0.2)


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert"])
def test_weights_and_predictions_are_those_of_training_the_whole_table(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that no text uses keep their values: training the whole table wears them away."""
    data, other = small_data(kind, rows=41), small_data(kind, rows=30, seed=1)
    fast = new_model(kind, data.tags)
    start, plain = deepcopy(fast).get_input_embeddings().weight, deepcopy(fast)
    train(fast, data, other, CONFIG, silent)
    plain_path = lambda model, data: nullcontext()  # noqa: E731
    monkeypatch.setattr("nerlib.addons.train.training_used_rows", plain_path)
    train(plain, data, other, CONFIG, silent)
    table = fast.get_input_embeddings()
    assert type(table) is nn.Embedding
    used = torch.zeros(len(start), dtype=torch.bool)
    used[used_subwords(data)] = True
    assert not used.all()
    assert torch.equal(table.weight[~used], start[~used])
    for name, weights in plain.state_dict().items():
        rows = used if "word_embeddings" in name else ...
        assert torch.equal(fast.state_dict()[name][rows], weights[rows]), name
    assert predict_tags(fast, data) == predict_tags(plain, data)
    assert predict_tags(fast, other)[0] == predict_tags(plain, other)[0]


def test_subwords_that_training_has_not_met_are_read_from_the_whole_table() -> None:
    weight = torch.arange(12.0).view(6, 2)
    plain = nn.Embedding.from_pretrained(weight.clone())
    table = UsedRows(weight.clone(), used=torch.tensor([1, 4]))
    numbers = torch.tensor([[0, 1, 4, 5], [2, 2, 1, 3]])
    assert torch.equal(table(numbers), plain(numbers))
    table.rows.data += 100
    assert table(numbers)[0, :, 0].tolist() == [0.0, 102.0, 108.0, 10.0]
    assert table.whole()[:, 0].tolist() == [0.0, 102.0, 4.0, 6.0, 108.0, 10.0]


def test_the_padding_row_gets_no_gradient() -> None:
    table = UsedRows(torch.ones(4, 2), used=torch.tensor([0, 3]), padding_idx=0)
    table(torch.tensor([[0, 3, 3]])).sum().backward()
    assert table.rows.grad is not None
    assert table.rows.grad[:, 0].tolist() == [0.0, 2.0]


def test_it_saves_and_loads_like_the_whole_table() -> None:
    table = UsedRows(torch.ones(4, 2), used=torch.tensor([0, 3]))
    table.rows.data *= 5
    saved = {name: value.clone() for name, value in table.state_dict().items()}
    assert list(saved) == ["weight"]
    assert saved["weight"][:, 0].tolist() == [5.0, 1.0, 1.0, 5.0]
    other = UsedRows(torch.zeros(4, 2), used=torch.tensor([1]))
    other.load_state_dict(saved)
    assert torch.equal(other.whole(), saved["weight"])
    nn.Embedding(4, 2).load_state_dict(saved)


def test_the_model_has_its_own_table_back_after_an_error_too() -> None:
    data = small_data("bert", rows=10)
    model = new_model("bert", data.tags)
    table = model.get_input_embeddings()
    with suppress(KeyError), training_used_rows(model, data):
        assert isinstance(model.get_input_embeddings(), UsedRows)
        model.get_input_embeddings().rows.data.fill_(0.5)
        raise KeyError
    assert model.get_input_embeddings() is table
    assert torch.equal(table.weight[used_subwords(data)].unique(), torch.tensor([0.5]))


@pytest.mark.parametrize("change", [{"requires_grad": False}, {"max_norm": 1.0}, {"sparse": True}])
def test_a_frozen_or_unusual_table_stays_as_it_is(change: dict[str, object]) -> None:
    data = small_data("bert", rows=10)
    model = new_model("bert", data.tags)
    table = model.get_input_embeddings()
    if "requires_grad" in change:
        table.weight.requires_grad_(False)
    else:
        vars(table).update(change)
    with training_used_rows(model, data):
        assert model.get_input_embeddings() is table
