"""The set-up check: one OK or FAIL line per requirement, with its fix."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from nerlib.corpus import CorpusError
from nerlib.device import available_cores, choose_compute, fast_bf16
from nerlib.encoders import EncoderError, packaged_encoder
from nerlib.tools.corpora import load_corpus
from nerlib.tools.installation import (
    Check,
    check_installed,
    check_package,
    check_python,
    requirements,
)
from nerlib.tools.recipes import RecipeError, get_recipe

NEEDED_MEMORY = 2.0  # GiB
NEEDED_DISK = 1.0  # GiB


def check_environment(folder: str | Path = ".") -> list[Check]:
    """Return the outcome of every check; `folder` is where results would be written."""
    checks: dict[str, Callable[[], Check]] = {
        "packaged encoder": check_encoder,
        "sample corpus": check_sample,
        "recipe": check_recipe,
        "notebooks": check_notebooks,
        "kernel": check_kernel,
        "compute": check_compute,
        "threads": check_threads,
        "bf16": check_bf16,
        "GPU": check_gpu,
        "memory": check_memory,
        "disk": lambda: check_disk(folder),
        "write access": lambda: check_writable(folder),
    }
    return [*check_installed(), *(_run(name, check) for name, check in checks.items())]


def _run(name: str, check: Callable[[], Check]) -> Check:
    """Return the outcome of a check; one that breaks is told as a failure and hides no other."""
    try:
        return check()
    except Exception as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        return Check(name, False, f"could not be checked ({said})", "show this line to somebody")


def check_recipe() -> Check:
    """Check that the recipe of NERLIB_RECIPE exists, and its corpus where it comes from a folder.

    Corpora from the Hub are not fetched here.
    """
    try:
        recipe = get_recipe()
        if recipe.corpus_source() == "hub":
            return Check("recipe", True, f"{recipe.name}, from the Hub: fetched when it is used")
        rows = len(recipe.corpus("validation"))
    except RecipeError as error:
        return Check("recipe", False, *str(error).rsplit(": ", 1))
    except CorpusError as error:
        return Check("recipe", False, str(error), "set NERLIB_RECIPE=offline, or give the corpus")
    return Check("recipe", True, f"{recipe.name}, {rows:,} validation rows")


def check_kernel() -> Check:
    """Check that the Jupyter kernel of the notebooks, `python3`, starts this very Python."""
    fix = f'"{sys.executable}" -m ipykernel install --sys-prefix --name python3'
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        return Check("kernel", False, "Jupyter is missing", "pip install 'nerlib[notebooks]'")
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Check("kernel", False, "there is no kernel named python3", fix)
    program = spec.argv[0] if spec.argv else ""
    if not starts_this_python(program):
        other = f"it starts {program or 'nothing'}; remove the folder {spec.resource_dir}"
        return Check("kernel", False, "python3 belongs to another Python", other)
    return Check("kernel", True, "python3 starts this Python")


def starts_this_python(program: str) -> bool:
    """Return whether a kernel's program is the running Python.

    Jupyter puts the Python that it runs with in place of a bare `python`. Links are not followed:
    the Pythons of two virtual environments may be links to one and the same file.

    >>> starts_this_python("python"), starts_this_python("/somewhere/else/python")
    (True, False)
    """
    if program in {"python", "python3", f"python3.{sys.version_info[1]}"}:
        return True
    path = Path(program).absolute()
    return path.parent == Path(sys.executable).absolute().parent and path.stem.startswith("python")


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
    return Check("compute", True, str(choose_compute()))


def check_threads() -> Check:
    """Say how many threads compute on how many cores, and whether others want the cores as well.

    A machine that is busy with something else trains many times slower, and nothing else tells it.
    """
    threads, cores = torch.get_num_threads(), available_cores()
    told = os.environ.get("OMP_NUM_THREADS")
    note = f" (OMP_NUM_THREADS is {told}; training uses every core)" if told else ""
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if busy > 1.5 * cores:
        note += f"; busy with {busy:.0f} programs, so training will crawl: close some"
    return Check("threads", True, f"{threads} on {cores} cores{note}")


def check_bf16() -> Check:
    """Say whether the device that would be used has units for bf16."""
    device = choose_compute().device.type
    told = "fast here, and used" if fast_bf16(device) else "no units for it: fp32 is used"
    return Check("bf16", True, told)


def check_gpu() -> Check:
    """Say which GPU would be used, or why none is; every lesson runs without one."""
    if torch.cuda.is_available():
        size = torch.cuda.get_device_properties(0).total_memory / 2**30
        return Check("GPU", True, f"{torch.cuda.get_device_name()}, {size:.0f} GiB")
    if torch.backends.mps.is_available():
        return Check("GPU", True, "Apple's, through MPS")
    if shutil.which("nvidia-smi") is None:
        return Check("GPU", True, "none, and none is needed")
    reason = "its driver does not fit" if torch.version.cuda else "it is torch's CPU build"
    return Check("GPU", True, f"there seems to be one, but torch does not see it: {reason}")


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
    """Return the folder, or the nearest one above it that exists and may be looked into."""
    place = Path(folder).absolute()
    while not os.path.exists(place):  # unlike Path.exists, it takes a locked place for none
        place = place.parent
    return place


__all__ = [
    "Check",
    "check_environment",
    "check_package",
    "check_python",
    "requirements",
]
