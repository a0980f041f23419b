"""Put the whole course into one folder, build/stick, from which it is installed without a network.

python -m tools.stick                          # Windows, macOS and Linux, Python 3.11 to 3.13
python -m tools.stick windows-3.12 linux-3.11  # laptops of these kinds only
python -m tools.stick --list                   # fetch nothing: SHA-256, bytes and name of each file

pip evaluates markers such as `os_name == "nt"` for the system that it runs on: so uv chooses the
wheels, within constraints.txt, and pip fetches what was chosen by address and hash.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

from packaging.pylock import PackageWheel, Pylock
from packaging.utils import parse_wheel_filename

from nerlib.atomic import new_folder
from tools.install import pip
from tools.project import ROOT

SYSTEMS = {"windows": "windows", "macos": "aarch64-apple-darwin", "linux": "x86_64-manylinux_2_28"}
TARGETS = [f"{system}-{python}" for system, python in product(SYSTEMS, ("3.11", "3.12", "3.13"))]
EXTRAS = "offline,notebooks,bench,exchange,export,labels,scale,serve"  # what lessons need
MADE = ("site", "slides", "model")  # what goes along from build/, where it is there
PATCH = 2  # of each Python, the oldest that people have: Debian's 3.11.2
INDEXES = {"UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS"}

Wheels = Mapping[str, PackageWheel]  # by the names of their files


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the stick and return 0; 2 if something could not be chosen or fetched."""
    parser = argparse.ArgumentParser(prog="tools.stick", description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"out of {', '.join(TARGETS)}")
    parser.add_argument("--extras", default=EXTRAS, help="of nerlib, with commas")
    parser.add_argument("--list", action="store_true", help="fetch nothing")
    options = parser.parse_args(arguments)
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"unknown: {', '.join(unknown)}; choose from {', '.join(TARGETS)}")
    wheels: dict[str, PackageWheel] = {}
    try:
        for target in options.targets or TARGETS:
            print(f"{target}: choosing wheels …", file=sys.stderr, flush=True)
            chosen = newest(choose(target, options.extras.split(",")))
            wheels |= chosen
            if not options.list:
                fetch(target, chosen, ROOT / "build" / "wheels")
    except ChildProcessError as error:
        print(f"{target}: {error}", file=sys.stderr)
        return 2
    if options.list:
        print(*(f"{w.hashes['sha256']} {w.size} {name}" for name, w in wheels.items()), sep="\n")
    else:
        assemble(wheels, ROOT / "build" / "stick")
    return 0


def choose(target: str, extras: Sequence[str]) -> str:
    """Return a lock file of what a target needs, also to build nerlib; or `ChildProcessError`."""
    system, python = target.split("-")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "pyproject.toml", "-"]
    command += ["--constraint=constraints.txt", "--only-binary=:all:", "--format=pylock.toml"]
    command += [f"--python-platform={SYSTEMS[system]}", f"--python-version={python}.{PATCH}"]
    command += [f"--extra={extra}" for extra in extras]
    if system == "linux" and not INDEXES & os.environ.keys():
        command.append("--torch-backend=cpu")  # elsewhere PyPI has no other
    done = subprocess.run(
        command, input="\n".join(project["build-system"]["requires"]), capture_output=True,
        encoding="utf-8", cwd=ROOT, env={"MACOSX_DEPLOYMENT_TARGET": "14.0"} | os.environ,
    )  # fmt: skip
    if done.returncode:
        raise ChildProcessError(done.stderr.strip())
    return done.stdout


def newest(lock: str) -> Wheels:
    """Return a wheel for each package of a lock file: the one made for the newest Python."""

    def pythons(wheel: PackageWheel) -> tuple[int, int]:
        names = {tag.interpreter for tag in parse_wheel_filename(wheel.filename)[3]}
        return max((int(name[2]), int(name[3:] or 0)) for name in names)

    packages = Pylock.from_dict(tomllib.loads(lock)).packages
    chosen = [max(package.wheels or (), key=pythons) for package in packages]
    return {wheel.filename: wheel for wheel in chosen}


def fetch(target: str, wheels: Wheels, folder: Path) -> None:
    """Fetch what a folder lacks, each put there when it is whole; raises `ChildProcessError`."""
    missing = {name: wheel for name, wheel in wheels.items() if not (folder / name).exists()}
    size = sum(wheel.size or 0 for wheel in missing.values())
    print(f"{target}: fetching {len(missing)} files, {size / 1e6:,.0f} MB", flush=True)
    unfinished = folder / "unfinished"
    unfinished.mkdir(parents=True, exist_ok=True)
    (listed := unfinished / "requirements.txt").write_text(
        "".join(
            f"{wheel.url} --hash=sha256:{wheel.hashes['sha256']}\n" for wheel in missing.values()
        )
    )
    platforms = {tag.platform for name in missing for tag in parse_wheel_filename(name)[3]}
    fits = ["--only-binary=:all:", *(f"--platform={name}" for name in sorted(platforms))]
    fits += ["--no-deps", f"--python-version={target.split('-')[1]}.{PATCH}"]
    where = ["--require-hashes", f"--dest={unfinished}", f"--requirement={listed}"]
    if missing and pip(Path(sys.executable), "download", *fits, *where):
        raise ChildProcessError("pip could not fetch all; started again, it goes on")
    for name in missing:
        (unfinished / name).replace(folder / name)
    shutil.rmtree(unfinished)


def assemble(wheels: Wheels, stick: Path) -> None:
    """Write the folder: the course, what was made of it, and the wheels, linked."""
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").replace("/", "").split()
    with new_folder(stick) as folder:
        left_out = shutil.ignore_patterns(".git", *ignored)
        shutil.copytree(ROOT, folder, ignore=left_out, dirs_exist_ok=True)
        left_out = shutil.ignore_patterns("onnx", "openvino")  # lesson 09 makes these again
        for made in filter(Path.is_dir, (ROOT / "build" / name for name in MADE)):
            shutil.copytree(made, folder / "build" / made.name, ignore=left_out)
        (folder / "wheels").mkdir()
        for name in wheels:
            os.link(ROOT / "build" / "wheels" / name, folder / "wheels" / name)
        sums = (f"{wheel.hashes['sha256']}  {name}\n" for name, wheel in wheels.items())
        (folder / "wheels" / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
        shutil.copy(ROOT / "workshop" / "start-here.md", folder / "START-HERE.md")
    size = sum(path.stat().st_size for path in stick.rglob("*"))
    print(f"{stick.relative_to(ROOT)}: {size / 1e9:.1f} GB")


if __name__ == "__main__":
    sys.exit(main())
