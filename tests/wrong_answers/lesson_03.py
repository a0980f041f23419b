"""What people get wrong in lesson 03."""

from __future__ import annotations


def more_than(words, word_ids, least):
    return [word for n, word in enumerate(words) if word_ids.count(n) > least]


def once_a_subword(words, word_ids, least):
    found = []
    for number in word_ids:
        if number is not None and word_ids.count(number) >= least:
            found.append(words[number])
    return found


def letters(words, word_ids, least):
    return [word for word in words if len(word) >= least]


def none_is_last(words, word_ids, least):
    numbers = [-1 if number is None else number for number in word_ids]
    costs = [0] * len(words)
    for number in numbers:
        costs[number] += 1
    return [word for word, cost in zip(words, costs, strict=True) if cost >= least]


def numbers_of_words(words, word_ids, least):
    return [n for n in range(len(words)) if word_ids.count(n) >= least]


def indexes_with_none(words, word_ids, least):
    costs = [0] * len(words)
    for number in word_ids:
        costs[number] += 1
    return [word for word, cost in zip(words, costs, strict=True) if cost >= least]


def _batches(lengths, batch_size):
    return [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]


def text_share(lengths, batch_size):
    return sum(lengths) / sum(len(b) * max(b) for b in _batches(lengths, batch_size))


def longest_of_all(lengths, batch_size):
    return 1 - sum(lengths) / (max(lengths) * len(lengths))


def last_is_full(lengths, batch_size):
    return 1 - sum(lengths) / sum(batch_size * max(b) for b in _batches(lengths, batch_size))


def mean_of_shares(lengths, batch_size):
    shares = [1 - sum(b) / (len(b) * max(b)) for b in _batches(lengths, batch_size)]
    return sum(shares) / len(shares)


def divides_by_text(lengths, batch_size):
    return sum(len(b) * max(b) for b in _batches(lengths, batch_size)) / sum(lengths) - 1


def sorts(lengths, batch_size):
    lengths.sort()
    return 1 - sum(lengths) / sum(len(b) * max(b) for b in _batches(lengths, batch_size))


def never_moves_on(lengths, batch_size):
    positions, start = 0, 0
    while start < len(lengths):
        positions += max(lengths[start : start + batch_size])
    return positions


def every_subword(word_ids, targets):
    return [-100 if word is None else targets[word] for word in word_ids]


def zero_filling(word_ids, targets):
    labels, before = [], None
    for word in word_ids:
        labels.append(targets[word] if word is not None and word != before else 0)
        before = word
    return labels


def last_subword(word_ids, targets):
    after = [*word_ids[1:], None]
    pairs = zip(word_ids, after, strict=True)
    return [-100 if word is None or word == then else targets[word] for word, then in pairs]


def counts_along(word_ids, targets):
    labels, before, number = [], None, 0
    for word in word_ids:
        if word is None or word == before:
            labels.append(-100)
        else:
            labels.append(targets[number])
            number += 1
        before = word
    return labels


def leaves_special_out(word_ids, targets):
    labels, before = [], None
    for word in word_ids:
        if word is not None:
            labels.append(targets[word] if word != before else -100)
        before = word
    return labels


def special_is_outside(word_ids, targets):
    labels, before = [], None
    for word in word_ids:
        labels.append(0 if word is None else targets[word] if word != before else -100)
        before = word
    return labels


def none_as_index(word_ids, targets):
    return [targets[word] for word in word_ids]


WRONG = {
    "03.1": [
        ([(0, 1), (1, 3), (0, 0), (4, 1), (5, 1)], "number 0 is `[CLS]`"),
        ([(1, 1), (2, 4), (0, 0), (5, 5), (6, 6)], "where its last one stands"),
        ([(1, 2), (2, 5), (0, 0), (5, 6), (6, 7)], "where the next word starts"),
        ([(1, 1), (2, 3), (5, 1), (6, 1)], "keeps its entry"),
        ([(1, 1), (2, 3), (0, 0), (4, 1), (5, 1)], "count places of subwords, not words"),
        ([(1, 1), (2, 3), (4, 1), (5, 1), (6, 1)], "it has none"),
        ([1, 1, 2, 3, 0, 0, 5, 1, 6, 1], "a list of tuples"),
    ],
    "03.2": [
        (more_than, "a word with exactly that number"),
        (once_a_subword, "once for each of its subwords"),
        (letters, "You count letters"),
        (none_is_last, "marks special subwords"),
        (numbers_of_words, "a list of strings is expected"),
        (indexes_with_none, "TypeError"),
    ],
    "03.3": [
        (text_share, "the share of real subwords"),
        (longest_of_all, "*in this batch*"),
        (last_is_full, "count the rows it really has"),
        (mean_of_shares, "divide once, at the end"),
        (divides_by_text, "you divide by the real subwords"),
        (sorts, "in the order in which they come"),
        (never_moves_on, "A loop that never ends?"),
    ],
    "03.4": [
        (every_subword, "Every subword of the word got its tag"),
        (zero_filling, "it would be learnt"),
        (last_subword, "not the last"),
        (counts_along, "Look the target up"),
        (leaves_special_out, "One label for *every* subword"),
        (special_is_outside, "to tag them `O`"),
        (none_as_index, "TypeError"),
    ],
}
