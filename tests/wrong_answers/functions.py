"""Wrong functions and classes, each with the hint that it should get."""

from __future__ import annotations

import torch
from torch import nn

from nerlib import Parser, spans_to_tags
from nerlib.course.checks.lesson_04 import WEIGHTS
from nerlib.course.checks.lesson_05 import train_once

FOUND = []  # number, answer, hint


def wrong(number, hint):
    """Note that an answer to this exercise should get this hint."""

    def noted(answer):
        FOUND.append((number, answer, hint))
        return answer

    return noted


@wrong("00.3", "ValueError")
def with_index(text, value):
    start = text.index(value)
    return start, start + len(value)


@wrong("00.3", "`return` hands it on")
def prints_the_place(text, value):
    print(text.find(value), text.find(value) + len(value))


@wrong("00.4", "a list of Span objects is expected")
def pairs(text):
    return [(word.start, word.end) for word in Parser().split_words(text) if word.text == "friday"]


@wrong("01.1", "nothing to divide by")
def divides_by_no_rows(rows):
    return sum("[" not in row for row in rows) / len(rows)


@wrong("01.3", "ZeroDivisionError")
def no_guard(gold, found):
    right = len(gold & found)
    precision, recall = right / len(found), right / len(gold)
    return precision, recall, 2 * precision * recall / (precision + recall)


@wrong("01.3", "a tuple (a number, a number, a number) is expected")
def forgets_f1(gold, found):
    return len(gold & found) / len(found), len(gold & found) / len(gold)


@wrong("01.4", "IndexError")
def beyond_the_end(words, tags):
    filled = list(tags)
    for index, word in enumerate(words):
        both_free = tags[index : index + 2] == ["O", "O"]
        if word.isdigit() and words[index + 1] in ("am", "pm") and both_free:
            filled[index : index + 2] = ["B-TIME", "I-TIME"]
    return filled


@wrong("01.4", "changes its argument instead")
def changes_in_place(words, tags):
    tags[-2:] = ["B-TIME", "I-TIME"]


@wrong("02.2", "A loop that never ends?")
def waits_for_ever(words, spans):
    tags = []
    while len(tags) < len(words):
        tags[:] = ["O"]
    return tags


@wrong("02.2", "`return` hands it on")
def prints(words, spans):
    print(spans_to_tags(words, spans))


@wrong("02.4", "a list of n entries ends at n - 1")
def index_beyond(tags):
    richer = []
    for number, tag in enumerate(tags):
        ends = tags[number + 1] != f"I-{tag[2:]}"
        richer.append({"B": "S", "I": "E"}[tag[0]] + tag[1:] if tag != "O" and ends else tag)
    return richer


@wrong("03.2", "a list of strings is expected")
def numbers_of_words(words, word_ids, least):
    return [n for n in range(len(words)) if word_ids.count(n) >= least]


@wrong("03.2", "TypeError")
def indexes_with_none(words, word_ids, least):
    costs = [0] * len(words)
    for number in word_ids:
        costs[number] += 1
    return [word for word, cost in zip(words, costs, strict=True) if cost >= least]


@wrong("03.3", "A loop that never ends?")
def never_moves_on(lengths, batch_size):
    positions, start = 0, 0
    while start < len(lengths):
        positions += max(lengths[start : start + batch_size])
    return positions


@wrong("03.4", "TypeError")
def none_as_index(word_ids, targets):
    return [targets[word] for word in word_ids]


@wrong("04.3", "a tuple (a tensor, a tensor) is expected")
def weight_only(first, second):
    return second.weight @ first.weight


def pooling_with(name):
    """A module that makes one of the known mistakes with its weights."""

    class Pooling(nn.Module):
        def __init__(self, hidden_size):
            super().__init__()
            self.score = nn.Linear(hidden_size, 1)

        def forward(self, hidden, word_ids, num_words):
            belongs = word_ids.unsqueeze(1) == torch.arange(num_words).unsqueeze(1)
            scores = self.score(hidden).squeeze(-1).unsqueeze(1)
            return WEIGHTS[name](scores, belongs) @ hidden

    return Pooling


for mistake in WEIGHTS:
    wrong("04.4", mistake)(pooling_with(mistake))
wrong("04.4", "no_class")(nn.Linear(4, 1))


@wrong("04.4", "no_layer")
class MadeInForward(nn.Module):
    def __init__(self, hidden_size):
        super().__init__()

    def forward(self, hidden, word_ids, num_words):
        return nn.Linear(hidden.shape[-1], 1)(hidden)


@wrong("04.4", "several_layers")
class TwoLayers(nn.Module):
    def __init__(self, hidden_size):
        super().__init__()
        self.first, self.second = nn.Linear(hidden_size, 2), nn.Linear(2, 1)


@wrong("04.4", "`super().__init__()`")
class NoSuper(nn.Module):
    def __init__(self, hidden_size):
        self.score = nn.Linear(hidden_size, 1)


@wrong("05.5", "a list of numbers is expected")
def returns_the_sum(model, batches, optimizer, limit):
    return sum(train_once(model, batches, optimizer, limit))


@wrong("06.5", "still not finished")
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


@wrong("07.2", "ZeroDivisionError")
def divides_by_nothing_predicted(counts):
    return sum(correct / predicted for _, predicted, correct in counts.values()) / len(counts)


def close(found, expected):
    return all(abs(a - b) < 1e-6 for a, b in zip(found, expected, strict=True))


@wrong("08.2", "swaps")
def looks_at_f1_only(scorer):
    return abs(scorer([["B-DATE", "O", "B-TIME"]], [["B-DATE", "O", "O"]])[2] - 2 / 3) < 1e-6


@wrong("08.2", "ignores_types")
def tries_swapping_only(scorer):
    return close(scorer([["B-DATE", "O", "B-TIME"]], [["B-DATE", "O", "O"]]), (1, 0.5, 2 / 3))


@wrong("08.2", "counts_words")
def forgets_ends(scorer):
    other_type = scorer([["B-DATE"]], [["B-TIME"]])
    return tries_swapping_only(scorer) and close(other_type, (0, 0, 0))


@wrong("08.2", "ignores_places")
def forgets_places(scorer):
    long = scorer([["B-TIME", "I-TIME", "B-DATE"]], [["B-TIME", "I-TIME", "O"]])
    return forgets_ends(scorer) and close(long, (1, 0.5, 2 / 3))


@wrong("08.2", "right")
def compares_exactly(scorer):
    return scorer([["B-DATE", "O", "B-TIME"]], [["B-DATE", "O", "O"]]) == (1.0, 0.5, 0.67)


@wrong("08.3", "ValueError")
def expects_a_subword(groups, word_ids):
    return [w for w, group in enumerate(groups) if group != (word_ids.index(w), word_ids.count(w))]


@wrong("09.3", "clamp it")
def divides_by_zero(weights, bits):
    scale = weights.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
    return (weights / scale).round() * scale


@wrong("10.2", "ZeroDivisionError")
def divides_by_no_words(gradients, words):
    return sum(g * w for g, w in zip(gradients, words, strict=True)) / sum(words)
