"""The checks of lesson 13: margins, prototypes, sentences far apart, and a teacher's answers."""

from math import dist
from statistics import fmean
from typing import Any

from nerlib.course.checks.exercise import Comparison


def least_margin(words: list[list[float]]) -> float:
    """Return the smallest margin between the best two probabilities of a word."""
    return min(_margins(words))


def _margins(words: list[list[float]]) -> list[float]:
    return [sorted(word)[-1] - sorted(word)[-2] for word in words]


MARGIN = Comparison(
    least_margin,
    largest=lambda words: max(_margins(words)),
    mean=lambda words: fmean(_margins(words)),
    least_sure=lambda words: min(map(max, words)),
    first_and_last=lambda words: min(max(word) - min(word) for word in words),
)


def prototypes(vectors: list[list[float]], types: list[str]) -> dict[str, list[float]]:
    """Return the mean vector of each type."""
    members = {
        name: [v for v, t in zip(vectors, types, strict=True) if t == name] for name in types
    }
    return {name: [sum(x) / len(x) for x in zip(*m, strict=True)] for name, m in members.items()}


def _sums(vectors: list[list[float]], types: list[str], over: int = 1) -> dict[str, list[float]]:
    means = prototypes(vectors, types).items()
    return {name: [x * types.count(name) / over for x in mean] for name, mean in means}


PROTOTYPES = Comparison(
    prototypes,
    sums=_sums,
    over_all=lambda vectors, types: _sums(vectors, types, len(types)),
    last_only=lambda vectors, types: dict(zip(types, vectors, strict=True)),
)


def next_centre(points: list[list[float]], chosen: list[int]) -> int:
    """Return the point whose nearest chosen one is furthest away, the first of equals."""
    return (away := _away(points, chosen)).index(max(away))


def _away(points: list[list[float]], chosen: list[int], of: Any = min) -> list[float]:
    return [of(dist(point, points[row]) for row in chosen) for point in points]


CENTRE = Comparison(
    next_centre,
    nearest=lambda points, chosen: (away := _away(points, chosen)).index(min(filter(None, away))),
    furthest_from_one=lambda points, chosen: (away := _away(points, chosen, max)).index(max(away)),
    from_the_last=lambda points, chosen: next_centre(points, chosen[-1:]),
)


def kept(sentences: list[list[float]], threshold: float) -> list[int]:
    """Return the numbers of the sentences all of whose words are at least so sure."""
    return [n for n, words in enumerate(sentences) if min(words) >= threshold]


KEPT = Comparison(
    kept,
    mean=lambda sentences, threshold: kept([[fmean(words)] for words in sentences], threshold),
    any_word=lambda sentences, threshold: kept([[max(words)] for words in sentences], threshold),
    unsure_ones=lambda rows, limit: [n for n, words in enumerate(rows) if min(words) < limit],
    without_equal=lambda sentences, threshold: kept(sentences, threshold + 1e-9),
)

CHECKS = (MARGIN, PROTOTYPES, CENTRE, KEPT)  # in the order of their numbers
