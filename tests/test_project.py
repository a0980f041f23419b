"""The project as a reader finds it: README, pictures, links, and how much code there is to read."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tools import picture, readme
from tools.project import read_publication

ROOT = Path(__file__).resolve().parents[1]
WAY_OF_THE_DATA = (
    "corpus", "parsing", "tags", "subwords", "dataset", "model", "training", "metrics", "inference"
)  # fmt: skip
MOST_LINES = 1500
LINK = re.compile(r"\]\((?!https?://|#)([^)\s#]+)")
PAGES = [
    ROOT / "README.md",
    ROOT / "colab" / "README.md",
    ROOT / "LICENSE-CC-BY-4.0.md",
    ROOT / "nerlib" / "data" / "sample" / "README.md",
]


def test_generated_parts_of_the_readme_are_true() -> None:
    assert readme.main(["--check"]) == 0, "run `make colab`"


def test_a_stale_readme_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = (ROOT / "README.md").read_text(encoding="utf-8").replace("`massive-offline`", "`x`", 1)
    (tmp_path / "README.md").write_text(stale, encoding="utf-8")
    for name in ("notebooks", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.setattr(readme, "ROOT", tmp_path)
    assert readme.main(["--check"]) == 1


def test_the_picture_is_the_one_that_the_code_draws() -> None:
    committed = (ROOT / "workshop" / "entities.svg").read_text(encoding="utf-8")
    assert committed == picture.picture()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_links_to_colab_and_binder_name_the_publication() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    repository = read_publication().repository
    for name in re.findall(r"colab\.research\.google\.com/github/([^/]+/[^/]+)/", text):
        assert name == repository
    assert f"mybinder.org/v2/gh/{repository}/" in text


def test_make_targets_in_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text("utf-8"))):
        assert re.search(rf"(?m)^{target}:", makefile), target


def code_lines(path: Path) -> int:
    """The lines of a module that hold code: no blank lines, comments or docstrings."""
    source = path.read_text(encoding="utf-8")
    lines = {
        number
        for number, line in enumerate(source.splitlines(), 1)
        if line.strip() and not line.strip().startswith("#")
    }
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def test_the_way_of_the_data_stays_small_enough_to_read() -> None:
    assert sum(code_lines(ROOT / "nerlib" / f"{n}.py") for n in WAY_OF_THE_DATA) <= MOST_LINES


def test_nothing_of_one_machine_is_committed() -> None:
    pattern = r"/(work|root|home/[a-z]+|tmp/[A-Za-z])/|pypi\.org|pythonhosted|deb\.debian\.org"
    done = subprocess.run(
        ["git", "grep", "-nIE", pattern, "--", ".", ":!tests", ":!tools/hygiene.py"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == ""
