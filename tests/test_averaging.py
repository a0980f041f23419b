"""The running mean of the weights: its formula, what is validated with it, and what is kept."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from tiny_encoders import new_model, small_data
from torch import nn

from nerlib import TrainConfig, evaluate, train
from nerlib.addons.averaging import EVERY, WeightAverage
from nerlib.device import choose_compute

CONFIG = TrainConfig(
    epochs=3,
    batch_size=8,
    learning_rate=5e-3,
    weight_averaging=0.9,
    device="cpu",
    precision="fp32",
    progress=False,
)


def test_the_mean_is_that_of_its_formula() -> None:
    layer = nn.Linear(1, 1, bias=False)
    mean, expected = WeightAverage(layer, decay=0.9), 0.0
    values = torch.randn(40, generator=torch.Generator().manual_seed(0)).tolist()
    for number, value in enumerate(values):
        nn.init.constant_(layer.weight, value)
        mean.update()
        kept = min(0.9**EVERY, (1 + number) / (10 + number)) if number else 0.0
        expected = kept * expected + (1 - kept) * value
        assert mean.model.weight.item() == pytest.approx(expected, abs=1e-5)  # type: ignore[operator, union-attr]
    assert mean.updates == 40


def test_the_trained_model_itself_is_left_alone() -> None:
    layer = nn.Linear(2, 2)
    mean = WeightAverage(layer, decay=0.5)
    before = deepcopy(layer.state_dict())
    for _ in range(3):
        mean.update()
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())
    assert mean.model is not layer


def test_tensors_that_are_no_weights_are_there_once() -> None:
    layers = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    mean = WeightAverage(layers, decay=0.5)
    for own, copied in zip(layers.buffers(), mean.model.buffers(), strict=True):
        assert own is copied
    for own, copied in zip(layers.parameters(), mean.model.parameters(), strict=True):
        assert own is not copied


def test_the_mean_is_validated_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    data, other = small_data("bert", rows=41), small_data("bert", rows=30, seed=1)
    seen: list[WeightAverage] = []

    class Watched(WeightAverage):
        def __init__(self, *settings: object) -> None:
            super().__init__(*settings)  # type: ignore[arg-type]
            seen.append(self)

    monkeypatch.setattr("nerlib.training.WeightAverage", Watched)
    model = new_model("bert", data.tags)
    history = train(model, data, other, replace(CONFIG, epochs=1), report=lambda line: None)
    (mean,) = seen
    for name, value in mean.model.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name
    result, loss = evaluate(model, other, choose_compute("cpu", "fp32"))
    assert (history[-1].f1, history[-1].validation_loss) == (result.overall.f1, loss)


@pytest.mark.parametrize("rows", [3, 9])
def test_a_run_of_very_few_steps_is_not_judged_by_its_first_weights(rows: int) -> None:
    data = small_data("bert", rows=rows)
    model = new_model("bert", data.tags)
    before = deepcopy(model.state_dict())
    train(model, data, data, replace(CONFIG, epochs=1), report=lambda line: None)
    assert not torch.equal(before["head.1.weight"], model.state_dict()["head.1.weight"])


def test_the_steps_themselves_are_those_without_a_mean() -> None:
    data = small_data("bert", rows=41)
    losses = []
    for averaging in (0.0, 0.9):
        model = new_model("bert", data.tags)
        config = replace(CONFIG, weight_averaging=averaging)
        history = train(model, data, data, config, report=lambda line: None)
        losses.append([record.train_loss for record in history])
    assert losses[0] == losses[1]
