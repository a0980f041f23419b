"""The project as a reader finds it: how much there is to read, what is imported and generated."""

import subprocess
from pathlib import Path

import pytest
from several_processes import python_output

from tools import readme
from tools.project import ROOT

# Folders and the most lines of Python that they may hold.
CEILINGS = {"nerlib": 17_000, "tests": 17_000, "tools benchmarks": 4_200}
LIBRARY_FILES, LIBRARY_LINES = 20, 3_500


def lines(paths: list[Path]) -> int:
    return sum(path.read_text(encoding="utf-8").count("\n") for path in paths)


@pytest.mark.parametrize(("folders", "most"), CEILINGS.items())
def test_the_code_stays_small(folders: str, most: int) -> None:
    paths = [path for name in folders.split() for path in (ROOT / name).rglob("*.py")]
    assert 0 < lines(paths) <= most


def test_the_library_stays_small_enough_to_read_in_an_afternoon() -> None:
    """With the layers that `lint-imports` checks, this is also all that it imports."""
    modules = [path for path in (ROOT / "nerlib").glob("*.py") if not path.stem.startswith("__")]
    assert len(modules) <= LIBRARY_FILES
    assert lines(modules) <= LIBRARY_LINES


HELP = """
import runpy, sys
sys.argv = ["nerlib", "--help"]
try:
    runpy.run_module("nerlib", run_name="__main__")
except SystemExit:
    pass
"""


@pytest.mark.parametrize(
    "code",
    ["import nerlib", "from nerlib import Parser, TagSet", HELP],
    ids=["import nerlib", "parser and tags", "--help"],
)
def test_nobody_waits_for_torch_who_does_not_need_it(code: str) -> None:
    said = python_output("-c", f"{code}\nimport sys\nprint(*sys.modules)")
    loaded = set(said.splitlines()[-1].split())
    assert "nerlib" in loaded
    assert not loaded & {"torch", "transformers", "datasets", "pandas", "matplotlib"}


def test_generated_parts_of_the_pages_are_true() -> None:
    assert readme.main(["--check"]) == 0, "run `make colab`"


def test_a_stale_page_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("docs", "workshop"):
        (tmp_path / folder).mkdir()
    pages = (
        "docs/measured",
        "docs/recipes",
        "docs/where-this-stands",
        "workshop/lessons",
        "workshop/timetables",
    )
    for name in ("README.md", "CONTRIBUTING.md", *(f"{page}.md" for page in pages)):
        text = (ROOT / name).read_text(encoding="utf-8").replace("`massive-offline`", "`x`", 1)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(readme, "ROOT", tmp_path)
    assert readme.main(["--check"]) == 1


def test_nothing_of_one_machine_is_committed() -> None:
    pattern = r"/(work|root|home/[a-z]+|tmp/[A-Za-z])/|pypi\.org|pythonhosted|deb\.debian\.org"
    done = subprocess.run(
        ["git", "grep", "-nIE", pattern, "--", ".", ":!tests"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == ""
