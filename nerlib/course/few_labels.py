"""A tagger that learns in a fraction of a second, and what it makes of more and more sentences.

Lesson 13 trains hundreds of times, so the encoder stays as it is: its word vectors are computed
once, and only a head is learnt from them, in closed form.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tomllib import loads
from typing import Self

import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot, pad
from torch.nn.utils.rnn import pad_sequence

from nerlib.dataset import NERDataset
from nerlib.decoding import best_tags
from nerlib.metrics import evaluate_tags
from nerlib.model import NERClassifier, word_vectors
from nerlib.parsing import OUTSIDE, bio_tags
from nerlib.tools.suggest import k_centre

RIDGE = 0.3  # how strongly large weights are held back
STEP, MOST = 25, 200  # rows that are annotated at a time, and in the end


def slot_types() -> dict[str, str]:
    """Return MASSIVE's slot types, and `other`, each with one line of description.

    >>> slot_types()["game_name"]
    'name of a game, as chess'
    """
    return loads((Path(__file__).parents[1] / "data" / "slot_types.toml").read_text("utf-8"))


@dataclass(frozen=True)
class Frozen:
    """Rows as a frozen encoder sees them: a vector a word, of length 1, around the mean of all."""

    data: NERDataset
    vectors: list[Tensor]  # (words, hidden) each
    mean: Tensor  # (hidden,)

    @classmethod
    def read(cls, model: NERClassifier, data: NERDataset, mean: Tensor | None = None) -> Self:
        """Return a dataset's vectors, around a `mean` if it is given: that of the training rows."""
        found = word_vectors(model, data)
        mean = torch.cat(found).mean(0) if mean is None else mean
        return cls(data, [normalize(words - mean, dim=-1) for words in found], mean)

    def sentences(self) -> Tensor:
        """Return the mean vector of each row's words, (rows, hidden)."""
        return torch.stack([words.mean(0) for words in self.vectors])

    def score(self, tags: Iterable[Sequence[str]]) -> float:
        """Return the entity F1 of some tags."""
        return evaluate_tags(self.data.gold, [*map(list, tags)]).overall.f1


def fit_head(frozen: Frozen, rows: Sequence[int]) -> Tensor:
    """Return the weights (hidden + 1, tags) that fit the tags of some rows best: ridge regression.

    Source: Hoerl & Kennard (1970), Ridge Regression.
    """
    target = torch.cat([frozen.data[row]["target"] for row in rows])
    words = pad(torch.cat([frozen.vectors[row] for row in rows]), (0, 1), value=1.0)
    words, right = words[target >= 0], one_hot(target[target >= 0], len(frozen.data.tags)).float()
    squares = words.T @ words + RIDGE * torch.eye(words.shape[1])
    weights: Tensor = torch.linalg.solve(squares, words.T @ right)
    return weights


def head_scores(weights: Tensor, vectors: Tensor) -> Tensor:
    """Return the score of each tag, (…, words, tags), for vectors (…, words, hidden)."""
    return pad(vectors, (0, 1), value=1.0) @ weights


def head_tags(frozen: Frozen, weights: Tensor) -> list[list[str]]:
    """Return each row's tags by a head: the best sequence that BIO allows."""
    lengths = torch.tensor([len(words) for words in frozen.vectors])
    scores = head_scores(weights, pad_sequence(frozen.vectors, batch_first=True))
    numbers, _ = best_tags(20 * scores, torch.arange(scores.shape[1]) < lengths[:, None])
    labels, found = frozen.data.tags.labels, zip(numbers.tolist(), lengths.tolist(), strict=True)
    return [[labels[number] for number in row[:length]] for row, length in found]


def nearest_tags(
    frozen: Frozen, vectors: Tensor, types: Sequence[str], k: int = 1
) -> list[list[str]]:
    """Return tags by the types of the `k` nearest of some vectors (known, hidden).

    Neighbours of one type are one entity; `O` is the type of what is none.
    """
    names = sorted(set(types))
    votes = one_hot(torch.tensor([names.index(name) for name in types])).float()
    tags = list[list[str]]()
    for words in frozen.vectors:
        near = (words @ normalize(vectors, dim=-1).T).topk(min(k, len(types)))
        found = (votes[near.indices] * near.values.unsqueeze(-1)).sum(1).argmax(-1).tolist()
        runs = [(names[number], len(list(run))) for number, run in groupby(found)]
        tags.append([t for name, n in runs for t in bio_tags(None if name == OUTSIDE else name, n)])
    return tags


def simulate(
    pool: Frozen, exam: Frozen, choose: Callable[[Frozen, list[int], int], list[int]], seed: int
) -> list[float]:
    """Return the F1 on `exam` with 25, 50 … 200 rows of `pool` that somebody has annotated.

    The first rows are drawn; `choose(pool, annotated, 25)` returns the next ones without a look at
    hidden labels.
    """
    rows, found = random.Random(seed).sample(range(len(pool.data)), STEP), list[float]()
    while len(rows) <= MOST:
        found.append(exam.score(head_tags(exam, fit_head(pool, rows))))
        rows = rows + choose(pool, rows, STEP)
    return found


def at_random(pool: Frozen, rows: list[int], step: int) -> list[int]:
    """Return rows that are drawn."""
    return random.Random(str(rows)).sample(_hidden(pool, rows), step)


def unsure(pool: Frozen, rows: list[int], step: int) -> list[int]:
    """Return the rows with the smallest margin between the two best tags of some word."""
    weights, rest = fit_head(pool, rows), _hidden(pool, rows)
    best_two = [head_scores(weights, pool.vectors[row]).topk(2).values for row in rest]
    margins = [float((two[:, 0] - two[:, 1]).min()) for two in best_two]
    return [row for _, row in sorted(zip(margins, rest, strict=True))[:step]]


def _hidden(pool: Frozen, rows: list[int]) -> list[int]:
    return sorted({*range(len(pool.data))} - {*rows})


def different(pool: Frozen, rows: list[int], step: int) -> list[int]:
    """Return the rows that lie furthest from those that are there, and from one another."""
    return k_centre(pool.sentences(), step, rows)


def both(pool: Frozen, rows: list[int], step: int) -> list[int]:
    """Return, of four times as many unsure rows, those that lie furthest apart."""
    few = [*rows, *unsure(pool, rows, 4 * step)]
    return [few[n] for n in k_centre(pool.sentences()[few], step, range(len(rows)))]


CHOICES = {"random": at_random, "unsure": unsure, "different": different, "both": both}
