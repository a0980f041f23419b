"""Keeping a bf16 copy of the weights, instead of rounding them again for every batch.

Within autocast each linear layer rounds its fp32 weights to bf16 before it multiplies. In training
that must be so, for the weights change at every step. A tagger's weights do not: rounded once, they
give the very same answers, and a single sentence takes about half the time.
"""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn

from nerlib.device import Compute


class WeightCopy:
    """The model to compute with: the given one in fp32, in bf16 one with rounded linear layers.

    The copy shares all other tensors with the model, and is made again when the model's weights
    have changed (a training step, loaded weights).

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
            self._copy, self._made_from = with_bf16_linears(self._original), now
        return self._copy


def with_bf16_linears(model: nn.Module) -> nn.Module:
    """Return a copy of a model whose linear layers are rounded to bf16; all other tensors are
    those of the model itself, in evaluation mode."""
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    copy = deepcopy(model, shared)
    for layer in copy.modules():
        if isinstance(layer, nn.Linear):
            layer.weight = _rounded(layer.weight)
            if layer.bias is not None:
                layer.bias = _rounded(layer.bias)
    return copy.eval()


def _rounded(values: torch.Tensor) -> nn.Parameter:
    return nn.Parameter(values.detach().to(torch.bfloat16), requires_grad=False)


def _version(tensor: torch.Tensor) -> int:
    """Return how often a tensor was changed in place; inference tensors do not count."""
    return 0 if tensor.is_inference() else tensor._version
