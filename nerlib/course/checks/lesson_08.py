"""The checks of lesson 08: twelve ways to get it wrong, and how to find them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, pstdev, stdev

import torch
from torch import Tensor, nn

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Comparison, EntryByEntry
from nerlib.course.checks.lesson_03 import read_word_ids
from nerlib.dataset import subword_groups
from nerlib.metrics import evaluate_tags
from nerlib.parsing import tag_chunks

# 08.1 --------------------------------------------------------------------------------------------
DIAGNOSIS = EntryByEntry(dict[str, str])


# 08.2 --------------------------------------------------------------------------------------------
Tags = list[list[str]]
Scorer = Callable[[Tags, Tags], tuple[float, float, float]]


def honest_scorer(gold: Tags, predicted: Tags) -> tuple[float, float, float]:
    """Return strict precision, recall and F1 of entities."""
    score = evaluate_tags(gold, predicted).overall
    return score.precision, score.recall, score.f1


def _seen_as(change: Callable[[str], str]) -> Scorer:
    """Return a scorer that sees the tags inside of entities in another way."""

    def seen(side: Tags) -> Tags:
        return [[change(tag) if tag != "O" else tag for tag in tags] for tags in side]

    return lambda gold, predicted: honest_scorer(seen(gold), seen(predicted))


def _type_scorer(gold: Tags, predicted: Tags) -> tuple[float, float, float]:
    """Return precision, recall and F1 of types, wherever they are in the sentence."""
    there, given, right = 0, 0, 0
    for sides in zip(gold, predicted, strict=True):
        one, other = ([name for name, _, _ in tag_chunks(tags)] for tags in sides)
        there, given = there + len(one), given + len(other)
        right += sum(min(one.count(name), other.count(name)) for name in set(one))
    return right / max(1, given), right / max(1, there), 2 * right / max(1, there + given)


BROKEN_SCORERS: dict[str, Scorer] = {
    "swaps": lambda gold, predicted: honest_scorer(predicted, gold),
    "ignores_types": _seen_as(lambda tag: f"{tag[0]}-X"),
    "counts_words": _seen_as(lambda tag: "B" + tag[1:]),
    "ignores_places": _type_scorer,
}


def scorer_test(answer: Answer) -> None:
    """A function that tells right scorers from wrong ones."""
    if not answer.call(honest_scorer, kind=bool, case="a right scorer"):
        answer.fail("right")
    for number, (hint, scorer) in enumerate(BROKEN_SCORERS.items(), start=1):
        if answer.call(scorer, kind=bool, case=f"wrong scorer {number}"):
            answer.fail(hint)


# 08.3 --------------------------------------------------------------------------------------------
Group = tuple[int, int]


def misread_words(groups: list[Group], word_ids: list[int | None]) -> list[int]:
    """Return the numbers of the words whose group is not the place of their subwords."""
    return _where(lambda group, right: group != right)(groups, word_ids)


def _where(wrong: Callable[[Group, Group], bool]) -> Callable[..., list[int]]:
    """Return a function that finds the words whose group and right group are so."""

    def words(groups: list[Group], word_ids: list[int | None]) -> list[int]:
        pairs = zip(groups, subword_groups(word_ids, len(groups)), strict=True)
        return [n for n, (group, right) in enumerate(pairs) if wrong((group[0], group[1]), right)]

    return words


MISREAD = Comparison(
    misread_words,
    read=lambda groups, word_ids: (groups, read_word_ids(word_ids)),
    right_ones=_where(lambda group, right: group == right),
    no_subwords=_where(lambda group, right: group[1] == 0 or group != right),
    first_places=_where(lambda group, right: group[0] != right[0]),
    counts_only=_where(lambda group, right: group[1] != right[1]),
    first_one=lambda groups, word_ids: misread_words(groups, word_ids)[:1],
)

# 08.4 --------------------------------------------------------------------------------------------
IGNORED = -100


def _logits(rows: Sequence[Sequence[int]]) -> Tensor:
    """Return random logits (batch, words, 3), the same every time."""
    random = torch.Generator().manual_seed(len(rows))
    return torch.randn(len(rows), max(map(len, rows)), 3, generator=random)


def batch_loss(
    logits: Tensor, rows: list[list[int]], filling: int = IGNORED, reduction: str = "mean"
) -> float:
    """Return the mean loss of the words, padding left out."""
    width = logits.shape[1]
    labels = torch.tensor([[*row, *[filling] * (width - len(row))] for row in rows])
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction=reduction)
    return loss.item()


def _outside_left_out(logits: Tensor, rows: list[list[int]]) -> float:
    """Return the loss of somebody who leaves out every 0, the number of `O`."""
    return batch_loss(logits, [[tag or IGNORED for tag in row] for row in rows])


def _mean_of_rows(logits: Tensor, rows: list[list[int]]) -> float:
    return fmean(batch_loss(logits[n : n + 1], [row]) for n, row in enumerate(rows))


REPAIRED_LOSS = Comparison(
    batch_loss,
    read=lambda rows: (_logits(rows), rows),
    sum=lambda logits, rows: batch_loss(logits, rows, reduction="sum"),
    outside_left_out=_outside_left_out,
    padding_counted=lambda logits, rows: batch_loss(logits, rows, filling=0),
    mean_of_rows=_mean_of_rows,
    all_places=lambda logits, rows: (
        batch_loss(logits, rows, reduction="sum") / logits[..., 0].numel()
    ),
)

# 08.5 --------------------------------------------------------------------------------------------
Scores = list[float]


def judgement(base: Scores, broken: Scores) -> str:
    """Return whether a fault hurts, helps or is within chance."""
    return _judged()(base, broken)


def _judged(
    cost: Callable[[Scores, Scores], float] = lambda base, broken: fmean(base) - fmean(broken),
    band: Callable[[Scores, Scores], float] = lambda base, broken: 2 * stdev(base),
) -> Callable[[Scores, Scores], str]:
    """Return a function that compares a cost with a band."""

    def judged(base: Scores, broken: Scores) -> str:
        lost = cost(base, broken)
        if abs(lost) <= band(base, broken):
            return "within chance"
        return "hurts" if lost > 0 else "helps"

    return judged


CHANCE = Comparison(
    judgement,
    sign=_judged(cost=lambda base, broken: fmean(broken) - fmean(base)),
    no_band=_judged(band=lambda base, broken: 0),
    one_sided=lambda *runs: judgement(*runs).replace("helps", "within chance"),
    all_runs=_judged(band=lambda base, broken: 2 * stdev([*base, *broken])),
    first_runs=_judged(cost=lambda base, broken: base[0] - broken[0]),
    one_deviation=_judged(band=lambda base, broken: stdev(base)),
    population=_judged(band=lambda base, broken: 2 * pstdev(base)),
)

CHECKS = (DIAGNOSIS, scorer_test, MISREAD, REPAIRED_LOSS, CHANCE)
