"""What people get wrong in lesson 05."""

from __future__ import annotations

import math

import torch
from torch import nn


def scores(precision, recall, f1):
    return {"precision": precision, "recall": recall, "f1": f1}


def forgets_the_minus(logits, target):
    return logits.softmax(-1)[target].log().item()


def stops_at_the_probability(logits, target):
    return logits.softmax(-1)[target].item()


def one_minus(logits, target):
    return 1 - logits.softmax(-1)[target].item()


def takes_the_best(logits, target):
    return -logits.softmax(-1).max().log().item()


def overflows(logits, target):
    powers = logits.exp()
    return -(powers / powers.sum())[target].log().item()


def divides_scores(logits, target):
    return -(logits / logits.sum())[target].log().item()


def goes_straight(step, warmup, total):
    if step < warmup:
        return (step + 1) / warmup
    return 1 - (step - warmup) / (total - warmup)


def does_not_lift(step, warmup, total):
    if step < warmup:
        return (step + 1) / warmup
    return math.cos(math.pi * (step - warmup) / (total - warmup))


def counts_from_the_start(step, warmup, total):
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * step / total))


def begins_at_nought(step, warmup, total):
    if step < warmup:
        return step / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))


def stop(is_better, scores, patience, late=0):
    best, waited = -1.0, 0
    for epoch, score in enumerate(scores, start=1):
        waited = 0 if is_better(score, best, scores, epoch) else waited + 1
        best = max(best, score)
        if waited == patience + late:
            return epoch
    return len(scores)


def compares_with_the_last(scores, patience):
    def is_better(score, best, scores, epoch):
        return epoch == 1 or score > scores[epoch - 2]

    return stop(is_better, scores, patience)


def takes_equal_for_better(scores, patience):
    return stop(lambda score, best, *_: score >= best, scores, patience)


def stops_late(scores, patience):
    return stop(lambda score, best, *_: score > best, scores, patience, late=1)


def returns_the_best(scores, patience):
    last = stop(lambda score, best, *_: score > best, scores, patience)
    return scores.index(max(scores[:last])) + 1


def counts_from_nought(scores, patience):
    return stop(lambda score, best, *_: score > best, scores, patience) - 1


def never_starts_again(scores, patience):
    best, waited = 0.0, 0
    for epoch, score in enumerate(scores, start=1):
        if score <= best:
            waited += 1
        best = max(best, score)
        if waited == patience:
            return epoch
    return len(scores)


def loop_without(*left_out):
    def train_once(model, batches, optimizer, limit):
        losses = []
        for features, targets in batches:
            loss = nn.functional.cross_entropy(model(features), targets)
            losses.append(loss.item())
            if "zero_grad" not in left_out:
                optimizer.zero_grad()
            loss.backward()
            if "clip" not in left_out:
                torch.nn.utils.clip_grad_norm_(model.parameters(), limit)
            if "step" not in left_out:
                optimizer.step()
        return losses

    return train_once


def returns_the_mean(model, batches, optimizer, limit):
    losses = loop_without()(model, batches, optimizer, limit)
    return [sum(losses) / len(losses)]


def returns_tensors(model, batches, optimizer, limit):
    return sum(loop_without()(model, batches, optimizer, limit))


WRONG = {
    "05.1": [
        (scores(2 / 4, 2 / 5, 4 / 9), "Precision and recall are swapped"),
        (scores(3 / 5, 3 / 4, 6 / 9), "with another type"),
        (scores(4 / 5, 1.0, 8 / 9), "all three"),
        (scores(2 / 5, 2 / 4, 0.45), "the *harmonic* mean"),
        (scores(2 / 5, 2 / 4, 0.2), "Precision and recall are right"),
        (scores(40, 50, 44.4), "between 0 and 1"),
        (scores(0.75, 0.75, 0.75), "words with the right tag"),
        ({"precision": 0.4, "recall": 0.5}, "The key `f1` is missing"),
        ([0.4, 0.5, 0.44], "a dictionary from strings to numbers is expected"),
    ],
    "05.2": [
        (forgets_the_minus, "take *minus* it"),
        (stops_at_the_probability, "is the probability of the right tag"),
        (one_minus, "punishes being sure"),
        (takes_the_best, "with the highest score"),
        (overflows, "overflows"),
        (divides_scores, "by `exp` first"),
    ],
    "05.3": [
        (goes_straight, "a straight line down"),
        (does_not_lift, "Lift it by 1"),
        (counts_from_the_start, "from the end of the warm-up"),
        (begins_at_nought, "wastes the first step"),
    ],
    "05.4": [
        (compares_with_the_last, "not with the epoch before"),
        (takes_equal_for_better, "is no rise"),
        (stops_late, "one epoch too late"),
        (returns_the_best, "That is the best epoch"),
        (counts_from_nought, "counted from 1"),
        (never_starts_again, "starts the waiting again"),
    ],
    "05.5": [
        (loop_without("zero_grad"), "old gradients are still there"),
        (loop_without("step"), "Who makes the step?"),
        (loop_without("clip"), "The steps are too large"),
        (returns_the_mean, "One loss for each batch"),
        (returns_tensors, "a list of numbers is expected"),
    ],
}
