"""Decoding finds the best sequence that BIO allows: compared with trying all of them."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
import torch

from nerlib import TagSet
from nerlib.decoding import best_tags, visible_words

TAGS = TagSet.from_types(["date", "time"])


def allowed(sequence: tuple[int, ...]) -> bool:
    """Whether every I-X of a sequence follows B-X or I-X."""
    labels = ["O", *(TAGS.get_label(number) for number in sequence)]
    return all(not tag.startswith("I") or before[2:] == tag[2:] for before, tag in pairwise(labels))


def by_trying_all(scores: torch.Tensor) -> tuple[int, ...]:
    """The best allowed sequence of one utterance, `scores` (words, tags)."""
    sequences = [s for s in product(range(len(TAGS)), repeat=len(scores)) if allowed(s)]
    return max(sequences, key=lambda s: float(scores[range(len(s)), list(s)].sum()))


@pytest.mark.parametrize("seed", range(40))
def test_it_is_the_best_allowed_sequence(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 4, len(TAGS), generator=generator) * 3
    visible = torch.ones(3, 4, dtype=torch.bool)
    numbers, probabilities = best_tags(logits, visible)
    for row in range(3):
        assert tuple(numbers[row].tolist()) == by_trying_all(logits[row].log_softmax(-1))
    chosen = logits.softmax(-1).gather(-1, numbers.unsqueeze(-1)).squeeze(-1)
    torch.testing.assert_close(probabilities, chosen)


@pytest.mark.parametrize("seed", range(20))
def test_padding_and_unseen_words_are_outside_and_change_nothing(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(1, 6, len(TAGS), generator=generator) * 3
    visible = torch.tensor([[True, True, True, False, False, False]])
    numbers, _ = best_tags(logits, visible)
    assert numbers[0, 3:].tolist() == [0, 0, 0]
    assert numbers[0, :3].tolist() == list(by_trying_all(logits[0, :3].log_softmax(-1)))
    hole = torch.tensor([[True, False, True, True, True, True]])
    tags = [TAGS.get_label(number) for number in best_tags(logits, hole)[0][0].tolist()]
    assert tags[1] == "O"
    assert not tags[2].startswith("I-")


def test_no_words_is_no_error() -> None:
    numbers, probabilities = best_tags(torch.zeros(2, 0, 5), torch.zeros(2, 0, dtype=torch.bool))
    assert numbers.shape == probabilities.shape == (2, 0)


def test_visible_words_are_those_with_subwords() -> None:
    word_ids = torch.tensor([[-1, 0, 0, 2, -1], [-1, 1, -1, -1, -1]])
    assert visible_words(word_ids, 3).tolist() == [[True, False, True], [False, True, False]]
