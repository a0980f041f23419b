"""One run a folder: a lock that the system itself drops when a process ends, however it ends.

A file that only says "in use" would outlive a kill. What is locked here is a byte of a file, which
no process inherits: those that make batches for a run do not hold its folder after its death.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from pathlib import Path

NAME = ".lock"
_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


class FolderInUse(Exception):
    """Another process has locked the folder."""


def lock_folder(folder: str | Path) -> Callable[[], object]:
    """Keep other processes from locking a folder; return what lets them in again.

    Raises `FolderInUse` if one was first. Where nothing can be written, or a disk knows no locks,
    nothing is locked.

    >>> import tempfile
    >>> unlock = lock_folder(tempfile.mkdtemp())
    >>> _ = unlock()
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        file = Path(folder, NAME).open("ab")  # noqa: SIM115  # closed by what is returned
    except OSError:
        return lambda: None  # whoever writes there will say why that cannot be done
    try:
        _lock(file.fileno())
    except OSError as error:
        if error.errno in _TAKEN:
            file.close()
            raise FolderInUse(str(folder)) from None
    return file.close  # which also unlocks it


if sys.platform == "win32":
    import msvcrt

    def _lock(number: int) -> None:
        msvcrt.locking(number, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(number: int) -> None:
        fcntl.lockf(number, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)


__all__ = ["FolderInUse", "lock_folder"]
