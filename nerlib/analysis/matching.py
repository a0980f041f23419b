"""Gold entities paired with predicted ones: the kinds of errors, and lenient scores.

Built in notebook 07.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Literal, get_args

from nerlib.metrics import Chunk, Score, Tags, check_lengths
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
    # No two entities of one side overlap: each word is in one of them at most.
    words, others = ({w: c for c in side for w in range(c[1], c[2])} for side in (left, right))
    shared = Counter((words[word], others[word]) for word in words if word in others)
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
    chunks = {match: [c for c in (match.gold, match.predicted) if c] for match in matches}
    return sorted(matches, key=lambda m: [min(c[at] for c in chunks[m]) for at in (1, 2)])


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


# What each of the first four `KINDS`, a pair of entities, counts in each of the four schemes.
_POINTS = {
    "strict": (1, 0, 0, 0),
    "exact": (1, 1, 0, 0),
    "partial": (1, 1, 0.5, 0.5),
    "type": (1, 0, 1, 0),
}


def lenient_scores(kinds: Mapping[Kind, int]) -> dict[str, Score]:
    """Return the scores of SemEval-2013 from the numbers that `count_kinds` gives.

    `strict`: type and both boundaries; `exact`: both boundaries, whatever the type; `partial`: any
    overlap, whatever the type, for half a point; `type`: the right type, and any overlap.
    Source: Segura-Bedmar, Martínez & Herrero-Zazo (2013), SemEval-2013 Task 9, section 4; the
    package nervaluate computes the same where no entity overlaps several others.

    >>> scores = lenient_scores({"correct": 1, "wrong boundary": 1})
    >>> {name: score.f1 for name, score in scores.items()}
    {'strict': 0.5, 'exact': 0.5, 'partial': 0.75, 'type': 1.0}
    """
    *pairs, missed, invented = (kinds.get(kind, 0) for kind in KINDS)
    gold, predicted = sum(pairs) + missed, sum(pairs) + invented
    return {
        scheme: Score(gold, predicted, sum(map(mul, points, pairs)))
        for scheme, points in _POINTS.items()
    }
