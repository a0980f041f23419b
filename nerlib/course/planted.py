"""Wrong labels, planted on purpose for lesson 14: three kinds of mistakes, and where they are."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from datasets import Dataset

from nerlib.parsing import ParsedUtterance, Parser, Span

KINDS = ("missed", "wrong type", "one word too long")


@dataclass(frozen=True)
class Planted:
    """A corpus in which some rows are labelled wrongly; `kinds` says which mistake a row has."""

    corpus: Dataset
    kinds: dict[int, str]


def plant(corpus: Dataset, parser: Parser, share: float, seed: int = 0) -> Planted:
    """Return a corpus with one mistake in so large a share of its rows, the kinds in turn.

    The rows are drawn from those that have an entity. A mistake that a row has no room for, such as
    a word too many at its end, becomes a wrong type. Raises `ValueError` if there are too few rows
    with an entity.

    >>> from nerlib import load_corpus
    >>> planted = plant(load_corpus("en-US", "train[:4]"), Parser(), share=0.5)
    >>> len(planted.kinds)
    2
    """
    draw = random.Random(seed)
    rows = [parser.parse(line) for line in corpus["annot_utt"]]
    types = sorted({span.type for row in rows for span in row.spans})
    labelled = [number for number, row in enumerate(rows) if row.spans]
    kinds, lines = {}, list(corpus["annot_utt"])
    for place, number in enumerate(draw.sample(labelled, round(share * len(rows)))):
        row, kind = rows[number], KINDS[place % len(KINDS)]
        chosen = draw.randrange(len(row.spans))
        longer = _one_word_longer(row, chosen) if kind == KINDS[2] else None
        changed = [longer] if longer else []
        if kind != KINDS[0] and not longer:
            span, kind = row.spans[chosen], KINDS[1]
            changed = [replace(span, type=draw.choice([t for t in types if t != span.type]))]
        spans = [*row.spans[:chosen], *changed, *row.spans[chosen + 1 :]]
        kinds[number], lines[number] = kind, parser.annotate(row.text, spans)
    columns = corpus.to_dict() | {"annot_utt": lines}
    return Planted(Dataset.from_dict(columns, features=corpus.features), kinds)


def _one_word_longer(row: ParsedUtterance, chosen: int) -> Span | None:
    """Return an entity of a row with the word after it, or None if that is not free."""
    span, taken = row.spans[chosen], [other.start for other in row.spans]
    following = next((word for word in row.words if word.start >= span.end), None)
    if following is None or any(span.end <= start < following.end for start in taken):
        return None
    return replace(span, end=following.end)


def found_among(ranked: Sequence[int], planted: Planted) -> list[int]:
    """Return how many planted rows are among the first one, the first two, … of a ranking."""
    found = 0
    return [found := found + (number in planted.kinds) for number in ranked]
