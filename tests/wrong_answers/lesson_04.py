"""What people get wrong in lesson 04."""

from __future__ import annotations

import torch
from torch import nn


def no_biases(hidden, inner, tags):
    return hidden * inner + inner * tags


def inputs_have_biases(hidden, inner, tags):
    return (hidden + 1) * 0 + hidden * inner + hidden + inner * tags + inner


def all_multiplied(hidden, inner, tags):
    return hidden * inner * tags


def relu_learns(hidden, inner, tags):
    return hidden * inner + inner + inner + inner * tags + tags


def one_bias_a_layer(hidden, inner, tags):
    return hidden * inner + 1 + inner * tags + 1


def nan_pooling(hidden, word_ids, num_words):
    return torch.stack([hidden[word_ids == word].mean(0) for word in range(num_words)])


def sums(hidden, word_ids, num_words):
    return torch.stack([hidden[word_ids == word].sum(0) for word in range(num_words)])


def index_add(hidden, word_ids, num_words):
    vectors, counts = torch.zeros(num_words, hidden.shape[1]), torch.zeros(num_words, 1)
    for vector, word in zip(hidden, word_ids.tolist(), strict=True):
        vectors[word] += vector
        counts[word] += 1
    return vectors / counts.clamp(min=1)


def seen_words_only(hidden, word_ids, num_words):
    seen = [word for word in word_ids.unique().tolist() if word >= 0]
    return torch.stack([hidden[word_ids == word].mean(0) for word in seen])


def mean_of_all(hidden, word_ids, num_words):
    return torch.stack([hidden[word_ids == word].mean() for word in range(num_words)])


def first_ones(hidden, word_ids, num_words):
    vectors = torch.zeros(num_words, hidden.shape[1])
    for place in reversed(range(len(word_ids))):
        if word_ids[place] >= 0:
            vectors[word_ids[place]] = hidden[place]
    return vectors


def divided_by_all(hidden, word_ids, num_words):
    return sums(hidden, word_ids, num_words) / len(hidden)


def weights_in_wrong_order(first, second):
    return first.weight @ second.weight, second.weight @ first.bias + second.bias


def written_as_on_paper(first, second):
    return (first.weight.T @ second.weight.T), second.weight @ first.bias + second.bias


def only_second_bias(first, second):
    return second.weight @ first.weight, second.bias


def only_first_bias(first, second):
    return second.weight @ first.weight, second.weight @ first.bias


def weight_only(first, second):
    return second.weight @ first.weight


class Pooling(nn.Module):
    """The right way, of which others change a line."""

    def __init__(self, hidden_size):
        super().__init__()
        self.score = nn.Linear(hidden_size, 1)

    def forward(self, hidden, word_ids, num_words):
        belongs = word_ids.unsqueeze(1) == torch.arange(num_words).unsqueeze(1)
        scores = self.score(hidden).squeeze(-1).unsqueeze(1)
        return self.weights(scores, belongs) @ hidden


class Infinity(Pooling):
    def weights(self, scores, belongs):
        return scores.masked_fill(~belongs, -torch.inf).softmax(-1)


class NeverZero(Pooling):
    def weights(self, scores, belongs):
        return scores.masked_fill(~belongs, -1e9).softmax(-1)


class SoftmaxFirst(Pooling):
    def weights(self, scores, belongs):
        return scores.softmax(-1) * belongs


class AlongWords(Pooling):
    def weights(self, scores, belongs):
        return scores.masked_fill(~belongs, -1e9).softmax(1) * belongs


class JustMean(Pooling):
    def weights(self, scores, belongs):
        return belongs / belongs.sum(-1, keepdim=True).clamp(min=1)


class MadeInForward(nn.Module):
    def forward(self, hidden, word_ids, num_words):
        return nn.Linear(hidden.shape[-1], 1)(hidden)

    def __init__(self, hidden_size):
        super().__init__()


class NoSuper(nn.Module):
    def __init__(self, hidden_size):
        self.score = nn.Linear(hidden_size, 1)


WRONG = {
    "04.1": [
        (no_biases, "The biases are missing"),
        (inputs_have_biases, "not for each that it takes"),
        (all_multiplied, "Nothing connects all three"),
        (relu_learns, "A ReLU has nothing to learn"),
        (one_bias_a_layer, "has not one bias"),
    ],
    "04.2": [
        (nan_pooling, "0 divided by 0"),
        (sums, "three times as long"),
        (index_add, "As an index, -1"),
        (seen_words_only, "keeps its row"),
        (mean_of_all, "one number instead of a vector"),
        (first_ones, "first subword"),
        (divided_by_all, "*this word's* subwords"),
    ],
    "04.3": [
        (weights_in_wrong_order, "RuntimeError"),
        (written_as_on_paper, "turned round: torch keeps"),
        (only_second_bias, "first layer is lost"),
        (only_first_bias, "second layer is lost"),
        (weight_only, "a tuple (a tensor, a tensor) is expected"),
    ],
    "04.4": [
        (Infinity, "a softmax over -inf"),
        (NeverZero, "a bit of everything"),
        (SoftmaxFirst, "Mask first"),
        (AlongWords, "along the words"),
        (JustMean, "the plain mean"),
        (MadeInForward, "kept in `self`"),
        (NoSuper, "`super().__init__()`"),
        (Pooling(4), "Hand in the class itself"),
    ],
}
