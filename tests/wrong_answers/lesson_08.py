"""What people get wrong in lesson 08, besides the mistakes that its checks know by name."""

from __future__ import annotations

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


def expects_a_subword(groups, word_ids):
    return [w for w, group in enumerate(groups) if group != (word_ids.index(w), word_ids.count(w))]


WRONG = {
    "08.1": [
        (DIAGNOSIS | {"a": "padding"}, "draws random numbers"),
        (DIAGNOSIS | {"b": "subword offsets"}, "what saving and loading may lose"),
        (DIAGNOSIS | {"c": "lost head"}, "crashes nowhere"),
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
    "08.3": [(expects_a_subword, "ValueError")],
}
