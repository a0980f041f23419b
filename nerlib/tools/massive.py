"""MASSIVE 1.1 over the network: the Hub's Parquet conversion, then the official archive.

The dataset's own repository holds a loading script, which `datasets` 4 and newer refuse to run.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow
from datasets import ClassLabel, Features
from pyarrow import parquet

from nerlib.corpus import COLUMNS, CorpusError, Rows
from nerlib.tools.archive import archive_path, official_rows
from nerlib.tools.hub import DownloadError, Snapshot, fetch, tell

REPOSITORY = "AmazonScience/massive"
REVISION = "refs/convert/parquet"  # NERLIB_MASSIVE_REVISION names another one, or a commit
FOLDERS = {"train": "train", "dev": "validation", "test": "test"}
_ELSE = "use source='sample' or a folder with MASSIVE's files"


def hub_rows(locale: str, partition: str) -> Rows:
    """Return the rows of one locale and partition, from the Hub or else the official archive.

    Raises `CorpusError` with what to do when they cannot be had.
    """
    fetched = fetch_massive(locale, [partition])
    if fetched is None:
        return next(official_rows([locale], partition))
    return [row for name in fetched.names for row in parquet_rows(fetched.folder / name, partition)]


def fetch_massive(locale: str, partitions: Iterable[str], verify: bool = False) -> Snapshot | None:
    """Return the Parquet files of a locale's partitions, or None if the archive has to serve.

    Raises `CorpusError` with what to do when the Hub cannot be asked.
    """
    revision = os.environ.get("NERLIB_MASSIVE_REVISION") or REVISION
    starts = [f"{locale}/{FOLDERS[partition]}/" for partition in partitions]

    def choose(names: Iterable[str]) -> list[str]:
        there = sorted(name for name in names if name.endswith(".parquet"))
        for start in starts:
            if not any(name.startswith(start) for name in there):
                reason = f"{REPOSITORY} on the Hub has no {start}*.parquet at {revision}"
                raise DownloadError(reason, "choose another locale", gone=True)
        return [name for name in there if name.startswith(tuple(starts))]

    try:
        return fetch(REPOSITORY, choose, "dataset", revision, verify)
    except DownloadError as error:
        if not error.gone and not archive_path().is_file():
            raise CorpusError(f"MASSIVE {locale} cannot be had: {error}, or {_ELSE}") from error
        tell(f"no Parquet files of MASSIVE ({error.reason}): using the official archive instead")
        return None


def parquet_rows(path: Path, partition: str) -> Rows:
    """Return the rows of a Parquet file: all seven columns as strings, class numbers as names.

    Raises `CorpusError` for a damaged file, which is removed, and for missing values.
    """
    try:
        table = parquet.read_table(path)
    except (OSError, ValueError):  # pyarrow's own errors are among them
        with suppress(OSError):  # a USB stick that is write-protected, say
            path.unlink()
        advice = "try again with a network" if not path.exists() else "replace it"
        raise CorpusError(f"{path} is not a whole Parquet file: {advice}") from None
    if "partition" not in table.column_names:  # left to the file's folder: the files' own name
        table = table.append_column("partition", pyarrow.array([partition] * len(table)))
    features = Features.from_arrow_schema(table.schema)  # with the names of the classes
    columns = [_as_strings(table, features, name, path) for name in COLUMNS]
    return [dict(zip(COLUMNS, values, strict=True)) for values in zip(*columns, strict=True)]


def _as_strings(table: Any, features: Features, column: str, path: Path) -> list[str]:
    """Return a column as strings: class numbers become their names."""
    feature: Any = features.get(column)
    values = [] if feature is None else table.column(column).to_pylist()
    if feature is None or None in values:
        raise CorpusError(f"{path} has rows without {column}: {_ELSE}")
    if isinstance(feature, ClassLabel):
        return [str(label) for label in feature.int2str(values)]
    if column in ("scenario", "intent") and not isinstance(next(iter(values), ""), str):
        raise CorpusError(f"{path} has numbers without names as {column}: {_ELSE}")
    return [str(value) for value in values]
