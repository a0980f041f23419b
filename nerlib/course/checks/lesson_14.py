"""The checks of lesson 14: label quality, folds, and how far two agree."""

import math
from collections import Counter
from functools import partial
from statistics import fmean

from nerlib.course.checks.exercise import Comparison, Function


def label_quality(chances: list[dict[str, float]], tags: list[str], join: Function = min) -> float:
    """Return the lowest probability that a word's label gets."""
    return float(join([word.get(tag, 0.0) for word, tag in zip(chances, tags, strict=True)]))


QUALITY = Comparison(
    label_quality,
    mean=partial(label_quality, join=fmean),
    product=partial(label_quality, join=math.prod),
    highest=partial(label_quality, join=max),
    how_sure=lambda chances, tags: min(max(word.values()) for word in chances),
)


def fold_of(texts: list[str], folds: int) -> list[int]:
    """Return each text's fold: different texts in turn, equal ones together."""
    different = list(dict.fromkeys(texts))
    return [different.index(text) % folds for text in texts]


FOLDS = Comparison(
    fold_of,
    by_row=lambda texts, folds: [row % folds for row in range(len(texts))],
    from_one=lambda texts, folds: [1 + fold for fold in fold_of(texts, folds)],
    a_fold_each=lambda texts, folds: [list(dict.fromkeys(texts)).index(text) for text in texts],
    first_row=lambda texts, folds: [texts.index(text) % folds for text in texts],
)


def _observed(first: list[str], second: list[str]) -> float:
    return fmean(a == b for a, b in zip(first, second, strict=True))


def _by_chance(first: Counter[str], second: Counter[str]) -> float:
    return sum(first[tag] * second[tag] for tag in first) / first.total() / second.total()


def kappa(first: list[str], second: list[str], chance: Function = _by_chance) -> float:
    """Return how far two agree, beyond what chance would give: Cohen's kappa."""
    expected = chance(Counter(first), Counter(second))
    return float((_observed(first, second) - expected) / (1 - expected))


KAPPA = Comparison(
    kappa,
    observed_alone=_observed,
    not_divided=lambda a, b: _observed(a, b) - _by_chance(Counter(a), Counter(b)),
    all_tags_alike=partial(kappa, chance=lambda a, b: 1 / len({*a, *b})),
    one_side=partial(kappa, chance=lambda a, b: _by_chance(a, a)),
)


def contradictions(rows: list[tuple[str, list[str]]]) -> list[str]:
    """Return the texts that stand there with different tags, each once, in order."""
    tags: dict[str, set[tuple[str, ...]]] = {}
    for text, row in rows:
        tags.setdefault(text, set()).add(tuple(row))
    return [text for text, different in tags.items() if len(different) > 1]


CONTRADICTIONS = Comparison(
    contradictions,
    repeats=lambda rows: [t for t, n in Counter(text for text, _ in rows).items() if n > 1],
    each_time=lambda rows: [text for text, _ in rows if text in contradictions(rows)],
    sorted_out=lambda rows: sorted(contradictions(rows)),
)

CHECKS = (QUALITY, FOLDS, KAPPA, CONTRADICTIONS)  # in the order of their numbers
