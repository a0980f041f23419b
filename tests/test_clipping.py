"""Clipping within the fused step gives the weights that clipping before it gives."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.optim import AdamW

from nerlib.addons.clipping import clip_gradients


@pytest.mark.parametrize("max_norm", [0.01, 1.0, 1e6])
def test_the_weights_are_those_of_clipping_apart(max_norm: float) -> None:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    other = deepcopy(layers)
    fused = AdamW(layers.parameters(), lr=0.01, eps=1e-2, fused=True)
    plain = AdamW(other.parameters(), lr=0.01, eps=1e-2)  # a large eps, so that the scale matters
    for _ in range(5):
        values = torch.randn(3, 4)
        for model, optimizer in ((layers, fused), (other, plain)):
            optimizer.zero_grad()
            model(values).pow(2).sum().backward()
        norm = clip_gradients(layers, fused, max_norm)
        expected = nn.utils.clip_grad_norm_(other.parameters(), max_norm)
        torch.testing.assert_close(norm, expected)
        fused.step()
        plain.step()
    for found, wanted in zip(layers.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(found, wanted)


def test_an_infinite_gradient_is_seen() -> None:
    layer = nn.Linear(1, 1)
    optimizer = AdamW(layer.parameters(), fused=True)
    layer(torch.tensor([float("inf")])).backward()
    assert not clip_gradients(layer, optimizer, 1.0).isfinite()
