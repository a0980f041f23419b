"""MASSIVE's official archive: fetched, checked, and only the wanted locales taken out of it.

Nothing in an archive decides where anything is written: the names of our files are our own.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import IO

from nerlib.atomic import whole_file
from nerlib.corpus import CorpusError, filtered_rows
from nerlib.tools.cache import cache_folder
from nerlib.tools.download import DownloadError, disk_error, download, tell

# NERLIB_MASSIVE_URL names a mirror; the hash stays.
ADDRESS = "https://amazon-massive-nlu-dataset.s3.amazonaws.com/amazon-massive-dataset-1.1.tar.gz"
SHA256 = "4cba5faa11c71437928e17cb1b9b3d8b8e727e7ea363a3a9a8045e19c0491577"
LOCALE_SHA256 = {
    "en-US": "7f47a92ec9e791d60178bab82fcfb7277b7d13efcf5a8e91fe4cdca2067bd65d",
    "ru-RU": "af7367861ea21c1d69a084b290145815f7eaf82dcdc43b7ab572b993f9b2a69d",
}
# The largest real files are 13 MB, all 52 together less than a gigabyte.
MOST_BYTES_A_READ = 256 * 2**20
MOST_BYTES = 4 * 2**30
Rows = list[dict[str, str]]


class UnsafeArchive(tarfile.TarError):
    """An archive that tries something: to lead out of its folder, or to fill memory or disk."""


class BoundedGzip(gzip.GzipFile):
    """A gzip file that refuses to unpack without end: neither much at once nor much in all."""

    def read(self, size: int | None = -1) -> bytes:
        """Return at most `size` bytes; raises `UnsafeArchive` for too many."""
        if size is None or not 0 <= size <= MOST_BYTES_A_READ:
            raise UnsafeArchive("it holds a part that is far too large")
        if self.tell() + size > MOST_BYTES:
            raise UnsafeArchive(f"it unpacks to more than {MOST_BYTES // 2**30} GB")
        return super().read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to `offset`, which means unpacking everything up to there."""
        if offset > MOST_BYTES:
            raise UnsafeArchive(f"it unpacks to more than {MOST_BYTES // 2**30} GB")
        return super().seek(offset, whence)


def archive_rows(path: Path, locales: Collection[str], partition: str) -> Iterator[Rows]:
    """Yield each wanted locale's rows from an archive, read in place: nothing is unpacked.

    Raises `CorpusError` for an archive that is damaged, unsafe, or has none of the locales.
    """
    found = False
    with _opened(path) as archive:
        for locale, name, lines in _wanted_files(archive, locales):
            found = True
            yield filtered_rows(lines, name, locale, partition)
    if not found:
        some = next(iter(locales)) if len(locales) == 1 else "*"
        raise CorpusError(f"{path} has no file data/{some}.jsonl")


def official_folder() -> Path:
    """Return the folder of the archive and of what was taken out of it."""
    return cache_folder() / "archive"


def stored(locale: str) -> Path | None:
    """Return the locale's file if it was taken out of the archive before."""
    path = official_folder() / "1.1" / "data" / f"{locale}.jsonl"
    return path if path.is_file() else None


def official_rows(locale: str, partition: str, report: Callable[[str], None] = tell) -> Rows:
    """Return the rows of one locale and partition, from the archive at its public address.

    Raises `CorpusError` when it cannot be had.
    """
    try:
        path = fetch_locales([locale], report)[0]
    except DownloadError as error:
        raise CorpusError(f"MASSIVE's archive cannot be had: {error}") from error
    with path.open("rb") as lines:
        return filtered_rows(lines, path.name, locale, partition)


def fetch_locales(locales: Collection[str], report: Callable[[str], None] = tell) -> list[Path]:
    """Return the files of some locales, taken out of the archive, which is fetched if need be.

    Raises `DownloadError` if it cannot be had, `CorpusError` if a locale is not in it.
    """
    missing = [locale for locale in locales if not stored(locale)]
    if missing:
        folder = official_folder() / "1.1" / "data"
        unpack(fetch_archive(report), missing, folder, LOCALE_SHA256)
    return [official_folder() / "1.1" / "data" / f"{locale}.jsonl" for locale in locales]


def fetch_archive(report: Callable[[str], None] = tell) -> Path:
    """Return the official archive, fetched if need be and checked; raises `DownloadError`."""
    address = os.environ.get("NERLIB_MASSIVE_URL") or ADDRESS
    path = official_folder() / ADDRESS.rpartition("/")[2]
    return download(address, path, digest=SHA256, report=report)


def unpack(
    path: Path,
    locales: Collection[str],
    folder: Path,
    digests: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write the files of some locales to `folder`, each in its place only when it is whole.

    `digests` holds the SHA-256 of those for which it is known.

    Raises `CorpusError` for a bad archive and for a locale that is not in it, `DownloadError` for a
    file that is not the published one or cannot be written.
    """
    left = set(locales)
    with _opened(path) as archive:
        for locale, _, lines in _wanted_files(archive, locales):
            _write(lines, folder / f"{locale}.jsonl", digests.get(locale))
            left.discard(locale)
            if not left:
                return
    raise CorpusError(f"{path} has no file data/{min(left)}.jsonl")


def _write(lines: IO[bytes], path: Path, digest: str | None) -> None:
    """Write a locale's file, checked against its hash where that is known."""
    seen = hashlib.sha256()
    try:
        with whole_file(path) as unfinished:
            with unfinished.open("wb") as file:
                while block := lines.read(1 << 20):
                    seen.update(block)
                    file.write(block)
            if digest and seen.hexdigest() != digest:
                raise DownloadError(
                    f"{path.name} in the archive is not the published one (SHA-256 differs)",
                    "report it; meanwhile use a folder with MASSIVE's files",
                )
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile):
        raise
    except OSError as error:
        raise disk_error(error, path.parent) from error


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    """Open an archive; whatever is wrong with it becomes a `CorpusError`."""
    try:
        with (
            BoundedGzip(path) as content,
            tarfile.open(fileobj=content, mode="r:") as archive,
        ):
            yield archive
    except UnsafeArchive as error:
        raise CorpusError(f"{path} is refused: {error}") from None
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise CorpusError(f"{path} cannot be read as a .tar.gz archive: {error}") from None


def _wanted_files(
    archive: tarfile.TarFile, locales: Collection[str]
) -> Iterator[tuple[str, str, IO[bytes]]]:
    """Yield (locale, name, content) of the locales' files, each once, in the archive's order."""
    names = {f"{locale}.jsonl": locale for locale in locales}
    for member in archive:
        check_member(member)
        name = PurePosixPath(member.name)
        if not member.isfile() or name.parent.name != "data" or name.name not in names:
            continue
        lines = archive.extractfile(member)
        assert lines is not None  # a regular file always has content
        yield names.pop(name.name), member.name, lines
        if not names:
            return


def check_member(member: tarfile.TarInfo) -> None:
    """Raise `UnsafeArchive` for an entry that MASSIVE's archive has no reason to hold."""
    name = PurePosixPath(member.name.replace("\\", "/"))
    drive = name.parts[:1] and name.parts[0].endswith(":")
    if name.is_absolute() or drive or ".." in name.parts:
        raise UnsafeArchive(f"{member.name[:80]!r} leads out of the archive")
    if not (member.isfile() or member.isdir()):
        raise UnsafeArchive(f"{member.name[:80]!r} is a link or a device")
    if member.size > MOST_BYTES_A_READ:
        raise UnsafeArchive(f"{member.name[:80]!r} is far too large")
