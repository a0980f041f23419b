"""Attention over short utterances, several at a time.

A CPU works on 16 numbers at once. PyTorch's attention fills them with one utterance's subwords, and
where an utterance has fewer than that, it takes a slow way: ten subwords cost twice what sixteen
cost. So short utterances stand in one row here, and a mask keeps each of them to itself.

Adds: an attention function for transformers' registry. Costs: differences within rounding. Brings:
what the row "tagging" of `make bench` shows.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "nerlib_short"
SHORT = 16  # subwords; from here on PyTorch's own way is the faster one
ROW = 32  # subwords to put into one row


def short_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Return what transformers' `sdpa_attention_forward` returns: (batch, subwords, heads, size).

    `query`, `key` and `value` are (batch, heads, subwords, size), `attention_mask` is None or
    (batch, 1, subwords, subwords), True where a subword may look.
    """
    batch, heads, subwords, size = query.shape
    # An exported graph must hold for batches of any size.
    together = 1 if torch.compiler.is_compiling() else how_many_together(batch, subwords)
    one_way = options.get("is_causal") or getattr(module, "is_causal", False)
    shared = getattr(module, "num_key_value_groups", 1) > 1
    biased = options.get("position_bias") is not None
    if together == 1 or one_way or shared or biased or options.get("dropout"):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    row = -1, together * subwords, heads, size
    # each (rows, heads, subwords of a row, size)
    q, k, v = (part.transpose(1, 2).reshape(row).transpose(1, 2) for part in (query, key, value))
    mask = block_mask(attention_mask, together, subwords, query.device)
    found = scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=options.get("scaling"))
    return found.transpose(1, 2).reshape(batch, subwords, heads, size), None


def how_many_together(batch: int, subwords: int) -> int:
    """Return how many utterances to put into one row: as many as fit and divide the batch.

    >>> [how_many_together(64, subwords) for subwords in (4, 10, 20)]
    [8, 2, 1]
    """
    if subwords >= SHORT:
        return 1
    return max(n for n in range(1, ROW // subwords + 1) if batch % n == 0)


def block_mask(mask: Tensor | None, together: int, subwords: int, device: torch.device) -> Tensor:
    """Return (rows, 1, subwords of a row, subwords of a row): who may look at whom.

    `mask` is the utterances' own, (rows · together, 1, subwords, subwords); without one, a single
    row stands for all.

    >>> block_mask(None, together=2, subwords=1, device=torch.device("cpu")).int().tolist()
    [[[[1, 0], [0, 1]]]]
    """
    own = torch.eye(together, dtype=torch.bool, device=device).view(together, 1, together, 1)
    inside = own.new_ones(together, subwords, subwords) if mask is None else mask
    blocks = inside.reshape(-1, together, subwords, 1, subwords) & own
    return blocks.view(-1, 1, together * subwords, together * subwords)


def attend_together(encoder: nn.Module) -> None:
    """Let an encoder on a CPU attend to short utterances several at a time from now on.

    What attends in another way than by transformers' "sdpa" is left as it is. In training, where
    attention drops at random, it stays with PyTorch's own way.
    """
    if not isinstance(encoder, PreTrainedModel) or encoder.device.type != "cpu":
        return
    if encoder.config._attn_implementation == "sdpa":
        AttentionInterface.register(NAME, short_attention)
        AttentionMaskInterface.register(NAME, sdpa_mask)
        encoder.set_attn_implementation(NAME)
