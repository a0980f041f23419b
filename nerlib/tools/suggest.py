"""`python -m nerlib suggest`: which sentences to annotate next, with a model's answers to correct.

Built in notebook 13.
"""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from nerlib.dataset import NERDataset
from nerlib.inference import PlainTagger, to_entities
from nerlib.model import word_vectors
from nerlib.parsing import Span
from nerlib.tools.commands import UsageError, load_tagger
from nerlib.tools.exchange.brackets import bracketed, unfit
from nerlib.tools.exchange.document import Document, Reading, to_stderr
from nerlib.tools.exchange.formats import FORMATS, format_of, read_file
from nerlib.tools.own_checks import digest, trained_on
from nerlib.tools.own_data import corpus_from_lines

Answer = tuple[Document, float]  # with a model's entities, and its doubt: from 0, sure, to 1
SHORTLIST = 4  # doubtful sentences for each that is wanted: those that differ most are taken


def run(options: argparse.Namespace) -> int:
    """Write the sentences of a pool that are worth annotating next, the most doubtful first."""
    pool, output = Path(options.pool), Path(options.output or "terminal.txt")
    name = format_of(output, option="a suffix (.txt, .json, .jsonl)")
    writer = FORMATS[name].write
    if options.count < 1:
        raise UsageError("--count must be 1 or more")
    if options.json and options.output:
        raise UsageError("--json prints: leave out --output")
    if options.output and output.exists():
        raise UsageError(f"{output} is there already, perhaps corrected: name another file")
    read = read_file(pool, reading=Reading(to_stderr, predictions=True, pool=True))
    tagger, sentences = load_tagger(options), dict.fromkeys(one.text for one in read)
    known = trained_on(tagger.model.config)
    new = [text for text in sentences if text.strip() and digest(text) not in known]
    texts = [text for text in new if name != "brackets" or not unfit(text)]
    if left_out := len(new) - len(texts):
        to_stderr(f"{left_out:,} texts that brackets cannot hold are left out (write .json)")
    if not texts:
        raise UsageError(f"{pool.name} holds no sentence that is new to the model: add some")
    found = suggest(tagger, texts, options.count)
    documents = [document for document, _ in found]
    if options.json:
        for document, doubt in found:
            row = {"text": document.text, "marked": bracketed(document), "doubt": doubt}
            print(json.dumps(row, ensure_ascii=False))
    elif options.output and writer:
        writer(documents, output)
        print(f"{len(documents)} sentences of {len(texts)} in {output}: correct them")
    else:
        print(*map(bracketed, documents), sep="\n")
    return 0


def suggest(tagger: PlainTagger, texts: Sequence[str], count: int) -> list[Answer]:
    """Return at most `count` sentences, doubtful and different from one another, with answers.

    Of the most doubtful ones, four times as many, those are taken whose vectors lie far apart.
    """
    found = sorted(answers(tagger, texts), key=lambda one: -one[1])[: SHORTLIST * count]
    # Of interest are the vectors alone: what a bracketed line cannot hold does not matter to them.
    plain = (" ".join(re.sub(r"[][\ufeff]", "(", one.text).split()) for one, _ in found)
    corpus = corpus_from_lines(map(bracketed, map(Document, plain)))
    data = NERDataset(corpus, tagger.tokenizer, tagger.model.config.tags, tagger.parser)
    vectors = torch.stack([words.mean(0) for words in word_vectors(tagger.model, data)])
    return [found[number] for number in sorted(k_centre(vectors, count))]


def answers(tagger: PlainTagger, texts: Sequence[str]) -> list[Answer]:
    """Return each text with the model's entities, and its doubt: that of its least sure word."""
    words, names = list(map(tagger.parser.split_words, texts)), tagger.model.config.type_names
    found = list[Answer]()
    predicted = tagger.predict_words(words)
    for text, inside, (tags, sure) in zip(texts, words, predicted, strict=True):
        entities = to_entities(text, inside, tags, sure, names)
        spans = tuple(Span(e.type, e.start, e.end) for e in entities)
        document = Document(text, spans, scores=tuple(e.score for e in entities))
        found.append((document, 1 - min(sure, default=1.0)))
    return found


def k_centre(vectors: Tensor, count: int, known: Sequence[int] = ()) -> list[int]:
    """Return the rows of `vectors` (rows, size) that are chosen, each the furthest from the rest.

    `known` are rows chosen before; without any, row 0 comes first. Source: Sener & Savarese (2018),
    Active Learning for Convolutional Neural Networks: A Core-Set Approach.

    >>> k_centre(torch.tensor([[0.0], [1.0], [9.0], [5.0]]), 3)
    [0, 2, 3]
    """
    taken = [*known] or [0]
    nearest = torch.cdist(vectors, vectors[taken]).min(dim=1).values
    while len(taken) < min(count + len(known), len(vectors)):
        nearest[taken] = -1.0  # a sentence that stands there twice is taken once
        taken.append(int(nearest.argmax()))
        nearest = nearest.minimum((vectors - vectors[taken[-1]]).norm(dim=1))
    return taken[len(known) :]
