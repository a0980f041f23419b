"""`python -m nerlib suggest`: which sentences to annotate next, with a model's answers to correct.

Built in notebook 13.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from nerlib.corpus import decode_lines
from nerlib.dataset import NERDataset
from nerlib.decoding import best_tags
from nerlib.inference import PlainTagger, to_entities
from nerlib.model import word_vectors
from nerlib.parsing import Span
from nerlib.tools.commands import UsageError, load_tagger
from nerlib.tools.exchange.brackets import bracketed
from nerlib.tools.exchange.document import Document, ExchangeError, to_stderr
from nerlib.tools.exchange.formats import FORMATS, format_of
from nerlib.tools.own_checks import digest, trained_on
from nerlib.tools.own_data import corpus_from_lines

SHORTLIST = 4  # doubtful sentences for each that is wanted: those that differ most are taken


class Suggestion(NamedTuple):
    """A sentence with a model's answer, and how doubtful that is: from 0, sure, to 1."""

    document: Document
    doubt: float


def run(options: argparse.Namespace) -> int:
    """Write the sentences of a pool that are worth annotating next, the most doubtful first."""
    if options.count < 1:
        raise UsageError("--count must be 1 or more")
    tagger = load_tagger(options)
    path = Path(options.pool)
    with path.open("rb") as file:
        texts = pool_texts(decode_lines(file, path.name, UsageError), tagger)
    if not texts:
        raise UsageError(f"{path.name} holds no sentence that is new to the model: add some")
    documents = [found.document for found in suggest(tagger, texts, options.count)]
    if options.output is None:
        print(*map(bracketed, documents), sep="\n")
        return 0
    write_suggestions(documents, Path(options.output), options.format)
    print(f"{len(documents)} sentences of {len(texts)} in {options.output}: correct them")
    return 0


def pool_texts(lines: Iterator[str], tagger: PlainTagger) -> list[str]:
    """Return the sentences of a pool once each, without those that the model was trained on.

    What no bracketed line can hold is left out, and that is told.
    """
    known = trained_on(tagger.model.config)
    texts: dict[str, None] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip().strip("\ufeff")
        if text and digest(text) not in known:
            try:
                bracketed(Document(text))
            except ExchangeError as error:
                to_stderr(f"line {number} is left out: {error}")
            else:
                texts[text] = None
    return list(texts)


def suggest(tagger: PlainTagger, texts: Sequence[str], count: int) -> list[Suggestion]:
    """Return at most `count` sentences, doubtful and different from one another, with answers.

    Of the most doubtful ones, four times as many, those are taken whose vectors lie far apart.
    """
    found = sorted(answers(tagger, texts), key=lambda one: -one.doubt)[: SHORTLIST * count]
    chosen = k_centre(sentence_vectors(tagger, [one.document for one in found]), count)
    return [found[number] for number in sorted(chosen)]


def answers(tagger: PlainTagger, texts: Sequence[str]) -> list[Suggestion]:
    """Return each text with the model's entities; its doubt is that of its least sure word."""
    words, names = list(map(tagger.parser.split_words, texts)), tagger.model.config.type_names
    labels, found = tagger.model.config.labels, list[Suggestion]()
    scored = tagger.score_words(words)
    for text, inside, (logits, visible) in zip(texts, words, scored, strict=True):
        best = best_tags(logits[None], visible[None], tagger.model.transitions)
        numbers, sure = (part[0].tolist() for part in best)
        entities = to_entities(text, inside, [labels[n] for n in numbers], sure, names)
        spans = tuple(Span(e.type, e.start, e.end) for e in entities)
        document = Document(text, spans, scores=tuple(e.score for e in entities))
        found.append(Suggestion(document, 1 - min(sure, default=1.0)))
    return found


def sentence_vectors(tagger: PlainTagger, documents: Sequence[Document]) -> Tensor:
    """Return the mean of each sentence's word vectors, (documents, hidden)."""
    corpus = corpus_from_lines(map(bracketed, documents))
    data = NERDataset(corpus, tagger.tokenizer, tagger.model.config.tags, tagger.parser)
    return torch.stack([words.mean(0) for words in word_vectors(tagger.model, data)])


def k_centre(vectors: Tensor, count: int, known: Sequence[int] = ()) -> list[int]:
    """Return the rows of `vectors` (rows, size) that are chosen, each the furthest from the rest.

    `known` are rows chosen before; without any, row 0 comes first. Source: Sener & Savarese (2018),
    Active Learning for Convolutional Neural Networks: A Core-Set Approach.

    >>> k_centre(torch.tensor([[0.0], [1.0], [9.0], [5.0]]), 3)
    [0, 2, 3]
    """
    chosen: list[int] = []
    nearest = torch.full((len(vectors),), float("inf"))
    for row in known:
        nearest = nearest.minimum((vectors - vectors[row]).norm(dim=1))
    while len(chosen) < min(count, len(vectors) - len(known)):
        row = int(nearest.argmax())
        chosen.append(row)
        nearest = nearest.minimum((vectors - vectors[row]).norm(dim=1))
        nearest[[*known, *chosen]] = -1.0  # a sentence that stands there twice is taken once
    return chosen


def write_suggestions(documents: Sequence[Document], path: Path, format_name: str | None) -> None:
    """Write suggestions in a format that its name or the path's suffix says, unless it is there."""
    if path.exists():
        raise UsageError(f"{path} is there already, perhaps corrected: name another file")
    writer = FORMATS[format_of(path, format_name, "--format")].write
    if writer is None:
        raise UsageError(f"--format {format_name} is for reading only: use brackets")
    writer(documents, path)
