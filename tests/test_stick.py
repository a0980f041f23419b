"""The stick for a class without a network: which wheels it takes, and that it is whole."""

import hashlib
import zipfile
from pathlib import Path

import pytest
from packaging.pylock import PackageWheel

from tools import install, stick

LOCK = """
lock-version = "1.0"
created-by = "uv"
[[packages]]
name = "a"
version = "1+cpu"
wheels = [
    {url = "https://b/a-1%2Bcpu-py39-none-any.whl", hashes = {sha256 = "01"}},
    {url = "https://b/a-1%2Bcpu-cp312-cp312-win_amd64.whl", hashes = {sha256 = "02"}},
    {url = "https://b/a-1%2Bcpu-py3-none-any.whl", hashes = {sha256 = "03"}},
]
"""
WINDOWS = "{}-1-cp312-cp312-win_amd64.whl"


def make_wheel(folder: Path, name: str, digest: str = "") -> dict[str, PackageWheel]:
    """Write a wheel for Windows; return where it is, with its SHA-256 or the one given."""
    path = folder / WINDOWS.format(name)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(
            f"{name}-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1"
        )
        file.writestr(f"{name}-1.dist-info/WHEEL", "Wheel-Version: 1.0")
    digest = digest or hashlib.sha256(path.read_bytes()).hexdigest()
    return {path.name: PackageWheel(url=path.as_uri(), hashes={"sha256": digest})}


def test_of_several_wheels_the_one_for_the_newest_python_is_taken():
    (name,) = stick.newest(LOCK)
    assert name == "a-1+cpu-cp312-cp312-win_amd64.whl"


def test_only_whole_wheels_of_other_systems_are_kept_and_only_missing_ones_fetched(tmp_path):
    kept = tmp_path / "wheels"
    one = make_wheel(tmp_path, "a")
    stick.fetch("windows-3.12", one, kept)
    assert [path.name for path in kept.iterdir()] == [*one]
    (tmp_path / next(iter(one))).unlink()  # it cannot be fetched again
    with pytest.raises(ChildProcessError):
        stick.fetch("windows-3.12", one | make_wheel(tmp_path, "b", "0" * 64), kept)
    assert [path.name for path in kept.glob("*.whl")] == [*one]
    both = one | make_wheel(tmp_path, "b")
    stick.fetch("windows-3.12", both, kept)
    assert {path.name for path in kept.iterdir()} == {*both}


def test_it_holds_the_course_what_was_made_of_it_and_the_wheels_with_their_hashes(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(stick, "ROOT", tmp_path)
    (tmp_path / ".gitignore").write_text(".venv/\nbuild/\n*.egg-info/\n")
    made = [".venv/x", "a.egg-info/x", "nerlib/x.py", "build/site/index.html", "build/secret"]
    for name in (*made, "workshop/start-here.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "build" / "wheels").mkdir()
    wheels = make_wheel(tmp_path / "build" / "wheels", "a")
    (name,) = wheels
    stick.assemble(wheels, tmp_path / "build" / "stick")
    folder = tmp_path / "build" / "stick"
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    lists = {".gitignore", "START-HERE.md", "workshop/start-here.md", "wheels/SHA256SUMS"}
    assert found == {"nerlib/x.py", "build/site/index.html", f"wheels/{name}", *lists}
    digest = hashlib.sha256((folder / "wheels" / name).read_bytes()).hexdigest()
    assert (folder / "wheels" / "SHA256SUMS").read_text() == f"{digest}  {name}\n"


def test_where_there_are_wheels_nothing_else_is_asked(tmp_path, monkeypatch, capsys):
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(install, "pip", lambda *arguments: calls.append(arguments) or 1)
    install.pip_install(Path("python"), "x", wheels=tmp_path / "none")
    assert "--no-index" not in calls.pop()
    assert install.pip_install(Path("python"), "x", wheels=tmp_path) == 1
    assert {"--no-index", str(tmp_path), "x"} <= set(calls.pop())
    assert str(tmp_path) in capsys.readouterr().err
    with pytest.raises(SystemExit):
        install.main(["--from", str(tmp_path)])  # an empty folder


@pytest.mark.parametrize("kept", [True, False])
def test_all_is_compiled_where_python_keeps_nothing_that_it_compiles(kept, tmp_path, monkeypatch):
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(install, "pip", lambda *arguments: calls.append(arguments) or 0)
    monkeypatch.setattr("sys.dont_write_bytecode", not kept)
    install.pip_install(Path("python"), "x", wheels=tmp_path / "none")
    assert ("--no-compile" in calls.pop()) == kept
