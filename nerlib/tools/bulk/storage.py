"""Files on a disk or in object storage, by one address: a path, or a URL as `s3://bucket/day`.

fsspec opens them, and says which package it lacks for an address.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import pyarrow
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from nerlib.atomic import whole_file

# What storages call a file's version, or the time of its last change.
VERSIONS = ("ETag", "etag", "mtime", "LastModified", "last_modified", "updated", "created")


class StorageError(ValueError):
    """An address that cannot be read or written: which one, and why."""


StoredFile = tuple[str, int, str]  # path, size, and what changes with its content if that is known


class Storage:
    """A file or folder at an address, and what lies below it.

    >>> Storage("/data/day").path("parts/one.txt")
    '/data/day/parts/one.txt'
    """

    def __init__(self, address: str | Path) -> None:
        self.address = str(address)
        self.system, root = LocalFileSystem(), Path(address).absolute().as_posix()
        if "://" in self.address:
            try:
                self.system, root = url_to_fs(self.address, use_listings_cache=False)
            except (ImportError, OSError, ValueError) as error:
                raise StorageError(f"{address} cannot be used: {one_line(error)}") from None
        self.root = root.rstrip("/") or "/"
        self.local = isinstance(self.system, LocalFileSystem)

    def path(self, name: str) -> str:
        """Return the path, within the storage, of what lies below the address."""
        return f"{self.root.rstrip('/')}/{name}"

    def open(self, path: str) -> Any:
        """Return a file that can be read from any place in it; raises `StorageError`."""
        with storage_errors(path):
            return self.system.open(path, "rb")

    def read(self, name: str) -> bytes | None:
        """Return a whole file's content, or None if there is none."""
        with storage_errors(self.path(name)), suppress(FileNotFoundError):
            return bytes(self.system.cat_file(self.path(name)))
        return None

    @contextmanager
    def new(self, name: str) -> Iterator[IO[bytes]]:
        """Yield a file to write to, which is not there before it is whole."""
        path = self.path(name)
        if self.local:
            with whole_file(Path(path)) as unfinished, unfinished.open("wb") as file:
                yield file
            return
        with TemporaryDirectory() as folder:  # object storage takes a file whole or not at all
            with Path(folder, "whole").open("wb") as file:
                yield file
            with storage_errors(path):
                self.system.put_file(file.name, path)

    def names(self, folder: str = "") -> list[str]:
        """Return the names of a folder's files but hidden ones, in order."""
        with storage_errors(self.path(folder)):
            found = self.system.find(self.path(folder), maxdepth=1)
        names = sorted(path.rsplit("/", 1)[-1] for path in found)
        return [name for name in names if not name.startswith(".")]

    def files(self) -> list[StoredFile]:
        """Return the file at the address, or all below that folder but hidden ones, in order."""
        with storage_errors(self.address):
            if not self.system.exists(self.root):
                raise StorageError(f"{self.address}: there is no such file or folder")
            found = self.system.find(self.root, detail=True)
        files = []
        for path, info in sorted(found.items()):
            if path == self.root or not re.search(r"(^|/)[._]", self.relative(path)):
                version = next((str(info[name]) for name in VERSIONS if info.get(name)), "")
                files.append((path, info.get("size") or 0, version))
        return files

    def relative(self, path: str) -> str:
        """Return a file's name as seen from the address; its last part if it is the address."""
        return path.removeprefix(self.root).lstrip("/") or path.rsplit("/", 1)[-1]


@contextmanager
def storage_errors(place: str) -> Iterator[None]:
    """Say of a failure of the storage in one line what failed, and where."""
    try:
        yield
    except (OSError, pyarrow.ArrowException) as error:
        raise StorageError(f"{place} cannot be used: {one_line(error)}") from None


def one_line(error: Exception) -> str:
    """Return an error's message as one line of at most 300 characters."""
    return " ".join(str(error).split())[:300]
