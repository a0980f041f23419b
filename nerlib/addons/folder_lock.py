"""One run a folder: a lock that the system drops when a process ends, however it ends."""

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout


def lock_folder(folder: str | Path, what: str, error: type[ValueError]) -> Callable[[], object]:
    """Keep other runs from writing `what` to a folder; return what lets them in again.

    Raises `error` if one was first. Where nothing can be written, or the file system has no locks,
    nothing is locked: whoever writes there will say why that cannot be done.

    >>> import tempfile
    >>> release = lock_folder(tempfile.mkdtemp(), "results", ValueError)
    """
    lock = FileLock(Path(folder, ".lock"), timeout=0)
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        advice = "wait for its end, stop it, or choose another folder"
        raise error(f"another run is writing {what} to {folder}: {advice}") from None
    except (OSError, NotImplementedError):
        pass
    return lock.release
