"""The checks of lesson 04: encoder, pooling, head."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Comparison, Function
from nerlib.model import count_parameters, pool_words


def parameters_of_head(hidden: int, inner: int, tags: int) -> int:
    """Return the number of parameters of Linear, ReLU, Linear."""
    return count_parameters(nn.Sequential(nn.Linear(hidden, inner), nn.Linear(inner, tags)))


HEAD = Comparison(
    parameters_of_head,
    no_biases=lambda hidden, inner, tags: hidden * inner + inner * tags,
    one_bias_a_layer=lambda hidden, inner, tags: (hidden + tags) * inner + 2,
    one_layer=lambda hidden, inner, tags: (hidden + 1) * tags,
    product=lambda hidden, inner, tags: hidden * inner * tags,
)

HIDDEN = 4


def numbers(*shape: int) -> Tensor:
    """Return random numbers, the same ones every time."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def mean_of_subwords(hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
    """Return (words, hidden): the mean of each word's subwords, zeros for a word without any."""
    return pool_words(hidden[None], word_ids[None], num_words)[0]


def _pooled_case(ids: list[Any], num_words: int) -> tuple[Tensor, Tensor, int]:
    """Return random vectors of subwords, the word of each (-1: of none), and how many words."""
    word_ids = torch.tensor(ids)
    return numbers(*word_ids.shape, HIDDEN), word_ids, num_words


def _pooling_name(hidden: Tensor, word_ids: Tensor, num_words: int, more: str = "") -> str:
    return f"hidden, word_ids={word_ids.tolist()}, num_words={num_words}{more}"


def _of_pieces(change: Callable[[Tensor], Tensor], least: int = 0) -> Function:
    """Return the slip of somebody who changes the subwords of each word that has so many."""
    return lambda hidden, ids, words: torch.stack(
        [change(hidden[ids == n]) for n in range(words) if (ids == n).sum() >= least]
    )


_sum = _of_pieces(lambda piece: piece.sum(0))

POOL = Comparison(
    mean_of_subwords,
    read=_pooled_case,
    name=_pooling_name,
    sum=_sum,
    first=lambda hidden, ids, words: pool_words(hidden[None], ids[None], words, "first")[0],
    divided_by_all=lambda hidden, ids, words: _sum(hidden, ids, words) / len(ids),
    # As an index, -1 is Python's last one.
    last_takes_special=lambda hidden, ids, n: mean_of_subwords(hidden, ids % n, n),
    words_left_out=_of_pieces(lambda piece: piece.mean(0), least=1),
    not_a_number=_of_pieces(lambda piece: piece.mean(0)),
)


def layers(hidden: int, inner: int, tags: int) -> tuple[nn.Linear, nn.Linear]:
    """Return two linear layers with the same numbers every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Linear(hidden, inner), nn.Linear(inner, tags)


def one_layer(first: nn.Linear, second: nn.Linear) -> tuple[Tensor, Tensor]:
    """Return weight and bias of the layer that equals both."""
    return second.weight @ first.weight, second.weight @ first.bias + second.bias


def _with_bias(bias: Function) -> Function:
    return lambda first, second: (second.weight @ first.weight, bias(first, second))


MELT = Comparison(
    one_layer,
    read=layers,
    exchanged=lambda first, second: one_layer(first, second)[::-1],
    second_bias=_with_bias(lambda first, second: second.bias),
    first_bias_through=_with_bias(lambda first, second: second.weight @ first.bias),
    wrong_order=lambda first, second: (first.weight @ second.weight, one_layer(first, second)[1]),
)

# What makes weights (batch, words, subwords) of the scores (batch, 1, subwords), given which
# subwords belong to which word.
Weigh = Callable[[Tensor, Tensor], Tensor]


def learnt_weights(scores: Tensor, belongs: Tensor) -> Tensor:
    """Return weights whose sum is 1 for each word, and 0 for a word without subwords."""
    return WEIGHTS["never_zero"](scores, belongs) * belongs


WEIGHTS: dict[str, Weigh] = {
    "infinity": lambda scores, belongs: scores.masked_fill(~belongs, -torch.inf).softmax(-1),
    "over_words": lambda scores, belongs: scores.masked_fill(~belongs, -1e9).softmax(1) * belongs,
    "over_everything": lambda scores, belongs: scores.softmax(-1) * belongs,
    "scores_as_weights": lambda scores, belongs: scores * belongs,
    "plain_mean": lambda scores, belongs: belongs / belongs.sum(-1, keepdim=True).clamp(min=1),
    "never_zero": lambda scores, belongs: scores.masked_fill(~belongs, -1e9).softmax(-1),
}


def pooling(scorer: nn.Module, weigh: Weigh) -> Callable[[Tensor, Tensor, int], Tensor]:
    """Return a function that pools subwords, given the layer that scores them."""

    def pooled(hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
        belongs = word_ids.unsqueeze(1) == torch.arange(num_words).unsqueeze(1)
        return weigh(scorer(hidden).squeeze(-1).unsqueeze(1), belongs) @ hidden

    return pooled


def pooling_that_learns(answer: Answer) -> None:
    """A module class."""
    if isinstance(answer.value, nn.Module):
        answer.fail("no_class")
    name = f"{answer.name}({HIDDEN})"
    made = Answer(answer.call(HIDDEN, kind=nn.Module), answer.hints, answer.cases, name)
    layers = [part for part in made.value.modules() if isinstance(part, nn.Linear)]
    if [layer.weight.shape for layer in layers] != [(1, HIDDEN)]:
        about = f"`{name}` has {count_parameters(made.value)} parameters."
        answer.fail("several_layers" if layers else "no_layer", about)
    (scorer,) = layers
    for scale, told in ((0.0, ", all scores equal"), (1.0, "")):
        with torch.no_grad():
            scorer.weight.copy_(scale * numbers(1, HIDDEN))
            if scorer.bias is not None:
                scorer.bias.zero_()
        compare = Comparison(
            pooling(scorer, learnt_weights),
            read=_pooled_case,
            name=partial(_pooling_name, more=told),
            **{name: pooling(scorer, weigh) for name, weigh in WEIGHTS.items()},
        )
        compare(made)


CHECKS = (HEAD, POOL, MELT, pooling_that_learns)  # in the order of their numbers
