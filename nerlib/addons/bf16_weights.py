"""Keeping a bf16 copy of the model, instead of rounding its weights again for every batch.

Within autocast each linear layer rounds its fp32 weights to bf16 before it multiplies, and what
stands between the layers goes back and forth between both. In training that must be so, for small
steps would be lost in bf16 weights. A tagger's weights take no steps: it computes in a copy that is
bf16 throughout, which is as close to fp32 as autocast is.
"""

from copy import deepcopy

import torch
from torch import nn

from nerlib.device import Compute


class WeightCopy:
    """The model to compute with: the given one in fp32, in bf16 a rounded copy.

    >>> layer = nn.Sequential(nn.Linear(2, 1))
    >>> copy = WeightCopy(layer, Compute(torch.device("cpu"), "bf16"))
    >>> _ = nn.init.constant_(layer[0].weight, 3)
    >>> copy.refresh()
    >>> copy.model[0].weight.tolist(), copy.model[0].weight.dtype
    ([[3.0, 3.0]], torch.bfloat16)
    """

    def __init__(self, model: nn.Module, compute: Compute) -> None:
        self._original = self.model = model
        self._firsts = [weight.detach().view(-1)[:1] for weight in model.parameters()]
        self._seen: list[float] = []
        if compute.precision == "bf16":
            self.model = deepcopy(model).to(torch.bfloat16).eval()

    @torch.inference_mode()
    def refresh(self) -> None:
        """Round the weights again if they have changed: by training, or by loading others.

        A step moves every parameter, loading replaces every one: the first number of each tells.
        """
        if self.model is self._original:
            return
        seen = torch.cat(self._firsts).tolist()  # views: they follow every change in place
        if seen != self._seen:
            self.model.load_state_dict(self._original.state_dict())
            self._seen = seen
