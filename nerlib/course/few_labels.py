"""A tagger that learns in a fraction of a second, and what it makes of more and more sentences.

Lesson 13 trains hundreds of times, so the encoder stays as it is: its word vectors are computed
once, and only a head is learnt from them, in closed form.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tomllib import loads

import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot
from torch.nn.utils.rnn import pad_sequence

from nerlib.dataset import NERDataset
from nerlib.decoding import best_tags
from nerlib.metrics import evaluate_tags
from nerlib.model import NERClassifier, word_vectors
from nerlib.parsing import OUTSIDE
from nerlib.tools.suggest import k_centre

RIDGE = 0.3  # how strongly large weights are held back
Choice = Callable[["Frozen", list[int], int], list[int]]


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
    def read(cls, model: NERClassifier, data: NERDataset, mean: Tensor | None = None) -> Frozen:
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
    words = _with_one(torch.cat([frozen.vectors[row] for row in rows]))
    target = torch.cat([frozen.data[row]["target"] for row in rows])
    seen = target >= 0
    right = one_hot(target[seen], len(frozen.data.tags)).float()
    words = words[seen]
    squares = words.T @ words + RIDGE * torch.eye(words.shape[1])
    weights: Tensor = torch.linalg.solve(squares, words.T @ right)
    return weights


def _with_one(vectors: Tensor) -> Tensor:
    """Return vectors (words, hidden) with a 1 behind each, for the bias."""
    return torch.cat([vectors, torch.ones(len(vectors), 1)], dim=-1)


def head_scores(weights: Tensor, vectors: Sequence[Tensor]) -> list[Tensor]:
    """Return the scores (words, tags) of each row."""
    return [_with_one(words) @ weights for words in vectors]


def head_tags(frozen: Frozen, weights: Tensor) -> list[list[str]]:
    """Return each row's tags by a head: the best sequence that BIO allows."""
    scores = pad_sequence(head_scores(weights, frozen.vectors), batch_first=True)
    lengths = torch.tensor([len(words) for words in frozen.vectors])
    visible = torch.arange(scores.shape[1]) < lengths[:, None]
    numbers, _ = best_tags(20 * scores, visible)
    labels = frozen.data.tags.labels
    return [
        [labels[n] for n in row[:length]]
        for row, length in zip(numbers.tolist(), lengths.tolist(), strict=True)
    ]


def nearest_tags(
    frozen: Frozen, vectors: Tensor, types: Sequence[str], k: int = 1
) -> list[list[str]]:
    """Return tags by the types of the `k` nearest of some vectors (known, hidden).

    Neighbours of one type are one entity; `O` is the type of what is none.
    """
    names = sorted(set(types))
    numbers = torch.tensor([names.index(name) for name in types])
    votes = one_hot(numbers, len(names)).float()
    tags = []
    for words in frozen.vectors:
        near = (words @ normalize(vectors, dim=-1).T).topk(min(k, len(types)))
        found = (votes[near.indices] * near.values.unsqueeze(-1)).sum(1).argmax(-1)
        tags.append(joined([names[n] for n in found.tolist()]))
    return tags


def joined(types: Sequence[str]) -> list[str]:
    """Return BIO tags for a type a word: neighbours of one type are one entity.

    >>> joined(["O", "TIME", "TIME"])
    ['O', 'B-TIME', 'I-TIME']
    """
    before = [OUTSIDE, *types]
    return [
        name if name == OUTSIDE else f"{'I' if name == last else 'B'}-{name}"
        for last, name in zip(before, types, strict=False)
    ]


def simulate(
    pool: Frozen, exam: Frozen, choose: Choice, seed: int, step: int = 25, most: int = 200
) -> list[float]:
    """Return the F1 on `exam` after each `step` rows of `pool` that somebody has annotated.

    The first rows are drawn; `choose(pool, annotated, step)` returns the next ones, all hidden
    labels aside.
    """
    rows = random.Random(seed).sample(range(len(pool.data)), step)
    found = []
    while True:
        weights = fit_head(pool, rows)
        found.append(exam.score(head_tags(exam, weights)))
        if len(rows) >= most:
            return found
        rows = rows + choose(pool, rows, step)


def at_random(pool: Frozen, rows: list[int], step: int) -> list[int]:
    """Return rows that are drawn."""
    rest = sorted({*range(len(pool.data))} - {*rows})
    return random.Random(str(rows)).sample(rest, min(step, len(rest)))


def unsure(pool: Frozen, rows: list[int], step: int) -> list[int]:
    """Return the rows with the smallest margin between the two best tags of some word."""
    rest = sorted({*range(len(pool.data))} - {*rows})
    scores = head_scores(fit_head(pool, rows), [pool.vectors[row] for row in rest])
    best_two = [words.topk(2).values for words in scores]
    margins = [float((two[:, 0] - two[:, 1]).min()) for two in best_two]
    return [row for _, row in sorted(zip(margins, rest, strict=True))[:step]]


def different(pool: Frozen, rows: list[int], step: int) -> list[int]:
    """Return the rows that lie furthest from those that are there, and from one another."""
    return k_centre(pool.sentences(), step, rows)


def both(pool: Frozen, rows: list[int], step: int) -> list[int]:
    """Return, of four times as many unsure rows, those that lie furthest apart."""
    few = [*rows, *unsure(pool, rows, 4 * step)]
    chosen = k_centre(pool.sentences()[few], step, range(len(rows)))
    return [few[number] for number in chosen]


CHOICES: Mapping[str, Choice] = {
    "random": at_random,
    "unsure": unsure,
    "different": different,
    "both": both,
}
