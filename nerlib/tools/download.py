"""Files from the internet: resumed where they broke off, checked, moved into place when whole."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from huggingface_hub import constants, get_session
from huggingface_hub.errors import HTTPError, OfflineModeIsEnabled  # type: ignore[attr-defined]
from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]
from tqdm.auto import tqdm

WAITS = (1.0, 2.0, 4.0)  # seconds before the second, third and fourth try
LONGEST_WAIT = 60.0  # what a server may ask for at most
OFFLINE = (
    "HF_HUB_OFFLINE is set",
    "unset it, or fetch this once where there is a network (python -m nerlib prefetch RECIPE "
    "--to FOLDER) and set NERLIB_CACHE to that folder",
)
Result = TypeVar("Result")


class DownloadError(RuntimeError):
    """What cannot be fetched: why, and what to do.

    `passing` says that it may go by itself, `gone` that the server answered and does not give the
    file; `status` and `code` are that answer's, `wait` the seconds that it asked for.
    """

    def __init__(
        self,
        reason: str,
        advice: str,
        passing: bool = False,
        status: int = 0,
        code: str = "",
        wait: float = 0,
    ) -> None:
        self.reason, self.advice, self.passing = reason, advice, passing
        self.status, self.code, self.wait = status, code, wait
        super().__init__(f"{reason}; {advice}")

    @property
    def gone(self) -> bool:
        """Whether a server has the last word: there is no such file, or not for you."""
        return self.status in (401, 403, 404, 410)


def tell(line: str) -> None:
    """Print a line where it does not get in between results."""
    print(line, file=sys.stderr, flush=True)


def download(
    url: str,
    path: Path,
    size: int | None = None,
    digest: str | None = None,
    headers: Mapping[str, str] | None = None,
    report: Callable[[str], None] = tell,
) -> Path:
    """Fetch a file, unless it is there, and return its path.

    What a broken connection or a killed program left in `<path>.part` is not fetched again. The
    file is checked against `size` (bytes) and `digest` (see `file_digest`) before it gets its name.
    Raises `DownloadError`; a file that is not the right one is removed first.
    """
    part, lock = (path.with_name(path.name + ending) for ending in (".part", ".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(lock):  # another notebook may want it as well
            if not path.is_file():
                check_space(part, size)
                action = _rest_of(url, part, size, headers or {}, path.name)
                patiently(action, report, lambda: _size(part))
                check_file(part, size, digest, path.name)
                os.replace(part, path)
    except OSError as error:
        raise disk_error(error, path.parent) from error
    finally:
        lock.unlink(missing_ok=True)
    return path


def patiently(
    action: Callable[[], Result],
    report: Callable[[str], None] = tell,
    progress: Callable[[], int] = lambda: 0,
) -> Result:
    """Return what an action returns, tried again a few times while its trouble is a passing one.

    Waits longer each time, as long as the server asks for, and starts counting anew whenever
    `progress` has grown. Raises the last `DownloadError`.
    """
    tries = 0
    while True:
        before = progress()
        try:
            return action()
        except DownloadError as error:
            tries = 0 if progress() > before else tries + 1
            if not error.passing or tries > len(WAITS) or error.wait > LONGEST_WAIT:
                raise
            pause = error.wait or WAITS[max(tries, 1) - 1]
            report(f"{error.reason}; trying again in {pause:.0f} s")
        time.sleep(pause)


def file_digest(path: Path, like: str) -> str:
    """Return a file's SHA-256, or, if `like` has 40 digits, its name as an object of git.

    The Hub lists large files by the first and small ones by the second.
    """
    with path.open("rb") as file:
        if len(like) != 40:
            return hashlib.file_digest(file, "sha256").hexdigest()
        start = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
        return hashlib.file_digest(file, lambda: start).hexdigest()


def check_file(path: Path, size: int | None, digest: str | None, name: str) -> None:
    """Raise `DownloadError`, and remove the file, unless it has the right size and digest."""
    found = _size(path)
    if size is not None and found != size:
        problem = f"has {found:,} bytes instead of {size:,}"
    elif digest is not None and file_digest(path, digest) != digest:
        problem = f"is not the published one ({'git' if len(digest) == 40 else 'SHA-256'} hash)"
    else:
        return
    path.unlink(missing_ok=True)
    raise DownloadError(f"{name} {problem} and was removed", "try again, with another connection")


def check_space(path: Path, size: int | None) -> None:
    """Raise `DownloadError` if what is missing of a file does not fit on its disk."""
    needed = (size or 0) - _size(path)
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise _disk_full(path.parent, f"{needed / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} free")


def server_error(status: int, headers: Mapping[str, str], url: str) -> DownloadError:
    """Return the error for an answer that is none."""
    host = urlsplit(url).netloc
    code = headers.get("X-Error-Code", "")
    if status == 429:
        wait = headers.get("Retry-After", "")
        return DownloadError(
            f"{host} has had too many requests from here (HTTP 429)",
            "wait some minutes, or log in (hf auth login), and try again",
            passing=True,
            status=status,
            wait=float(wait) if wait.isdigit() else 0,
        )
    if status >= 500 or status == 408:
        return DownloadError(
            f"{host} is in trouble (HTTP {status})", "try again later", True, status, code
        )
    return DownloadError(
        f"{host} does not give it out (HTTP {status})", "check the name", False, status, code
    )


def network_error(error: Exception, url: str) -> DownloadError:
    """Return the error for an answer that never came."""
    host = urlsplit(url).netloc
    kind = type(error).__name__
    if isinstance(error, OfflineModeIsEnabled):
        return DownloadError(*OFFLINE)
    if "Timeout" in kind:
        return DownloadError(f"{host} did not answer in time", "try again later", True)
    if kind in ("ReadError", "RemoteProtocolError"):
        return DownloadError(f"the connection to {host} was cut", "try again", True)
    return DownloadError(
        f"{host} cannot be reached", "check the connection to the internet and try again", True
    )


def disk_error(error: OSError, folder: Path) -> DownloadError:
    """Return the error for a file that cannot be written."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return _disk_full(folder, str(error.strerror))
    return DownloadError(
        f"{folder} cannot be written to ({error.strerror or error})",
        "set NERLIB_CACHE to a folder that can",
    )


def _disk_full(folder: Path, detail: str) -> DownloadError:
    return DownloadError(
        f"the disk of {folder} is full ({detail})",
        "make room, or set NERLIB_CACHE to a folder on another disk",
    )


def _rest_of(
    url: str, part: Path, size: int | None, headers: Mapping[str, str], name: str
) -> Callable[[], None]:
    """Return the action that appends to `part` what is missing of a file."""

    def action() -> None:
        have = _size(part)
        if have and have == size:
            return
        asked = {**headers, "Accept-Encoding": "identity"}
        if have:
            asked["Range"] = f"bytes={have}-"
        try:
            with get_session().stream(
                "GET",
                url,
                headers=asked,
                timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT,
                follow_redirects=True,
            ) as response:
                _append(response, part, have, size, name)
        except (HTTPError, OfflineModeIsEnabled) as error:
            raise network_error(error, url) from error

    return action


def _append(response: Any, part: Path, have: int, size: int | None, name: str) -> None:
    """Write an answer's bytes behind those that are there, or instead of them."""
    if response.status_code == 416:  # there is no such rest: what we have is not a part of it
        part.unlink()
        raise DownloadError(f"{name} has changed since", "try again", passing=True)
    if response.status_code not in (200, 206):
        raise server_error(response.status_code, response.headers, str(response.url))
    resumed = response.status_code == 206
    with (
        part.open("ab" if resumed else "wb") as file,
        tqdm(
            total=size or int(response.headers.get("Content-Length", 0)) or None,
            initial=have if resumed else 0,
            desc=name,
            unit="B",
            unit_scale=True,
            delay=1,  # small files come without
            leave=False,
        ) as bar,
    ):
        for block in response.iter_bytes():
            file.write(block)
            bar.update(len(block))


def _size(path: Path) -> int:
    """Return a file's size, 0 if there is none."""
    return path.stat().st_size if path.is_file() else 0
