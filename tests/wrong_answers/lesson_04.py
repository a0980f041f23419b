"""What people get wrong in lesson 04, besides the mistakes that its checks know by name."""

from __future__ import annotations

import torch
from torch import nn

from nerlib.course.checks.lesson_04 import WEIGHTS


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


class MadeInForward(nn.Module):
    def __init__(self, hidden_size):
        super().__init__()

    def forward(self, hidden, word_ids, num_words):
        return nn.Linear(hidden.shape[-1], 1)(hidden)


class TwoLayers(nn.Module):
    def __init__(self, hidden_size):
        super().__init__()
        self.first, self.second = nn.Linear(hidden_size, 2), nn.Linear(2, 1)


class NoSuper(nn.Module):
    def __init__(self, hidden_size):
        self.score = nn.Linear(hidden_size, 1)


WRONG = {
    "04.3": [(weight_only, "a tuple (a tensor, a tensor) is expected")],
    "04.4": [
        *((pooling_with(name), name) for name in WEIGHTS),
        (MadeInForward, "no_layer"),
        (TwoLayers, "several_layers"),
        (NoSuper, "`super().__init__()`"),
        (nn.Linear(4, 1), "no_class"),
    ],
}
