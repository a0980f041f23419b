"""A running mean of a model's weights, which is steadier than the weights of any one step.

While the learning rate is high, the weights wander around a good place rather than settle in it,
and their mean lies closer to it than they do.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

EVERY = 4  # steps; a mean that is brought up to date more often is not better, only slower


class WeightAverage:
    """The exponential moving average of a model's weights over training steps.

    `decay` is the share of the old mean that a step keeps: 0.998 looks back over about 500 steps.
    At the start, where there is little to look back on, less is kept. `model` has the mean's
    weights. Source: Polyak & Juditsky (1992), Acceleration of Stochastic Approximation by
    Averaging; the start as in TensorFlow's `ExponentialMovingAverage`.

    >>> layer = nn.Linear(1, 1, bias=False)
    >>> mean = WeightAverage(layer, decay=0.998)
    >>> for value in (1.0, 2.0):
    ...     _ = nn.init.constant_(layer.weight, value)
    ...     mean.update()
    >>> 1.0 < mean.model.weight.item() < 2.0
    True
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._source = model
        self._decay = decay**EVERY
        self._averaged = AveragedModel(model, multi_avg_fn=self._average)
        # What is no weight is the same for both: a table of 47 MB need not be there twice.
        for copied, own in zip(self.model.modules(), model.modules(), strict=True):
            copied._buffers.update(own._buffers)

    @property
    def model(self) -> nn.Module:
        """A model with the mean weights, to validate and to keep; not the one that is trained."""
        averaged: nn.Module = self._averaged.module
        return averaged

    @property
    def updates(self) -> int:
        """How often the mean was brought up to date."""
        return int(self._averaged.n_averaged)

    @updates.setter
    def updates(self, count: int) -> None:
        self._averaged.n_averaged.fill_(count)

    def update(self) -> None:
        """Take the model's present weights into the mean."""
        self._averaged.update_parameters(self._source)

    @torch.no_grad()
    def _average(
        self, means: Sequence[Tensor], weights: Sequence[Tensor], updates: Tensor | int
    ) -> None:
        """Move the means towards the weights, in place."""
        start = (1 + int(updates)) / (10 + int(updates))
        torch._foreach_lerp_(list(means), list(weights), 1 - min(self._decay, start))
