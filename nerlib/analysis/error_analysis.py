"""Where a model fails: losses word by word, confused types, and scores by group.

Built in notebook 07.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from torch import Tensor

from nerlib.analysis.gazetteer import Value, value_of
from nerlib.analysis.matching import Kind, Match, match_entities
from nerlib.dataset import NERDataset
from nerlib.decoding import best_tags, visible_words
from nerlib.device import Compute
from nerlib.evaluation import predict_batches
from nerlib.metrics import Chunk, Score, scores_by
from nerlib.model import NERClassifier
from nerlib.parsing import ParsedUtterance, tag_chunks

NOTHING = "nothing"  # the other side of a missed or an invented entity
Group = Callable[[ParsedUtterance, Chunk], str]


@dataclass(frozen=True)
class Outcome:
    """What a model did with one utterance; all sequences have one item a word.

    `predicted` are the tags it chose, `confidences` their probabilities; `losses` are minus the
    logarithm of the gold tag's probability, NaN where the model cannot know the gold tag.
    """

    row_id: str
    utterance: ParsedUtterance
    predicted: tuple[str, ...]
    confidences: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def highest_loss(self) -> float:
        """The loss of the word whose gold tag surprised the model most; 0 without known tags."""
        return max((loss for loss in self.losses if not math.isnan(loss)), default=0.0)

    @property
    def matches(self) -> list[Match]:
        """The gold entities, paired with the predicted ones."""
        return match_entities(self.utterance.tags, self.predicted)

    @property
    def is_right(self) -> bool:
        """Whether every entity is right."""
        return all(match.kind == "correct" for match in self.matches)


def predict_outcomes(
    model: NERClassifier, dataset: NERDataset, compute: Compute | None = None, batch_size: int = 64
) -> list[Outcome]:
    """Return what the model does with every utterance of a dataset, in order. Dropout is off.

    The tags are those of `predict_tags`. Built in notebook 07.
    """
    found: dict[int, Outcome] = {}
    for rows, batch, output in predict_batches(model, dataset, compute, batch_size):
        logits = output.logits.float().cpu()
        visible = visible_words(batch["word_ids"], batch["labels"].shape[1])
        numbers, chances = best_tags(logits, visible)
        losses = word_losses(logits, batch["labels"])
        for place, row in enumerate(rows):
            utterance = dataset.utterances[row]
            words = (place, slice(len(utterance.words)))
            found[row] = Outcome(
                dataset.row_ids[row],
                utterance,
                tuple(model.config.labels[number] for number in numbers[words].tolist()),
                tuple(chances[words].tolist()),
                tuple(losses[words].tolist()),
            )
    return [found[row] for row in range(len(dataset))]


def word_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Return minus the logarithm of each label's probability, NaN where there is no label.

    `logits` (batch, words, tags), `labels` (batch, words) → (batch, words). Notebook 07.

    >>> import torch
    >>> word_losses(torch.zeros(1, 2, 2), torch.tensor([[1, -100]]))
    tensor([[0.6931,    nan]])
    """
    known = labels >= 0
    chosen = logits.log_softmax(-1).gather(-1, labels.where(known, 0).unsqueeze(-1)).squeeze(-1)
    return (-chosen).masked_fill(~known, math.nan)


def worst_outcomes(outcomes: Iterable[Outcome], most: int = 20) -> list[Outcome]:
    """Return the utterances with the highest loss of a single word, the worst one first.

    The highest word rather than the sum, which would put long entities first, and rather than the
    mean, which would put short utterances first.
    """
    return sorted(outcomes, key=lambda outcome: -outcome.highest_loss)[:most]


def mean_loss(outcomes: Iterable[Outcome]) -> float:
    """Return the mean loss per word, words without a known tag left out; 0 if there are none."""
    known = [loss for outcome in outcomes for loss in outcome.losses if not math.isnan(loss)]
    return fmean(known or [0.0])


def entity_confidences(outcomes: Iterable[Outcome]) -> tuple[list[float], list[bool]]:
    """Return the confidence of every predicted entity, and whether the entity is right.

    The confidence is the mean over the entity's words, as in `Entity.score`.
    """
    confidences, right = [], []
    for outcome in outcomes:
        gold = set(tag_chunks(outcome.utterance.tags))
        for chunk in tag_chunks(outcome.predicted):
            confidences.append(fmean(outcome.confidences[chunk[1] : chunk[2]]))
            right.append(chunk in gold)
    return confidences, right


def kinds_of(outcomes: Iterable[Outcome]) -> dict[Kind, list[tuple[Outcome, Match]]]:
    """Return the matches of every kind, each with its utterance, in the order of the rows."""
    found: dict[Kind, list[tuple[Outcome, Match]]] = {}
    for outcome in outcomes:
        for match in outcome.matches:
            found.setdefault(match.kind, []).append((outcome, match))
    return found


def confusions(
    outcomes: Iterable[Outcome], names: Mapping[str, str] | None = None
) -> Counter[tuple[str, str]]:
    """Return how often each gold type met each predicted type, right ones included.

    `nothing` stands for the missing half of a missed or an invented entity; `names` says how a
    type is spelled, by default in lower case.

    >>> sum(confusions([]).values())
    0
    """
    sides = ((m.gold, m.predicted) for outcome in outcomes for m in outcome.matches)
    spelled = names or {}
    types = (
        [spelled.get(side[0], side[0].lower()) if side else NOTHING for side in pair]
        for pair in sides
    )
    return Counter((gold, predicted) for gold, predicted in types)


def most_confused(counts: Mapping[tuple[str, str], int], most: int = 10) -> list[str]:
    """Return the types with most mistakes, the worst one first, and then `nothing`.

    >>> most_confused({("time", "date"): 2, ("date", "date"): 9, ("city", "nothing"): 1}, most=2)
    ['date', 'time', 'nothing']
    """
    mistakes = Counter[str]()
    for (gold, predicted), count in counts.items():
        if gold != predicted:
            mistakes.update({gold: count, predicted: count})
    del mistakes[NOTHING]
    names = sorted(mistakes, key=lambda name: (-mistakes[name], name))[:most]
    return [*names, NOTHING]


def grouped_scores(
    utterances: Sequence[ParsedUtterance], predicted: Sequence[Sequence[str]], group: Group
) -> dict[str, Score]:
    """Return a strict score for every group of entities, in the order of the groups' names.

    `group` names the group of an entity, given as (type, first word, end word), gold or predicted;
    it may look at the whole utterance.

    >>> from nerlib import Parser
    >>> rows = [Parser().parse("at [time : nine am]")]
    >>> grouped_scores(rows, [rows[0].tags], entity_length)
    {'2 words': Score(gold=1, predicted=1, correct=1)}
    """
    gold = [utterance.tags for utterance in utterances]
    return scores_by(gold, predicted, lambda row, chunk: group(utterances[row], chunk))


def seen_values(utterances: Iterable[ParsedUtterance]) -> set[Value]:
    """Return all slot values of some utterances, as words in small letters."""
    return {value_of(row, *chunk[1:]) for row in utterances for chunk in tag_chunks(row.tags)}


def seen_or_new(known: set[Value]) -> Group:
    """Return the grouping of entities by whether their value, of whatever type, is known."""
    return lambda row, chunk: "seen" if value_of(row, *chunk[1:]) in known else "new"


def entity_length(utterance: ParsedUtterance, chunk: Chunk) -> str:
    """Return how many words an entity has, as the name of a group."""
    words = chunk[2] - chunk[1]
    return "1 word" if words == 1 else f"{words} words" if words < 4 else "4 words or more"


def sentence_length(bounds: Sequence[int]) -> Group:
    """Return the grouping of entities by the length of their utterance, in words.

    `bounds` are the highest lengths of all groups but the last.

    >>> from nerlib import Parser
    >>> sentence_length([4, 8])(Parser().parse("wake me at [time : nine am]"), ("TIME", 3, 5))
    ' 5 to  8 words'
    """
    edges = [0, *bounds]
    names = [f"{low + 1:>2} to {high:>2} words" for low, high in pairwise(edges)]
    names += [f"{edges[-1] + 1:>2} words or more"]
    return lambda row, chunk: names[sum(len(row.words) > bound for bound in bounds)]
