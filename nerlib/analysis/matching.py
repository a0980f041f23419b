"""Gold entities paired with predicted ones: the kinds of errors, and lenient scores.

Built in notebook 07.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from nerlib.metrics import Chunk, Tags, check_lengths
from nerlib.parsing import tag_chunks

Kind = Literal[
    "correct", "wrong type", "wrong boundary", "wrong type and boundary", "missed", "invented"
]
KINDS: tuple[Kind, ...] = get_args(Kind)  # the better ones first


@dataclass(frozen=True, slots=True)
class Match:
    """A gold entity and the predicted one that belongs to it; `None` where there is no other half.

    Both are (type, first word, end word), as `tag_chunks` gives them.

    >>> Match(("TIME", 4, 6), ("TIME", 4, 5)).kind
    'wrong boundary'
    """

    gold: Chunk | None
    predicted: Chunk | None

    @property
    def kind(self) -> Kind:
        """Which of the six cases this is."""
        if self.gold is None:
            return "invented"
        if self.predicted is None:
            return "missed"
        same_type = self.gold[0] == self.predicted[0]
        if self.gold[1:] == self.predicted[1:]:
            return "correct" if same_type else "wrong type"
        return "wrong boundary" if same_type else "wrong type and boundary"


def match_entities(gold: Tags, predicted: Tags) -> list[Match]:
    """Return every entity of both sides exactly once, paired where the two overlap.

    An entity is paired with at most one other. The best pairs come first: those with the same
    type and place, then those with the same place, then those of the same type, then the rest, and
    among equals those that share most words. Raises `ValueError` for sides of different lengths.

    >>> [m.kind for m in match_entities(["B-TIME", "I-TIME", "O"], ["B-TIME", "O", "B-DATE"])]
    ['wrong boundary', 'invented']
    """
    check_lengths([gold], [predicted])
    left, right = tag_chunks(gold), tag_chunks(predicted)
    words = zip(_chunk_of_words(left, len(gold)), _chunk_of_words(right, len(gold)), strict=True)
    shared = Counter((ours, theirs) for ours, theirs in words if ours and theirs)
    pairs = {Match(*both): (-count, both[0][1], both[1][1]) for both, count in shared.items()}
    free, found = set(left), set(right)  # those of either side that have no partner yet
    matches: list[Match] = []
    for pair in sorted(pairs, key=lambda pair: (KINDS.index(pair.kind), *pairs[pair])):
        if pair.gold in free and pair.predicted in found:
            free.remove(pair.gold)
            found.remove(pair.predicted)
            matches.append(pair)
    matches += [Match(chunk, None) for chunk in left if chunk in free]
    matches += [Match(None, chunk) for chunk in right if chunk in found]
    return sorted(matches, key=_place)


def _chunk_of_words(chunks: Sequence[Chunk], words: int) -> list[Chunk | None]:
    """Return the entity that each word is in, if any; no side's entities overlap each other."""
    found: list[Chunk | None] = [None] * words
    for chunk in chunks:
        found[chunk[1] : chunk[2]] = [chunk] * (chunk[2] - chunk[1])
    return found


def _place(match: Match) -> tuple[int, int]:
    """Return where a match is in its utterance."""
    chunks = [chunk for chunk in (match.gold, match.predicted) if chunk]
    return min(chunk[1] for chunk in chunks), min(chunk[2] for chunk in chunks)


def count_kinds(gold: Sequence[Tags], predicted: Sequence[Tags]) -> dict[Kind, int]:
    """Return how often each kind of match occurs, over all utterances.

    The numbers add up: all kinds but `invented` to the gold entities, all but `missed` to the
    predicted ones.

    >>> count_kinds([["B-TIME", "O"]], [["B-DATE", "O"]])["wrong type"]
    1
    """
    check_lengths(gold, predicted)
    pairs = zip(gold, predicted, strict=True)
    counts = Counter(match.kind for g, p in pairs for match in match_entities(g, p))
    return {kind: counts[kind] for kind in KINDS}


@dataclass(frozen=True)
class LenientScore:
    """The five counts of MUC and SemEval, and the scores that they give.

    A partial match counts half. Source: Chinchor & Sundheim (1993), MUC-5 Evaluation Metrics.

    >>> LenientScore(correct=1, partial=1, missed=1).recall
    0.5
    """

    correct: int = 0
    incorrect: int = 0
    partial: int = 0
    missed: int = 0
    spurious: int = 0

    @property
    def precision(self) -> float:
        """(correct + partial / 2) divided by the number of predicted entities."""
        return self._share(self.spurious)

    @property
    def recall(self) -> float:
        """(correct + partial / 2) divided by the number of gold entities."""
        return self._share(self.missed)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    def _share(self, unpaired: int) -> float:
        total = self.correct + self.incorrect + self.partial + unpaired
        return (self.correct + self.partial / 2) / total if total else 0.0


# What each of the `KINDS`, in their order, counts as in each of the four schemes.
_SCHEMES = {
    "strict": ("correct", "incorrect", "incorrect", "incorrect", "missed", "spurious"),
    "exact": ("correct", "correct", "incorrect", "incorrect", "missed", "spurious"),
    "partial": ("correct", "correct", "partial", "partial", "missed", "spurious"),
    "type": ("correct", "incorrect", "correct", "incorrect", "missed", "spurious"),
}


def lenient_scores(kinds: Mapping[Kind, int]) -> dict[str, LenientScore]:
    """Return the scores of SemEval-2013 from the numbers that `count_kinds` gives.

    `strict`: type and both boundaries; `exact`: both boundaries, whatever the type; `partial`: any
    overlap, whatever the type, for half a point; `type`: the right type, and any overlap.
    Source: Segura-Bedmar, Martínez & Herrero-Zazo (2013), SemEval-2013 Task 9, section 4; the
    package nervaluate computes the same where no entity overlaps several others.

    >>> scores = lenient_scores({"correct": 1, "wrong boundary": 1})
    >>> {name: score.f1 for name, score in scores.items()}
    {'strict': 0.5, 'exact': 0.5, 'partial': 0.75, 'type': 1.0}
    """
    scores = {}
    for scheme, counted in _SCHEMES.items():
        counts = Counter[str]()
        for kind, name in zip(KINDS, counted, strict=True):
            counts[name] += kinds.get(kind, 0)
        scores[scheme] = LenientScore(**counts)
    return scores
