"""Where utterances come from: the packaged sample, or files in MASSIVE's official layout.

Whatever the source, rows have the same seven string columns. Built in notebook 01.
`nerlib.load_corpus` reads what is here, and fetches from the Hub and the official archive.
"""

import difflib
import hashlib
import importlib.resources
import json
import reprlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import regex
from datasets import Dataset, Features, Value, concatenate_datasets

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
ALL = "all"  # the name of every locale together
# Far more than any utterance or row has: a file without line ends must not fill the memory.
MOST_BYTES = 64 * 2**20
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SPLIT = regex.compile(r"(?P<name>[a-z]+)(?:\[(?P<start>\d*):(?P<stop>\d*)\])?")


Rows = list[dict[str, str]]


class CorpusError(ValueError):
    """A corpus that cannot be had as asked for: what was wrong, where, and what to do."""


class LineError(ValueError):
    """A line that is no text: what is wrong with it and what to do. Its reader knows the place."""


@dataclass(frozen=True)
class Split:
    """One partition of the files' own naming, and the rows of it that are wanted."""

    partition: str
    start: int | None = None
    stop: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Split":
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


def choose_rows(
    rows_by_locale: Iterable[Rows], wanted: Split, locale: str, source: object, shuffle: bool
) -> Dataset:
    """Return the slice that is wanted of a partition's rows, one locale's after another's.

    Raises `CorpusError` if there is no row; `locale` and `source` are for its message.
    """
    parts: list[Dataset] = []
    for rows in rows_by_locale:
        parts.append(rows_to_dataset(rows))
        if not shuffle and wanted.stop is not None and sum(map(len, parts)) >= wanted.stop:
            break  # so that a slice of `all` fetches only what it needs
    corpus = concatenate_datasets(parts)
    if not len(corpus):
        raise CorpusError(
            f"{source} has no {wanted.partition!r} rows for {locale}: try another split"
        )
    order = _random_order(corpus, locale) if shuffle else range(len(corpus))
    chosen = order[wanted.start : wanted.stop]
    return corpus.select(chosen if len(chosen) else [])  # not every version takes an empty range


def _random_order(corpus: Dataset, locale: str) -> list[int]:
    """Return the row numbers in a random order, by a hash, so that no library decides on it."""
    keys = corpus["id"][:]
    if locale == ALL:  # else all translations of a row would stand together
        keys = [f"{key} {each}" for key, each in zip(keys, corpus["locale"][:], strict=True)]
    return sorted(range(len(keys)), key=lambda row: hashlib.sha256(keys[row].encode()).digest())


def local_rows(source: str | Path, locale: str, partition: str) -> Iterable[Rows]:
    """Yield each wanted locale's rows from the sample, a folder or a `.jsonl` file."""
    path = sample_folder() if source == "sample" else Path(source)
    locales = wanted_locales(locale, SAMPLE_LOCALES if source == "sample" else LOCALES)
    if not path.exists():
        kinds = "'sample', 'hub', or a folder, .jsonl or .tar.gz"
        raise CorpusError(f"there is no corpus at {path}: give {kinds}")
    if path.is_dir():
        return (_wanted(file, file.stem, partition) for file in _locale_files(path, locales))
    if path.suffix != ".jsonl":
        raise CorpusError(f"{path} is neither a folder nor a .jsonl nor a .tar.gz")
    return (_wanted(path, each, partition) for each in locales)


def sample_folder() -> Path:
    """Return the folder of the packaged sample corpus."""
    return Path(str(importlib.resources.files("nerlib"))) / "data" / "sample"


def rows_to_dataset(rows: Sequence[dict[str, str]]) -> Dataset:
    """Return rows as a `datasets.Dataset` with the seven columns, all strings."""
    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    return Dataset.from_dict(columns, Features(dict.fromkeys(COLUMNS, Value("string"))))


def wanted_locales(locale: str, known: Sequence[str]) -> Sequence[str]:
    """Return the locale, or all known ones for `all`; raises `CorpusError` for an unknown one."""
    if locale == ALL:
        return known
    if locale in known:
        return [locale]
    near = difflib.get_close_matches(locale.replace("_", "-"), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    raise CorpusError(f"unknown locale {reprlib.repr(locale)} in this source: {hint}")


def read_rows(lines: Iterator[bytes], name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a JSON-lines file; raise `CorpusError` with file, line, row and reason.

    A byte order mark, Windows' line ends and empty lines are fine; two rows of one id are not.
    """
    seen: dict[tuple[str, str], int] = {}
    for number, line in enumerate(lines, start=1):
        where = f"{name}, line {number}"
        try:
            # Files that were glued together have byte order marks in their middle.
            text = decode_line(line, number).strip().removeprefix("\ufeff").lstrip()
            content = json.loads(text, parse_int=_type_only) if text else None
        except (ValueError, RecursionError) as error:  # the second for brackets nested too deep
            raise CorpusError(f"{where}: not JSON in UTF-8 ({error})") from None
        if not text:
            continue
        row = _checked_row(content, where)
        first = seen.setdefault((row["locale"], row["id"]), number)
        if first != number:
            where += f" (row id {reprlib.repr(row['id'])})"
            raise CorpusError(f"{where}: line {first} has the same id; change one")
        yield row
    if not seen:
        raise CorpusError(f"{name} is empty: it has no row at all")


def _type_only(digits: str) -> int:
    """Return an integer, which no row may hold: Python refuses to read thousands of digits."""
    return int(digits[:20])


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


def _locale_files(folder: Path, locales: Sequence[str]) -> list[Path]:
    """Return the locales' files in a folder of the official layout; of many, those that exist."""
    places = [folder / part for part in ("1.1/data", "1.0/data", "data", "")]
    found = [place / f"{locale}.jsonl" for locale in locales for place in places]
    first = {path.name: path for path in reversed(found) if path.is_file()}  # the first place wins
    if not first:
        name = f"{locales[0]}.jsonl" if len(locales) == 1 else "*.jsonl"
        raise CorpusError(f"{folder} has no {Path('1.1/data', name)}: is it MASSIVE's folder?")
    return sorted(first.values())


def _wanted(path: Path, locale: str, partition: str) -> Rows:
    """Return the wanted rows of one JSON-lines file."""
    with path.open("rb") as lines:
        return filtered_rows(lines, path.name, locale, partition)


def filtered_rows(lines: IO[bytes], name: str, locale: str, partition: str) -> Rows:
    """Return the rows of this locale and partition among some lines; raises `CorpusError`."""
    rows = read_rows(short_lines(lines), name)
    return [row for row in rows if row["partition"] == partition and row["locale"] == locale]


def short_lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of a binary file; those of more than `MOST_BYTES` come in pieces.

    `decode_line` refuses such a piece, so that nobody takes it for a line.
    """
    return iter(lambda: file.readline(MOST_BYTES + 1), b"")


def decode_line(line: bytes, number: int) -> str:
    """Return the text of a file's line, without its end, counted from 1.

    A byte order mark at the start of the file, and Windows' line ends, are no part of the text.
    Raises `LineError` for a line that is too long or not UTF-8.

    >>> decode_line("наушники".encode() + b"\\r\\n", 3)
    'наушники'
    """
    if len(line) > MOST_BYTES:
        raise LineError(f"longer than {MOST_BYTES // 2**20} MiB; is it a text file with line ends?")
    if number == 1 and line.startswith(_UTF_16):
        raise LineError("the file is UTF-16; save it as UTF-8")
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise LineError(f"byte {error.start} is not UTF-8; save the file as UTF-8") from None
    return text.rstrip("\r\n")


def decode_lines(
    file: IO[bytes], name: str, error: type[ValueError], start: int = 1
) -> Iterator[str]:
    """Yield a binary file's lines as text; raise `error` with name, line and reason for others."""
    for number, line in enumerate(short_lines(file), start):
        try:
            yield decode_line(line, number)
        except LineError as reason:
            raise error(f"{name}, line {number}: {reason}") from None
