"""What people get wrong in lesson 08."""

from __future__ import annotations

from statistics import mean, pstdev, stdev

import torch
from torch import nn

DIAGNOSIS = {
    "a": "dropout", "b": "lost head", "c": "subword offsets", "d": "padding", "e": "test rows",
}  # fmt: skip


def close(found, expected):
    return all(abs(a - b) < 1e-6 for a, b in zip(found, expected, strict=True))


def looks_at_f1_only(scorer):
    return abs(scorer([["B-DATE", "O", "B-TIME"]], [["B-DATE", "O", "O"]])[2] - 2 / 3) < 1e-6


def tries_swapping_only(scorer):
    return close(scorer([["B-DATE", "O", "B-TIME"]], [["B-DATE", "O", "O"]]), (1, 0.5, 2 / 3))


def forgets_ends(scorer):
    other_type = scorer([["B-DATE"]], [["B-TIME"]])
    return tries_swapping_only(scorer) and close(other_type, (0, 0, 0))


def forgets_places(scorer):
    long = scorer([["B-TIME", "I-TIME", "B-DATE"]], [["B-TIME", "I-TIME", "O"]])
    return forgets_ends(scorer) and close(long, (1, 0.5, 2 / 3))


def compares_exactly(scorer):
    return scorer([["B-DATE", "O", "B-TIME"]], [["B-DATE", "O", "O"]]) == (1.0, 0.5, 0.67)


def right_group(word, word_ids):
    count = word_ids.count(word)
    return (word_ids.index(word), count) if count else (0, 0)


def looks_at_the_first_only(groups, word_ids):
    return [w for w, group in enumerate(groups) if group[0] != right_group(w, word_ids)[0]]


def looks_at_the_count_only(groups, word_ids):
    return [w for w, group in enumerate(groups) if group[1] != right_group(w, word_ids)[1]]


def stops_at_the_first(groups, word_ids):
    for word, group in enumerate(groups):
        if group != right_group(word, word_ids):
            return [word]
    return []


def takes_nothing_for_wrong(groups, word_ids):
    return [
        w for w, group in enumerate(groups) if group != right_group(w, word_ids) or group == (0, 0)
    ]


def returns_the_right_ones(groups, word_ids):
    return [w for w, group in enumerate(groups) if group == right_group(w, word_ids)]


def expects_a_subword(groups, word_ids):
    return [w for w, group in enumerate(groups) if group != (word_ids.index(w), word_ids.count(w))]


def loss_with(filling, logits, rows, reduction="mean"):
    width = logits.shape[1]
    labels = torch.tensor([row + [filling] * (width - len(row)) for row in rows])
    flat = logits.flatten(0, 1)
    return nn.functional.cross_entropy(flat, labels.flatten(), reduction=reduction).item()


def fills_with_zero(logits, rows):
    return loss_with(0, logits, rows)


def takes_a_mean_of_means(logits, rows):
    parts = [loss_with(-100, logits[n : n + 1], [row]) for n, row in enumerate(rows)]
    return sum(parts) / len(parts)


def leaves_outside_out(logits, rows):
    return loss_with(-100, logits, [[tag or -100 for tag in row] for row in rows])


def adds_up(logits, rows):
    return loss_with(-100, logits, rows, reduction="sum")


def divides_by_all_places(logits, rows):
    return adds_up(logits, rows) / (logits.shape[0] * logits.shape[1])


def judged(cost, band):
    return "within chance" if abs(cost) <= band else "hurts" if cost > 0 else "helps"


def turns_the_sign(base, broken):
    return judged(mean(broken) - mean(base), 2 * stdev(base))


def knows_no_help(base, broken):
    return "hurts" if mean(base) - mean(broken) > 2 * stdev(base) else "within chance"


def compares_first_runs(base, broken):
    return judged(base[0] - broken[0], 2 * stdev(base))


def takes_one_deviation(base, broken):
    return judged(mean(base) - mean(broken), stdev(base))


def divides_by_n(base, broken):
    return judged(mean(base) - mean(broken), 2 * pstdev(base))


def knows_no_chance(base, broken):
    return judged(mean(base) - mean(broken), 0)


def mixes_the_runs(base, broken):
    return judged(mean(base) - mean(broken), 2 * stdev(base + broken))


WRONG = {
    "08.1": [
        (DIAGNOSIS | {"a": "padding"}, "draws random numbers"),
        (DIAGNOSIS | {"b": "subword offsets"}, "what saving and loading may lose"),
        (DIAGNOSIS | {"c": "lost head"}, "behind a long word only"),
        (DIAGNOSIS | {"d": "test rows"}, "have the most of"),
        (DIAGNOSIS | {"e": "dropout"}, "Ask of every choice"),
        (DIAGNOSIS | {"b": "the head"}, "The faults are"),
        ({"a": "dropout"}, "The key `b` is missing"),
    ],
    "08.2": [
        (looks_at_f1_only, "swaps precision and recall"),
        (tries_swapping_only, "does not look at types"),
        (forgets_ends, "It counts words"),
        (forgets_places, "does not look at places"),
        (compares_exactly, "This scorer is right"),
    ],
    "08.3": [
        (looks_at_the_first_only, "the number of subwords is right as well"),
        (looks_at_the_count_only, "taken from another place"),
        (stops_at_the_first, "not only the first"),
        (takes_nothing_for_wrong, "and that is right"),
        (returns_the_right_ones, "that read the right place"),
        (expects_a_subword, "ValueError"),
    ],
    "08.4": [
        (fills_with_zero, "Padding is counted"),
        (takes_a_mean_of_means, "not the mean of means"),
        (leaves_outside_out, "leave out padding only"),
        (adds_up, "the sum over the words"),
        (divides_by_all_places, "not by the number of places"),
    ],
    "08.5": [
        (turns_the_sign, "The sign is turned round"),
        (knows_no_help, "seem to help"),
        (compares_first_runs, "not two single runs"),
        (takes_one_deviation, "two standard deviations wide"),
        (divides_by_n, "divide by n − 1"),
        (knows_no_chance, "is chance."),
        (mixes_the_runs, "*without* a fault alone"),
    ],
}
