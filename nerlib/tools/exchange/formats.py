"""All formats by name, and which one a file's name speaks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from nerlib.tools.exchange.brackets import read_brackets, write_brackets
from nerlib.tools.exchange.conll import read_conll, write_conll
from nerlib.tools.exchange.document import Document, ExchangeError
from nerlib.tools.exchange.features import read_parquet, write_parquet
from nerlib.tools.exchange.label_studio import read_label_studio, write_label_studio
from nerlib.tools.exchange.prodigy import read_prodigy, write_prodigy
from nerlib.tools.exchange.spacy_docs import read_spacy, write_spacy
from nerlib.tools.exchange.tagged import read_tagged

Report = Callable[[str], None]


@dataclass(frozen=True)
class Format:
    """A format's name, how its files' names end, how to read and, if possible, write it."""

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Path, Report], list[Document]]
    write: Callable[[Iterable[Document], Path], int] | None
    keeps_scores: bool = False


FORMATS = {
    one.name: one
    for one in (
        Format("brackets", (".txt",), lambda path, _: read_brackets(path), write_brackets),
        Format(
            "conll",
            (".conll", ".bio", ".iob", ".iob2", ".bioes", ".tsv"),
            lambda path, _: read_conll(path),
            write_conll,
        ),
        Format("label-studio", (".json",), read_label_studio, write_label_studio, True),
        Format("prodigy", (".jsonl",), read_prodigy, write_prodigy, True),
        Format("spacy", (".spacy",), lambda path, _: read_spacy(path), write_spacy),
        Format("parquet", (".parquet",), lambda path, _: read_parquet(path), write_parquet, True),
        Format("tag", (), lambda path, _: read_tagged(path), None, True),
    )
}


def find_format(path: Path, name: str | None, option: str) -> Format:
    """Return the format with this name, or the one of the file's suffix; raises `ExchangeError`.

    >>> find_format(Path("sentences.conll"), None, "--from").name
    'conll'
    """
    if name is not None and name not in FORMATS:
        raise ExchangeError(f"{option} {name}: there are {', '.join(FORMATS)}")
    if name is not None:
        return FORMATS[name]
    for one in FORMATS.values():
        if path.suffix.lower() in one.suffixes:
            return one
    raise ExchangeError(f"which format is {path.name}? say it by {option}: {', '.join(FORMATS)}")


def convert(
    source: Path,
    target: Path,
    from_name: str | None = None,
    to_name: str | None = None,
    report: Report = print,
) -> list[Document]:
    """Read a file in one format, write it in another, and return what it holds.

    The target appears whole or not at all. `report` hears of whatever is not in it. Raises
    `ExchangeError`, `OwnDataError` or `OSError`.
    """
    reader = find_format(source, from_name, "--from")
    writer = find_format(target, to_name, "--to")
    if writer.write is None:
        raise ExchangeError(f"{writer.name} is a format for reading only")
    if target.exists() and (target.is_dir() or target.samefile(source)):
        raise ExchangeError(f"{target} is a folder or the file itself: name another file")
    documents = reader.read(source, report)
    writer.write(documents, target)
    if not writer.keeps_scores and any(document.scores for document in documents):
        report(f"{writer.name} keeps no scores: a model's marks look like a person's there")
    return documents
