"""The set-up check, `python -m nerlib check`: one OK or FAIL line per requirement, with its fix.

At the top only the standard library is imported, so that the check can run where something is
missing, and names it.
"""

import argparse
import importlib.metadata
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

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


class Failure(Exception):
    """A check that failed: what is wrong, and its fix."""


def run(options: argparse.Namespace) -> int:
    """Print the set-up check; exit status 1 if anything failed."""
    checks = check_environment(options.output)
    if options.json:
        print(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        print(*checks, sep="\n")
        if missing_packages():
            print("The rest can be checked once these are installed.")
    return int(not all(check.ok for check in checks))


def check_environment(folder: str | Path = ".") -> list[Check]:
    """Return the outcome of every check; `folder` is where results would be written.

    Where packages are missing, nothing else is checked.
    """
    checks: dict[str, Callable[[], str]] = {"Python": check_python}
    checks |= {_name(line): partial(check_package, line) for line in requirements()}
    if not missing_packages():
        checks |= _CHECKS | {"disk": partial(check_disk, folder)}
    return [_outcome(name, check) for name, check in checks.items()]


def _outcome(name: str, check: Callable[[], str]) -> Check:
    """Return the outcome of a check; one that breaks is a failure, and hides no other."""
    try:
        return Check(name, True, check())
    except Failure as failure:
        return Check(name, False, *failure.args)
    except ValueError as error:  # nerlib's own errors say what to do
        return Check(name, False, str(error), _FIXES.get(name, ""))
    except Exception as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        return Check(name, False, f"could not be checked ({said})", "report this line")


def requirements() -> list[str]:
    """Return what nerlib requires without extras; nothing in a checkout that is not installed."""
    try:
        lines = importlib.metadata.requires("nerlib") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [line for line in lines if ";" not in line]  # what follows is the name of an extra


def missing_packages() -> list[str]:
    """Return the requirements, as `name>=version`, of which no version at all is installed."""
    return [line for line in requirements() if _version(_name(line)) is None]


def _name(line: str) -> str:
    return re.split(r"[^\w.-]", line)[0]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def check_python() -> str:
    """Return the version of Python; raises `Failure` for one that nerlib does not support."""
    found = ".".join(map(str, sys.version_info[:3]))
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise Failure(found, "install Python 3.11, 3.12 or 3.13")
    return found


def check_package(requirement: str) -> str:
    """Return the installed version of a package; raises `Failure` if it does not fit."""
    fix, found = f'pip install "{requirement}"', _version(_name(requirement))
    if found is None:
        raise Failure("not installed", fix)
    from packaging.requirements import Requirement  # may itself be what is missing

    wanted = Requirement(requirement).specifier
    if not wanted.contains(found, prereleases=True):
        raise Failure(f"{found}, but {wanted} is needed", fix)
    return found


def check_encoder() -> str:
    """Check that the packaged encoder is there and whole."""
    from nerlib.encoders import packaged_encoder

    packaged_encoder()
    return "all-MiniLM-L6-v2, weights as published"


def check_sample() -> str:
    """Check that the sample corpus can be read."""
    from nerlib.tools.corpora import load_corpus

    rows = sum(len(load_corpus(locale, "train")) for locale in ("en-US", "ru-RU"))
    return f"{rows:,} training rows in two languages"


def check_recipe() -> str:
    """Check that the recipe of NERLIB_RECIPE exists, and its corpus where it is in a folder."""
    from nerlib.tools.recipes import get_recipe

    recipe = get_recipe()
    if recipe.corpus_source() == "hub":
        return f"{recipe.name}, from the Hub: downloaded on first use"
    return f"{recipe.name}, {len(recipe.corpus('validation')):,} validation rows"


def check_notebooks() -> str:
    """Check that JupyterLab is installed, and that its kernel `python3` starts this very Python."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

        versions = [importlib.metadata.version(name) for name in ("jupyterlab", "ipykernel")]
        spec = KernelSpecManager().get_kernel_spec("python3")
    except ImportError as error:  # which a package that is not found is as well
        raise Failure(f"{error.name} is missing", "pip install 'nerlib[notebooks]'") from None
    except NoSuchKernel:
        fix = f'"{sys.executable}" -m ipykernel install --sys-prefix --name python3'
        raise Failure("there is no kernel named python3", fix) from None
    program = spec.argv[0] if spec.argv else "nothing"
    # Jupyter puts the Python that it runs with in place of a bare `python`. Links are not followed:
    # the Pythons of two virtual environments may be links to one and the same file.
    path, here = Path(program).absolute(), Path(sys.executable).absolute()
    bare = program in {"python", "python3", f"python3.{sys.version_info[1]}"}
    if not bare and (path.parent != here.parent or not path.stem.startswith("python")):
        fix = f"it starts {program}; remove the folder {spec.resource_dir}"
        raise Failure("the kernel python3 belongs to another Python", fix)
    return f"JupyterLab {versions[0]}, and kernel {versions[1]} that starts this Python"


def check_compute() -> str:
    """Return which device and precision would be used."""
    from nerlib.device import choose_compute

    return str(choose_compute())


def check_threads() -> str:
    """Return how many threads compute on how many cores, and how fast that and one thread are now.

    It takes two seconds. Beside other programs one thread can be faster than several.
    """
    from nerlib.device import available_cores, chosen_threads

    cores, chosen, note = available_cores(), chosen_threads(), ""
    speeds = steps_a_second(sorted({1, cores, chosen}))
    best = max(speeds, key=lambda threads: speeds[threads])
    if speeds[best] > 1.2 * speeds[chosen]:
        note = f"; {best} would be faster now: set NERLIB_THREADS={best}, or close other programs"
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if busy > 1.5 * cores:
        note += f"; busy with {busy:.0f} programs, so training will be slow: close some"
    measured = ", ".join(f"{speed:.0f} with {threads}" for threads, speed in speeds.items())
    return f"{chosen} on {cores} cores; training steps a second now: {measured}{note}"


def steps_a_second(threads: Sequence[int], seconds: float = 2.0) -> dict[int, float]:
    """Return how often a second a layer of the packaged encoder's size learns, by threads."""
    import torch

    layer = torch.nn.TransformerEncoderLayer(384, 12, 1536, batch_first=True)
    batch, before = torch.randn(16, 12, 384), torch.get_num_threads()
    speeds = {}
    for number in threads:
        torch.set_num_threads(number)
        layer(batch).sum().backward()  # the first one also starts the threads
        steps, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds / len(threads):
            layer(batch).sum().backward()
            steps += 1
        speeds[number] = steps / (time.perf_counter() - start)
    torch.set_num_threads(before)
    return speeds


def check_gpu() -> str:
    """Return which GPU would be used, or why none is; every lesson runs without one."""
    import torch

    if torch.cuda.is_available():
        size = torch.cuda.get_device_properties(0).total_memory / 2**30
        return f"{torch.cuda.get_device_name()}, {size:.0f} GiB"
    if torch.backends.mps.is_available():
        return "Apple's, through MPS"
    if shutil.which("nvidia-smi") is None:
        return "none, and none is needed"
    reason = "its driver does not fit" if torch.version.cuda else "it is torch's CPU build"
    return f"there seems to be one, but torch does not see it: {reason}"


def check_disk(folder: str | Path) -> str:
    """Check that results can be written to a folder, and that there is room for them."""
    other, place = "choose another folder with --output", Path(folder).absolute()
    while not os.path.exists(place):  # unlike Path.exists, it takes a locked place for none
        place = place.parent
    free = shutil.disk_usage(place).free / 2**30
    if free < NEEDED_DISK:
        raise Failure(f"{free:.1f} GiB free", f"free {NEEDED_DISK:.0f} GiB, or {other}")
    try:
        with tempfile.TemporaryFile(dir=place):
            return f"{free:.1f} GiB free"
    except OSError as error:
        raise Failure(f"{error.strerror} in {place}", other) from None


_CHECKS: dict[str, Callable[[], str]] = {
    "packaged encoder": check_encoder,
    "sample corpus": check_sample,
    "recipe": check_recipe,
    "notebooks": check_notebooks,
    "compute": check_compute,
    "threads": check_threads,
    "GPU": check_gpu,
}
_FIXES = {
    "sample corpus": "reinstall nerlib",
    "recipe": "set NERLIB_RECIPE=offline, or provide the corpus",
}
