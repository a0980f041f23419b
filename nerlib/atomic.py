"""Files and folders that appear whole or not at all, whatever ends the program in the meantime.

A folder is written under a temporary name beside its place, flushed to the disk, and renamed. A
kill, a full disk or a power cut leaves what was there before, at its place or beside it, from where
`recover` brings it back, and at most a temporary folder that `sweep` removes.
"""

import glob
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path


@contextmanager
def new_folder(target: str | Path, replaces: Sequence[str] = ("*",)) -> Iterator[Path]:
    """Yield an empty folder to write into; at the end it takes the place of `target`.

    `replaces` are patterns of the file names at `target` that the new folder stands for; files
    with other names are carried over. After an error or a kill `target` is as it was. Raises
    `OSError` where nothing can be written, and `ValueError` for a folder that cannot be replaced
    because the program stands in it.
    """
    target = Path(os.path.realpath(target))  # behind a link lies the folder that is meant
    if Path.cwd().is_relative_to(target):
        raise ValueError(f"{target} is the current folder or holds it: choose a folder of its own")
    target.parent.mkdir(parents=True, exist_ok=True)
    recover(target)
    sweep(target.parent, glob.escape(target.name))
    folder = target.with_name(f".{target.name}.writing-{uuid.uuid4().hex[:8]}")
    folder.mkdir()
    try:
        yield folder
        for path in filter(Path.is_file, folder.rglob("*")):
            path.chmod(folder.stat().st_mode & 0o666)  # some writers keep files to their owner
        if target.is_dir():
            _carry_over(target, folder, replaces)
        sync_tree(folder)
        _put_in_place(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # half-written, after an error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a path to write to; at the end it takes the place of `path`, at once.

    After an error or a kill `path` is as it was. Raises `OSError` where nothing can be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    unfinished = Path(name)
    try:
        yield unfinished
        os.chmod(unfinished, 0o644)  # a temporary file starts as its owner's alone
        sync(unfinished)  # or a power cut could leave an empty file under the final name
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def recover(target: str | Path) -> None:
    """Put the old folder back if a kill came between the two steps of a replacement."""
    target = Path(os.path.realpath(target))
    previous = _previous(target)
    if previous.is_dir() and not target.exists():
        previous.rename(target)


def sweep(parent: Path, name: str = "*") -> None:
    """Remove what killed writes of `name`, which may be a pattern, left in a folder."""
    for pattern in (f".{name}.writing-*", f".{name}.previous"):
        for leftover in parent.glob(pattern):
            shutil.rmtree(leftover, ignore_errors=True)


def sync_tree(folder: Path) -> None:
    """Flush a folder's files, then the folders that name them, to the disk."""
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            sync(Path(place) / name)
        sync(Path(place))


def sync(path: Path) -> None:
    """Flush one file or folder to the disk; systems that cannot do that with folders do not."""
    if path.is_symlink() or (os.name == "nt" and path.is_dir()):
        return
    # Windows flushes only what is open for writing.
    number = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError:
        if path.is_file():  # some network disks refuse it for folders
            raise
    finally:
        os.close(number)


def file_digest(path: Path) -> str:
    """Return a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _put_in_place(folder: Path, target: Path) -> None:
    """Rename a whole folder to its place; what was there before goes only when it has arrived."""
    previous = _previous(target)
    if target.exists():
        target.rename(previous)  # a kill from here to the next line is what `recover` is for
    folder.rename(target)
    shutil.rmtree(previous, ignore_errors=True)
    sync(target.parent)


def _carry_over(old: Path, new: Path, replaces: Sequence[str]) -> None:
    """Link the files that the new folder does not stand for from the old one into it."""

    def leave_out(place: str, names: list[str]) -> list[str]:
        if Path(place) != old:
            return []
        return [name for name in names if any(fnmatch(name, pattern) for pattern in replaces)]

    shutil.copymode(old, new)
    shutil.copytree(
        old, new, symlinks=True, ignore=leave_out, copy_function=_link, dirs_exist_ok=True
    )


def _link(source: str, target: str) -> None:
    """Give a file a second name; copy it where that cannot be done."""
    if os.path.exists(target):
        return
    try:
        os.link(source, target, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copy2(source, target, follow_symlinks=False)


def _previous(target: Path) -> Path:
    """Return the name under which the old folder waits until the new one is in its place."""
    return target.with_name(f".{target.name}.previous")
