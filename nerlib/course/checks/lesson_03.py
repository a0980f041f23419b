"""The checks of lesson 03: words, subwords, and what padding costs."""

from __future__ import annotations

from collections.abc import Callable

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Exercise
from nerlib.dataset import IGNORE, subword_groups

WordIds = list[int | None]

# 03.1 --------------------------------------------------------------------------------------------
PAPER_IDS: WordIds = [None, 0, 1, 1, 1, 3, 4, None]
PAPER_WORDS = ("play", "ukulele", "(invisible)", "on", "friday")


def _word_counted(word_ids: WordIds) -> list[tuple[int, int]]:
    """Return the groups of somebody who counts the first index in words."""
    groups = subword_groups(word_ids, len(PAPER_WORDS))
    return [(word + 1, count) if count else (0, 0) for word, (_, count) in enumerate(groups)]


def _of_filled(change: Callable[[int, int], tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the right groups, each that is not empty changed like a mistake does."""
    groups = subword_groups(PAPER_IDS, len(PAPER_WORDS))
    return [change(first, count) if count else (first, count) for first, count in groups]


PAPER_MISTAKES = (
    (_of_filled(lambda first, count: (first - 1, count)), "The special subword in front has a "
     "place, too: number 0 is `[CLS]`."),
    (_of_filled(lambda first, count: (first, first + count - 1)), "The second number says *how "
     "many* subwords a word has, not where its last one stands."),
    (_of_filled(lambda first, count: (first, first + count)), "The second number says *how many* "
     "subwords a word has, not where the next word starts."),
    ([group for group in subword_groups(PAPER_IDS, len(PAPER_WORDS)) if group[1]], "A word without "
     "subwords keeps its entry, (0, 0): otherwise every word behind it gets the subwords of its "
     "neighbour."),
    (_word_counted(PAPER_IDS), "Behind a word that is cut, the first index is no longer the word's "
     "number plus 1: count places of subwords, not words."),
)  # fmt: skip


def groups_on_paper(answer: Answer) -> None:
    """A list of pairs, one a word."""
    found = answer.read(list[tuple[int, int]])
    expected = subword_groups(PAPER_IDS, len(PAPER_WORDS))
    for made, idea in PAPER_MISTAKES:
        if found == made:
            raise answer.hint(idea)
    if len(found) != len(expected):
        raise answer.hint(f"There are {len(expected)} words: one pair for each of them.")
    for word, mine, right in zip(PAPER_WORDS, found, expected, strict=True):
        if mine != right:
            answer.told = f"For the word `{word}` you write `{mine}`."
            raise answer.hint(_pair_idea(mine, right))


def _pair_idea(mine: tuple[int, int], right: tuple[int, int]) -> str:
    """Return what is wrong with one pair, without the right one."""
    if not right[1]:
        return "No subword carries this word's number: it has none, which is written (0, 0)."
    if mine[0] != right[0]:
        return (
            "Look up the first place in `word_ids` that carries this word's number; count from 0."
        )
    return "Count how many places in `word_ids` carry this word's number."


# 03.2 --------------------------------------------------------------------------------------------
COSTLY: tuple[tuple[list[str], WordIds, int], ...] = (
    (["play", "ukulele", "music"], [None, 0, 1, 1, 1, 2, None], 3),
    (["play", "ukulele", "music"], [None, 0, 1, 1, 1, 2, 2, None], 2),
    (["on", "wednesday", "or", "xylophonist"], [None, 0, 1, 2, 3, 3, 3, 3, None], 2),
    (["wake", "me", "up"], [None, 0, 1, 2, None], 2),
    (["a", "ukulele", "b"], [None, None, 1, 1, 2, None, None, None], 3),
)


def costly(words: list[str], word_ids: WordIds, least: int) -> list[str]:
    """Return the words with so many subwords, or more."""
    groups = subword_groups(word_ids, len(words))
    return [word for word, (_, count) in zip(words, groups, strict=True) if count >= least]


def _more_than(words: list[str], word_ids: WordIds, least: int) -> list[str]:
    return costly(words, word_ids, least + 1)


def _exactly(words: list[str], word_ids: WordIds, least: int) -> list[str]:
    return [word for n, word in enumerate(words) if word_ids.count(n) == least]


def _again_and_again(words: list[str], word_ids: WordIds, least: int) -> list[str]:
    numbers = [n for n in word_ids if n is not None and word_ids.count(n) >= least]
    return [words[number] for number in numbers]


def _by_letters(words: list[str], word_ids: WordIds, least: int) -> list[str]:
    return [word for word in words if len(word) >= least]


def _their_numbers(words: list[str], word_ids: WordIds, least: int) -> list[str]:
    return [str(n) for n in range(len(words)) if word_ids.count(n) >= least]


def _shifted(words: list[str], word_ids: WordIds, least: int) -> list[str]:
    """Return the words of somebody who counts special subwords as a word."""
    return [word for n, word in enumerate(words) if word_ids.count(n - 1 if n else None) >= least]


def _with_special(words: list[str], word_ids: WordIds, least: int) -> list[str]:
    """Return the words of somebody who takes special subwords for the last word's."""
    numbers = [len(words) - 1 if n is None else n for n in word_ids]
    return [word for n, word in enumerate(words) if numbers.count(n) >= least]


COST_SLIPS = (
    (_more_than, "*At least* so many: a word with exactly that number belongs to them (`>=`)."),
    (_exactly, "*At least* so many: words with more subwords belong to them, too."),
    (_again_and_again, "A word is listed once for each of its subwords: go through the words, not "
     "through the subwords."),
    (_by_letters, "You count letters. What a word costs is how often its number stands in "
     "`word_ids`."),
    (_with_special, "`None` marks special subwords, which belong to no word: do not count them. "
     "(As an index, -1 is the *last* word.)"),
    (_shifted, "The numbers in `word_ids` are those of the words, from 0: nothing has to be "
     "shifted for the special subword."),
    (_their_numbers, "The words themselves are asked for, not their numbers."),
)  # fmt: skip


def expensive_words(answer: Answer) -> None:
    """A function from words, word_ids and a number to words."""
    for arguments in COSTLY:
        answer.compare(costly, arguments, list[str], COST_SLIPS)


# 03.3 --------------------------------------------------------------------------------------------
LENGTHS: tuple[tuple[list[int], int], ...] = (
    ([10, 4, 6, 6], 2),
    ([2, 10, 3, 10], 2),
    ([5, 5, 5], 1),
    ([8, 2, 3, 1, 6], 2),
    ([3, 9, 4], 8),
)


def padding_share(lengths: list[int], batch_size: int) -> float:
    """Return which share of all positions is padding."""
    return 1 - sum(lengths) / _positions(lengths, batch_size)


def _batches(lengths: list[int], batch_size: int) -> list[list[int]]:
    return [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]


def _positions(lengths: list[int], batch_size: int) -> int:
    return sum(len(batch) * max(batch) for batch in _batches(lengths, batch_size))


def _text_share(lengths: list[int], batch_size: int) -> float:
    return 1 - padding_share(lengths, batch_size)


def _to_the_longest(lengths: list[int], batch_size: int) -> float:
    return 1 - sum(lengths) / (len(lengths) * max(lengths))


def _by_text(lengths: list[int], batch_size: int) -> float:
    return _positions(lengths, batch_size) / sum(lengths) - 1


def _full_last(lengths: list[int], batch_size: int) -> float:
    batches = _batches(lengths, batch_size)
    return 1 - sum(lengths) / sum(batch_size * max(batch) for batch in batches)


def _without_last(lengths: list[int], batch_size: int) -> float:
    return padding_share(lengths[: len(lengths) // batch_size * batch_size], batch_size)


def _sorted(lengths: list[int], batch_size: int) -> float:
    return padding_share(sorted(lengths), batch_size)


def _mean_of_batches(lengths: list[int], batch_size: int) -> float:
    batches = _batches(lengths, batch_size)
    return sum(padding_share(batch, batch_size) for batch in batches) / len(batches)


def _positions_only(lengths: list[int], batch_size: int) -> float:
    return _positions(lengths, batch_size) - sum(lengths)


PADDING_SLIPS = (
    (_text_share, "That is the share of real subwords; the rest is padding."),
    (_positions_only, "That is the *number* of padded positions: divide by all positions."),
    (_to_the_longest, "A batch is as long as the longest utterance *in this batch*, not in the "
     "whole corpus: that is what makes sorting pay."),
    (_by_text, "Divide by *all* positions, padding included; you divide by the real subwords."),
    (_mean_of_batches, "A long batch weighs more than a short one: add up positions first and "
     "divide once, at the end."),
    (_sorted, "Take the utterances in the order in which they come. (Sorting helps, and that is "
     "what such a function is for: to show by how much.)"),
    (_full_last, "The last batch may be smaller than the others: count the rows it really has."),
    (_without_last, "The last batch is smaller than the others, and still a batch."),
)  # fmt: skip


def price_of_padding(answer: Answer) -> None:
    """A function from lengths and a batch size to a share."""
    for arguments in LENGTHS:
        answer.compare(padding_share, arguments, float, PADDING_SLIPS)


# 03.4 --------------------------------------------------------------------------------------------
TO_LABEL: tuple[tuple[WordIds, list[int]], ...] = (
    ([None, 0, 1, 1, 1, 2, None], [0, 7, 8]),
    ([None, 0, 1, 2, None], [0, 5, 6]),
    ([None, 0, 2, 2, None], [4, 0, 9]),
    ([None, 0, 0, None, None, None], [3]),
    ([None, 0, 1, None], [IGNORE, 2]),
)


def first_subword_labels(word_ids: WordIds, targets: list[int]) -> list[int]:
    """Return each word's target at its first subword, and -100 everywhere else."""
    labels = [IGNORE] * len(word_ids)
    for target, (first, count) in zip(targets, subword_groups(word_ids, len(targets)), strict=True):
        if count:
            labels[first] = target
    return labels


def _all_subwords(word_ids: WordIds, targets: list[int]) -> list[int]:
    return [IGNORE if word is None else targets[word] for word in word_ids]


def _special_too(word_ids: WordIds, targets: list[int]) -> list[int]:
    """Return the labels of somebody who gives special subwords a 0."""
    pairs = zip(word_ids, first_subword_labels(word_ids, targets), strict=True)
    return [0 if word is None else label for word, label in pairs]


def _zeros(word_ids: WordIds, targets: list[int]) -> list[int]:
    return [0 if n == IGNORE else n for n in first_subword_labels(word_ids, targets)]


def _last_subwords(word_ids: WordIds, targets: list[int]) -> list[int]:
    return first_subword_labels(word_ids[::-1], targets)[::-1]


def _in_turn(word_ids: WordIds, targets: list[int]) -> list[int]:
    """Return the labels of somebody who takes the next target whenever a word begins."""
    labels, left, before = [], list(targets), None
    for word in word_ids:
        begins = word is not None and word != before
        labels.append(left.pop(0) if begins else IGNORE)
        before = word
    return labels


def _one_each(word_ids: WordIds, targets: list[int]) -> list[int]:
    """Return the labels of somebody who puts them behind each other, from the second place on."""
    return [IGNORE, *targets, *[IGNORE] * (len(word_ids) - len(targets) - 1)]


def _unpadded(word_ids: WordIds, targets: list[int]) -> list[int]:
    """Return the labels of somebody who leaves special subwords out."""
    labels = first_subword_labels(word_ids, targets)
    return [n for word, n in zip(word_ids, labels, strict=True) if word is not None]


LABEL_SLIPS = (
    (_unpadded, "One label for *every* subword: special ones and padding get -100."),
    (_zeros, "0 is a tag, `O`: it would be learnt. \"Leave this out of the loss\" is -100."),
    (_special_too, "Special subwords and padding belong to no word: their label is -100. A 0 would "
     "teach the model to tag them `O`."),
    (_all_subwords, "Every subword of the word got its tag. Only the *first* one gets it, or long "
     "words would count more often in the loss."),
    (_last_subwords, "The *first* subword of a word carries its tag, not the last."),
    (_one_each, "The targets stand one behind the other, but a word may have several subwords: "
     "`word_ids` tells where each word begins."),
    (_in_turn, "A word without subwords has a target, too, which is left out. Look the target up "
     "by the word's number: `targets[word]`."),
)  # fmt: skip


def labels_per_subword(answer: Answer) -> None:
    """A function from word_ids and targets to labels."""
    for arguments in TO_LABEL:
        answer.compare(first_subword_labels, arguments, list[int], LABEL_SLIPS)


EXERCISES = (
    Exercise(
        "03.1", "Groups on paper", groups_on_paper,
        "Two numbers a word say where its subwords stand, and a word without any keeps its place.",
    ),
    Exercise(
        "03.2", "Expensive words", expensive_words,
        "What a word costs is how often its number stands in `word_ids`.",
    ),
    Exercise(
        "03.3", "The price of padding", price_of_padding,
        "The longest utterance of a batch sets the price for all others in it.",
    ),
    Exercise(
        "03.4", "Labels for subwords", labels_per_subword,
        "-100 keeps subwords out of the loss; a label is looked up by the word's number, never by "
        "counting along.",
    ),
)  # fmt: skip
