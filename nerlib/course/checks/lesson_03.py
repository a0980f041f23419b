"""The checks of lesson 03: words, subwords, and what padding costs."""

from __future__ import annotations

from collections.abc import Callable

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Comparison, OnPaper
from nerlib.dataset import IGNORE
from nerlib.subwords import subword_groups

WordIds = list[int | None]


def read_word_ids(text: str) -> WordIds:
    """Return the word of each subword; `-` stands for a special one.

    >>> read_word_ids("- 0 1 1 -")
    [None, 0, 1, 1, None]
    """
    return [None if word == "-" else int(word) for word in text.split()]


# 03.1 --------------------------------------------------------------------------------------------
PAPER_IDS: WordIds = [None, 0, 1, 1, 1, 3, 4, None]
PAPER_WORDS = ("play", "ukulele", "(invisible)", "on", "friday")
GROUPS = subword_groups(PAPER_IDS, len(PAPER_WORDS))


def _of_filled(change: Callable[[int, int], tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the right groups, each that is not empty changed as a mistake does."""
    return [change(first, count) if count else (first, count) for first, count in GROUPS]


def _wrong_pair(answer: Answer, found: list[tuple[int, int]]) -> None:
    """Raise the hint for the first wrong pair, without the right one."""
    if len(found) != len(GROUPS):
        answer.fail("pairs", count=len(GROUPS))
    differing = zip(PAPER_WORDS, found, GROUPS, strict=True)
    word, mine, right = next(three for three in differing if three[1] != three[2])
    hint = "first" if mine[0] != right[0] else "count"
    answer.fail(hint if right[1] else "none", f"For the word `{word}` you write `{mine}`.")


PAPER = OnPaper(
    list[tuple[int, int]],
    GROUPS,
    other=_wrong_pair,
    from_0_without_cls=_of_filled(lambda first, count: (first - 1, count)),
    last_place=_of_filled(lambda first, count: (first, first + count - 1)),
    next_place=_of_filled(lambda first, count: (first, first + count)),
    left_out=[group for group in GROUPS if group[1]],
    counted_in_words=[(n + 1, c) if c else (0, 0) for n, (_, c) in enumerate(GROUPS)],
)


# 03.2 --------------------------------------------------------------------------------------------
def costly(words: list[str], word_ids: WordIds, least: int) -> list[str]:
    """Return the words with so many subwords, or more."""
    return _words_where(lambda count, least: count >= least)(words, word_ids, least)


def _words_where(chosen: Callable[[int, int], bool]) -> Callable[..., list[str]]:
    """Return a function that chooses words by how many subwords they have."""
    return lambda words, word_ids, least: [
        word for number, word in enumerate(words) if chosen(word_ids.count(number), least)
    ]


def _again_and_again(words: list[str], word_ids: WordIds, least: int) -> list[str]:
    numbers = [n for n in word_ids if n is not None and word_ids.count(n) >= least]
    return [words[number] for number in numbers]


def _shifted(words: list[str], word_ids: WordIds, least: int) -> list[str]:
    """Return the words of somebody who counts special subwords as a word."""
    return costly(words, [0 if n is None else n + 1 for n in word_ids], least)


def _with_special(words: list[str], word_ids: WordIds, least: int) -> list[str]:
    """Return the words of somebody who takes special subwords for the last word's."""
    return costly(words, [len(words) - 1 if n is None else n for n in word_ids], least)


EXPENSIVE = Comparison(
    costly,
    read=lambda words, word_ids, least: (words.split(), read_word_ids(word_ids), least),
    more_than=_words_where(lambda count, least: count > least),
    exactly=_words_where(lambda count, least: count == least),
    again_and_again=_again_and_again,
    by_letters=lambda words, ids, least: [word for word in words if len(word) >= least],
    with_special=_with_special,
    shifted=_shifted,
    their_numbers=lambda words, ids, least: [
        str(words.index(word)) for word in costly(words, ids, least)
    ],
)


# 03.3 --------------------------------------------------------------------------------------------
def padding_share(lengths: list[int], batch_size: int) -> float:
    """Return which share of all positions is padding."""
    return 1 - sum(lengths) / positions(lengths, batch_size)


def positions(lengths: list[int], batch_size: int) -> int:
    """Return how many positions the batches have, padding included."""
    return sum(len(batch) * max(batch) for batch in _batches(lengths, batch_size))


def _batches(lengths: list[int], batch_size: int) -> list[list[int]]:
    return [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]


def _full_last(lengths: list[int], batch_size: int) -> float:
    longest = map(max, _batches(lengths, batch_size))
    return 1 - sum(lengths) / (batch_size * sum(longest))


def _without_last(lengths: list[int], batch_size: int) -> float:
    return padding_share(lengths[: len(lengths) // batch_size * batch_size], batch_size)


def _mean_of_batches(lengths: list[int], batch_size: int) -> float:
    batches = _batches(lengths, batch_size)
    return sum(padding_share(batch, batch_size) for batch in batches) / len(batches)


PADDING = Comparison(
    padding_share,
    text_share=lambda lengths, size: sum(lengths) / positions(lengths, size),
    positions_only=lambda lengths, size: float(positions(lengths, size) - sum(lengths)),
    to_the_longest=lambda lengths, size: padding_share(lengths, len(lengths)),
    by_text=lambda lengths, size: positions(lengths, size) / sum(lengths) - 1,
    mean_of_batches=_mean_of_batches,
    sorted=lambda lengths, size: padding_share(sorted(lengths), size),
    full_last=_full_last,
    without_last=_without_last,
)


# 03.4 --------------------------------------------------------------------------------------------
def first_subword_labels(word_ids: WordIds, targets: list[int]) -> list[int]:
    """Return each word's target at its first subword, and -100 everywhere else."""
    labels = [IGNORE] * len(word_ids)
    for target, (first, count) in zip(targets, subword_groups(word_ids, len(targets)), strict=True):
        if count:
            labels[first] = target
    return labels


def _special_too(word_ids: WordIds, targets: list[int]) -> list[int]:
    """Return the labels of somebody who gives special subwords a 0."""
    pairs = zip(word_ids, first_subword_labels(word_ids, targets), strict=True)
    return [0 if word is None else label for word, label in pairs]


def _unpadded(word_ids: WordIds, targets: list[int]) -> list[int]:
    """Return the labels of somebody who leaves special subwords out."""
    pairs = zip(word_ids, first_subword_labels(word_ids, targets), strict=True)
    return [label for word, label in pairs if word is not None]


def _in_turn(word_ids: WordIds, targets: list[int]) -> list[int]:
    """Return the labels of somebody who takes the next target whenever a word begins."""
    left = iter(targets)
    before = [None, *word_ids]
    return [
        next(left) if word is not None and word != previous else IGNORE
        for word, previous in zip(word_ids, before, strict=False)
    ]


LABELS = Comparison(
    first_subword_labels,
    read=lambda word_ids, targets: (read_word_ids(word_ids), targets),
    unpadded=_unpadded,
    zeros=lambda ids, targets: [max(n, 0) for n in first_subword_labels(ids, targets)],
    special_too=_special_too,
    all_subwords=lambda ids, targets: [IGNORE if n is None else targets[n] for n in ids],
    last_subwords=lambda ids, targets: first_subword_labels(ids[::-1], targets)[::-1],
    one_each=lambda ids, targets: [
        IGNORE,
        *targets,
        *[IGNORE] * (len(ids) - len(targets) - 1),
    ],
    in_turn=_in_turn,
)

CHECKS = (PAPER, EXPENSIVE, PADDING, LABELS)
