"""The checks of lesson 08: twelve ways to get it wrong, and how to find them."""

import operator
from collections.abc import Callable
from functools import partial
from statistics import fmean, pstdev, stdev

import torch
from torch import Tensor, nn

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Comparison, Function, entry_by_entry
from nerlib.course.checks.lesson_03 import read_word_ids
from nerlib.course.checks.lesson_04 import numbers
from nerlib.dataset import IGNORE, subword_groups
from nerlib.metrics import evaluate_tags
from nerlib.parsing import tag_chunks

DIAGNOSIS = entry_by_entry(dict[str, str])


Tags = list[list[str]]
Scorer = Callable[[Tags, Tags], tuple[float, float, float]]


def honest_scorer(gold: Tags, predicted: Tags) -> tuple[float, float, float]:
    """Return strict precision, recall and F1 of entities."""
    score = evaluate_tags(gold, predicted).overall
    return score.precision, score.recall, score.f1


def _seen_as(change: Callable[[str], str]) -> Scorer:
    """Return a scorer that sees the tags inside of entities in another way."""
    return lambda *sides: honest_scorer(
        *([[change(tag) if tag != "O" else tag for tag in tags] for tags in side] for side in sides)
    )


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


def misread_words(
    groups: list[tuple[int, int]], word_ids: list[int | None], wrong: Function = operator.ne
) -> list[int]:
    """Return the numbers of the words whose group is not the place of their subwords."""
    pairs = zip(groups, subword_groups(word_ids, len(groups)), strict=True)
    return [n for n, (group, right) in enumerate(pairs) if wrong(group, right)]


MISREAD = Comparison(
    misread_words,
    read=lambda groups, word_ids: (groups, read_word_ids(word_ids)),
    right_ones=partial(misread_words, wrong=operator.eq),
    no_subwords=partial(misread_words, wrong=lambda group, right: not group[1] or group != right),
    first_places=partial(misread_words, wrong=lambda group, right: group[0] != right[0]),
    first_one=lambda groups, word_ids: misread_words(groups, word_ids)[:1],
)


def batch_loss(
    logits: Tensor, rows: list[list[int]], filling: int = IGNORE, reduction: str = "mean"
) -> float:
    """Return the mean loss of the words, padding left out."""
    width = logits.shape[1]
    labels = torch.tensor([[*row, *[filling] * (width - len(row))] for row in rows])
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction=reduction)
    return loss.item()


REPAIRED_LOSS = Comparison(
    batch_loss,
    read=lambda rows: (numbers(len(rows), max(map(len, rows)), 3), rows),
    sum=lambda logits, rows: batch_loss(logits, rows, reduction="sum"),
    # 0 is the number of `O`.
    outside_left_out=lambda logits, rows: batch_loss(
        logits, [[tag or IGNORE for tag in row] for row in rows]
    ),
    padding_counted=lambda logits, rows: batch_loss(logits, rows, filling=0),
)


def judgement(
    base: list[float],
    broken: list[float],
    cost: Function = lambda base, broken: fmean(base) - fmean(broken),
    band: Function = lambda base, broken: 2 * stdev(base),
) -> str:
    """Return whether a fault hurts, helps or is within chance: what it costs, against a band."""
    lost = cost(base, broken)
    if abs(lost) <= band(base, broken):
        return "within chance"
    return "hurts" if lost > 0 else "helps"


CHANCE = Comparison(
    judgement,
    sign=partial(judgement, cost=lambda base, broken: fmean(broken) - fmean(base)),
    no_band=partial(judgement, band=lambda base, broken: 0),
    one_sided=lambda *runs: judgement(*runs).replace("helps", "within chance"),
    one_deviation=partial(judgement, band=lambda base, broken: stdev(base)),
    population=partial(judgement, band=lambda base, broken: 2 * pstdev(base)),
)

CHECKS = (DIAGNOSIS, scorer_test, MISREAD, REPAIRED_LOSS, CHANCE)  # in the order of their numbers
