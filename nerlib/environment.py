"""The set-up check: one OK or FAIL line per requirement, with its fix."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from nerlib.corpus import CorpusError, load_corpus
from nerlib.device import available_cores, choose_compute
from nerlib.encoders import EncoderError, packaged_encoder

NEEDED_MEMORY = 2.0  # GiB
NEEDED_DISK = 1.0  # GiB


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


def check_environment(folder: str | Path = ".") -> list[Check]:
    """Return the outcome of every check; `folder` is where results would be written."""
    checks: list[Callable[[], Check]] = [
        check_python,
        *(lambda r=requirement: check_package(r) for requirement in requirements()),
        check_encoder,
        check_sample,
        check_notebooks,
        check_compute,
        check_memory,
        lambda: check_disk(folder),
        lambda: check_writable(folder),
    ]
    return [check() for check in checks]


def requirements() -> Iterator[Requirement]:
    """Yield what the installed package requires without extras, on this Python."""
    for line in importlib.metadata.requires("nerlib") or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


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


def check_encoder() -> Check:
    """Check that the packaged encoder is there and whole."""
    try:
        packaged_encoder()
    except EncoderError as error:
        return Check("packaged encoder", False, *str(error).rsplit(": ", 1))
    return Check("packaged encoder", True, "all-MiniLM-L6-v2, weights as published")


def check_sample() -> Check:
    """Check that the sample corpus can be read."""
    try:
        rows = len(load_corpus("en-US", "train")) + len(load_corpus("ru-RU", "train"))
    except CorpusError as error:
        return Check("sample corpus", False, str(error), "reinstall nerlib")
    return Check("sample corpus", True, f"{rows:,} training rows in two languages")


def check_notebooks() -> Check:
    """Check that JupyterLab and its Python kernel are installed."""
    try:
        versions = [importlib.metadata.version(name) for name in ("jupyterlab", "ipykernel")]
    except importlib.metadata.PackageNotFoundError as error:
        return Check("notebooks", False, f"{error.name} missing", "pip install 'nerlib[notebooks]'")
    return Check("notebooks", True, f"JupyterLab {versions[0]}, kernel {versions[1]}")


def check_compute() -> Check:
    """Say which device and precision would be used."""
    return Check("compute", True, f"{choose_compute()}, {available_cores()} cores")


def check_memory() -> Check:
    """Check the memory of the machine, where the system tells it."""
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names or "SC_PAGE_SIZE" not in names:
        return Check("memory", True, "unknown on this system")
    size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    enough = size >= NEEDED_MEMORY * 0.95
    return Check("memory", enough, f"{size:.1f} GiB", f"{NEEDED_MEMORY:.0f} GiB are needed")


def check_disk(folder: str | Path) -> Check:
    """Check the free space where results are written."""
    free = shutil.disk_usage(_existing(folder)).free / 2**30
    fix = f"free {NEEDED_DISK:.0f} GiB, or choose another folder with --output"
    return Check("disk", free >= NEEDED_DISK, f"{free:.1f} GiB free", fix)


def check_writable(folder: str | Path) -> Check:
    """Check that results can be written."""
    place = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        fix = "choose another folder with --output"
        return Check("write access", False, f"{error.strerror} in {place}", fix)
    return Check("write access", True, f"in {place.name or place}")  # a name tells less of the user


def _existing(folder: str | Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    place = Path(folder).absolute()
    while not place.exists():
        place = place.parent
    return place
