"""The folder that keeps what was fetched once: plain files, so that a USB stick can hold it.

    NERLIB_CACHE/
      hub/datasets--AmazonScience--massive/listing.json     what the Hub has, as of one commit
      hub/datasets--AmazonScience--massive/<commit>/ru-RU/train/0000.parquet
      hub/models--ai-forever--ruBert-base/<commit>/config.json
      archive/amazon-massive-dataset-1.1.tar.gz             only if the Hub's files are gone
      archive/1.1/data/ru-RU.jsonl

There are no links in it (FAT, the format of most sticks, has none), and it may be read-only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import constants

VARIABLE = "NERLIB_CACHE"


def cache_folder() -> Path:
    """Return the folder: NERLIB_CACHE, else `nerlib` next to the Hub's own cache.

    >>> with cache_in("stick"):
    ...     print(cache_folder())
    stick
    """
    chosen = os.environ.get(VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(constants.HF_HOME) / "nerlib"


@contextmanager
def cache_in(folder: str | Path) -> Iterator[None]:
    """Use another folder for a while."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
