"""Long texts in windows: parts that fit into the encoder and share some of their words.

Built in notebook 06.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedTokenizerFast

from nerlib.parsing import Word
from nerlib.subwords import NO_WORD, Encoded, encode_distinct_words, word_numbers

SUBWORDS_A_WINDOW = 32  # that a batch has room for: more than most utterances have


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


def cut_into_windows(
    tokenizer: PreTrainedTokenizerFast,
    words: Sequence[Sequence[Word]],
    most: int,
    special: tuple[list[int], list[int]],
) -> Iterator[Window]:
    """Yield the windows of all utterances that have words, each of `most` subwords or fewer.

    `special` are the subwords that the tokenizer puts before and after a text.
    """
    rows = [row for row, inside in enumerate(words) if inside]
    encoded = encode_distinct_words(tokenizer, [words[row] for row in rows])
    for row, subwords in zip(rows, encoded, strict=True):
        groups = subwords.subword_group
        if len(subwords.input_ids) <= most:
            yield Window(row, subwords.input_ids, groups, first=0, keep_from=0, keep_to=len(groups))
        else:
            yield from _cut(row, subwords, most - len(special[0]) - len(special[1]), special)


def _cut(
    row: int, subwords: Encoded, limit: int, special: tuple[list[int], list[int]]
) -> Iterator[Window]:
    """Yield one utterance's windows; a word of more than `limit` subwords loses the rest."""
    before, after = special
    groups = subwords.subword_group
    counts = [min(count, limit) for _, count in groups]
    for first, end, keep_from, keep_to in plan_windows(counts, limit):
        inside, local = list(before), []
        for (start, _), count in zip(groups[first:end], counts[first:end], strict=True):
            local.append((len(inside), count) if count else (0, 0))
            inside += subwords.input_ids[start : start + count]
        yield Window(row, inside + after, local, first, keep_from, keep_to)


def positions(config: PretrainedConfig) -> int | None:
    """Return how many positions an encoder has, those reserved for padding not counted."""
    count = getattr(config, "max_position_embeddings", None)
    if count and config.model_type in ("roberta", "xlm-roberta", "camembert"):
        return int(count) - 2  # these start counting behind the padding's number
    return count


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


def windows_by_length(windows: Sequence[Window], most: int) -> Iterator[list[Window]]:
    """Yield windows of like length together: `most` at a time, or fewer where they are long.

    No batch of several has more than 32 · `most` subwords, padding included, so that the memory it
    takes does not depend on the texts.

    >>> few, many = (Window(0, [7] * n, [], 0, 0, 0) for n in (3, 40))
    >>> [len(batch) for batch in windows_by_length([many, few, few, many, few], most=2)]
    [2, 1, 1, 1]
    """
    batch: list[Window] = []
    for window in sorted(windows, key=lambda window: len(window.input_ids)):
        subwords = (len(batch) + 1) * len(window.input_ids)
        if batch and (len(batch) == most or subwords > SUBWORDS_A_WINDOW * most):
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def pad_windows(batch: Sequence[Window], pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return input_ids, attention_mask and word_ids of some windows, each (batch, subwords)."""
    lengths = torch.tensor([len(window.input_ids) for window in batch])
    inside = torch.arange(int(lengths.max())) < lengths.unsqueeze(1)  # (batch, subwords)
    input_ids, word_ids = torch.full(inside.shape, pad_id), torch.full(inside.shape, NO_WORD)
    input_ids[inside] = torch.tensor([number for window in batch for number in window.input_ids])
    word_ids[inside] = torch.tensor(
        [number for w in batch for number in word_numbers(w.groups, len(w.input_ids))]
    )
    return input_ids, inside.long(), word_ids
