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
        (DIAGNOSIS | {"a": "padding"}, "a"),
        (DIAGNOSIS | {"b": "subword offsets"}, "b"),
        (DIAGNOSIS | {"c": "lost head"}, "c"),
        (DIAGNOSIS | {"d": "test rows"}, "d"),
        (DIAGNOSIS | {"e": "dropout"}, "e"),
        (DIAGNOSIS | {"b": "the head"}, "names"),
        ({"a": "dropout"}, "keys"),
    ],
    "08.2": [
        (looks_at_f1_only, "swaps"),
        (tries_swapping_only, "ignores_types"),
        (forgets_ends, "counts_words"),
        (forgets_places, "ignores_places"),
        (compares_exactly, "right"),
    ],
    "08.3": [(expects_a_subword, "ValueError")],
}
