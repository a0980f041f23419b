"""From logits to tags: the best sequence that BIO allows, not the best tag of each word alone.

Built in notebook 06. The second half is for models with a CRF head, whose scores of a tag after
another (`transitions`) are learnt.
"""

import torch
from torch import Tensor


def best_tags(
    logits: Tensor, visible: Tensor, transitions: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the most probable tag sequence in which every `I-X` follows a `B-X` or an `I-X`.

    `logits` (batch, words, tags) with tags in the order of a `TagSet`: `O`, then `B-X`, `I-X` of
    each type. `visible` (batch, words) is False for words that the encoder does not see, padding
    included; they are `O`. `transitions` (tags, tags) are the scores of the second tag after the
    first, all 0 if None. Returns tag numbers and their probabilities, both (batch, words).
    Source: Viterbi (1967).

    >>> logits = torch.tensor([[[2.0, 1.0, 0.0], [0.0, 0.0, 3.0]]])  # alone: O, then I-TIME
    >>> best_tags(logits, torch.tensor([[True, True]]))[0].tolist()
    [[1, 2]]
    """
    log_probabilities = logits.float().log_softmax(-1)
    scores = only_outside(log_probabilities, visible)
    if not scores.shape[1]:
        return visible.long(), visible.float()
    if transitions is not None:
        transitions = transitions.detach().to(scores.device)
    best, came_from = scores[:, 0].clone(), []
    best[:, 2::2] = float("-inf")  # no utterance starts with an I-
    for word in range(1, scores.shape[1]):
        if transitions is None:
            arrived, before = arrive(best)
        else:
            steps = transitions_before(word, visible, transitions)
            arrived, before = (best.unsqueeze(-1) + allowed_steps(steps)).max(1)
        best = arrived + scores[:, word]
        came_from.append(before)
    path = [best.argmax(-1, keepdim=True)]
    for before in reversed(came_from):
        path.append(before.gather(1, path[-1]))
    numbers = torch.cat(path[::-1], dim=1)
    if transitions is not None:
        log_probabilities = log_marginals(scores, visible, transitions)
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
    own = torch.arange(2, best.shape[1], 2, device=best.device)
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


def transitions_before(word: int, visible: Tensor, transitions: Tensor) -> Tensor:
    """Return the scores of the step to a word, (batch, from, to): 0 unless both words are seen.

    So padding, which is unseen, changes no utterance.
    """
    linked = visible[:, word - 1] & visible[:, word]
    return linked[:, None, None] * transitions


def allowed_steps(steps: Tensor) -> Tensor:
    """Return the scores of steps (batch, from, to), minus infinity where BIO forbids the step.

    >>> allowed_steps(torch.zeros(1, 3, 3))[0].tolist()
    [[0.0, 0.0, -inf], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    forbidden = torch.zeros(steps.shape[1:], dtype=torch.bool, device=steps.device)
    inside = torch.arange(2, len(forbidden), 2, device=steps.device)
    forbidden[:, inside] = True
    forbidden[inside, inside] = forbidden[inside - 1, inside] = False
    return steps.masked_fill(forbidden, float("-inf"))


def path_sums(scores: Tensor, visible: Tensor, transitions: Tensor) -> Tensor:
    """Return the log of the summed exponentials of all paths that end at a word with a tag.

    `scores` (batch, words, tags), of unseen words as `only_outside` gives them → the same shape.
    This is the forward algorithm; a path's score is the sum of its scores and transitions.
    Source: Lafferty, McCallum & Pereira (2001), Conditional Random Fields.
    """
    sums = [scores[:, 0]]
    for word in range(1, scores.shape[1]):
        steps = transitions_before(word, visible, transitions)
        sums.append((sums[-1].unsqueeze(-1) + steps).logsumexp(1) + scores[:, word])
    return torch.stack(sums, dim=1)


def log_marginals(scores: Tensor, visible: Tensor, transitions: Tensor) -> Tensor:
    """Return the log probability of each word's tags over all paths, as (batch, words, tags)."""
    forward = path_sums(scores, visible, transitions)
    backward = path_sums(scores.flip(1), visible.flip(1), transitions.T).flip(1)
    counted_twice = scores.where(scores.isfinite(), 0.0)
    return (forward + backward - counted_twice).log_softmax(-1)
