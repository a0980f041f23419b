"""MASSIVE 1.1 from the Hugging Face Hub, through its Parquet conversion.

The dataset's own repository still holds a loading script, which `datasets` 4 and newer refuse to
run; the Hub's converted Parquet files hold the same rows.
"""

from __future__ import annotations

from typing import Any

from datasets import ClassLabel, Dataset
from datasets.exceptions import DatasetGenerationError
from huggingface_hub import (
    constants,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

from nerlib.corpus import COLUMNS, CorpusError

REPOSITORY = "AmazonScience/massive"
REVISION = "refs/convert/parquet"
_FOLDERS = {"train": "train", "dev": "validation", "test": "test"}
_ELSE = "or use source='sample' or a folder with MASSIVE's files"


def hub_rows(locale: str, partition: str) -> list[dict[str, str]]:
    """Return the rows of one locale and partition, ids of scenario and intent turned into names.

    Files are kept in the Hub's own cache, so a second call needs no network and asks for none.
    Raises `CorpusError` with what to do when they cannot be had.
    """
    name = f"{locale}/{_FOLDERS[partition]}/0000.parquet"
    path = try_to_load_from_cache(REPOSITORY, name, revision=REVISION, repo_type="dataset")
    dataset = _read(path if isinstance(path, str) else _download(name))
    columns = {column: _as_strings(dataset, column, partition, name) for column in COLUMNS}
    return [
        dict(zip(COLUMNS, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _download(name: str) -> str:
    """Return the local path of a file of the conversion, fetched from the Hub."""
    _ask_for(name)
    try:
        return hf_hub_download(REPOSITORY, name, revision=REVISION, repo_type="dataset")
    except Exception as error:  # the client's, its HTTP library's or the disk's
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CorpusError(
            f"fetching {name} of {REPOSITORY} failed ({reason}): try again, {_ELSE}"
        ) from error


def _ask_for(name: str) -> None:
    """Raise `CorpusError` unless the Hub has the file.

    Asked once, before the download: that one repeats a failing request for up to a minute and a
    half, and then hides the Hub's answer behind an error of its own.
    """
    url = hf_hub_url(REPOSITORY, name, repo_type="dataset", revision=REVISION)
    try:
        get_hf_file_metadata(url, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except EntryNotFoundError:
        raise CorpusError(
            f"{REPOSITORY} on the Hub has no {name} at {REVISION}: {_ELSE[3:]}"
        ) from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        raise CorpusError(
            f"the Hub refused {name} of {REPOSITORY} (HTTP {status}): try again later, {_ELSE}"
        ) from error
    except Exception as error:  # of the HTTP library, which differs between the client's versions
        raise CorpusError(
            f"{name} of {REPOSITORY} is not in the cache and the Hub cannot be reached: connect to "
            f"the internet once (without HF_HUB_OFFLINE), {_ELSE}"
        ) from error


def _read(path: str) -> Dataset:
    """Return the rows of a Parquet file."""
    try:
        dataset = Dataset.from_parquet(path)
    except (DatasetGenerationError, OSError, ValueError):
        raise CorpusError(f"{path} is not a whole Parquet file: delete it and try again") from None
    assert isinstance(dataset, Dataset)  # what one file gives; a list of files may give more
    return dataset


def _as_strings(dataset: Dataset, column: str, partition: str, name: str) -> list[str]:
    """Return a column as strings: class numbers become their names.

    A conversion that leaves the partition to the file's folder gets the files' own name for it.
    """
    feature: Any = dataset.features.get(column)
    if feature is None and column == "partition":
        return [partition] * len(dataset)
    values = [] if feature is None else list(dataset[column])
    if feature is None or any(value is None for value in values):
        raise CorpusError(f"{name} of {REPOSITORY} has rows without {column}: {_ELSE[3:]}")
    if isinstance(feature, ClassLabel):
        return [str(label) for label in feature.int2str(values)]
    return [str(value) for value in values]
