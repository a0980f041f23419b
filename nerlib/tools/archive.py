"""MASSIVE's official archive: fetched, checked, and read in place.

Nothing of an archive is written anywhere, and what it unpacks to is bounded.
"""

import gzip
import os
import tarfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from huggingface_hub import constants, get_session
from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

from nerlib.atomic import file_digest, whole_file
from nerlib.corpus import CorpusError, Rows, filtered_rows
from nerlib.tools.hub import DownloadError, cache_folder, download_errors, tell

# NERLIB_MASSIVE_URL names a mirror; the hash stays.
ADDRESS = "https://amazon-massive-nlu-dataset.s3.amazonaws.com/amazon-massive-dataset-1.1.tar.gz"
SHA256 = "4cba5faa11c71437928e17cb1b9b3d8b8e727e7ea363a3a9a8045e19c0491577"
# The largest real files are 13 MB, all 52 together less than a gigabyte.
MOST_BYTES_A_READ = 256 * 2**20
MOST_BYTES = 4 * 2**30


class BoundedGzip(gzip.GzipFile):
    """A gzip file that refuses to unpack without end: neither much at once nor much in all."""

    def read(self, size: int | None = -1) -> bytes:
        """Return at most `size` bytes; raises `tarfile.TarError` for too many."""
        if size is None or not 0 <= size <= MOST_BYTES_A_READ:
            raise tarfile.TarError("it holds a part that is far too large")
        if self.tell() + size > MOST_BYTES:
            raise tarfile.TarError(f"it unpacks to more than {MOST_BYTES // 2**30} GB")
        return super().read(size)


def archive_path() -> Path:
    """Return where the official archive lies, or would lie, in the cache."""
    return cache_folder() / "archive" / ADDRESS.rpartition("/")[2]


def fetch_archive(verify: bool = False) -> Path:
    """Return the official archive, fetched unless it is there, and checked against its hash.

    `verify` checks also what is there. Raises `DownloadError`.
    """
    path, url = archive_path(), os.environ.get("NERLIB_MASSIVE_URL") or ADDRESS
    if path.is_file() and not (verify and file_digest(path) != SHA256):
        return path
    tell(f"fetching MASSIVE's official archive (39 MB) to {path.parent}")
    how: Any = {"follow_redirects": True, "timeout": constants.HF_HUB_DOWNLOAD_TIMEOUT}
    how["headers"] = {"Accept-Encoding": "identity"}
    with download_errors(url), get_session().stream("GET", url, **how) as answer:
        hf_raise_for_status(answer)
        with whole_file(path) as unfinished:
            with unfinished.open("wb") as file:
                file.writelines(answer.iter_bytes())
            if file_digest(unfinished) != SHA256:
                reason = f"{path.name} is not the published one: its SHA-256 differs"
                raise DownloadError(reason, "try again, with another connection")
    return path


def archive_rows(path: Path, locales: Collection[str], partition: str) -> Iterator[Rows]:
    """Yield each wanted locale's rows from an archive, in its order; nothing is unpacked.

    Links, devices and other names are passed over. Raises `CorpusError` for an archive that is
    damaged, too large, or has none of the locales.
    """
    left = {f"{locale}.jsonl": locale for locale in locales}
    try:
        with BoundedGzip(path) as content, tarfile.open(fileobj=content, mode="r:") as archive:
            for member in archive:
                if member.size > MOST_BYTES_A_READ:
                    raise tarfile.TarError(f"{member.name[:80]!r} is far too large")
                name = PurePosixPath(member.name)
                if member.isfile() and name.parent.name == "data" and name.name in left:
                    lines = archive.extractfile(member)
                    assert lines is not None  # a regular file always has content
                    yield filtered_rows(lines, member.name, left.pop(name.name), partition)
                if not left:
                    return
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise CorpusError(f"{path} cannot be read as a .tar.gz archive: {error}") from None
    if len(left) == len(locales):
        raise CorpusError(f"{path} has no file data/{min(left) if len(left) == 1 else '*.jsonl'}")


def official_rows(locales: Collection[str], partition: str) -> Iterator[Rows]:
    """Yield each wanted locale's rows from the official archive; raises `CorpusError`."""
    try:
        path = fetch_archive()
    except DownloadError as error:
        raise CorpusError(f"MASSIVE's archive cannot be had: {error}") from error
    yield from archive_rows(path, locales, partition)
