"""What people get wrong in lesson 07."""

from __future__ import annotations

import numpy as np
from torch import nn

KINDS = [
    "correct", "wrong boundary", "wrong type", "missed", "wrong type and boundary", "invented",
]  # fmt: skip


def kinds(**changed):
    return [changed.get(f"row{number}", kind) for number, kind in enumerate(KINDS, start=1)]


def f1(gold, predicted, correct):
    return 2 * correct / max(1, gold + predicted)


def adds_up_first(counts):
    return f1(*(sum(column) for column in zip(*counts.values(), strict=True)))


def takes_all_types(counts):
    return sum(f1(*c) for c in counts.values()) / len(counts)


def leaves_silent_types_out(counts):
    scores = [f1(*c) for c in counts.values() if c[0] and c[1]]
    return sum(scores) / max(1, len(scores))


def weighs_types(counts):
    total = sum(gold for gold, _, _ in counts.values())
    return sum(c[0] * f1(*c) for c in counts.values()) / max(1, total)


def divides_by_nothing(counts):
    return sum(c / p for _, p, c in counts.values()) / len(counts)


def precision(confidences, right, threshold):
    kept = [hit for sure, hit in zip(confidences, right, strict=True) if sure >= threshold]
    return sum(kept) / len(kept)


def takes_the_highest(confidences, right, wanted):
    fine = [c for c in confidences if precision(confidences, right, c) >= wanted]
    return max(fine, default=None)


def keeps_only_above(confidences, right, wanted):
    for threshold in sorted(confidences):
        kept = [hit for sure, hit in zip(confidences, right, strict=True) if sure > threshold]
        if kept and sum(kept) / len(kept) >= wanted:
            return threshold
    return None


def believes_them_sorted(confidences, right, wanted):
    found = None
    for number in range(1, len(right) + 1):
        if sum(right[:number]) / number >= wanted:
            found = confidences[number - 1]
    return found


def stops_at_the_first_fall(confidences, right, wanted):
    found = None
    for threshold in sorted(confidences, reverse=True):
        if precision(confidences, right, threshold) < wanted:
            return found
        found = threshold
    return found


def looks_at_recall(confidences, right, wanted):
    for threshold in sorted(confidences):
        kept = [hit for sure, hit in zip(confidences, right, strict=True) if sure >= threshold]
        if right.count(True) and sum(kept) / right.count(True) >= wanted:
            return threshold
    return None


def loss(logits, targets):
    return nn.functional.cross_entropy(logits, targets).item()


def multiplies(logits, targets, temperatures):
    return min(temperatures, key=lambda t: loss(logits * t, targets))


def takes_the_worst(logits, targets, temperatures):
    return max(temperatures, key=lambda t: loss(logits / t, targets))


def looks_at_accuracy(logits, targets, temperatures):
    return max(temperatures, key=lambda t: ((logits / t).argmax(-1) == targets).sum().item())


def takes_the_surest(logits, targets, temperatures):
    return min(temperatures)


def returns_the_loss(logits, targets, temperatures):
    return min(loss(logits / t, targets) for t in temperatures)


def resampled(draw, score, cut, counts, resamples, seed):
    table, random = np.array(counts), np.random.default_rng(seed)
    scores = [score(table[draw(random, len(table))]) for _ in range(resamples)]
    low, high = np.percentile(scores, cut)
    return float(low), float(high)


def with_replacement(random, rows):
    return random.integers(0, rows, rows)


def pooled(drawn):
    return f1(*drawn.sum(axis=0))


def draws_without_replacement(counts, resamples, seed):
    return resampled(lambda r, n: r.permutation(n), pooled, [2.5, 97.5], counts, resamples, seed)


def scores_each_utterance(counts, resamples, seed):
    def mean(drawn):
        return float(np.mean([f1(*row) for row in drawn.tolist()]))

    return resampled(with_replacement, mean, [2.5, 97.5], counts, resamples, seed)


def cuts_nothing(counts, resamples, seed):
    return resampled(with_replacement, pooled, [0, 100], counts, resamples, seed)


def cuts_five(counts, resamples, seed):
    return resampled(with_replacement, pooled, [5, 95], counts, resamples, seed)


def starts_the_numbers_anew(counts, resamples, seed):
    def draw(random, rows):
        return np.random.default_rng(seed).integers(0, rows, rows)

    return resampled(draw, pooled, [2.5, 97.5], counts, resamples, seed)


WRONG = {
    "07.1": [
        (kinds(row4="invented", row6="missed"), "*Missed* is there and was not predicted"),
        (kinds(row5="wrong type"), "Only one of the two faults"),
        (kinds(row2="missed"), "the two share a word"),
        (kinds(row6="wrong type"), "no entity here at all"),
        (kinds(row3="correct"), "It is not right"),
        (kinds(row2="wrong type", row3="wrong boundary"), "once more, one after the other"),
        (kinds(row1="right"), "The kinds are"),
        (KINDS[:5], "There are 6 rows"),
    ],
    "07.2": [
        (adds_up_first, "That is micro F1"),
        (takes_all_types, "it has nothing to be found"),
        (leaves_silent_types_out, "was never predicted"),
        (weighs_types, "Each type counts once"),
        (divides_by_nothing, "ZeroDivisionError"),
    ],
    "07.3": [
        (takes_the_highest, "a lower threshold keeps more"),
        (keeps_only_above, "exactly at the threshold"),
        (believes_them_sorted, "are in no order"),
        (stops_at_the_first_fall, "fall and rise again"),
        (looks_at_recall, "That is about recall"),
    ],
    "07.4": [
        (multiplies, "Divide the logits"),
        (takes_the_worst, "the highest loss"),
        (looks_at_accuracy, "cannot choose it"),
        (returns_the_loss, "the lowest loss itself"),
        (takes_the_surest, "where the model is surest"),
    ],
    "07.5": [
        (draws_without_replacement, "Draw *with* replacement"),
        (starts_the_numbers_anew, "once, before the loop"),
        (scores_each_utterance, "an F1 for each utterance"),
        (cuts_nothing, "the whole range"),
        (cuts_five, "leaves 90 %"),
    ],
}
