"""Annotated texts as a `datasets.Dataset` whose features know the names of all tags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet
from datasets import ClassLabel, Dataset, Features, List, Value

from nerlib.atomic import whole_file
from nerlib.parsing import OUTSIDE, Span, Word, bio_tags
from nerlib.tags import TagSet
from nerlib.tools.exchange.document import (
    Document,
    ExchangeError,
    at_rows,
    check_apart,
    words_of,
    words_under,
)


def ner_features(tags: TagSet) -> Features:
    """Return the columns of an annotated corpus, with the tags' names in them.

    `words` and `tags` are what transformers' examples expect; `starts` says where each word begins
    in `text`, `spans` what is marked, in characters, and `scores` is null for what a person marked.

    >>> ner_features(TagSet.from_types(["time"]))["tags"].feature.names
    ['O', 'B-TIME', 'I-TIME']
    """
    span = {"type": Value("string"), "start": Value("int32"), "end": Value("int32")}
    return Features(
        {
            "text": Value("string"),
            "words": List(Value("string")),
            "starts": List(Value("int32")),
            "tags": List(ClassLabel(names=list(tags.labels))),
            "spans": List(span),
            "scores": List(Value("float64")),
        }
    )


def to_dataset(documents: Iterable[Document], tags: TagSet | None = None) -> Dataset:
    """Return documents as a dataset with `ner_features`; without `tags`, of the types they show.

    Raises `ExchangeError` with row and reason for spans that tags cannot say: those that overlap,
    do not begin and end with a word, or are of a type outside of `tags`.

    >>> data = to_dataset([Document("at nine am", (Span("time", 3, 10),))])
    >>> data[0]["words"], data[0]["tags"]
    (['at', 'nine', 'am'], [0, 1, 2])
    """
    rows = list(documents)
    tags = tags or TagSet.from_types(span.type for row in rows for span in row.spans)
    features = ner_features(tags)
    content: list[dict[str, Any]] = []
    for row, document in at_rows(rows):
        try:
            content.append(_row(document, tags))
        except ExchangeError as error:
            raise ExchangeError(f"{row}: {error}") from None
    columns = {name: [one[name] for one in content] for name in features}
    return Dataset.from_dict(columns, features=features)


def from_dataset(data: Iterable[dict[str, Any]]) -> list[Document]:
    """Return the documents of a dataset that `to_dataset` made; raises `ExchangeError`.

    >>> from_dataset(to_dataset([Document("at nine", (Span("time", 3, 7),))]))[0].marked
    [('time', 'nine')]
    """
    documents = []
    for number, row in enumerate(data, start=1):
        try:
            words = zip(row["words"], row["starts"], strict=True)
            documents.append(
                Document(
                    row["text"],
                    tuple(Span(s["type"], s["start"], s["end"]) for s in row["spans"]),
                    tuple(Word(word, start, start + len(word)) for word, start in words),
                    None if row["scores"] is None else tuple(row["scores"]),
                )
            )
        except ExchangeError as error:
            raise ExchangeError(f"row {number}: {error}") from None
        except (KeyError, TypeError, ValueError) as error:
            raise ExchangeError(f"row {number}: not the columns of ner_features: {error}") from None
    return documents


def read_parquet(path: Path) -> list[Document]:
    """Return the documents of a Parquet file that `write_parquet` made."""
    try:
        data = Dataset(pyarrow.parquet.read_table(path))
    except (pyarrow.ArrowException, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ExchangeError(f"{path.name} is no Parquet file: {reason}") from None
    return from_dataset(data)


def write_parquet(documents: Iterable[Document], path: Path) -> int:
    """Write documents as Parquet, which `datasets` loads with the tags' names; return how many."""
    data = to_dataset(documents)
    with whole_file(path) as unfinished:
        data.to_parquet(unfinished)
    return len(data)


def _row(document: Document, tags: TagSet) -> dict[str, Any]:
    words = words_of(document)
    return {
        "text": document.text,
        "words": [word.text for word in words],
        "starts": [word.start for word in words],
        "tags": _tags(words, document.spans, tags),
        "spans": [{"type": s.type, "start": s.start, "end": s.end} for s in document.spans],
        "scores": None if document.scores is None else list(document.scores),
    }


def _tags(words: Sequence[Word], spans: Sequence[Span], tags: TagSet) -> list[str]:
    """Return one tag a word."""
    check_apart(spans, "a row of tags")
    found = [OUTSIDE] * len(words)
    for span in spans:
        first, end = words_under(words, span)
        found[first:end] = bio_tags(span.type, end - first)
        if found[first] not in tags.tag_to_id:
            raise ExchangeError(f"the type {span.type!r} is not in the set of {len(tags)} tags")
    return found
