"""Annotated texts as a `datasets.Dataset` whose features know the names of all tags."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet
from datasets import ClassLabel, Dataset, Features, List, Value

from nerlib.atomic import whole_file
from nerlib.parsing import Span, Word
from nerlib.tags import TagSet
from nerlib.tools.exchange.document import Document, ExchangeError, each, tags_of, words_of


def to_dataset(documents: Iterable[Document]) -> Dataset:
    """Return documents as a dataset whose features know the tags of the types that are marked.

    Raises `ExchangeError` for spans that overlap, or do not begin and end with a word.

    >>> data = to_dataset([Document("at nine am", (Span("time", 3, 10),))])
    >>> data[0]["words"], data[0]["tags"]
    (['at', 'nine', 'am'], [0, 1, 2])
    """
    rows = list(documents)
    tags = TagSet.from_types(span.type for row in rows for span in row.spans)
    text, number = Value("string"), Value("int32")
    features = Features(
        text=text,
        words=List(text),
        starts=List(number),
        tags=List(ClassLabel(names=list(tags.labels))),
        spans=List({"type": text, "start": number, "end": number}),
        scores=List(Value("float64")),
    )
    return Dataset.from_list(list(each(_row, rows)), features=features)


def from_dataset(data: Iterable[dict[str, Any]]) -> list[Document]:
    """Return the documents of a dataset that `to_dataset` made; raises `ExchangeError`.

    >>> from_dataset(to_dataset([Document("at nine", (Span("time", 3, 7),))]))[0].marked
    [('time', 'nine')]
    """
    return list(each(_document, data))


def read_parquet(path: Path) -> list[Document]:
    """Return the documents of a Parquet file that `write_parquet` made."""
    try:
        data = Dataset(pyarrow.parquet.read_table(path))
    except (pyarrow.ArrowException, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ExchangeError(f"{path.name} is not a Parquet file: {reason}") from None
    return from_dataset(data)


def write_parquet(documents: Iterable[Document], path: Path) -> None:
    """Write documents as Parquet, which `datasets` loads with the tags' names."""
    with whole_file(path) as unfinished:
        to_dataset(documents).to_parquet(unfinished)


def _row(document: Document) -> dict[str, Any]:
    words = words_of(document)
    return {
        "text": document.text,
        "words": [word.text for word in words],
        "starts": [word.start for word in words],
        "tags": [tag.upper() for tag in tags_of(document, words, "a row of tags")],
        "spans": [asdict(span) for span in document.spans],
        "scores": document.scores,
    }


def _document(row: dict[str, Any]) -> Document:
    try:
        places = zip(row["words"], row["starts"], strict=True)
        words = tuple(Word(word, start, start + len(word)) for word, start in places)
        spans = tuple(Span(**span) for span in row["spans"])
        return Document(row["text"], spans, words, row["scores"])
    except ExchangeError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ExchangeError(f"not the columns of to_dataset: {error}") from None
