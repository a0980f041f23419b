"""Wrong functions and classes, each with the hint that it should get."""

from operator import mul

from torch import nn

from nerlib.course.checks.lesson_01 import three_numbers
from nerlib.course.checks.lesson_04 import WEIGHTS, pooling


def pooling_with(name):
    """A module that makes one of the known mistakes with its weights."""

    class Pooling(nn.Module):
        def __init__(self, hidden_size):
            super().__init__()
            self.score = nn.Linear(hidden_size, 1)

        def forward(self, *arguments):
            return pooling(self.score, WEIGHTS[name])(*arguments)

    return Pooling


class MadeInForward(nn.Module):
    def __init__(self, hidden_size):
        super().__init__()

    def forward(self, hidden, word_ids, num_words):
        return nn.Linear(hidden.shape[-1], 1)(hidden)


class TwoLayers(nn.Module):
    def __init__(self, hidden_size):
        super().__init__()
        self.first, self.second = nn.Linear(hidden_size, 2), nn.Linear(2, 1)


class NoSuper(nn.Module):
    def __init__(self, hidden_size):
        self.score = nn.Linear(hidden_size, 1)


def tries_all(rows, labels):
    """Builds every sequence: no machine has the memory for 40 words."""
    ways = [(1.0, [])]
    for row in rows:
        ways = [
            (total * chance, [*tags, tag])
            for total, tags in ways
            for tag, chance in zip(labels, row, strict=True)
            if not tag.startswith("I-") or (tags[-1] if tags else "O")[2:] == tag[2:]
        ]
    return max(ways)[1]


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


def divides_by_zero(weights, bits):
    scale = weights.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
    return (weights / scale).round() * scale


# Number, answer, hint. Those with an error ask whether a check tries the case that nobody expects.
FOUND = [
    ("00.3", lambda text, value: (n := text.index(value), n + len(value)), "ValueError"),
    ("01.1", lambda rows: sum("[" not in row for row in rows) / len(rows), "nothing to divide by"),
    ("01.3", lambda *sides: three_numbers(*sides) if all(sides) else 1 / 0, "ZeroDivisionError"),
    ("03.4", lambda word_ids, targets: [targets[word] for word in word_ids], "TypeError"),
    *(("04.4", pooling_with(mistake), mistake) for mistake in WEIGHTS),
    ("04.4", nn.Linear(4, 1), "no_class"),
    ("04.4", MadeInForward, "no_layer"),
    ("04.4", TwoLayers, "several_layers"),
    ("04.4", NoSuper, "`super().__init__()`"),
    ("06.5", tries_all, "still not finished"),
    (
        "07.2",
        lambda counts: sum(right / found for _, found, right in counts.values()) / len(counts),
        "ZeroDivisionError",
    ),
    ("08.2", looks_at_f1_only, "swaps"),
    ("08.2", tries_swapping_only, "ignores_types"),
    ("08.2", forgets_ends, "counts_words"),
    ("08.2", forgets_places, "ignores_places"),
    ("08.2", compares_exactly, "right"),
    (
        "08.3",
        lambda gs, ids: [n for n, g in enumerate(gs) if g != (ids.index(n), ids.count(n))],
        "ValueError",
    ),
    ("09.3", divides_by_zero, "a division by zero"),
    ("10.2", lambda gs, words: sum(map(mul, gs, words)) / sum(words), "ZeroDivisionError"),
]
