"""What people get wrong in lesson 09."""

from __future__ import annotations

import math

import torch


def times(p50, p90, mean):
    return {"p50": p50, "p90": p90, "mean": mean}


def does_not_sort(values, share):
    return values[max(math.ceil(share / 100 * len(values)), 1) - 1]


def one_too_far(values, share):
    return sorted(values)[min(math.ceil(share / 100 * len(values)), len(values) - 1)]


def rounds_down(values, share):
    return sorted(values)[max(int(share / 100 * len(values)), 1) - 1]


def downwards(values, share):
    return sorted(values, reverse=True)[max(math.ceil(share / 100 * len(values)), 1) - 1]


def takes_the_mean(values, share):
    return sum(values) / len(values)


def steps(weights, most, largest, rounder=torch.round):
    scale = largest.clamp(min=1e-12) / most
    return rounder(weights / scale) * scale


def of_rows(weights):
    return weights.abs().amax(1, keepdim=True)


def one_scale(weights, bits):
    return steps(weights, 2 ** (bits - 1) - 1, weights.abs().max())


def by_column(weights, bits):
    return steps(weights, 2 ** (bits - 1) - 1, weights.abs().amax(0, keepdim=True))


def forgets_the_sign(weights, bits):
    return steps(weights, 2**bits - 1, of_rows(weights))


def cuts_off(weights, bits):
    return steps(weights, 2 ** (bits - 1) - 1, of_rows(weights), torch.trunc)


def stays_whole(weights, bits):
    return (weights / of_rows(weights).clamp(min=1e-12) * (2 ** (bits - 1) - 1)).round()


def divides_by_zero(weights, bits):
    scale = of_rows(weights) / (2 ** (bits - 1) - 1)
    return (weights / scale).round() * scale


def both_ways(scores, reference, permitted):
    return [name for name, f1 in scores.items() if abs(f1 - reference) <= permitted + 1e-9]


def strictly(scores, reference, permitted):
    return [name for name, f1 in scores.items() if reference - f1 < permitted - 1e-9]


def relatively(scores, reference, permitted):
    return [name for name, f1 in scores.items() if f1 >= reference * (1 - permitted) - 1e-9]


def against_the_best(scores, reference, permitted):
    return [n for n, f1 in scores.items() if f1 >= max(scores.values()) - permitted - 1e-9]


def the_refused(scores, reference, permitted):
    return [name for name, f1 in scores.items() if f1 < reference - permitted - 1e-9]


def fit(lines, reference, most):
    return [one for one in lines if one[1] >= reference - 0.002 and one[3] <= most]


def without_gate(lines, reference, most):
    found = [one for one in lines if one[3] <= most]
    return max(found, key=lambda one: one[2])[0] if found else None


def without_limit(lines, reference, most):
    return max(fit(lines, reference, math.inf), key=lambda one: one[2])[0]


def shortest_wait(lines, reference, most):
    found = fit(lines, reference, most)
    return min(found, key=lambda one: one[3])[0] if found else None


def highest_f1(lines, reference, most):
    found = fit(lines, reference, most)
    return max(found, key=lambda one: one[1])[0] if found else None


def fastest_or_nothing(lines, reference, most):
    fastest = max(lines, key=lambda one: one[2])
    return fastest[0] if fit([fastest], reference, most) else None


WRONG = {
    "09.1": [
        (times(17.0, 30.0, 17.0), "That is the mean"),
        (times(6.0, 30.0, 6.0), "divided by ten"),
        (times(6.0, 90.0, 17.0), "p100"),
        (times(6.5, 30.0, 17.0), "the fifth in the sorted list"),
        (times(6.0, 8.0, 17.0), "Sort the times first"),
    ],
    "09.2": [
        (does_not_sort, "Sort them before you count"),
        (one_too_far, "One place too far"),
        (rounds_down, "round up"),
        (downwards, "Sort upwards"),
        (takes_the_mean, "That is the mean"),
    ],
    "09.3": [
        (one_scale, "One scale for all rows"),
        (by_column, "A scale for each input"),
        (forgets_the_sign, "for the sign"),
        (cuts_off, "Cutting off"),
        (stays_whole, "Multiply by the scale again"),
        (divides_by_zero, "clamp it"),
    ],
    "09.4": [
        (both_ways, "has lost nothing"),
        (strictly, "is permitted. (Floats"),
        (relatively, "a share of the reference"),
        (against_the_best, "the best variant"),
        (the_refused, "the ones to refuse"),
    ],
    "09.5": [
        (without_gate, "comes before any speed"),
        (without_limit, "would wait longer"),
        (shortest_wait, "shortest p99"),
        (highest_f1, "best F1"),
        (fastest_or_nothing, "another one may"),
    ],
}
