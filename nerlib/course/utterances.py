"""Utterances without end, for jobs that need very many: templates of the sample, filled by chance.

Every training utterance of the packaged sample gives a template, and its slots give values to fill
in. They are drawn one after the other, so that a million of them take no more memory than one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow
from pyarrow import parquet

from nerlib.atomic import whole_file
from nerlib.corpus import load_corpus
from nerlib.parsing import Parser

Template = tuple[str, ...]  # text, type of a slot, text, type, …, text
GROUP = 10_000  # rows that are in memory when a file is written


def utterances(seed: int = 0) -> Iterator[str]:
    """Yield utterances without end, the same ones for the same seed.

    >>> found = list(islice(utterances(), 3))
    >>> found == list(islice(utterances(), 3)), len(set(found))
    (True, 3)
    """
    templates, values = _material()
    dice = random.Random(seed)
    while True:
        pieces = list(dice.choice(templates))
        pieces[1::2] = [dice.choice(values[name]) for name in pieces[1::2]]
        yield "".join(pieces)


def write_utterances(path: str | Path, rows: int, seed: int = 0) -> Path:
    """Write utterances to a Parquet file with a column `text`, and return its path."""
    source = utterances(seed)
    schema = pyarrow.schema([("text", pyarrow.string())])
    with whole_file(Path(path)) as unfinished, parquet.ParquetWriter(unfinished, schema) as writer:
        for done in range(0, rows, GROUP):
            texts = list(islice(source, min(GROUP, rows - done)))
            writer.write_table(pyarrow.table({"text": texts}, schema))
    return Path(path)


def _material() -> tuple[list[Template], dict[str, list[str]]]:
    """Return the templates of the sample, and the values that its slots take."""
    templates: list[Template] = []
    values: dict[str, list[str]] = {}
    for row in load_corpus("en-US", "train", "sample"):
        parsed, pieces, end = Parser().parse(row["annot_utt"]), [], 0
        for span in parsed.spans:
            pieces += [parsed.text[end : span.start], span.type]
            values.setdefault(span.type, []).append(parsed.text[span.start : span.end])
            end = span.end
        templates.append((*pieces, parsed.text[end:]))
    return templates, values
