"""Where utterances come from: the packaged sample, official MASSIVE files, or the Hub.

Whatever the source, rows have the same seven string columns. Built in notebook 01.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.resources
import json
import reprlib
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import regex
from datasets import Dataset, Features, Value

from nerlib.lines import decode_line, short_lines

COLUMNS = ("id", "locale", "partition", "scenario", "intent", "utt", "annot_utt")
PARTITIONS = {"train": "train", "validation": "dev", "dev": "dev", "test": "test"}
SAMPLE_LOCALES = ("en-US", "ru-RU")
LOCALES = (
    *("af-ZA", "am-ET", "ar-SA", "az-AZ", "bn-BD", "ca-ES", "cy-GB", "da-DK", "de-DE", "el-GR"),
    *("en-US", "es-ES", "fa-IR", "fi-FI", "fr-FR", "he-IL", "hi-IN", "hu-HU", "hy-AM", "id-ID"),
    *("is-IS", "it-IT", "ja-JP", "jv-ID", "ka-GE", "km-KH", "kn-IN", "ko-KR", "lv-LV", "ml-IN"),
    *("mn-MN", "ms-MY", "my-MM", "nb-NO", "nl-NL", "pl-PL", "pt-PT", "ro-RO", "ru-RU", "sl-SL"),
    *("sq-AL", "sv-SE", "sw-KE", "ta-IN", "te-IN", "th-TH", "tl-PH", "tr-TR", "ur-PK", "vi-VN"),
    *("zh-CN", "zh-TW"),
)
_SPLIT = regex.compile(r"(?P<name>[a-z]+)(?:\[(?P<start>\d*):(?P<stop>\d*)\])?")


class CorpusError(ValueError):
    """A corpus that cannot be had as asked for: what was wrong, where, and what to do."""


@dataclass(frozen=True)
class Split:
    """One partition of the files' own naming, and the rows of it that are wanted."""

    partition: str
    start: int | None = None
    stop: int | None = None

    @classmethod
    def parse(cls, text: str) -> Split:
        """Read `train`, `validation`, `dev` or `test`, with a slice such as `train[:100]`.

        Raises `CorpusError` for anything else.

        >>> Split.parse("validation[10:20]")
        Split(partition='dev', start=10, stop=20)
        """
        match = _SPLIT.fullmatch(text.replace(" ", ""))
        if match is None or match["name"] not in PARTITIONS:
            raise CorpusError(
                f"unknown split {reprlib.repr(text)}: use train, validation (or dev) or test, "
                "with a slice such as train[:100] if you want fewer rows"
            )
        start, stop = (int(number) if number else None for number in match.group("start", "stop"))
        return cls(PARTITIONS[match["name"]], start, stop)


def load_corpus(
    locale: str = "en-US",
    split: str = "train",
    source: str | Path = "sample",
    shuffle: bool = False,
) -> Dataset:
    """Return the rows of one locale and split as a `datasets.Dataset` of seven string columns.

    `source` is `"sample"` (packaged, synthetic, offline), `"hub"` (MASSIVE 1.1 from the Hugging
    Face Hub), or a path: a folder or `.tar.gz` in MASSIVE's official layout, or one `.jsonl` file.
    The columns are id, locale, partition, scenario, intent, utt and annot_utt.
    MASSIVE's files are sorted by scenario, so their first rows show few slot types: `shuffle` puts
    the rows into a random order, the same one every time, before the slice is taken.
    Raises `CorpusError` with what to do about it. Built in notebook 01.

    >>> load_corpus("en-US", "train[:2]")["utt"][0]
    'wake me up at nine am on friday'
    """
    wanted = Split.parse(split)
    if source == "hub":
        from nerlib.hub import hub_rows  # only those who ask for the Hub pay for its client

        rows = hub_rows(check_locale(locale, LOCALES), wanted.partition)
    elif source == "sample":
        check_locale(locale, SAMPLE_LOCALES)
        rows = _official_rows(sample_folder(), locale, wanted.partition)
    else:
        rows = _official_rows(Path(source), check_locale(locale, LOCALES), wanted.partition)
    if not rows:
        raise CorpusError(
            f"{source} has no {wanted.partition!r} rows for {locale}: try another split"
        )
    if shuffle:  # by a hash, so that no library's random numbers decide
        rows.sort(key=lambda row: hashlib.sha256(row["id"].encode()).digest())
    return rows_to_dataset(rows[wanted.start : wanted.stop])


def sample_folder() -> Path:
    """Return the folder of the packaged sample corpus."""
    return Path(str(importlib.resources.files("nerlib"))) / "data" / "sample"


def rows_to_dataset(rows: Sequence[dict[str, str]]) -> Dataset:
    """Return rows as a `datasets.Dataset` with the seven columns, all strings.

    >>> rows_to_dataset([]).column_names[-1]
    'annot_utt'
    """
    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    return Dataset.from_dict(
        columns, features=Features({name: Value("string") for name in COLUMNS})
    )


def check_locale(locale: str, known: Sequence[str]) -> str:
    """Return the locale if it is known; else raise `CorpusError` with the nearest name."""
    if locale in known:
        return locale
    near = difflib.get_close_matches(locale.replace("_", "-"), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    raise CorpusError(f"unknown locale {reprlib.repr(locale)} in this source: {hint}")


def read_rows(lines: Iterator[bytes], name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a JSON-lines file; raises `CorpusError` with file, line, row and reason.

    A byte order mark, Windows' line ends and empty lines are fine; two rows of one id are not.
    """
    seen: dict[tuple[str, str], int] = {}
    for number, line in enumerate(lines, start=1):
        where = f"{name}, line {number}"
        try:
            # Files that were glued together have byte order marks in their middle.
            text = decode_line(line, number).strip().removeprefix("\ufeff").lstrip()
            content = _load(text) if text else None
        except (ValueError, RecursionError) as error:  # the second for brackets nested too deep
            raise CorpusError(f"{where}: not JSON in UTF-8 ({error})") from None
        if text:
            yield _new_row(_checked_row(content, where), seen, number, where)
    if not seen:
        raise CorpusError(f"{name} is empty: it has no row at all")


def _load(text: str) -> Any:
    """Return what a line of JSON says.

    Of a number only the type matters here, and Python refuses to convert thousands of digits.
    """
    return json.loads(text, parse_int=lambda digits: int(digits[:20]))


def _new_row(
    row: dict[str, str], seen: dict[tuple[str, str], int], number: int, where: str
) -> dict[str, str]:
    """Return the row and note the line of its id; raises `CorpusError` for one that is taken."""
    first = seen.setdefault((row["locale"], row["id"]), number)
    if first != number:
        shown = reprlib.repr(row["id"])
        raise CorpusError(f"{where} (row id {shown}): line {first} has the same id; change one")
    return row


def _checked_row(row: Any, where: str) -> dict[str, str]:
    """Return the seven columns of a row; raises `CorpusError` for a missing or wrong field."""
    if not isinstance(row, dict):
        raise CorpusError(f"{where}: a row must be a JSON object, not {type(row).__name__}")
    for name in COLUMNS:
        problem = _problem(row[name]) if name in row else "missing"
        if problem:
            shown = reprlib.repr(row.get("id", "unknown"))  # one line, however long or deep
            raise CorpusError(f"{where} (row id {shown}): {name} is {problem}")
    return {name: row[name] for name in COLUMNS}


def _problem(value: Any) -> str:
    """Return what keeps a field's value from being text, or nothing."""
    if not isinstance(value, str):
        return f"of type {type(value).__name__}, not a string"
    # JSON can spell half of a character pair ("\ud83d"), which no UTF-8 file can hold.
    half = not value.isascii() and regex.search(r"\p{Cs}", value)
    return "half a character (a lone surrogate)" if half else ""


def _official_rows(source: Path, locale: str, partition: str) -> list[dict[str, str]]:
    """Return the rows of one locale and partition from a folder, a `.jsonl` or a `.tar.gz`."""
    if not source.exists():
        raise CorpusError(
            f"there is no corpus at {source}: give 'sample', 'hub', or a folder, .jsonl or .tar.gz"
        )
    if source.is_dir():
        return _wanted(_locale_file(source, locale), locale, partition)
    if source.name.endswith((".tar.gz", ".tgz")):
        return _archive_rows(source, locale, partition)
    if source.suffix == ".jsonl":
        return _wanted(source, locale, partition)
    raise CorpusError(f"{source} is neither a folder nor a .jsonl nor a .tar.gz")


def _locale_file(folder: Path, locale: str) -> Path:
    """Return the locale's file in a folder of the official layout."""
    candidates = [
        folder / part / f"{locale}.jsonl" for part in ("1.1/data", "1.0/data", "data", "")
    ]
    for path in candidates:
        if path.is_file():
            return path
    raise CorpusError(
        f"{folder} has no {candidates[0].relative_to(folder)}: is it MASSIVE's folder?"
    )


def _wanted(path: Path, locale: str, partition: str) -> list[dict[str, str]]:
    """Return the wanted rows of one JSON-lines file."""
    with path.open("rb") as lines:
        return _filtered(lines, path.name, locale, partition)


def _filtered(lines: IO[bytes], name: str, locale: str, partition: str) -> list[dict[str, str]]:
    """Return the rows of this locale and partition among some lines."""
    rows = read_rows(short_lines(lines), name)
    return [row for row in rows if row["partition"] == partition and row["locale"] == locale]


def _archive_rows(path: Path, locale: str, partition: str) -> list[dict[str, str]]:
    """Return the wanted rows from the official archive, read in place: nothing is unpacked."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                if member.isfile() and member.name.endswith(f"/data/{locale}.jsonl"):
                    lines = archive.extractfile(member)
                    assert lines is not None  # a regular file always has content
                    return _filtered(lines, member.name, locale, partition)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise CorpusError(f"{path} cannot be read as a .tar.gz archive: {error}") from None
    raise CorpusError(f"{path} has no file data/{locale}.jsonl")
