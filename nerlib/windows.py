"""Long texts in windows: parts that fit into the encoder and share some of their words.

Built in notebook 06.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nerlib.subwords import NO_WORD, word_ids_from_groups


@dataclass(frozen=True, slots=True)
class Window:
    """A part of an utterance that fits into the encoder.

    `input_ids` (subwords); `groups` (words): first subword and count of each word from `first`
    on; words `keep_from` to `keep_to` take their tags from this window, the others are context.
    """

    text: int
    input_ids: list[int]
    groups: list[tuple[int, int]]
    first: int
    keep_from: int
    keep_to: int


def plan_windows(counts: Sequence[int], limit: int) -> list[tuple[int, int, int, int]]:
    """Return windows as (first word, end word, keep from, keep to), ends exclusive.

    No window has more than `limit` subwords. Neighbours share about a quarter of a window, and a
    word takes its tag from the window in which it has more context. Built in notebook 06.

    >>> plan_windows([1, 1, 1], limit=10)
    [(0, 3, 0, 3)]
    >>> plan_windows([1] * 8, limit=4)
    [(0, 4, 0, 3), (3, 7, 3, 6), (6, 8, 6, 8)]
    """
    bounds: list[tuple[int, int]] = []
    first = 0
    while True:
        end, used = first, 0
        while end < len(counts) and used + counts[end] <= limit:
            used += counts[end]
            end += 1
        bounds.append((first, end))
        if end == len(counts):
            break
        # What is read twice must leave room for the next word: each window reads something new.
        overlap, most = 0, min(limit // 4, limit - counts[end])
        while end - 1 > first + 1 and overlap + counts[end - 1] <= most:
            end -= 1
            overlap += counts[end]
        first = end
    # The middle of what two windows share divides them.
    cuts = [0, *((first + end) // 2 for (first, _), (_, end) in _overlaps(bounds)), len(counts)]
    return [(*bound, cuts[i], cuts[i + 1]) for i, bound in enumerate(bounds)]


def _overlaps(
    bounds: Sequence[tuple[int, int]],
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield (later window, earlier window) of all neighbours."""
    yield from zip(bounds[1:], bounds[:-1], strict=True)


def pad_windows(batch: Sequence[Window], pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return input_ids, attention_mask and word_ids of some windows, each (batch, subwords)."""
    longest = max(len(window.input_ids) for window in batch)
    input_ids = torch.full((len(batch), longest), pad_id)
    mask = torch.zeros((len(batch), longest), dtype=torch.long)
    word_ids = torch.full((len(batch), longest), NO_WORD)
    for row, window in enumerate(batch):
        length = len(window.input_ids)
        input_ids[row, :length] = torch.tensor(window.input_ids)
        mask[row, :length] = 1
        word_ids[row, :length] = word_ids_from_groups(torch.tensor(window.groups), length)
    return input_ids, mask, word_ids
