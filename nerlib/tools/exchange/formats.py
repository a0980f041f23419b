"""All formats by name, and which one a file's name speaks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nerlib.tools.exchange.brackets import bracketed, read_brackets
from nerlib.tools.exchange.conll import HEAD, conll_sentence, read_conll
from nerlib.tools.exchange.document import Document, ExchangeError, write_lines
from nerlib.tools.exchange.features import read_parquet, write_parquet
from nerlib.tools.exchange.json_files import read_tagged, to_json
from nerlib.tools.exchange.label_studio import read_label_studio, write_label_studio
from nerlib.tools.exchange.prodigy import prodigy_task, read_prodigy
from nerlib.tools.exchange.spacy_docs import read_spacy, write_spacy

Report = Callable[[str], None]
Writer = Callable[[Iterable[Document], Path], None]


@dataclass(frozen=True)
class Format:
    """A format's name, how its files' names end, how to read and, if possible, write it.

    `reports` says whether the reader leaves things out, and takes a function to tell so.
    """

    name: str
    suffixes: tuple[str, ...]
    reader: Callable[..., list[Document]]
    write: Writer | None
    keeps_scores: bool = False
    reports: bool = False

    def read(self, path: Path, report: Report) -> list[Document]:
        """Return a file's documents; raises `ExchangeError`, `OwnDataError` or `OSError`."""
        return self.reader(path, report) if self.reports else self.reader(path)


def _by_line(line_of: Callable[[Document], str], head: str = "") -> Writer:
    return partial(write_lines, line_of, head=head)


CONLL = (".conll", ".bio", ".iob", ".iob2", ".bioes", ".tsv")
FORMATS = {
    one.name: one
    for one in (
        Format("brackets", (".txt",), read_brackets, _by_line(bracketed)),
        Format("conll", CONLL, read_conll, _by_line(conll_sentence, HEAD)),
        Format(
            "label-studio", (".json",), read_label_studio, write_label_studio, True, reports=True
        ),
        Format(
            "prodigy",
            (".jsonl",),
            read_prodigy,
            _by_line(lambda document: to_json(prodigy_task(document))),
            keeps_scores=True,
            reports=True,
        ),
        Format("spacy", (".spacy",), read_spacy, write_spacy),
        Format("parquet", (".parquet",), read_parquet, write_parquet, keeps_scores=True),
        Format("tag", (), read_tagged, None, keeps_scores=True),
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
