"""MASSIVE 1.1 over the network: the Hub's Parquet conversion, then the official archive.

The dataset's own repository still holds a loading script, which `datasets` 4 and newer refuse to
run; the Hub's converted Parquet files hold the same rows. No commit of the conversion is known in
advance: the first one that is found is written down, and kept to (see `nerlib.tools.hub.fetch`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from datasets import ClassLabel, Features
from pyarrow import parquet

from nerlib.corpus import COLUMNS, CorpusError
from nerlib.tools import archive
from nerlib.tools.download import DownloadError, tell
from nerlib.tools.hub import Fetched, Repository, fetch

REPOSITORY = "AmazonScience/massive"
REVISION = "refs/convert/parquet"  # NERLIB_MASSIVE_REVISION names another one, or a commit
FOLDERS = {"train": "train", "dev": "validation", "test": "test"}
_ELSE = "or use source='sample' or a folder with MASSIVE's files"
Rows = list[dict[str, str]]


def conversion() -> Repository:
    """Return the repository and the revision of the Parquet files."""
    return Repository(REPOSITORY, "dataset", os.environ.get("NERLIB_MASSIVE_REVISION") or REVISION)


def hub_rows(locale: str, partition: str, report: Callable[[str], None] = tell) -> Rows:
    """Return the rows of one locale and partition, from the Hub or else the official archive.

    Raises `CorpusError` with what to do when they cannot be had.
    """
    fetched = fetch_massive(locale, [partition], report)
    if fetched is None:
        return archive.official_rows(locale, partition, report)
    return [row for path in fetched.paths for row in parquet_rows(path, partition)]


def fetch_massive(
    locale: str, partitions: Iterable[str], report: Callable[[str], None] = tell
) -> Fetched | None:
    """Return the Parquet files of a locale's partitions, or None if the archive has to serve.

    What was fetched once needs no network. A switch to the archive is reported. Raises
    `CorpusError` with what to do when the Hub cannot be asked.
    """
    try:
        return fetch_parquet(locale, partitions, report)
    except DownloadError as error:
        if not error.gone and not archive.stored(locale):
            raise CorpusError(f"MASSIVE {locale} cannot be had: {error}, {_ELSE}") from error
        report(
            f"MASSIVE's Parquet files cannot be had ({error.reason}): "
            "using the official archive instead"
        )
        return None


def fetch_parquet(
    locale: str, partitions: Iterable[str], report: Callable[[str], None] = tell
) -> Fetched:
    """Return the Parquet files of a locale's partitions; raises `DownloadError`."""
    wanted = [f"{locale}/{FOLDERS[partition]}/" for partition in partitions]

    def choose(names: Iterable[str]) -> list[str]:
        there = sorted(name for name in names if name.endswith(".parquet"))
        for start in wanted:
            if not any(name.startswith(start) for name in there):
                raise DownloadError(
                    f"{REPOSITORY} on the Hub has no {start}*.parquet at {conversion().revision}",
                    "choose another locale",
                    status=404,
                )
        return [name for name in there if name.startswith(tuple(wanted))]

    return fetch(conversion(), choose, report)


def parquet_rows(path: Path, partition: str) -> Rows:
    """Return the rows of a Parquet file: all seven columns as strings, class numbers as names.

    Raises `CorpusError` for a damaged file, which is removed, and for missing values.
    """
    table = _read(path)
    features = Features.from_arrow_schema(table.schema)  # with the names of the classes
    columns = {name: _as_strings(table, features, name, partition, path) for name in COLUMNS}
    return [
        dict(zip(COLUMNS, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _read(path: Path) -> Any:
    """Return the table in a Parquet file."""
    try:
        return parquet.read_table(path)
    except (OSError, ValueError):  # pyarrow's own errors are among them
        try:
            path.unlink()
        except OSError:  # a stick that is write-protected, say
            raise CorpusError(f"{path} is not a whole Parquet file: replace it") from None
        raise CorpusError(
            f"{path} was not a whole Parquet file and was removed: try again with a network"
        ) from None


def _as_strings(
    table: Any, features: Features, column: str, partition: str, path: Path
) -> list[str]:
    """Return a column as strings: class numbers become their names.

    A conversion that leaves the partition to the file's folder gets the files' own name for it.
    """
    feature: Any = features.get(column)
    if feature is None and column == "partition":
        return [partition] * len(table)
    values = [] if feature is None else table.column(column).to_pylist()
    if feature is None or any(value is None for value in values):
        raise CorpusError(f"{path} has rows without {column}: {_ELSE[3:]}")
    if isinstance(feature, ClassLabel):
        return [str(label) for label in feature.int2str(values)]
    if column in ("scenario", "intent") and not isinstance(next(iter(values), ""), str):
        raise CorpusError(f"{path} has numbers without names as {column}: {_ELSE[3:]}")
    return [str(value) for value in values]
