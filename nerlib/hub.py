"""MASSIVE 1.1 from the Hugging Face Hub, through its Parquet conversion.

The dataset's own repository still holds a loading script, which `datasets` 4 and newer refuse to
run; the Hub's converted Parquet files hold the same rows.
"""

from __future__ import annotations

from typing import Any

from datasets import ClassLabel, Dataset
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

from nerlib.corpus import COLUMNS, CorpusError

REPOSITORY = "AmazonScience/massive"
REVISION = "refs/convert/parquet"
_FOLDERS = {"train": "train", "dev": "validation", "test": "test"}


def hub_rows(locale: str, partition: str) -> list[dict[str, str]]:
    """Return the rows of one locale and partition, ids of scenario and intent turned into names.

    Files are kept in the Hub's own cache, so a second call needs no network.
    Raises `CorpusError` with what to do when they cannot be had.
    """
    name = f"{locale}/{_FOLDERS[partition]}/0000.parquet"
    dataset = Dataset.from_parquet(_download(name))
    assert isinstance(dataset, Dataset)
    columns = {column: _as_strings(dataset, column, partition) for column in COLUMNS}
    return [
        dict(zip(COLUMNS, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _download(name: str) -> str:
    """Return the local path of a file of the conversion, fetched if need be."""
    try:
        return hf_hub_download(REPOSITORY, name, revision=REVISION, repo_type="dataset")
    except LocalEntryNotFoundError:
        raise CorpusError(
            f"{name} of {REPOSITORY} is not in the cache and the Hub cannot be reached: connect to "
            "the internet once, or use source='sample' or a folder with MASSIVE's files"
        ) from None
    except EntryNotFoundError:
        raise CorpusError(f"{REPOSITORY} on the Hub has no {name} at {REVISION}") from None
    except HfHubHTTPError as error:
        raise CorpusError(f"the Hub refused {name} of {REPOSITORY}: {error}") from None


def _as_strings(dataset: Dataset, column: str, partition: str) -> list[str]:
    """Return a column as strings: class numbers become their names, partitions the files' names."""
    feature: Any = dataset.features.get(column)
    values = list(dataset[column]) if feature is not None else [partition] * len(dataset)
    if isinstance(feature, ClassLabel):
        return [str(name) for name in feature.int2str(values)]
    return [str(value) for value in values]
