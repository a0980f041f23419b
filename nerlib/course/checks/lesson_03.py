"""The checks of lesson 03: words, subwords, and what padding costs."""

import operator
from functools import partial

from nerlib.course.checks.exercise import Comparison, Function, entry_by_entry
from nerlib.dataset import IGNORE
from nerlib.subwords import subword_groups

WordIds = list[int | None]


def read_word_ids(text: str) -> WordIds:
    """Return the word of each subword; `-` stands for a special one.

    >>> read_word_ids("- 0 1 1 -")
    [None, 0, 1, 1, None]
    """
    return [None if word == "-" else int(word) for word in text.split()]


GROUPS = entry_by_entry(list[tuple[int, int]], "Pair {key} is `{found}` in your list.")


def costly(
    words: list[str], word_ids: WordIds, least: int, enough: Function = operator.ge
) -> list[str]:
    """Return the words with so many subwords, or more."""
    return [word for n, word in enumerate(words) if enough(word_ids.count(n), least)]


EXPENSIVE = Comparison(
    costly,
    read=lambda words, word_ids, least: (words.split(), read_word_ids(word_ids), least),
    more_than=partial(costly, enough=operator.gt),
    again_and_again=lambda words, ids, least: [
        words[n] for n in ids if n is not None and ids.count(n) >= least
    ],
    by_letters=lambda words, ids, least: [word for word in words if len(word) >= least],
    # As an index, None is taken for the last word's, or counts as a word itself.
)


def padding_share(lengths: list[int], batch_size: int) -> float:
    """Return which share of all positions is padding."""
    return 1 - sum(lengths) / positions(lengths, batch_size)


def positions(lengths: list[int], batch_size: int) -> int:
    """Return how many positions the batches have, padding included."""
    return sum(len(batch) * max(batch) for batch in _batches(lengths, batch_size))


def _batches(lengths: list[int], batch_size: int) -> list[list[int]]:
    return [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]


PADDING = Comparison(
    padding_share,
    text_share=lambda lengths, size: sum(lengths) / positions(lengths, size),
    positions_only=lambda lengths, size: float(positions(lengths, size) - sum(lengths)),
    to_the_longest=lambda lengths, size: padding_share(lengths, len(lengths)),
    sorted=lambda lengths, size: padding_share(sorted(lengths), size),
)


def first_subword_labels(word_ids: WordIds, targets: list[int]) -> list[int]:
    """Return each word's target at its first subword, and -100 everywhere else."""
    labels = [IGNORE] * len(word_ids)
    for target, (first, count) in zip(targets, subword_groups(word_ids, len(targets)), strict=True):
        if count:
            labels[first] = target
    return labels


LABELS = Comparison(
    first_subword_labels,
    read=lambda word_ids, targets: (read_word_ids(word_ids), targets),
    unpadded=lambda ids, targets: [
        label for n, label in enumerate(first_subword_labels(ids, targets)) if ids[n] is not None
    ],
    zeros=lambda ids, targets: [max(n, 0) for n in first_subword_labels(ids, targets)],
    all_subwords=lambda ids, targets: [IGNORE if n is None else targets[n] for n in ids],
)

CHECKS = (GROUPS, EXPENSIVE, PADDING, LABELS)  # in the order of their numbers
