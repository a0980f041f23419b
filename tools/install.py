"""Make the virtual environment and install the course into it, with a line for every package.

python3 tools/install.py                       # what lessons 00 to 06 need, then a check
python3 tools/install.py offline notebooks     # these extras of nerlib; `make` calls it
python3 tools/install.py --from E:/wheels      # without a network, from these wheels
.venv/bin/python -m tools.install --pins       # write constraints.txt from what is installed

A folder `wheels` in the course's own is taken without being named: `make stick` makes it.
Standard library only: it runs before anything is installed.
"""

import argparse
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venv"
LESSONS = ("offline", "notebooks")
WHEELS = ROOT / "wheels"
CPU_BUILDS = "https://download.pytorch.org/whl/cpu"
INDEX_SETTINGS = re.compile(r"(?m)^(global|install|:env:)\.(extra-)?(index-url|find-links)=")
NOT_PINNED = ("nerlib", "pip", "setuptools", "wheel")
SHOWN = ("Collecting ", "Downloading ", "Building ", "Installing ", "ERROR")


def main(arguments: Sequence[str]) -> int:
    """Make `.venv` if it is missing or has no pip, install, and return pip's exit status.

    Without extras: what lessons 00 to 06 need, and at the end the course's own check.
    """
    parser = argparse.ArgumentParser(prog="install.py", description=main.__doc__)
    parser.add_argument("extras", nargs="*", default=[], help="of nerlib")
    parser.add_argument("--from", dest="wheels", type=Path, default=WHEELS, help="a stick's wheels")
    parser.add_argument("--pins", action="store_true", help="only write constraints.txt")
    options = parser.parse_args(arguments)
    system = (platform.system(), platform.machine(), platform.mac_ver()[0])
    if reason := refusal(sys.version_info[:2], *system):
        print(reason, file=sys.stderr)
        return 2
    if options.wheels != WHEELS and not any(options.wheels.glob("*.whl")):
        parser.error(f"there are no wheels in {options.wheels}")
    if options.pins:
        write_pins(ROOT / "constraints.txt")
        return 0
    try:
        python = make_environment(FOLDER)
    except (ImportError, subprocess.CalledProcessError):  # Debian parts it from Python
        print("Python cannot make an environment: sudo apt install python3-venv", file=sys.stderr)
        return 2
    wheels, extras = options.wheels.absolute(), options.extras
    if not wheels.is_dir() and wants_cpu_build(python):
        print("No NVIDIA card here: the small build of torch, for the CPU.", flush=True)
        torch = f"torch=={read_pins(ROOT / 'constraints.txt')['torch']}"
        if status := pip_install(python, "--index-url", CPU_BUILDS, torch):
            return status
    status = pip_install(python, "-e", f".[{','.join(extras or LESSONS)}]", wheels=wheels)
    if status or extras:
        return status
    (FOLDER / ".lessons").touch()  # so that make need not do it again
    return subprocess.run([str(python), "-m", "nerlib", "check"], cwd=ROOT).returncode


def refusal(version: Sequence[int], system: str, processor: str, mac: str) -> str:
    """Return why the course cannot be installed and what to do; nothing if it can.

    >>> refusal((3, 12), "Darwin", "arm64", "12.7")
    'torch needs macOS 14 or later, this is 12.7: use Colab instead'
    >>> refusal((3, 12), "Linux", "x86_64", "")
    ''
    """
    if not (3, 11) <= tuple(version[:2]) <= (3, 13):
        found = ".".join(map(str, version[:2]))
        advice = "install 3.12 from python.org, start this with py -3.12 (Windows) or python3.12"
        return f"Python 3.11, 3.12 or 3.13 is needed, this is {found}: {advice}"
    if system == "Darwin" and processor != "arm64":
        return "torch has no build for Python on Intel Macs any more: use Colab instead"
    if system == "Darwin" and int(mac.partition(".")[0]) < 14:
        return f"torch needs macOS 14 or later, this is {mac}: use Colab instead"
    if system == "Windows" and processor == "ARM64":
        return "torch has no build for this Python: install the one for x86-64 from python.org"
    return ""


def make_environment(folder: Path) -> Path:
    """Return the Python of a virtual environment, made anew unless it is there and has pip."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    probe = [str(python), "-c", "import pip"]
    if not python.exists() or subprocess.run(probe, capture_output=True).returncode:
        print(f"Making the virtual environment {folder.name} …", flush=True)
        venv.create(folder, with_pip=True, clear=True)
    return python


def wants_cpu_build(python: Path) -> bool:
    """Return whether pip would fetch gigabytes of CUDA in vain: Linux without an NVIDIA card.

    An index that the user has set for pip decides itself which build there is.
    """
    if not sys.platform.startswith("linux") or shutil.which("nvidia-smi"):
        return False
    probe = [str(python), "-m", "pip", "config", "list"]
    settings = subprocess.run(probe, capture_output=True, text=True).stdout
    installed = subprocess.run([str(python), "-c", "import torch"], capture_output=True)
    return not INDEX_SETTINGS.search(settings) and installed.returncode != 0


def pip_install(python: Path, *arguments: str, wheels: Path = WHEELS) -> int:
    """Install within constraints.txt and return pip's exit status; without a network from wheels.

    Python compiles what it imports, and keeps that. Where it may not keep it, all is compiled here:
    half a minute and 0.4 GB, for each later start would take ten seconds more.
    """
    lazily = [] if sys.dont_write_bytecode else ["--no-compile"]
    here = ["--no-index", "--find-links", str(wheels)] if wheels.is_dir() else []
    status = pip(python, "install", *lazily, "-c", "constraints.txt", *here, *arguments)
    if status and here:
        print(f"Taken from {wheels} alone; with a network, rename that folder.", file=sys.stderr)
    return status


def pip(python: Path, command: str, *arguments: str) -> int:
    """Run a command of pip, show what is being done, and return its exit status."""
    quiet = ("--disable-pip-version-check", "--progress-bar=off")
    done = subprocess.Popen(
        [str(python), "-m", "pip", command, *quiet, *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert done.stdout is not None
    finished = threading.Event()
    for line in done.stdout:
        words = line.strip()
        if words.startswith("Installing collected packages"):
            total = words.count(",") + 1
            counter = threading.Thread(target=count, args=(python, total, finished.wait))
            counter.start()
        elif words.startswith(SHOWN):
            print(f"  {words.partition(' (from ')[0][:96]}", flush=True)
    status = done.wait()
    finished.set()
    return status


def count(python: Path, total: int, wait: Callable[[float], bool]) -> None:
    """Say how many packages are unpacked, for pip says nothing meanwhile."""
    home = {"base": str(python.parents[1])}
    packages = Path(sysconfig.get_path("purelib", "venv", home))
    before, shown = len(list(packages.glob("*.dist-info"))), -1
    while not wait(1):
        new = len(list(packages.glob("*.dist-info"))) - before
        if new // 10 > shown // 10:
            print(f"  unpacked {new} of {total} packages", flush=True)
            shown = new


def write_pins(path: Path) -> None:
    """Write the version of every installed package, below the comment and with pins for others.

    What is pinned already and not installed stays: it belongs to another system.
    """
    old = path.read_text(encoding="utf-8").splitlines()
    pins = read_pins(path)
    for package in importlib.metadata.distributions():
        name = normal(package.metadata["Name"])
        if name not in NOT_PINNED:
            pins[name] = package.version.partition("+")[0]
    lines = [line for line in old if line[0] == "#"]
    lines += [f"{name}=={version}" for name, version in sorted(pins.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_pins(path: Path) -> dict[str, str]:
    """Return the pinned version of every package, by its normal name.

    >>> read_pins(ROOT / "constraints.txt")["torch"].count(".")
    2
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line[0] != "#")
    return {normal(name): version for name, version in pairs}


def normal(name: str) -> str:
    """Return a package's name as indexes write it.

    >>> normal("Jinja2"), normal("ruamel.yaml")
    ('jinja2', 'ruamel-yaml')
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def install_extras(extras: Sequence[str]) -> None:
    """Install what lessons need beyond the core, unless it is there; raises if that fails."""
    from nerlib.tools.extras import missing_modules

    needed = [extra for extra in extras if missing_modules(extra)]
    if not needed:
        return
    print(f"These lessons need the extra {', '.join(needed)}: it is installed now.", flush=True)
    if pip_install(Path(sys.executable), "-e", f".[{','.join(needed)}]"):
        raise SystemExit(f'Could not install it: try pip install -e ".[{",".join(needed)}]"')


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
