"""The checks of lesson 05: the training loop."""

import copy
import math
from functools import partial
from statistics import fmean

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from nerlib.course.checks.exercise import Comparison, Function, entry_by_entry

PAPER = entry_by_entry(dict[str, float], close=0.005)  # two digits are enough


def word_loss(logits: Tensor, target: int) -> float:
    """Return minus the logarithm of the right tag's probability."""
    return -float(logits.log_softmax(-1)[target])


def _of_shares(logits: Tensor, target: int) -> float:
    return -float((logits / logits.sum())[target].log())


LOSS = Comparison(
    word_loss,
    read=lambda logits, target: (torch.tensor(logits), target),
    overflow=lambda logits, target: _of_shares(logits.exp(), target),
    without_minus=lambda logits, target: -word_loss(logits, target),
    chance=lambda logits, target: math.exp(-word_loss(logits, target)),
    of_the_best=lambda logits, target: word_loss(logits, int(logits.argmax())),
    without_softmax=_of_shares,
)


def half_cosine(share: float) -> float:
    """Return how high half a cosine is after a share of its way, from 1 down to 0."""
    return 0.5 * (1 + math.cos(math.pi * share))


def cosine_factor(step: int, warmup: int, total: int, curve: Function = half_cosine) -> float:
    """Return the factor on the rate: up to 1, then down along a curve, half a cosine."""
    return (
        (step + 1) / warmup if step < warmup else float(curve((step - warmup) / (total - warmup)))
    )


SCHEDULE = Comparison(
    cosine_factor,
    straight=partial(cosine_factor, curve=lambda share: 1 - share),
    whole_cosine=partial(cosine_factor, curve=lambda share: math.cos(math.pi * share)),
    from_zero=lambda step, warmup, total: (
        step / warmup if step < warmup else cosine_factor(step, warmup, total)
    ),
    no_warmup=lambda step, warmup, total: half_cosine((step - warmup) / (total - warmup)),
)


def last_epoch(
    scores: list[float],
    patience: int,
    better: Function = lambda score, best, before: score > best,
    resets: bool = True,
) -> int:
    """Return after which epoch, counted from 1, training stops.

    The slips compare a score in another way with the best and the one before, or do not start the
    waiting again after a better one.
    """
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


STOP = Comparison(
    last_epoch,
    from_nought=lambda scores, patience: last_epoch(scores, patience) - 1,
    one_more=lambda scores, patience: last_epoch(scores, patience + 1),
    against_the_last=partial(last_epoch, better=lambda score, best, before: score > before),
    equal_is_better=partial(last_epoch, better=lambda score, best, before: score >= best),
    never_reset=partial(last_epoch, resets=False),
)

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


def small_loop(limit: float) -> tuple[nn.Module, Batches, Optimizer, float]:
    """Return a model, four batches and an optimiser, the same every time, and the limit."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Linear(3, 4)
        batches = [(torch.randn(5, 3), torch.randint(0, 4, (5,))) for _ in range(4)]
    return model, batches, torch.optim.SGD(model.parameters(), lr=0.5), limit


LOOP = Comparison(
    train_once,
    read=small_loop,
    no_zero_grad=partial(train_once, left_out="zero_grad"),
    no_step=partial(train_once, left_out="step"),
    no_clip=partial(train_once, left_out="clip"),
    mean_loss=lambda *arguments: [fmean(train_once(*arguments))],
    name=lambda *arguments: f"a small model, 4 batches, its optimiser, {arguments[-1]}",
)

CHECKS = (PAPER, LOSS, SCHEDULE, STOP, LOOP)  # in the order of their numbers
