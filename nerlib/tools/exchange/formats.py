"""`python -m nerlib convert IN OUT`: all formats by name, and from one into another."""

import argparse
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from nerlib.atomic import whole_file
from nerlib.corpus import decode_lines
from nerlib.tools.exchange.brackets import bracketed, read_brackets
from nerlib.tools.exchange.columns import entity_tag
from nerlib.tools.exchange.conll import DOCUMENT_START, conll_file, read_conll
from nerlib.tools.exchange.document import (
    Document,
    ExchangeError,
    Reading,
    each,
    repeats,
    to_stderr,
)
from nerlib.tools.exchange.features import read_parquet, write_parquet
from nerlib.tools.exchange.json_files import json_format, to_json
from nerlib.tools.exchange.label_studio import label_studio_task, read_label_studio
from nerlib.tools.exchange.spacy_docs import read_spacy, write_spacy
from nerlib.tools.exchange.span_rows import doccano_row, prodigy_task, read_span_rows

Reader = Callable[[Path, Reading], list[Document]]
Writer = Callable[[Iterable[Document], Path], None]


class Format(NamedTuple):
    """How the names of a format's files end, how to read and, if possible, write it."""

    suffixes: tuple[str, ...]
    read: Reader
    write: Writer | None
    keeps_scores: bool = False


def _writer(content_of: Callable[[Iterable[Document], Path], str]) -> Writer:
    """Return a function that writes a text file, whole or not at all."""

    def write(documents: Iterable[Document], path: Path) -> None:
        content = content_of(documents, path)
        with whole_file(path) as unfinished:
            unfinished.write_text(content, encoding="utf-8", newline="")

    return write


def _lines(
    text_of: Callable[[Document], str], head: str = "", between: str = "\n", tail: str = "\n"
) -> Writer:
    """Return a function that writes a text for each document; its errors name the row."""
    return _writer(lambda documents, _: head + between.join(each(text_of, documents)) + tail)


CONLL = (".conll", ".bio", ".iob", ".iob2", ".bioes", ".tsv")
_prodigy = _lines(lambda document: to_json(prodigy_task(document)))
_tasks = _lines(lambda document: to_json(label_studio_task(document)), "[\n", ",\n", "\n]\n")
FORMATS = {
    "brackets": Format((".txt",), lambda path, _: read_brackets(path), _lines(bracketed)),
    "conll": Format(CONLL, read_conll, _writer(conll_file)),
    "label-studio": Format((".json",), read_label_studio, _tasks, True),
    "prodigy": Format((".jsonl",), read_span_rows, _prodigy, True),
    "doccano": Format((), read_span_rows, _lines(lambda document: to_json(doccano_row(document)))),
    "spacy": Format((".spacy",), read_spacy, write_spacy),
    "parquet": Format((".parquet",), lambda path, _: read_parquet(path), write_parquet, True),
    "tag": Format((), read_span_rows, None, True),
}
SURE = (*CONLL, ".spacy", ".parquet")  # what their files hold is not looked at
JSON = (".json", ".jsonl")
KNOWN = ", ".join(FORMATS)


def run(options: argparse.Namespace) -> int:
    """Convert a file; what is left out is reported on standard error."""
    wishes = options.columns, options.text_field, options.spans_key, options.predictions
    reading = Reading(to_stderr, *wishes)
    source, target = Path(options.input), Path(options.output)
    if target.exists() and not options.overwrite:
        raise ExchangeError(f"{target} is there already: name another file, or give --overwrite")
    found = convert(source, target, options.from_name, options.to_name, reading)
    spans = sum(len(document.spans) for document in found)
    print(f"{len(found)} texts with {spans} spans in {options.output}")
    return 0


def convert(
    source: Path,
    target: Path,
    from_name: str | None = None,
    to_name: str | None = None,
    reading: Reading | None = None,
) -> list[Document]:
    """Read a file in one format, write it in another, and return what it holds.

    The target appears whole or not at all; `reading` is told what is left out. Raises
    `ExchangeError`, `OwnDataError` or `OSError`.
    """
    reading = reading or Reading()
    name = format_of(target, to_name, "--to")
    writer = FORMATS[name]
    if writer.write is None:
        raise ExchangeError(f"{name} is a format for reading only")
    if target.exists() and (target.is_dir() or target.samefile(source)):
        raise ExchangeError(f"{target} is a folder or the file itself: name another file")
    wanted = reading.predictions or writer.keeps_scores
    documents = read_file(source, from_name, replace(reading, predictions=wanted))
    writer.write(documents, target)
    if not writer.keeps_scores and any(document.scores for document in documents):
        reading.report(f"{name} keeps no scores: a model's marks look like a person's there")
    return documents


def read_file(
    source: Path, from_name: str | None = None, reading: Reading | None = None
) -> list[Document]:
    """Return what a file of any format holds; the format is known by its suffix and content.

    What a model marked and nobody has reviewed is left out, and that is told, unless `reading` asks
    for it. Raises `ExchangeError`, `OwnDataError` or `OSError`.
    """
    reading = reading or Reading()
    try:
        documents = FORMATS[format_of(source, from_name)].read(source, reading)
    finally:
        reading.tell(source.name)
    reviewed = [document for document in documents if document.scores is None]
    if reading.predictions:
        reviewed = documents
    if left_out := len(documents) - len(reviewed):
        what = f"{left_out:,} texts that only a model has marked are left out"
        reading.report(f"{source.name}: {what} (convert --predictions takes them)")
    if not reviewed:
        raise ExchangeError(f"{source.name} holds nothing that somebody has annotated")
    for line in repeats(reviewed):
        reading.report(f"{source.name}: {line}")
    return reviewed


def format_of(path: Path, name: str | None = None, option: str = "--from") -> str:
    """Return a format's name: this one, or that of a file's content or suffix.

    Raises `ExchangeError` if it is none that is known.
    """
    suffix = path.suffix.lower()
    if name is None and option == "--from" and path.is_file() and suffix not in SURE:
        name = json_format(path) if suffix in JSON else _by_content(path)
    of_suffix = (key for key, one in FORMATS.items() if suffix in one.suffixes)
    found = name or next(of_suffix, None if suffix or option != "--from" else "brackets")
    if found is None:
        how = f"say it by {option}: {KNOWN}"
        if option == "--from":  # which no other command has
            how = f"name it .txt, or convert it: python -m nerlib convert {path.name} OUT.txt"
            how += f" --from {{{','.join(FORMATS)}}}"
        raise ExchangeError(f"which format is {path.name}? {how}")
    if found not in FORMATS:
        raise ExchangeError(f"{option} {found}: there are {KNOWN}")
    return found


def _by_content(path: Path) -> str | None:
    """Return the name of a text file's format, if its first lines are surely of another one."""
    lines: list[str] = []
    with path.open("rb") as file, suppress(ExchangeError):  # its reader will say what is wrong
        lines += islice(decode_lines(file, path.name, ExchangeError), 50)
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith(('{"', "[{")) or first in ("{", "["):
        return json_format(path)
    rows = [line for line in lines if line.strip() and not line.startswith("# ")]
    table = [line.split() for line in rows if not line.startswith(DOCUMENT_START)]
    tags = [cells[-1] for cells in table if len(cells) > 1 and entity_tag(cells[-1])]
    # Not all of them: which row is broken, its reader will say.
    return "conll" if len(table) > 1 and len(tags) > len(table) / 2 else None
