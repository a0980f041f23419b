"""What people get wrong in lesson 03, besides the mistakes that its checks know by name."""

from __future__ import annotations


def numbers_of_words(words, word_ids, least):
    return [n for n in range(len(words)) if word_ids.count(n) >= least]


def indexes_with_none(words, word_ids, least):
    costs = [0] * len(words)
    for number in word_ids:
        costs[number] += 1
    return [word for word, cost in zip(words, costs, strict=True) if cost >= least]


def never_moves_on(lengths, batch_size):
    positions, start = 0, 0
    while start < len(lengths):
        positions += max(lengths[start : start + batch_size])
    return positions


def none_as_index(word_ids, targets):
    return [targets[word] for word in word_ids]


WRONG = {
    "03.1": [
        ([(1, 1), (2, 3), (4, 1), (5, 1), (6, 1)], "none"),
        ([(1, 1)], "pairs"),
        ([(1, 1), (2, 3), (0, 0), (4, 1), (6, 1)], "first"),
        ([(1, 1), (2, 2), (0, 0), (5, 1), (6, 1)], "count"),
        ([1, 1, 2, 3, 0, 0, 5, 1, 6, 1], "a list of tuples"),
    ],
    "03.2": [
        (numbers_of_words, "a list of strings is expected"),
        (indexes_with_none, "TypeError"),
    ],
    "03.3": [(never_moves_on, "A loop that never ends?")],
    "03.4": [(none_as_index, "TypeError")],
}
