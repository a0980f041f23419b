"""Scores: token accuracy, strict entity precision, recall and F1, and the MASSIVE paper's metric;
and the history of a training run, a record of them for each epoch.

Built in notebook 05.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field

from nerlib.parsing import OUTSIDE, tag_chunks

Tags = Sequence[str]
Chunk = tuple[str, int, int]  # an entity: type, first word, end word


@dataclass(frozen=True)
class Score:
    """How many entities stand in the gold data, were predicted, and were predicted correctly.

    A partly right one may count as a half (`nerlib.analysis.matching`).

    >>> Score(gold=4, predicted=2, correct=1).f1
    0.3333333333333333
    """

    gold: int = 0
    predicted: int = 0
    correct: float = 0

    @property
    def precision(self) -> float:
        """The share of the predicted entities that are right; 0 if none was predicted."""
        return self.correct / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """The share of the gold entities that were found; 0 if there are none."""
        return self.correct / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall, 2·correct / (gold + predicted)."""
        total = self.gold + self.predicted
        return 2 * self.correct / total if total else 0.0


@dataclass(frozen=True)
class Evaluation:
    """All scores of one set of predictions; `per_type` starts with the most frequent type."""

    overall: Score
    per_type: dict[str, Score] = field(repr=False)
    token_accuracy: float
    massive_f1: float

    @property
    def macro_f1(self) -> float:
        """The mean F1 over slot types that occur in the gold data."""
        scores = [score.f1 for score in self.per_type.values() if score.gold]
        return sum(scores) / len(scores) if scores else 0.0


def evaluate_tags(gold: Sequence[Tags], predicted: Sequence[Tags]) -> Evaluation:
    """Return all scores of predicted against gold tags, one sequence an utterance.

    >>> result = evaluate_tags([["O", "B-TIME", "I-TIME"]], [["O", "B-TIME", "O"]])
    >>> result.overall.f1, round(result.token_accuracy, 2)
    (0.0, 0.67)
    """
    per_type = entity_scores(gold, predicted)
    return Evaluation(
        total_score(per_type),
        per_type,
        token_accuracy(gold, predicted),
        massive_slot_f1([plain_names(tags) for tags in gold], [plain_names(t) for t in predicted]),
    )


def token_accuracy(gold: Sequence[Tags], predicted: Sequence[Tags]) -> float:
    """Return the share of words whose tag is right: the number that flatters. Notebook 05.

    >>> token_accuracy([["O", "O", "B-TIME"]], [["O", "O", "O"]])
    0.6666666666666666
    """
    check_lengths(gold, predicted)
    right = sum(
        a == b for g, p in zip(gold, predicted, strict=True) for a, b in zip(g, p, strict=True)
    )
    return right / max(1, sum(map(len, gold)))


def entity_scores(
    gold: Sequence[Tags],
    predicted: Sequence[Tags],
    read_chunks: Callable[[Tags], list[Chunk]] = tag_chunks,
) -> dict[str, Score]:
    """Return the strict score of every type: an entity counts only if type, first and last word
    are all right. Built in notebook 05.

    `read_chunks` says what an `I-` without a `B-` means: `tag_chunks` lets it start an entity,
    `begun_chunks` leaves it out. Raises `ValueError` if the sequences differ in number or length.

    >>> entity_scores([["B-TIME", "O"]], [["B-TIME", "B-DATE"]])["TIME"].f1
    1.0
    """
    scores = scores_by(gold, predicted, lambda row, chunk: chunk[0], read_chunks)
    return dict(sorted(scores.items(), key=lambda item: (-item[1].gold, item[0])))


def scores_by(
    gold: Sequence[Tags],
    predicted: Sequence[Tags],
    group: Callable[[int, Chunk], str],
    read_chunks: Callable[[Tags], list[Chunk]] = tag_chunks,
) -> dict[str, Score]:
    """Return the strict score of every group of entities.

    `group` names the group of an entity, gold or predicted, given the number of its utterance and
    its (type, first word, end word). Raises `ValueError` as `entity_scores` does.
    """
    check_lengths(gold, predicted)
    expected, found, right = Counter[str](), Counter[str](), Counter[str]()
    for row, (gold_tags, predicted_tags) in enumerate(zip(gold, predicted, strict=True)):
        gold_chunks, chunks = set(read_chunks(gold_tags)), set(read_chunks(predicted_tags))
        expected.update(group(row, chunk) for chunk in gold_chunks)
        found.update(group(row, chunk) for chunk in chunks)
        right.update(group(row, chunk) for chunk in gold_chunks & chunks)
    names = sorted(expected | found)
    return {name: Score(expected[name], found[name], right[name]) for name in names}


def begun_chunks(tags: Tags) -> list[tuple[str, int, int]]:
    """Return the entities that start with a `B-`; an `I-X` after neither `B-X` nor `I-X` is none.

    seqeval reads tags so with `mode="strict", scheme=IOB2`; compare `tag_chunks`. Notebook 07.

    >>> begun_chunks(["B-TIME", "I-TIME", "O", "I-DATE"])
    [('TIME', 0, 2)]
    """
    return [chunk for chunk in tag_chunks(tags) if tags[chunk[1]].startswith("B")]


def total_score(per_type: dict[str, Score]) -> Score:
    """Return the score over all types together (micro average)."""
    return Score(*map(sum, zip(*map(astuple, per_type.values()), strict=True)))


def massive_slot_f1(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], outside: str = "Other"
) -> float:
    """Return the micro F1 as the MASSIVE paper's code scores it, on plain slot names per word.

    A run of equal names is one entity, so two slots of one type that touch are merged; `outside`
    is no entity. A predicted list is cut, or filled with `outside`, to the length of its gold list.
    Source: FitzGerald et al. (2022), section 4, and the evaluation in the authors' repository.

    >>> massive_slot_f1([["time", "time", "Other"]], [["time", "time"]])
    1.0
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold but {len(predicted)} predicted utterances")
    fitted = [
        [*names[: len(g)], *[outside] * (len(g) - len(names))]
        for g, names in zip(gold, predicted, strict=True)
    ]
    left, right = ([merge_names(names, outside) for names in side] for side in (gold, fitted))
    return total_score(entity_scores(left, right)).f1


def merge_names(names: Sequence[str], outside: str = "Other") -> list[str]:
    """Return BIO tags for plain names, a run of equal names being one entity.

    >>> merge_names(["time", "time", "Other"])
    ['B-time', 'I-time', 'O']
    """
    previous = [outside, *names]
    return [
        OUTSIDE if name == outside else f"{'I' if name == before else 'B'}-{name}"
        for before, name in zip(previous, names, strict=False)
    ]


def plain_names(tags: Tags, outside: str = "Other") -> list[str]:
    """Return each word's plain slot name, as the MASSIVE metric wants them.

    >>> plain_names(["O", "B-TIME", "I-TIME"])
    ['Other', 'time', 'time']
    """
    return [tag[2:].lower() if tag[2:] else outside for tag in tags]


def check_lengths(gold: Sequence[Tags], predicted: Sequence[Tags]) -> None:
    """Raise `ValueError` unless both sides have the same utterances of the same lengths."""
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold but {len(predicted)} predicted utterances")
    for number, (left, right) in enumerate(zip(gold, predicted, strict=True)):
        if len(left) != len(right):
            raise ValueError(
                f"utterance {number}: {len(left)} gold but {len(right)} predicted tags"
            )


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch did: losses, scores on validation, speed in utterances per second.

    `train_loss` is the mean over batches of what was trained on, label smoothing and all;
    `validation_loss` is the plain loss of a word.
    """

    epoch: int
    train_loss: float
    validation_loss: float
    accuracy: float
    precision: float
    recall: float
    f1: float
    massive_f1: float
    utterances_per_second: float
    seconds: float

    def __str__(self) -> str:
        return (
            f"epoch {self.epoch:2d}  loss {self.train_loss:.3f} / {self.validation_loss:.3f}  "
            f"accuracy {self.accuracy:.3f}  precision {self.precision:.3f}  "
            f"recall {self.recall:.3f}  F1 {self.f1:.3f}  {self.utterances_per_second:.0f} utt/s"
        )


class History(list[EpochRecord]):
    """The records of a run, one an epoch; `interrupted` says that Ctrl-C ended it early."""

    interrupted: bool = False

    @property
    def best(self) -> EpochRecord:
        """The epoch with the highest entity F1 on validation, the earliest of equals."""
        return max(self, key=lambda record: record.f1)


def epoch_record(
    epoch: int, loss: float, validation_loss: float, scores: Evaluation, rows: int, seconds: float
) -> EpochRecord:
    """Return the record of one epoch; `rows` were trained on in `seconds`."""
    overall = scores.overall
    shares = scores.token_accuracy, overall.precision, overall.recall, overall.f1
    return EpochRecord(
        epoch, loss, validation_loss, *shares, scores.massive_f1, rows / seconds, seconds
    )
