"""Is everything installed that nerlib needs? Asked before anything else is imported.

Only the standard library is needed here, so that a missing package is named with its fix, instead
of by an import that fails somewhere in the middle.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Check:
    """The outcome of one check; `fix` says what to do when it failed."""

    name: str
    ok: bool
    detail: str
    fix: str = ""

    def __str__(self) -> str:
        line = f"{'OK  ' if self.ok else 'FAIL'}  {self.name}: {self.detail}"
        return line if self.ok or not self.fix else f"{line}\n      fix: {self.fix}"


def stop_if_incomplete(process: Sequence[str] = ()) -> None:
    """Raise `ImportError` with what to do if a required package is not installed.

    `process` is how this process was started. A command of nerlib ends here instead, in one line
    and with exit status 2; the set-up check with what can be checked already, and status 1.
    """
    missing = missing_packages()
    if not missing:
        return
    command = command_of(process)
    if command == "check":
        _print(check_installed(), as_json="--json" in process)
        raise SystemExit(1)
    names = " ".join(f'"{line}"' for line in missing)
    told = (
        f"packages that nerlib needs are not installed: {', '.join(map(_name, missing))}; "
        f"install them into this Python: {sys.executable} -m pip install {names}"
    )
    if command is None:
        raise ImportError(told)
    print(f"nerlib: {told}", file=sys.stderr)
    raise SystemExit(2)


def command_of(process: Sequence[str]) -> str | None:
    """Return the command that a process of nerlib was started for; None for another process.

    >>> command_of(["python", "-m", "nerlib", "check", "--json"])
    'check'
    >>> command_of(["python", "-m", "ipykernel_launcher"])
    """
    words = [Path(word).stem for word in process]
    return words[words.index("nerlib") + 1] if "nerlib" in words[:-1] else None


def _print(checks: Sequence[Check], as_json: bool) -> None:
    """Print checks of the packages alone."""
    if as_json:
        print(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        print(*checks, "The rest can be checked once these are installed.", sep="\n")


def missing_packages() -> list[str]:
    """Return the requirements, as `name>=version`, of which no version at all is installed."""
    return [line for line in _required() if not _installed(_name(line))]


def check_installed() -> list[Check]:
    """Check Python, and every package that nerlib requires."""
    if not _installed("nerlib"):
        fix = "pip install -e '.[offline,notebooks]' in the course's folder"
        return [check_python(), Check("nerlib", False, "not installed", fix)]
    if not _installed("packaging"):  # without it no version can be compared
        broken = [line for line in missing_packages() if _name(line) != "packaging"]
        fixes = {_name(line): f'pip install "{line}"' for line in ["packaging", *broken]}
        failed = [Check(name, False, "not installed", fix) for name, fix in fixes.items()]
        return [check_python(), *failed]
    return [check_python(), *(check_package(requirement) for requirement in requirements())]


def check_python() -> Check:
    """Check the version of Python."""
    found = ".".join(map(str, sys.version_info[:3]))
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Check("Python", fits, found, "install Python 3.11, 3.12 or 3.13")


def check_package(requirement: Requirement) -> Check:
    """Check that a package is installed in a version that fits."""
    fix = f'pip install "{requirement}"'
    try:
        found = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return Check(requirement.name, False, "not installed", fix)
    fits = requirement.specifier.contains(found, prereleases=True)
    wanted = "" if fits else f", but {requirement.specifier} is needed"
    return Check(requirement.name, fits, f"{found}{wanted}", fix)


def requirements() -> Iterator[Requirement]:
    """Yield what the installed package requires without extras, on this Python."""
    from packaging.requirements import Requirement

    for line in importlib.metadata.requires("nerlib") or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


def _required() -> list[str]:
    """Return the requirements without any condition."""
    try:
        lines = importlib.metadata.requires("nerlib") or []
    except importlib.metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return []
    return [line for line in lines if ";" not in line]


def _name(line: str) -> str:
    match = _NAME.match(line)
    return match[0] if match else line


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


stop_if_incomplete(sys.orig_argv)  # once, when the library is imported
