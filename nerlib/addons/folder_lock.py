"""One run a folder: a lock that the system drops when a process ends, however it ends."""

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout


def lock_folder(folder: str | Path) -> Callable[[], object]:
    """Keep other processes from locking a folder; return what releases it.

    Raises `filelock.Timeout` if one was first. Where nothing can be written, or the file system has
    no locks, nothing is locked: whoever writes there will say why that cannot be done.

    >>> import tempfile
    >>> release = lock_folder(tempfile.mkdtemp())
    """
    lock = FileLock(Path(folder, ".lock"), timeout=0)
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise
    except (OSError, NotImplementedError):
        pass
    return lock.release
