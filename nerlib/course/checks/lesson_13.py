"""The checks of lesson 13: margins, prototypes, sentences far apart, and a teacher's answers."""

from __future__ import annotations

from math import dist

from nerlib.course.checks.exercise import Comparison


# 13.1 --------------------------------------------------------------------------------------------
def least_margin(words: list[list[float]]) -> float:
    """Return the smallest margin between the best two probabilities of a word."""
    return min(best - second for best, second, *_ in (sorted(w, reverse=True) for w in words))


MARGIN = Comparison(
    least_margin,
    largest=lambda words: max(sorted(w)[-1] - sorted(w)[-2] for w in words),
    mean=lambda words: sum(sorted(w)[-1] - sorted(w)[-2] for w in words) / len(words),
    least_sure=lambda words: min(map(max, words)),
    first_and_last=lambda words: min(max(w) - min(w) for w in words),
)


# 13.2 --------------------------------------------------------------------------------------------
def prototypes(vectors: list[list[float]], types: list[str]) -> dict[str, list[float]]:
    """Return the mean vector of each type."""
    members = {
        name: [v for v, t in zip(vectors, types, strict=True) if t == name] for name in types
    }
    return {name: [sum(x) / len(x) for x in zip(*m, strict=True)] for name, m in members.items()}


PROTOTYPES = Comparison(
    prototypes,
    sums=lambda vectors, types: {
        name: [x * types.count(name) for x in mean]
        for name, mean in prototypes(vectors, types).items()
    },
    over_all=lambda vectors, types: {
        name: [x * types.count(name) / len(types) for x in mean]
        for name, mean in prototypes(vectors, types).items()
    },
    last_only=lambda vectors, types: dict(zip(types, vectors, strict=True)),
)


# 13.3 --------------------------------------------------------------------------------------------
def next_centre(points: list[list[float]], chosen: list[int]) -> int:
    """Return the point whose nearest chosen one is furthest away, the first of equals."""
    return _most(points, [min(dist(p, points[c]) for c in chosen) for p in points])


def _most(points: list[list[float]], distances: list[float]) -> int:
    return max(range(len(points)), key=lambda row: distances[row])


CENTRE = Comparison(
    next_centre,
    nearest=lambda points, chosen: min(
        (row for row in range(len(points)) if row not in chosen),
        key=lambda row: min(dist(points[row], points[c]) for c in chosen),
    ),
    furthest_from_one=lambda points, chosen: _most(
        points, [max(dist(p, points[c]) for c in chosen) for p in points]
    ),
    from_the_last=lambda points, chosen: _most(
        points, [dist(p, points[chosen[-1]]) for p in points]
    ),
)


# 13.4 --------------------------------------------------------------------------------------------
def kept(sentences: list[list[float]], threshold: float) -> list[int]:
    """Return the numbers of the sentences all of whose words are at least so sure."""
    return [n for n, words in enumerate(sentences) if min(words) >= threshold]


KEPT = Comparison(
    kept,
    mean=lambda sentences, threshold: [
        n for n, words in enumerate(sentences) if sum(words) / len(words) >= threshold
    ],
    any_word=lambda sentences, threshold: [
        n for n, words in enumerate(sentences) if max(words) >= threshold
    ],
    unsure_ones=lambda sentences, threshold: [
        n for n, words in enumerate(sentences) if min(words) < threshold
    ],
    without_equal=lambda sentences, threshold: [
        n for n, words in enumerate(sentences) if min(words) > threshold
    ],
)

CHECKS = (MARGIN, PROTOTYPES, CENTRE, KEPT)
