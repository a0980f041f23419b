"""All formats by name, and which one a file's name speaks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from nerlib.atomic import whole_file
from nerlib.tools.exchange.brackets import bracketed, read_brackets
from nerlib.tools.exchange.conll import HEAD, conll_sentence, read_conll
from nerlib.tools.exchange.document import Document, ExchangeError, each
from nerlib.tools.exchange.features import read_parquet, write_parquet
from nerlib.tools.exchange.json_files import read_tagged, to_json
from nerlib.tools.exchange.label_studio import label_studio_task, read_label_studio
from nerlib.tools.exchange.prodigy import prodigy_task, read_prodigy
from nerlib.tools.exchange.spacy_docs import read_spacy, write_spacy

Report = Callable[[str], None]
Writer = Callable[[Iterable[Document], Path], None]


@dataclass(frozen=True)
class Format:
    """How the names of a format's files end, how to read and, if possible, write it.

    `reports` says whether the reader leaves things out, and takes a function to tell so.
    """

    suffixes: tuple[str, ...]
    reader: Callable[..., list[Document]]
    write: Writer | None
    keeps_scores: bool = False
    reports: bool = False

    def read(self, path: Path, report: Report) -> list[Document]:
        """Return a file's documents; raises `ExchangeError`, `OwnDataError` or `OSError`."""
        return self.reader(path, report) if self.reports else self.reader(path)


def _writer(
    text_of: Callable[[Document], str], head: str = "", between: str = "\n", tail: str = "\n"
) -> Writer:
    """Return a function that writes a text file, whole or not at all; its errors name the row."""

    def write(documents: Iterable[Document], path: Path) -> None:
        content = head + between.join(each(text_of, documents)) + tail
        with whole_file(path) as unfinished:
            unfinished.write_text(content, encoding="utf-8", newline="")

    return write


CONLL = (".conll", ".bio", ".iob", ".iob2", ".bioes", ".tsv")
write_prodigy = _writer(lambda document: to_json(prodigy_task(document)))
write_label_studio = _writer(
    lambda document: to_json(label_studio_task(document)), "[\n", ",\n", "\n]\n"
)
FORMATS = {
    "brackets": Format((".txt",), read_brackets, _writer(bracketed)),
    "conll": Format(CONLL, read_conll, _writer(conll_sentence, HEAD, "\n\n", "\n\n")),
    "label-studio": Format((".json",), read_label_studio, write_label_studio, True, reports=True),
    "prodigy": Format((".jsonl",), read_prodigy, write_prodigy, True, reports=True),
    "spacy": Format((".spacy",), read_spacy, write_spacy),
    "parquet": Format((".parquet",), read_parquet, write_parquet, True),
    "tag": Format((), read_tagged, None, True),
}
KNOWN = ", ".join(FORMATS)


def find_format(path: Path, name: str | None, option: str) -> str:
    """Return a format's name: this one, or that of the file's suffix; raises `ExchangeError`.

    >>> find_format(Path("sentences.conll"), None, "--from")
    'conll'
    """
    of_suffix = (key for key, one in FORMATS.items() if path.suffix.lower() in one.suffixes)
    found = name or next(of_suffix, None)
    if found is None:
        raise ExchangeError(f"which format is {path.name}? say it by {option}: {KNOWN}")
    if found not in FORMATS:
        raise ExchangeError(f"{option} {found}: there are {KNOWN}")
    return found


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
    reader = FORMATS[find_format(source, from_name, "--from")]
    name = find_format(target, to_name, "--to")
    writer = FORMATS[name]
    if writer.write is None:
        raise ExchangeError(f"{name} is a format for reading only")
    if target.exists() and (target.is_dir() or target.samefile(source)):
        raise ExchangeError(f"{target} is a folder or the file itself: name another file")
    documents = reader.read(source, report)
    writer.write(documents, target)
    if not writer.keeps_scores and any(document.scores for document in documents):
        report(f"{name} keeps no scores: a model's marks look like a person's there")
    return documents
