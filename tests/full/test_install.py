"""The wheel, installed away from the checkout: with the pinned and with the lowest versions.

Runs with NERLIB_TEST_INSTALL=1 (`make test-install`): it makes two virtual environments, which are
kept in build/ and used again; the wheel itself is built and installed every time. The pinned
versions are those of this environment, which the first of the two sees.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from test_packaging import META as PROJECT
from test_packaging import ROOT

from tools.install import read_pins

TOOLS = ("pytest", "hypothesis")  # what the chosen tests need, out of the extra `test`
# One test file for each module that relies on a library of others.
CHOSEN = ("corpus", "dataset", "encoders", "model", "inference", "untrusted")
NO_NETWORK = re.compile(r"NewConnectionError|Name or service not known|name resolution|dns error")

installed = pytest.mark.skipif(
    os.environ.get("NERLIB_TEST_INSTALL") != "1",
    reason="set NERLIB_TEST_INSTALL=1 to install the wheel into environments of its own",
)


PINS = read_pins(ROOT / "constraints.txt")


def lowest_packages() -> list[str]:
    """What the wheel with the packaged encoder and its tests need, in the lowest versions.

    torch comes in the pinned build, the others are small.
    """
    extras = PROJECT["optional-dependencies"]
    needed = [Requirement(line) for line in (*PROJECT["dependencies"], *extras["offline"])]
    needed += [r for r in map(Requirement, extras["test"]) if r.name in TOOLS]
    chosen = {r.name: s.version for r in needed for s in r.specifier if s.operator in (">=", "==")}
    chosen["torch"] = PINS["torch"]
    return [f"{name}=={version}" for name, version in chosen.items()]


def run(*command: str | Path, cwd: Path, status: int = 0) -> str:
    """Run a program outside of the checkout, without its paths; return what it says."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "NERLIB_"))}
    done = subprocess.run(
        command, cwd=cwd, env=inherited, text=True, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if NO_NETWORK.search(done.stdout):
        pytest.skip("packages cannot be fetched here: there is no network")
    assert done.returncode == status, f"{command}:\n{done.stdout[-5000:]}"
    return done.stdout


def pip(python: Path | str, *arguments: str | Path, cwd: Path) -> None:
    """Let a Python's pip do something."""
    run(python, "-m", "pip", "--disable-pip-version-check", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy of what is in version control now."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    names = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in names.split("\0"):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    pip(sys.executable, "wheel", "-q", "--no-deps", "-w", folder, source, cwd=folder)
    (made,) = folder.glob("nerlib-*.whl")
    return made


@pytest.fixture(scope="module", params=["pinned", "lowest"])
def python(request, wheel) -> Path:
    """The Python of an environment with the wheel in it."""
    here = sysconfig.get_path("purelib")
    wanted = lowest_packages() if request.param == "lowest" else [here]
    key = hashlib.sha256("".join([sys.version, *wanted]).encode()).hexdigest()[:12]
    folder = ROOT / "build" / f"install-{key}"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        if request.param == "lowest":
            pip(python, "install", "-q", "--no-compile", *wanted, cwd=wheel.parent)
        else:
            pip(python, "uninstall", "-q", "-y", "setuptools", cwd=ROOT)  # it may be too old
            there = sysconfig.get_path("purelib", "venv", vars={"base": str(folder)})
            Path(there, "pinned.pth").write_text(here)
        (folder / "ready").touch()
    pip(python, "install", "-q", "--no-deps", "--force-reinstall", wheel, cwd=wheel.parent)
    # With its requirements now, which all have to fit: nothing may be fetched for them.
    pip(python, "install", "-q", "--no-index", f"nerlib[offline] @ {wheel.as_uri()}", cwd=ROOT)
    pip(python, "check", cwd=wheel.parent)
    return python


SMOKE = """
import json, sys, sysconfig
from pathlib import Path
import nerlib
from nerlib.corpus import sample_folder

home = Path(nerlib.__file__).resolve().parent
assert home.is_relative_to(Path(sys.prefix).resolve()), home
shared = Path(sysconfig.get_paths()["data"], "share", "nerlib")
print(json.dumps({
    "version": nerlib.__version__,
    "typed": (home / "py.typed").is_file(),
    "sample": sorted(p.name for p in sample_folder().glob("1.1/data/*.jsonl")),
    "benchmarks": sorted(p.name for p in shared.glob("*.json")),
    "words": nerlib.Parser()("at nine am", "at [time : nine am]"),
    "rows": [len(nerlib.load_corpus(name, "train")) for name in ("en-US", "ru-RU")],
}))
"""


@installed
class TestInstalledWheel:
    def test_it_is_whole(self, python, tmp_path):
        found = json.loads(run(python, "-c", SMOKE, cwd=tmp_path).splitlines()[-1])
        assert found == {
            "version": PROJECT["version"],
            "typed": True,
            "sample": ["en-US.jsonl", "ru-RU.jsonl"],
            "benchmarks": sorted(path.name for path in (ROOT / "benchmarks").glob("*.json")),
            "words": ["O", "B-TIME", "I-TIME"],
            "rows": [1000, 1000],
        }

    # The other one sees this environment's Jupyter.
    @pytest.mark.parametrize("python", ["lowest"], indirect=True)
    def test_the_set_up_check_misses_nothing_but_jupyter(self, python, tmp_path):
        told = run(python, "-m", "nerlib", "check", "--json", cwd=tmp_path, status=1)
        checks = json.loads(told)
        assert {"torch", "packaged encoder", "recipe"} <= {check["name"] for check in checks}
        assert [c["name"] for c in checks if not c["ok"]] == ["notebooks"]

    def test_it_trains_and_tags(self, python, tmp_path):
        rows = ("--train", "train[:32]", "--validation", "validation[:8]")
        run(python, "-m", "nerlib", "train", *rows, "--epochs", "1", cwd=tmp_path)
        (tmp_path / "texts.txt").write_text("wake me up at nine\n", encoding="utf-8")
        told = run(python, "-m", "nerlib", "tag", "texts.txt", cwd=tmp_path)
        assert json.loads(told.splitlines()[-1])["text"] == "wake me up at nine"

    # With the pinned ones they run in the checkout already.
    @pytest.mark.parametrize("python", ["lowest"], indirect=True)
    def test_the_tests_of_what_leans_on_others_pass(self, python, tmp_path):
        shutil.copytree(ROOT / "tests", tmp_path / "tests")
        files = [f"tests/test_{name}.py" for name in CHOSEN]
        quiet = ("-q", "-W", "ignore", "-p", "no:cacheprovider")
        told = run(python, "-m", "pytest", *quiet, *files, cwd=tmp_path)
        assert re.search(r"\d{2,} passed", told), told[-500:]


@pytest.mark.skipif(
    sys.platform != "linux" or os.environ.get("NERLIB_TEST_STICK") != "1",
    reason="set NERLIB_TEST_STICK=1 to fetch a stick's wheels and cut the network with unshare",
)
def test_from_the_stick_it_is_installed_and_runs_without_a_network(tmp_path, monkeypatch):
    if "PIP_FIND_LINKS" in os.environ:  # where torch's CPU build is, if its index cannot be reached
        monkeypatch.setenv("UV_FIND_LINKS", os.environ["PIP_FIND_LINKS"])
    target = f"linux-{sys.version_info[0]}.{sys.version_info[1]}"
    run(sys.executable, "-m", "tools.stick", target, "--extras=offline,notebooks", cwd=ROOT)
    laptop = shutil.copytree(ROOT / "build" / "stick", tmp_path / "laptop")
    cut = ("unshare", "--map-root-user", "--net")
    run(*cut, sys.executable, "tools/install.py", "offline", "notebooks", cwd=laptop)
    lesson = ("-m", "tools.execute", "--output", "build", "00")
    loopback = 'ip link set lo up && exec "$@"'  # a kernel talks to its client
    run(*cut, "sh", "-c", loopback, "sh", ".venv/bin/python", *lesson, cwd=laptop)
    assert (laptop / "build" / "00_start_here.html").is_file()


def test_the_lowest_versions_are_those_of_the_project():
    found = dict(line.split("==") for line in lowest_packages())
    assert found["transformers"] == "5.15"
    assert found["torch"] == PINS["torch"]
    assert {Requirement(line).name for line in PROJECT["dependencies"]} < set(found)
