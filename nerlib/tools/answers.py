"""What `tag` and `serve` answer: the entities of texts as plain numbers and words, as asked for."""

import difflib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from nerlib.inference import PlainTagger

MOST_ALTERNATIVES = 100


class AnswerError(ValueError):
    """A question that cannot be answered: the `reason`, as `advice` what to ask, HTTP's status."""

    def __init__(self, reason: str, advice: str, status: int = 400) -> None:
        self.reason, self.advice, self.status_code = reason, advice, status
        super().__init__(f"{reason}: {advice}")


@dataclass(frozen=True)
class Wanted:
    """Which entities to give: with a score of `min_score` or more, of some `types` (all if empty).

    With each come so many `alternatives`: the next best types of the same words, with the score
    that the entity would have.
    """

    min_score: float = 0.0
    types: tuple[str, ...] = ()
    alternatives: int = 0

    def check(self, known: Sequence[str]) -> None:
        """Raise `AnswerError` for what a model with these types cannot answer."""
        for name in self.types:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
                raise AnswerError(f"the model has no type {name[:40]!r}", hint)
        if not 0 <= self.min_score <= 1:  # nor for what is not a number
            raise AnswerError(f"a lowest score of {self.min_score}", "give one from 0 to 1, as 0.8")
        if not 0 <= self.alternatives <= MOST_ALTERNATIVES:
            advice = f"ask for 0 to {MOST_ALTERNATIVES}"
            raise AnswerError(f"{self.alternatives} alternatives", advice)


def answers(
    tagger: PlainTagger, texts: Sequence[str], wanted: Wanted
) -> list[list[dict[str, Any]]]:
    """Return the wanted entities of each text, as fields and values."""
    found = [
        [asdict(one) for one in row
         if one.score >= wanted.min_score and one.type in (wanted.types or (one.type,))]
        for row in tagger(texts)
    ]  # fmt: skip
    if not wanted.alternatives:
        return found
    names = list(tagger.model.config.type_names.values())
    words = [tagger.parser.split_words(text) for text in texts]
    for row, inside, (logits, _) in zip(found, words, tagger.score_words(words), strict=True):
        table = logits.softmax(-1)
        for one in row:
            place = [i for i, w in enumerate(inside) if one["start"] <= w.start < one["end"]]
            scores = zip(names, type_scores(table[place]).tolist(), strict=True)
            others = [{"type": n, "score": score} for n, score in scores if n != one["type"]]
            others.sort(key=lambda other: -float(other["score"]))
            one["alternatives"] = others[: wanted.alternatives]
    return found


def type_scores(probabilities: Tensor) -> Tensor:
    """Return the score that an entity of these words would have, for each type: (types).

    It is the mean probability of `B-X` for the first word and `I-X` for the others, from
    `probabilities` (words, tags).

    >>> import torch
    >>> type_scores(torch.tensor([[0.0, 0.75, 0.0, 0.25, 0.0], [0.0, 0.0, 0.25, 0.0, 0.75]]))
    tensor([0.5000, 0.5000])
    """
    return (probabilities[0, 1::2] + probabilities[1:, 2::2].sum(0)) / len(probabilities)
