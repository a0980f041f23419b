"""The checks of lesson 06: from text to entities."""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Comparison, Function, each, entry_by_entry
from nerlib.inference import Entity, to_entities
from nerlib.parsing import Parser, Word, tag_chunks

PARSER = Parser()

PLACES = entry_by_entry(dict[str, tuple[int, int]])


def entities_of(annotated: str) -> tuple[str, list[Entity]]:
    """Return a text and its entities."""
    parsed = PARSER.parse(annotated)
    text = parsed.text
    return text, [Entity(s.type, text[s.start : s.end], s.start, s.end, 0.9) for s in parsed.spans]


def redact(text: str, entities: list[Entity]) -> str:
    """Return the text with a type in square brackets in place of each entity."""
    return _in_order(text, sorted(entities, key=lambda e: e.start, reverse=True))


def _in_order(text: str, entities: list[Entity]) -> str:
    for entity in entities:
        text = f"{text[: entity.start]}[{entity.type}]{text[entity.end :]}"
    return text


def _by_spelling(text: str, entities: list[Entity]) -> str:
    for entity in entities:
        text = text.replace(entity.text, f"[{entity.type}]")
    return text


def _of(choose: Function) -> Function:
    """Return the slip of somebody who redacts other entities."""
    return lambda text, entities: redact(text, choose(entities))


REDACT = Comparison(
    redact,
    read=entities_of,
    no_brackets=lambda text, es: redact(text, es).replace("[", "").replace("]", ""),
    one_too_many=_of(lambda es: [replace(e, end=e.end + 1) for e in es]),
    only_the_last=_of(lambda es: es[-1:]),
    forwards=_in_order,
    by_spelling=_by_spelling,
    name=lambda text, entities: f"'{text}', {len(entities)} entities",
)


TRELLIS = entry_by_entry(dict[str, float])


def cautious_entities(
    text: str, words: list[Word], tags: list[str], scores: list[float], score: Function = min
) -> list[Entity]:
    """Return the entities of correct BIO tags; the score of each is that of its weakest word."""
    pairs = zip(to_entities(text, words, tags, scores), tag_chunks(tags), strict=True)
    return [replace(one, score=score(scores[first:end])) for one, (_, first, end) in pairs]


def _with_tags(old: str, new: str) -> Function:
    return lambda text, words, tags, scores: cautious_entities(
        text, words, [tag.replace(old, new) for tag in tags], scores
    )


CAUTIOUS = Comparison(
    cautious_entities,
    read=lambda text, tags, scores: (text, PARSER.split_words(text), tags.split(), scores),
    capitals=each(cautious_entities, lambda e: replace(e, type=e.type.upper())),
    each_word=_with_tags("I-", "B-"),
    mean=partial(cautious_entities, score=lambda scores: sum(scores) / len(scores)),
    first=partial(cautious_entities, score=lambda scores: scores[0]),
    merged=_with_tags("B-", "I-"),
    name=lambda text, words, tags, scores: f"'{text}', its words, {tags}, {scores}",
)

LABELS = ["O", "B-TIME", "I-TIME", "B-DATE", "I-DATE"]


def allowed(before: str, tag: str) -> bool:
    """Return whether BIO lets a tag follow another one."""
    return not tag.startswith("I-") or before[2:] == tag[2:]


def best_sequence(
    rows: list[list[float]],
    labels: list[str],
    may: Callable[[str, str], bool] = allowed,
    value: Callable[[Sequence[float]], float] = math.prod,
    before: Sequence[str] = ("O",),
) -> list[str]:
    """Return the allowed sequence of tags with the highest value, by trying all of them.

    `before` is what comes before the first tag; the defaults are right, the slips change them.
    """

    def total(tags: Iterable[str]) -> float:
        return value([row[labels.index(tag)] for tag, row in zip(tags, rows, strict=True)])

    sequences = itertools.product(labels, repeat=len(rows))
    fine = (s for s in sequences if all(itertools.starmap(may, itertools.pairwise((*before, *s)))))
    return list(max(fine, key=total))


def _greedy(rows: list[list[float]], labels: list[str]) -> list[str]:
    """Return the tags of somebody who takes the best allowed tag at each word, for good."""
    tags = ["O"]
    for row in rows:
        fine = [n for n, tag in enumerate(labels) if allowed(tags[-1], tag)]
        tags.append(labels[max(fine, key=row.__getitem__)])
    return tags[1:]


def _long_sentence(answer: Answer) -> None:
    """Ask for 40 words: with five tags there are 5 to the power of 40 sequences."""
    (two_rows,) = answer.cases[1]
    expected = best_sequence(two_rows, LABELS) * 20
    if answer.call(two_rows * 20, LABELS, kind=list[str], case="40 words, 5 tags") != expected:
        raise answer.hint("On short sentences it is right. Do you keep the best way to each tag?")


SEQUENCE = Comparison(
    best_sequence,
    read=lambda rows: (rows, LABELS),
    word_by_word=lambda rows, labels: [labels[row.index(max(row))] for row in rows],
    any_start=partial(best_sequence, before=()),
    any_type=partial(best_sequence, may=lambda before, tag: tag[0] != "I" or before != "O"),
    greedy=_greedy,
    sum=partial(best_sequence, value=sum),
    then=_long_sentence,
)

CHECKS = (PLACES, REDACT, TRELLIS, CAUTIOUS, SEQUENCE)  # in the order of their numbers
