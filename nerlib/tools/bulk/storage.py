"""Files on a disk or in object storage, by one address: a path, or a URL as `s3://bucket/day`.

pyarrow speaks to local disks, S3, Google Cloud Storage, Azure and HDFS by itself; for other kinds
of addresses fsspec is asked. A file is written under a hidden name and gets its own when it is
whole, so that nobody ever meets half of one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow
from pyarrow import fs as arrow

from nerlib.atomic import whole_file

FOLDERLESS = ("s3", "gcs", "abfs")  # object storage: a folder is only the start of a name
CLEARING_ATTEMPTS = 10


class StorageError(ValueError):
    """An address that cannot be read or written: which one, and why."""


@dataclass(frozen=True)
class FileFacts:
    """A file as its storage describes it: `changed` is when, in nanoseconds, 0 where unknown."""

    path: str
    size: int
    changed: int


class Storage:
    """A file or folder at an address, and what lies below it.

    >>> import tempfile
    >>> store = Storage(tempfile.mkdtemp())
    >>> with store.new("parts/one.txt") as file:
    ...     _ = file.write(b"done")
    >>> store.read("parts/one.txt"), store.names("parts"), store.names("none")
    (b'done', ['one.txt'], [])
    """

    def __init__(self, address: str | Path) -> None:
        self.address = str(address)
        self.system, self.root = _locate(self.address)
        self.local = isinstance(self.system, arrow.LocalFileSystem)

    def path(self, name: str = "") -> str:
        """Return the path, within the storage, of what lies below the address."""
        return f"{self.root.rstrip('/')}/{name}" if name else self.root

    def open(self, path: str) -> Any:
        """Return a file that can be read from any place in it; raises `StorageError`."""
        with told(path):
            return self.system.open_input_file(path)

    def read(self, name: str) -> bytes | None:
        """Return a whole file's content, or None if there is none."""
        path = self.path(name)
        with told(path):
            if self.system.get_file_info(path).type != arrow.FileType.File:
                return None
            with self.system.open_input_stream(path) as file:
                return bytes(file.read())

    @contextmanager
    def new(self, name: str) -> Iterator[IO[bytes]]:
        """Yield a file to write to, which is there once it is whole, in place of an older one."""
        path = self.path(name)
        if self.local:
            with whole_file(Path(path)) as unfinished, unfinished.open("wb") as local:
                yield local
                local.close()
            return
        folder, _, last = path.rpartition("/")
        hidden = f"{folder}/.{last}.{uuid.uuid4().hex[:8]}.part"
        with told(path):
            if self.system.type_name not in FOLDERLESS:
                self.system.create_dir(folder)
            file = self.system.open_output_stream(hidden)
        try:
            yield file
            with told(path):
                file.close()
                self.system.move(hidden, path)
        except BaseException:
            with suppress(OSError, pyarrow.ArrowException):
                file.close()
                self.system.delete_file(hidden)
            raise

    def names(self, folder: str) -> list[str]:
        """Return the names of the whole files in a folder, in order; none if there is no folder."""
        selector = arrow.FileSelector(self.path(folder), allow_not_found=True)
        with told(selector.base_dir):
            found = self.system.get_file_info(selector)
        names = (info.base_name for info in found if info.type == arrow.FileType.File)
        return sorted(name for name in names if not name.startswith("."))

    def sweep(self, folder: str) -> None:
        """Remove what killed writes have left in a folder."""
        selector = arrow.FileSelector(self.path(folder), allow_not_found=True)
        with told(selector.base_dir):
            for info in self.system.get_file_info(selector):
                if info.base_name.startswith(".") and info.base_name.endswith(".part"):
                    self.system.delete_file(info.path)

    def clear(self, folder: str) -> None:
        """Remove a folder with all that is in it, if it is there.

        Workers that a killed run has left behind may still write there for a moment: then again.
        """
        for attempts_left in reversed(range(CLEARING_ATTEMPTS)):
            try:
                with told(self.path(folder)):
                    self._delete(self.path(folder))
                return
            except StorageError:
                if not attempts_left:
                    raise

    def files(self) -> list[FileFacts]:
        """Return the file at the address, or all below that folder but hidden ones, in order."""
        with told(self.address):
            info = self.system.get_file_info(self.root)
            if info.type == arrow.FileType.NotFound:
                raise StorageError(f"{self.address}: there is no such file or folder")
            found = [info]
            if info.type == arrow.FileType.Directory:
                found = self.system.get_file_info(arrow.FileSelector(self.root, recursive=True))
        files = [one for one in found if one.type == arrow.FileType.File]
        kept = [one for one in files if one is info or not self._hidden(one.path)]
        facts = (FileFacts(one.path, one.size or 0, one.mtime_ns or 0) for one in kept)
        return sorted(facts, key=lambda file: file.path)

    def relative(self, path: str) -> str:
        """Return a file's name as seen from the address; its last part if it is the address."""
        return path.removeprefix(self.root).lstrip("/") or path.rsplit("/", 1)[-1]

    def _delete(self, path: str) -> None:
        if self.system.get_file_info(path).type == arrow.FileType.Directory:
            self.system.delete_dir(path)

    def _hidden(self, path: str) -> bool:
        return any(part.startswith((".", "_")) for part in self.relative(path).split("/"))


@contextmanager
def told(place: str) -> Iterator[None]:
    """Say of a failure of the storage in one line what failed, and where."""
    try:
        yield
    except (OSError, pyarrow.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise StorageError(f"{place} cannot be used: {reason[:300]}") from None


def _locate(address: str) -> tuple[Any, str]:
    """Return the file system that an address belongs to, and the path in it."""
    if "://" not in address:
        return arrow.LocalFileSystem(), Path(address).absolute().as_posix()
    try:
        system, path = arrow.FileSystem.from_uri(address)
    except pyarrow.ArrowInvalid:
        system, path = _ask_fsspec(address)
    except (OSError, pyarrow.ArrowException) as error:
        raise StorageError(f"{address} cannot be used: {' '.join(str(error).split())}") from None
    return system, path


def _ask_fsspec(address: str) -> tuple[Any, str]:
    """Return the same for a kind of address that pyarrow does not know."""
    import fsspec  # comes with `datasets`

    try:
        system, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError, OSError) as error:
        raise StorageError(f"{address} cannot be used: {' '.join(str(error).split())}") from None
    return arrow.PyFileSystem(arrow.FSSpecHandler(system)), path
