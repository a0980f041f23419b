"""The checks of lesson 05: the training loop."""

from __future__ import annotations

import copy
import math
import operator
from collections.abc import Callable
from functools import partial
from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.differences import same
from nerlib.course.checks.exercise import Comparison, OnPaper
from nerlib.metrics import Score, entity_scores, total_score

# 05.1 --------------------------------------------------------------------------------------------
GOLD = (
    ["O", "B-TIME", "I-TIME", "O", "B-DATE"],
    ["O", "O", "B-PLACE_NAME", "O"],
    ["B-DATE", "O", "O"],
)
PREDICTED = (
    ["O", "B-TIME", "O", "O", "B-DATE"],
    ["O", "O", "B-PERSON", "O"],
    ["B-DATE", "O", "B-TIME"],
)
ON_PAPER = 0.005  # two digits are enough
SCORE = total_score(entity_scores(GOLD, PREDICTED))
RIGHT = {"precision": SCORE.precision, "recall": SCORE.recall, "f1": SCORE.f1}


def _with_correct(correct: float) -> dict[str, float]:
    score = Score(SCORE.gold, SCORE.predicted, correct)
    return {"precision": score.precision, "recall": score.recall, "f1": score.f1}


def _share_of_right_words() -> float:
    words = [
        (a, b) for g, p in zip(GOLD, PREDICTED, strict=True) for a, b in zip(g, p, strict=True)
    ]
    return sum(gold == predicted for gold, predicted in words) / len(words)


def _other_scores(answer: Answer, found: dict[str, float]) -> None:
    """Raise the hint for the keys, or for one of the numbers."""
    if found.keys() != RIGHT.keys():
        answer.fail("keys")
    if any(number > 1 for number in found.values()):
        answer.fail("percent")
    answer.fail("f1" if same(found, RIGHT | {"f1": found["f1"]}, ON_PAPER) else "unclear")


PAPER = OnPaper(
    dict[str, float],
    RIGHT,
    other=_other_scores,
    close=ON_PAPER,
    swapped=RIGHT | {"precision": SCORE.recall, "recall": SCORE.precision},
    typeless=_with_correct(SCORE.correct + 1),
    overlapping=_with_correct(SCORE.correct + 2),
    arithmetic=RIGHT | {"f1": (SCORE.precision + SCORE.recall) / 2},
    words=dict.fromkeys(RIGHT, _share_of_right_words()),
)


# 05.2 --------------------------------------------------------------------------------------------
def word_loss(logits: Tensor, target: int) -> float:
    """Return minus the logarithm of the right tag's probability."""
    return -float(logits.log_softmax(-1)[target])


def _of_shares(logits: Tensor, target: int) -> float:
    return -float((logits / logits.sum())[target].log())


LOSS = Comparison(
    word_loss,
    read=lambda logits, target: (torch.tensor(logits), target),
    overflow=lambda logits, target: _of_shares(logits.exp(), target),
    overflow_of_the_sum=lambda logits, target: float(logits.exp().sum().log() - logits[target]),
    without_minus=lambda logits, target: -word_loss(logits, target),
    chance=lambda logits, target: math.exp(-word_loss(logits, target)),
    distance_to_one=lambda logits, target: 1 - math.exp(-word_loss(logits, target)),
    of_the_best=lambda logits, target: word_loss(logits, int(logits.argmax())),
    in_bits=lambda logits, target: word_loss(logits, target) / math.log(2),
    without_softmax=_of_shares,
)


# 05.3 --------------------------------------------------------------------------------------------
def cosine_factor(step: int, warmup: int, total: int) -> float:
    """Return the factor on the rate: up to 1, then down to 0 along half a cosine."""
    return _schedule(_rise, _after(half_cosine))(step, warmup, total)


def half_cosine(share: float) -> float:
    """Return how high half a cosine is after a share of its way, from 1 down to 0."""
    return 0.5 * (1 + math.cos(math.pi * share))


def _schedule(
    up: Callable[[int, int], float], down: Callable[[int, int, int], float]
) -> Callable[[int, int, int], float]:
    """Return a schedule, given the factor during the warm-up and after it."""
    return lambda step, warmup, total: (
        up(step, warmup) if step < warmup else down(step, warmup, total)
    )


def _rise(step: int, warmup: int) -> float:
    return (step + 1) / warmup


def _after(curve: Callable[[float], float]) -> Callable[[int, int, int], float]:
    """Return the factor after the warm-up, by the share of the way from there to the end."""
    return lambda step, warmup, total: curve((step - warmup) / (total - warmup))


SCHEDULE = Comparison(
    cosine_factor,
    straight=_schedule(_rise, _after(lambda share: 1 - share)),
    whole_cosine=_schedule(_rise, _after(lambda share: math.cos(math.pi * share))),
    from_the_start=_schedule(_rise, lambda step, _, total: half_cosine(step / total)),
    from_zero=_schedule(operator.truediv, _after(half_cosine)),
    no_warmup=_after(half_cosine),
)


# 05.4 --------------------------------------------------------------------------------------------
def last_epoch(scores: list[float], patience: int) -> int:
    """Return after which epoch, counted from 1, training stops."""
    return _stopped(lambda score, best, before: score > best)(scores, patience)


def _stopped(
    better: Callable[[float, float, float], bool], resets: bool = True
) -> Callable[[list[float], int], int]:
    """Return a rule to stop: whether a score is better than the best or the one before.

    `resets` says whether the waiting then starts again.
    """

    def stopped(scores: list[float], patience: int) -> int:
        best = before = -math.inf
        waited = 0
        for epoch, score in enumerate(scores, start=1):
            if not better(score, best, before):
                waited += 1
            elif resets:
                waited = 0
            best, before = max(best, score), score
            if waited == patience:
                return epoch
        return len(scores)

    return stopped


def _the_best(scores: list[float], patience: int) -> int:
    kept = scores[: last_epoch(scores, patience)]
    return kept.index(max(kept)) + 1


STOP = Comparison(
    last_epoch,
    from_nought=lambda scores, patience: last_epoch(scores, patience) - 1,
    the_best=_the_best,
    one_more=lambda scores, patience: last_epoch(scores, patience + 1),
    against_the_last=_stopped(lambda score, best, before: score > before),
    equal_is_better=_stopped(lambda score, best, before: score >= best),
    never_reset=_stopped(lambda score, best, before: score > best, resets=False),
)

# 05.5 --------------------------------------------------------------------------------------------
Batches = list[tuple[Tensor, Tensor]]


def train_once(
    model: nn.Module, batches: Batches, optimizer: Optimizer, limit: float, left_out: str = ""
) -> list[float]:
    """Return the loss of each batch; `left_out` is the line that somebody forgets."""
    model, optimizer = copy.deepcopy((model, optimizer))
    losses = []
    for features, targets in batches:
        loss = nn.functional.cross_entropy(model(features), targets)
        losses.append(loss.item())
        if left_out != "zero_grad":
            optimizer.zero_grad()
        loss.backward()
        if left_out != "clip":
            nn.utils.clip_grad_norm_(model.parameters(), limit)
        if left_out != "step":
            optimizer.step()
    return losses


def _mean_loss(*arguments: Any) -> list[float]:
    return [fmean(train_once(*arguments))]


def small_loop(limit: float) -> tuple[nn.Module, Batches, Optimizer, float]:
    """Return a model, four batches and an optimiser, the same every time, and the limit."""
    random = torch.Generator().manual_seed(0)
    model = nn.Linear(3, 4)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random))
    batches = [
        (torch.randn(5, 3, generator=random), torch.randint(0, 4, (5,), generator=random))
        for _ in range(4)
    ]
    return model, batches, torch.optim.SGD(model.parameters(), lr=0.5), limit


LOOP = Comparison(
    train_once,
    read=small_loop,
    no_zero_grad=partial(train_once, left_out="zero_grad"),
    no_step=partial(train_once, left_out="step"),
    no_clip=partial(train_once, left_out="clip"),
    mean_loss=_mean_loss,
    name=lambda *arguments: f"a small model, 4 batches, its optimiser, {arguments[-1]}",
)

CHECKS = (PAPER, LOSS, SCHEDULE, STOP, LOOP)
