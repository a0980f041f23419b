"""Decoding finds the best sequence that BIO allows: compared with trying every sequence."""

from itertools import pairwise, product

import pytest
import torch
from torch import Tensor

from nerlib import TagSet
from nerlib.decoding import best_tags

TAGS = TagSet.from_types(["date", "time"])
SEQUENCES = list(product(range(len(TAGS)), repeat=4))


def is_allowed(sequence: tuple[int, ...]) -> bool:
    """Whether every I-X of a sequence follows B-X or I-X."""
    labels = ["O", *(TAGS.get_label(number) for number in sequence)]
    return all(not tag.startswith("I") or before[2:] == tag[2:] for before, tag in pairwise(labels))


def path_score(sequence: tuple[int, ...], logits: Tensor) -> Tensor:
    """The score of one sequence, `logits` (words, tags)."""
    return sum((logits[word, tag] for word, tag in enumerate(sequence)), torch.zeros(()))


def by_trying_all(logits: Tensor) -> tuple[int, ...]:
    """The best allowed sequence of one utterance."""
    sequences = filter(is_allowed, product(range(len(TAGS)), repeat=len(logits)))
    return max(sequences, key=lambda s: float(path_score(s, logits)))


def random_case(seed: int) -> tuple[Tensor, Tensor]:
    """Logits (3, 4, tags), and which words are seen (all)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, 4, len(TAGS), generator=generator) * 3, torch.ones(3, 4).bool()


@pytest.mark.parametrize("seed", range(10))
def test_it_is_the_best_allowed_sequence(seed):
    logits, seen = random_case(seed)
    numbers, probabilities = best_tags(logits, seen)
    for row in range(3):
        assert tuple(numbers[row].tolist()) == by_trying_all(logits[row])
        weights = torch.stack([path_score(s, logits[row]) for s in SEQUENCES]).softmax(0)
        for word, tag in enumerate(numbers[row].tolist()):
            having = torch.tensor([sequence[word] == tag for sequence in SEQUENCES])
            torch.testing.assert_close(probabilities[row, word], weights[having].sum())


def test_without_types_everything_is_outside():
    numbers, probabilities = best_tags(torch.zeros(2, 3, 1), torch.ones(2, 3).bool())
    assert (numbers.tolist(), probabilities.tolist()) == ([[0] * 3] * 2, [[1.0] * 3] * 2)


@pytest.mark.parametrize("seed", range(5))
def test_padding_and_unseen_words_are_outside_and_change_nothing(seed):
    logits, seen = random_case(seed)
    seen[:, 2:] = False
    numbers, _ = best_tags(logits, seen)
    for row in range(3):
        assert numbers[row].tolist() == [*by_trying_all(logits[row, :2]), 0, 0]
    hole = torch.tensor([[True, False, True, True]] * 3)
    for row in best_tags(logits, hole)[0].tolist():
        assert row[1] == 0
        assert is_allowed(tuple(row))


def test_no_words_is_no_error():
    numbers, probabilities = best_tags(torch.zeros(2, 0, 5), torch.zeros(2, 0, dtype=torch.bool))
    assert numbers.shape == probabilities.shape == (2, 0)
