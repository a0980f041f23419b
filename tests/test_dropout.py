"""Dropout by random bytes: how many it drops, what becomes of the mean, and whom it replaces."""

import pytest
import torch
from tiny_encoders import new_model
from torch import nn

from nerlib.addons.dropout import ByteDropout, cheap_dropout, random_bytes


def test_every_byte_is_as_likely_as_any_other() -> None:
    torch.manual_seed(0)
    counts = torch.bincount(random_bytes(torch.empty(256, 999)).flatten().long(), minlength=256)
    expected = 256 * 999 / 256
    statistic = ((counts - expected) ** 2 / expected).sum().item()
    assert 180 < statistic < 345  # 255 degrees of freedom: outside by chance once in 5,000 times


@pytest.mark.parametrize("share", [0.1, 0.25, 0.9])
def test_it_drops_its_share_and_keeps_the_mean(share: float) -> None:
    torch.manual_seed(1)
    dropped = ByteDropout(share)(torch.ones(400_000))
    rounded = round(share * 256) / 256
    chance = 5 * (rounded * (1 - rounded) / 400_000) ** 0.5
    assert (dropped == 0).float().mean().item() == pytest.approx(rounded, abs=chance)
    assert dropped.unique().tolist() == pytest.approx([0.0, 1 / (1 - rounded)])


def test_the_gradient_goes_where_the_value_went() -> None:
    values = torch.ones(3, 5, 7, requires_grad=True)
    dropped = ByteDropout(0.5)(values)
    dropped.sum().backward()
    assert values.grad is not None
    assert torch.equal(values.grad, dropped.detach())


def test_without_training_it_does_nothing() -> None:
    values = torch.randn(9)
    assert torch.equal(ByteDropout(0.5).eval()(values), values)
    assert torch.equal(ByteDropout(0.0)(values), values)
    assert ByteDropout(1.0)(values).abs().sum() == 0


def test_a_model_has_its_own_dropout_back_afterwards() -> None:
    model = new_model("bert")
    kinds = {type(part) for part in model.modules()}
    with cheap_dropout(model):
        inside = {type(part) for part in model.modules()}
    assert nn.Dropout not in inside
    assert ByteDropout in inside
    assert {type(part) for part in model.modules()} == kinds
