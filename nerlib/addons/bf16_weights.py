"""Keeping a bf16 copy of the model, instead of rounding its weights again for every batch.

Within autocast each linear layer rounds its fp32 weights to bf16 before it multiplies, and what
stands between the layers goes back and forth between both. In training that must be so, for small
steps would be lost in bf16 weights. A tagger's weights take no steps: it computes in a copy that is
bf16 throughout, which is as close to fp32 as autocast is.
"""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn

from nerlib.device import Compute


class WeightCopy:
    """The model to compute with: the given one in fp32, in bf16 a rounded copy.

    The copy is made again when the model's weights have changed (a training step, loaded weights).

    >>> layer = nn.Sequential(nn.Linear(2, 1))
    >>> copy = WeightCopy(layer, Compute(torch.device("cpu"), "bf16"))
    >>> copy.model[0].weight.dtype, layer[0].weight.dtype
    (torch.bfloat16, torch.float32)
    >>> with torch.no_grad():
    ...     _ = layer[0].weight.fill_(3)
    >>> copy.model[0].weight.tolist()
    [[3.0, 3.0]]
    """

    def __init__(self, model: nn.Module, compute: Compute) -> None:
        self._original, self._compute = model, compute
        self._copy: nn.Module = model
        self._made_from: list[tuple[int, int]] = []

    @property
    def model(self) -> nn.Module:
        """The model to compute with, up to date."""
        if self._compute.precision != "bf16":
            return self._original
        now = [(id(tensor), _version(tensor)) for tensor in self._original.parameters()]
        if now != self._made_from:
            self._copy, self._made_from = deepcopy(self._original).to(torch.bfloat16).eval(), now
        return self._copy


def _version(tensor: torch.Tensor) -> int:
    """Return how often a tensor was changed in place; inference tensors do not count."""
    return 0 if tensor.is_inference() else tensor._version
