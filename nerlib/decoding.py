"""From logits to tags: the best sequence that BIO allows, not the best tag of each word alone.

Built in notebook 06.
"""

import torch
from torch import Tensor


def best_tags(logits: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
    """Return the most probable tag sequence in which every `I-X` follows a `B-X` or an `I-X`.

    `logits` (batch, words, tags) with tags in the order of a `TagSet`: `O`, then `B-X`, `I-X` of
    each type. `visible` (batch, words) is False for words that the encoder does not see, padding
    included; they are `O`. Returns tag numbers and their probabilities, both (batch, words).
    Source: Viterbi (1967).

    >>> logits = torch.tensor([[[2.0, 1.0, 0.0], [0.0, 0.0, 3.0]]])  # alone: O, then I-TIME
    >>> best_tags(logits, torch.tensor([[True, True]]))[0].tolist()
    [[1, 2]]
    """
    log_probabilities = logits.float().log_softmax(-1)
    scores = only_outside(log_probabilities, visible)
    if not scores.shape[1]:
        return visible.long(), visible.float()
    best, came_from = scores[:, 0].clone(), []
    best[:, 2::2] = float("-inf")  # no utterance starts with an I-
    for word in range(1, scores.shape[1]):
        arrived, before = arrive(best)
        best = arrived + scores[:, word]
        came_from.append(before)
    path = [best.argmax(-1, keepdim=True)]
    for before in reversed(came_from):
        path.append(before.gather(1, path[-1]))
    numbers = torch.cat(path[::-1], dim=1)
    return numbers, log_probabilities.gather(-1, numbers.unsqueeze(-1)).squeeze(-1).exp()


def arrive(best: Tensor) -> tuple[Tensor, Tensor]:
    """Return, for each tag, the best score of a path up to the word before, and that word's tag.

    `best` (batch, tags) → two tensors of the same shape. Any tag may stand before `O` and `B-X`;
    before `I-X` only `B-X` (one number lower) or `I-X` itself.

    >>> arrive(torch.tensor([[0.0, -1.0, -2.0]]))
    (tensor([[ 0.,  0., -1.]]), tensor([[0, 0, 1]]))
    """
    top, tag = best.max(-1, keepdim=True)
    arrived, before = top.expand_as(best).clone(), tag.expand_as(best).clone()
    begin, inside = best[:, 1::2], best[:, 2::2]
    own = 2 * torch.arange(1, best.shape[1] // 2 + 1, device=best.device)
    arrived[:, 2::2] = torch.maximum(begin, inside)
    before[:, 2::2] = own - (begin >= inside).long()
    return arrived, before


def only_outside(scores: Tensor, visible: Tensor) -> Tensor:
    """Return the scores (batch, words, tags) with `O` as the only choice for unseen words."""
    outside = torch.full_like(scores[:1, :1], float("-inf"))
    outside[..., 0] = 0.0
    return torch.where(visible.unsqueeze(-1), scores, outside)


def visible_words(word_ids: Tensor, num_words: int) -> Tensor:
    """Return (batch, words) whether a word has any subword; `word_ids` is (batch, subwords).

    >>> visible_words(torch.tensor([[-1, 0, 2, -1]]), 3).tolist()
    [[True, False, True]]
    """
    seen = torch.zeros((len(word_ids), num_words + 1), dtype=torch.bool, device=word_ids.device)
    # Special subwords mark one column too many, which is cut off again.
    return seen.scatter(1, word_ids.where(word_ids >= 0, num_words), True)[:, :num_words]
