"""The checks of lesson 04: encoder, pooling, head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.differences import difference, same
from nerlib.course.checks.exercise import Exercise
from nerlib.course.checks.hint import Hint
from nerlib.course.checks.kinds import described
from nerlib.model import count_parameters, pool_words

# 04.1 --------------------------------------------------------------------------------------------
HEADS = ((4, 3, 2), (384, 128, 111), (8, 8, 5))


def parameters_of_head(hidden: int, inner: int, tags: int) -> int:
    """Return the number of parameters of Linear, ReLU, Linear."""
    return count_parameters(nn.Sequential(nn.Linear(hidden, inner), nn.Linear(inner, tags)))


def _no_biases(hidden: int, inner: int, tags: int) -> int:
    return hidden * inner + inner * tags


def _one_layer(hidden: int, inner: int, tags: int) -> int:
    return hidden * tags + tags


def _product(hidden: int, inner: int, tags: int) -> int:
    return hidden * inner * tags


def _biases_of_inputs(hidden: int, inner: int, tags: int) -> int:
    return hidden * inner + hidden + inner * tags + inner


def _one_bias_a_layer(hidden: int, inner: int, tags: int) -> int:
    return _no_biases(hidden, inner, tags) + 2


def _last_bias_only(hidden: int, inner: int, tags: int) -> int:
    return _no_biases(hidden, inner, tags) + tags


def _first_bias_only(hidden: int, inner: int, tags: int) -> int:
    return _no_biases(hidden, inner, tags) + inner


def _relu_counts(hidden: int, inner: int, tags: int) -> int:
    return parameters_of_head(hidden, inner, tags) + inner


HEAD_SLIPS = (
    (_no_biases, "The biases are missing: a linear layer adds one number to each that it gives."),
    (_biases_of_inputs, "A layer has a bias for each number that it *gives*, not for each that it "
     "takes."),
    (_one_bias_a_layer, "A layer has not one bias but one for each number that it gives."),
    (_last_bias_only, "The first layer has biases as well."),
    (_first_bias_only, "The second layer has biases as well."),
    (_relu_counts, "A ReLU has nothing to learn: it only sets negative numbers to 0."),
    (_one_layer, "There are two layers, with `inner` numbers between them."),
    (_product, "Nothing connects all three: a weight stands for a pair of an input and an output, "
     "layer by layer, and the layers are added."),
)  # fmt: skip


def count_the_head(answer: Answer) -> None:
    """A function from three sizes to a number."""
    for sizes in HEADS:
        answer.compare(parameters_of_head, sizes, int, HEAD_SLIPS)


# 04.2 --------------------------------------------------------------------------------------------
POOLED: tuple[tuple[list[int], int], ...] = (
    ([0, 1, 2], 3),
    ([0, 1, 1, 1, 2], 3),
    ([-1, 0, 0, 1, -1], 2),
    ([-1, 0, 1, 1, -1, -1, -1], 2),
    ([-1, 0, 2, 2, -1], 3),
)


def numbers(*shape: int) -> Tensor:
    """Return random numbers, the same ones every time."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def mean_of_subwords(hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
    """Return (words, hidden): the mean of each word's subwords, zeros for a word without any."""
    return pool_words(hidden[None], word_ids[None], num_words)[0]


def _pieces(hidden: Tensor, word_ids: Tensor, num_words: int) -> list[Tensor]:
    return [hidden[word_ids == word] for word in range(num_words)]


def _sum(hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
    return torch.stack([piece.sum(0) for piece in _pieces(hidden, word_ids, num_words)])


def _first(hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
    return pool_words(hidden[None], word_ids[None], num_words, "first")[0]


def _divided_by_all(hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
    return _sum(hidden, word_ids, num_words) / len(word_ids)


def _divided_by_words(hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
    return _sum(hidden, word_ids, num_words) / num_words


def _last_takes_special(hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
    """Return the means of somebody who uses -1 as an index: Python's last one."""
    return mean_of_subwords(hidden, word_ids % num_words, num_words)


def _special_in_front(hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
    return mean_of_subwords(hidden, word_ids.clamp(min=0), num_words)


def _words_left_out(hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
    found = [piece for piece in _pieces(hidden, word_ids, num_words) if len(piece)]
    return torch.stack([piece.mean(0) for piece in found])


def _one_number(hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
    return torch.stack([piece.mean() for piece in _pieces(hidden, word_ids, num_words)])


POOL_SLIPS = (
    (_one_number, "Each word got one number instead of a vector: take the mean over the subwords "
     "only, `.mean(0)`."),
    (_sum, "That is the sum of a word's subwords: a word of three would be three times as long."),
    (_first, "That is each word's first subword: its others have a say, too."),
    (_divided_by_all, "Divide by the number of *this word's* subwords, not of all subwords."),
    (_divided_by_words, "Divide by the number of this word's *subwords*, not by that of words."),
    (_last_takes_special, "-1 marks special subwords and padding, which belong to no word. As an "
     "index, -1 is the *last* word, which got them all."),
    (_special_in_front, "Special subwords and padding, marked -1, belong to no word; here the "
     "first word got them."),
    (_words_left_out, "A word without subwords keeps its row, with zeros in it: otherwise the rows "
     "behind it belong to the wrong words."),
)  # fmt: skip


def pool(answer: Answer) -> None:
    """A function from hidden states and word_ids to word vectors."""
    for word_ids, num_words in POOLED:
        arguments = (numbers(len(word_ids), 4), torch.tensor(word_ids), num_words)
        case = f"hidden, word_ids={word_ids}, num_words={num_words}"
        found = answer.call(*arguments, kind=Tensor, case=case)
        if not found.isfinite().all():
            raise answer.hint(
                "There is NaN in it: a mean over nothing is 0 divided by 0. A word without "
                "subwords gets zeros."
            )
        answer.compare(mean_of_subwords, arguments, Tensor, POOL_SLIPS, case)


# 04.3 --------------------------------------------------------------------------------------------
LAYERS = ((4, 3, 2), (3, 3, 3), (2, 5, 4))


def layer(inputs: int, outputs: int) -> nn.Linear:
    """Return a linear layer with the same numbers every time."""
    made = nn.Linear(inputs, outputs)
    with torch.no_grad():
        made.weight.copy_(numbers(outputs, inputs))
        made.bias.copy_(numbers(outputs))
    return made


def one_layer(first: nn.Linear, second: nn.Linear) -> tuple[Tensor, Tensor]:
    """Return weight and bias of the layer that equals both."""
    return second.weight @ first.weight, second.weight @ first.bias + second.bias


def _wrong_order(first: nn.Linear, second: nn.Linear) -> tuple[Tensor, Tensor]:
    return first.weight @ second.weight, one_layer(first, second)[1]


def _transposed(first: nn.Linear, second: nn.Linear) -> tuple[Tensor, Tensor]:
    weight, bias = one_layer(first, second)
    return weight.T, bias


def _second_bias(first: nn.Linear, second: nn.Linear) -> tuple[Tensor, Tensor]:
    return one_layer(first, second)[0], second.bias


def _first_bias_through(first: nn.Linear, second: nn.Linear) -> tuple[Tensor, Tensor]:
    return one_layer(first, second)[0], second.weight @ first.bias


def _biases_added(first: nn.Linear, second: nn.Linear) -> tuple[Tensor, Tensor]:
    return one_layer(first, second)[0], first.bias + second.bias


def _exchanged(first: nn.Linear, second: nn.Linear) -> tuple[Tensor, Tensor]:
    return one_layer(first, second)[::-1]


LAYER_SLIPS = (
    (_exchanged, "Weight first, then bias."),
    (_transposed, "The weight is turned round: torch keeps it as (outputs, inputs)."),
    (_second_bias, "The bias of the first layer is lost: it passes through the second layer, which "
     "multiplies it by its weight."),
    (_first_bias_through, "The bias of the second layer is lost: it is added at the very end."),
    (_biases_added, "The bias of the first layer passes through the second layer: it is multiplied "
     "by the second weight before the second bias is added."),
    (_wrong_order, "The order of a matrix product matters: (v A) B = v (A B). torch keeps its "
     "weights turned round, so the second one stands on the left."),
)  # fmt: skip


def melt(answer: Answer) -> None:
    """A function from two layers to a weight and a bias."""
    for hidden, inner, tags in LAYERS:
        layers = layer(hidden, inner), layer(inner, tags)
        case = f"Linear({hidden}, {inner}), Linear({inner}, {tags})"
        answer.compare(one_layer, layers, tuple[Tensor, Tensor], LAYER_SLIPS, case)


# 04.4 --------------------------------------------------------------------------------------------
HIDDEN = 4
BATCHES: tuple[tuple[list[list[int]], int], ...] = (
    ([[0, 1, 2]], 3),
    ([[-1, 0, 0, 1, -1]], 2),
    ([[-1, 0, 1, 1, 1, -1], [-1, 0, 0, -1, -1, -1]], 2),
    ([[-1, 0, 2, 2, -1]], 3),
)


def learnt_pooling(scores: Tensor, hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
    """Return (batch, words, hidden): weights from the scores (batch, subwords), 1 in sum a word."""
    belongs = _belongs(word_ids, num_words)
    return _weights(scores, belongs) @ hidden


def _belongs(word_ids: Tensor, num_words: int) -> Tensor:
    """Return (batch, words, subwords): whether a subword is part of a word."""
    return word_ids.unsqueeze(1) == torch.arange(num_words).unsqueeze(1)


def _weights(scores: Tensor, belongs: Tensor) -> Tensor:
    masked = scores.unsqueeze(1).masked_fill(~belongs, -1e9)
    return masked.softmax(-1) * belongs


def _over_everything(scores: Tensor, hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
    """Pool like somebody who takes the softmax before the mask."""
    return (scores.softmax(-1).unsqueeze(1) * _belongs(word_ids, num_words)) @ hidden


def _over_words(scores: Tensor, hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
    """Pool like somebody who takes the softmax along the words."""
    belongs = _belongs(word_ids, num_words)
    return (scores.unsqueeze(1).masked_fill(~belongs, -1e9).softmax(1) * belongs) @ hidden


def _never_zero(scores: Tensor, hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
    """Pool like somebody who forgets the words without subwords."""
    belongs = _belongs(word_ids, num_words)
    return scores.unsqueeze(1).masked_fill(~belongs, -1e9).softmax(-1) @ hidden


def _plain_mean(scores: Tensor, hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
    return pool_words(hidden, word_ids, num_words)


def _scores_as_weights(scores: Tensor, hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
    return (scores.unsqueeze(1) * _belongs(word_ids, num_words)) @ hidden


POOLING_SLIPS = (
    (_over_words, "The softmax goes along the words: its weights have to sum to 1 over the "
     "*subwords* of a word, the last dimension."),
    (_over_everything, "The weights of a word do not sum to 1: special subwords and other words "
     "take a share. Mask first, softmax then."),
    (_scores_as_weights, "Scores are not weights yet: a softmax over a word's subwords makes them "
     "positive, with sum 1."),
    (_plain_mean, "Whatever the scores are, that is the plain mean: the weights have to depend on "
     "them."),
    (_never_zero, "The softmax over nothing but masked places is uniform, so a word without "
     "subwords got a bit of everything. Set its weights to 0."),
)  # fmt: skip


def pooling_that_learns(answer: Answer) -> None:
    """A module class."""
    if isinstance(answer.value, nn.Module):
        raise Hint(f"Hand in the class itself, not {described(answer.value)}.")
    made = Answer(answer.call(HIDDEN, kind=nn.Module), f"{answer.name}({HIDDEN})")
    scorer = _scorer(answer, made.value)
    for scale in (0.0, 1.0):  # all scores equal, then not
        with torch.no_grad():
            scorer.weight.copy_(scale * numbers(1, HIDDEN))
            if scorer.bias is not None:
                scorer.bias.zero_()
        for word_ids, num_words in BATCHES:
            _compare_pooling(made, scorer, torch.tensor(word_ids), num_words, scale)


def _scorer(answer: Answer, module: nn.Module) -> nn.Linear:
    """Return the layer that gives the scores."""
    found = [part for part in module.modules() if isinstance(part, nn.Linear)]
    answer.told = f"`{answer.name}({HIDDEN})` has {count_parameters(module)} parameters."
    if not found:
        raise answer.hint(
            "The layer that gives the scores has to be made in `__init__` and kept in `self`: one "
            "made in `forward` is new and random each time, and an optimiser never sees it."
        )
    if len(found) > 1 or found[0].weight.shape != (1, HIDDEN):
        raise answer.hint("One `nn.Linear(hidden_size, 1)` is enough: one score a subword.")
    return found[0]


def _compare_pooling(
    made: Answer, scorer: nn.Linear, word_ids: Tensor, num_words: int, scale: float
) -> None:
    """Compare one batch; raises `Hint`."""
    hidden = numbers(*word_ids.shape, HIDDEN)
    equal = ", all scores equal" if scale == 0 else ""
    case = f"hidden, word_ids={word_ids.tolist()}, num_words={num_words}{equal}"
    found = made.call(hidden, word_ids, num_words, kind=Tensor, case=case).detach()
    with torch.no_grad():
        given = scorer(hidden).squeeze(-1), hidden, word_ids, num_words
    expected = learnt_pooling(*given)
    if not found.isfinite().all():
        raise made.hint(
            "There is NaN in it: a softmax over -inf alone is 0 divided by 0. Fill with a very "
            "negative number instead, and set the weights of a word without subwords to 0."
        )
    if not same(found, expected):
        ideas = [idea for slip, idea in POOLING_SLIPS if same(found, slip(*given))]
        raise made.hint(ideas[0] if ideas else difference(found, expected))


EXERCISES = (
    Exercise(
        "04.1", "Count the head", count_the_head,
        "A linear layer has one weight for each pair that it connects, and one bias for each "
        "number that it gives.",
    ),
    Exercise(
        "04.2", "Pool by hand", pool,
        "One vector a word, whatever the tokenizer did; a mean over nothing needs a decision.",
    ),
    Exercise(
        "04.3", "A head without ReLU", melt,
        "Without something crooked between them, two linear layers are one.",
    ),
    Exercise(
        "04.4", "Pooling that learns", pooling_that_learns,
        "A mask and a softmax turn scores into weights; what is kept in `self` is learnt.",
    ),
)  # fmt: skip
