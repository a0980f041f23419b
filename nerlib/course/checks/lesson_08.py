"""The checks of lesson 08: twelve ways to get it wrong, and how to find them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, pstdev, stdev

import torch
from torch import Tensor, nn

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Exercise
from nerlib.dataset import subword_groups
from nerlib.metrics import evaluate_tags
from nerlib.parsing import tag_chunks

# 08.1 --------------------------------------------------------------------------------------------
SYMPTOMS = {
    "a": ("dropout", "Which part of the model draws random numbers?"),
    "b": ("lost head", "The score was fine before, so look at what saving and loading may lose."),
    "c": ("subword offsets", "What goes wrong behind a long word only, and crashes nowhere?"),
    "d": ("padding", "What do batches of short utterances have the most of, that is easy to tell?"),
    "e": ("test rows", "Ask of every choice which rows have made it."),
}
FAULT_NAMES = tuple(sorted(name for name, _ in SYMPTOMS.values()))


def diagnosis(answer: Answer) -> None:
    """A dictionary from letters to faults."""
    told = answer.read(dict[str, str])
    for letter, (name, idea) in SYMPTOMS.items():
        if letter not in told:
            raise answer.hint(f"The key `{letter}` is missing.")
        answer.told = f"For {letter} you write `{told[letter]}`."
        if told[letter] not in FAULT_NAMES:
            raise answer.hint(f"The faults are {', '.join(f'`{n}`' for n in FAULT_NAMES)}.")
        if told[letter] != name:
            raise answer.hint(idea)


# 08.2 --------------------------------------------------------------------------------------------
Scorer = Callable[[list[list[str]], list[list[str]]], tuple[float, float, float]]


def honest_scorer(gold: list[list[str]], predicted: list[list[str]]) -> tuple[float, float, float]:
    """Return strict precision, recall and F1 of entities."""
    score = evaluate_tags(gold, predicted).overall
    return score.precision, score.recall, score.f1


def swapped_scorer(gold: list[list[str]], predicted: list[list[str]]) -> tuple[float, float, float]:
    """Return recall, precision and F1."""
    return honest_scorer(predicted, gold)


def word_scorer(gold: list[list[str]], predicted: list[list[str]]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of words in entities, whatever their ends."""
    inside = [[["B" + tag[1:] if tag != "O" else tag for tag in tags] for tags in side]
              for side in (gold, predicted)]  # fmt: skip
    return honest_scorer(*inside)


def place_scorer(gold: list[list[str]], predicted: list[list[str]]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of places, whatever their types."""
    plain = [[[tag[:1] + "-X" if tag != "O" else tag for tag in tags] for tags in side]
             for side in (gold, predicted)]  # fmt: skip
    return honest_scorer(*plain)


def type_scorer(gold: list[list[str]], predicted: list[list[str]]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of types, wherever they stand in the sentence."""
    there, given, right = 0, 0, 0
    for one, other in zip(gold, predicted, strict=True):
        left = [name for name, _, _ in tag_chunks(one)]
        found = [name for name, _, _ in tag_chunks(other)]
        there, given = there + len(left), given + len(found)
        right += sum(min(left.count(name), found.count(name)) for name in set(left))
    return right / max(1, given), right / max(1, there), 2 * right / max(1, there + given)


BROKEN_SCORERS: tuple[tuple[Scorer, str], ...] = (
    (swapped_scorer, "It swaps precision and recall, and F1 does not show it. Try it on two gold "
     "entities of which one was predicted, and look at the two apart."),
    (place_scorer, "It does not look at types. Try it on an entity in the right place with another "
     "type."),
    (word_scorer, "It counts words. Try it on an entity of two words of which one was found."),
    (type_scorer, "It does not look at places. Try it on the right type in another place."),
)  # fmt: skip


def scorer_test(answer: Answer) -> None:
    """A function that tells right scorers from wrong ones."""
    if not answer.call(honest_scorer, kind=bool, case="a right scorer"):
        raise answer.hint(
            "This scorer is right: strict precision, recall and F1, as tuple. Compute by hand what "
            "should come out, and mind rounding."
        )
    for number, (scorer, idea) in enumerate(BROKEN_SCORERS, start=1):
        if answer.call(scorer, kind=bool, case=f"wrong scorer {number}"):
            raise answer.hint(f"This scorer is wrong. {idea}")


# 08.3 --------------------------------------------------------------------------------------------
WORD_IDS: tuple[list[int | None], ...] = (
    [None, 0, 1, 2, None],
    [None, 0, 1, 1, 1, 2, 3, None],
    [None, 0, 0, 1, None],
    [None, 0, 1, 3, None],
    [None, None, 0, 1, 1, 2, None],
)
Groups = list[tuple[int, int]]


def _groups_of(word_ids: list[int | None]) -> dict[str, Groups]:
    """Return right groups of a sentence and broken ones."""
    words = max(number for number in word_ids if number is not None) + 1
    right = [(int(first), int(count)) for first, count in subword_groups(word_ids, words)]
    return {
        "right": right,
        "shifted": [(number + 1, count) for number, (_, count) in enumerate(right)],
        "first only": [(first, min(count, 1)) for first, count in right],
    }


def misread_words(groups: Groups, word_ids: list[int | None]) -> list[int]:
    """Return the numbers of the words whose group is not the place of their subwords."""
    right = subword_groups(word_ids, len(groups))
    return [n for n, group in enumerate(groups) if tuple(group) != tuple(right[n])]


def _first_places(groups: Groups, word_ids: list[int | None]) -> list[int]:
    right = subword_groups(word_ids, len(groups))
    return [n for n, group in enumerate(groups) if group[0] != right[n][0]]


def _counts_only(groups: Groups, word_ids: list[int | None]) -> list[int]:
    right = subword_groups(word_ids, len(groups))
    return [n for n, group in enumerate(groups) if group[1] != right[n][1]]


def _from_index(groups: Groups, word_ids: list[int | None]) -> list[int]:
    """Return what somebody finds who takes a word without subwords to be misread."""
    return [
        n
        for n, (first, count) in enumerate(groups)
        if count == 0 or word_ids[first : first + count] != [n] * word_ids.count(n)
    ]


def _the_right_ones(groups: Groups, word_ids: list[int | None]) -> list[int]:
    wrong = misread_words(groups, word_ids)
    return [n for n in range(len(groups)) if n not in wrong]


def _only_first_wrong(groups: Groups, word_ids: list[int | None]) -> list[int]:
    return misread_words(groups, word_ids)[:1]


GROUP_SLIPS = (
    (_the_right_ones, "These are the words that read the right place."),
    (_from_index, "A word without any subword has the group (0, 0), and that is right."),
    (_first_places, "A group is right only if the number of subwords is right as well."),
    (_counts_only, "The number of subwords is right, but they are taken from another place."),
    (_only_first_wrong, "All words that read a wrong place are asked for, not only the first."),
)  # fmt: skip


def misread(answer: Answer) -> None:
    """A function that finds the words that read a wrong place."""
    for word_ids in WORD_IDS:
        for groups in _groups_of(word_ids).values():
            answer.compare(misread_words, (groups, word_ids), list[int], GROUP_SLIPS)


# 08.4 --------------------------------------------------------------------------------------------
IGNORED = -100
PADDED: tuple[list[list[int]], ...] = (
    [[0, 1], [0, 1]],
    [[0, 1, 2, 0], [1]],
    [[0, 0, 0], [2, 1], [1]],
    [[0, IGNORED, 1], [2]],
)


def _logits(rows: Sequence[Sequence[int]]) -> Tensor:
    """Return random logits (batch, words, 3), the same every time."""
    random = torch.Generator().manual_seed(len(rows))
    return torch.randn(len(rows), max(map(len, rows)), 3, generator=random)


def batch_loss(logits: Tensor, rows: list[list[int]], filling: int = IGNORED) -> float:
    """Return the mean loss of the words, padding left out."""
    width = logits.shape[1]
    labels = torch.tensor([[*row, *[filling] * (width - len(row))] for row in rows])
    return nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten()).item()


def _padding_counted(logits: Tensor, rows: list[list[int]]) -> float:
    return batch_loss(logits, rows, filling=0)


def _mean_of_rows(logits: Tensor, rows: list[list[int]]) -> float:
    return fmean(batch_loss(logits[n : n + 1], [row]) for n, row in enumerate(rows))


def _outside_left_out(logits: Tensor, rows: list[list[int]]) -> float:
    """Return the loss of somebody who leaves out every 0, the number of `O`."""
    return batch_loss(logits, [[tag if tag else IGNORED for tag in row] for row in rows])


def _sum(logits: Tensor, rows: list[list[int]]) -> float:
    return batch_loss(logits, rows) * sum(tag != IGNORED for row in rows for tag in row)


def _divided_by_all(logits: Tensor, rows: list[list[int]]) -> float:
    return _sum(logits, rows) / (logits.shape[0] * logits.shape[1])


PADDING_SLIPS = (
    (_sum, "That is the sum over the words. Take the mean."),
    (_outside_left_out, "`O` is a tag to learn like the others: leave out padding only."),
    (_padding_counted, "Padding is counted as words that should be `O`. Fill up with -100, which "
     "the loss leaves out."),
    (_mean_of_rows, "Each *word* counts the same, so not the mean of means: one loss over all "
     "words of the batch."),
    (_divided_by_all, "Divide by the number of known words, not by the number of places."),
)  # fmt: skip


def repaired_loss(answer: Answer) -> None:
    """A function from logits and rows of tags to the loss."""
    for rows in PADDED:
        arguments = (_logits(rows), rows)
        answer.compare(batch_loss, arguments, float, PADDING_SLIPS)


# 08.5 --------------------------------------------------------------------------------------------
SEEDS: tuple[tuple[list[float], list[float]], ...] = (
    ([0.50, 0.52, 0.51], [0.30, 0.28, 0.29]),
    ([0.50, 0.52, 0.51], [0.50, 0.505, 0.51]),
    ([0.50, 0.52, 0.51], [0.60, 0.61, 0.59]),
    ([0.60, 0.50, 0.55], [0.40, 0.62, 0.60]),
    ([0.50, 0.56, 0.53], [0.50, 0.48, 0.49]),
    ([0.50, 0.56, 0.53], [0.48, 0.47, 0.475]),
    ([0.40, 0.60, 0.50], [0.33, 0.31, 0.32]),
)


def judgement(base: list[float], broken: list[float]) -> str:
    """Return whether a fault hurts, helps or is within chance."""
    return _judged(fmean(base) - fmean(broken), 2 * stdev(base))


def _judged(cost: float, band: float) -> str:
    if abs(cost) <= band:
        return "within chance"
    return "hurts" if cost > 0 else "helps"


def _turned(base: list[float], broken: list[float]) -> str:
    return judgement([-score for score in base], [-score for score in broken])


def _one_sided(base: list[float], broken: list[float]) -> str:
    cost = fmean(base) - fmean(broken)
    return "hurts" if cost > 2 * stdev(base) else "within chance"


def _of_the_first(base: list[float], broken: list[float]) -> str:
    return _judged(base[0] - broken[0], 2 * stdev(base))


def _one_deviation(base: list[float], broken: list[float]) -> str:
    return _judged(fmean(base) - fmean(broken), stdev(base))


def _of_all(base: list[float], broken: list[float]) -> str:
    return _judged(fmean(base) - fmean(broken), 2 * stdev([*base, *broken]))


def _population(base: list[float], broken: list[float]) -> str:
    return _judged(fmean(base) - fmean(broken), 2 * pstdev(base))


def _no_band(base: list[float], broken: list[float]) -> str:
    return _judged(fmean(base) - fmean(broken), 0)


JUDGEMENT_SLIPS = (
    (_turned, "The sign is turned round: a fault hurts if the scores *with* it are lower."),
    (_no_band, "A difference within two standard deviations of the scores without a fault is "
     "chance."),
    (_one_sided, "A fault may also seem to help, by more than chance."),
    (_of_all, "The band comes from the runs *without* a fault alone: it says what chance does."),
    (_of_the_first, "Compare the means over all seeds, not two single runs."),
    (_one_deviation, "The band is two standard deviations wide, to either side."),
    (_population, "With so few runs, divide by n − 1 for the standard deviation, as "
     "`statistics.stdev` does."),
)  # fmt: skip


def chance(answer: Answer) -> None:
    """A function from scores over seeds to a judgement."""
    for base, broken in SEEDS:
        answer.compare(judgement, (base, broken), str, JUDGEMENT_SLIPS)


EXERCISES = (
    Exercise(
        "08.1", "Symptoms", diagnosis,
        "A fault that does not crash is known by its symptoms.",
    ),
    Exercise(
        "08.2", "Test the scorer", scorer_test,
        "A scorer is tested with few entities whose scores one can count by hand.",
    ),
    Exercise(
        "08.3", "Words that misread", misread,
        "Asking each word which subwords it reads finds what no shape and no loss shows.",
    ),
    Exercise(
        "08.4", "Mend the loss", repaired_loss,
        "A loss must not change when padding is added: what is no word does not count.",
    ),
    Exercise(
        "08.5", "More than chance?", chance,
        "One run shows nothing: several seeds without a fault say how large chance is.",
    ),
)  # fmt: skip
