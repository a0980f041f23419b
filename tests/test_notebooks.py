"""Committed notebooks are as a fresh run leaves them, and Colab's copies are theirs."""

from __future__ import annotations

import copy
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools.colab import colab_copy, write_copies
from tools.execute import all_notebooks, clean
from tools.hygiene import problems
from tools.project import PLACEHOLDER, Publication, read_publication, write_repository

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = all_notebooks()
NAMES = [path.stem for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_notebook_is_clean(path: Path) -> None:
    assert problems(path) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_cleaning_again_changes_nothing(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert clean(copy.deepcopy(notebook)) == notebook


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_notebook_opens_and_closes_like_the_others(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    header = notebook.cells[0].source
    assert header.startswith(f"# {path.stem[:2]} · ")
    assert read_publication().colab_link(path.stem) in header
    assert "<!-- run time -->about" in header
    assert notebook.metadata["nerlib"]["run_seconds"] <= 200
    for other in NAMES:
        assert (f"({other}.ipynb)" in header) == (other != path.stem)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for heading in ("## In this notebook we have", "## Exercises", "## Next"):
        assert text.count(heading) == 1, heading


def dirty_notebook() -> nbformat.NotebookNode:
    """A notebook that breaks one rule after the other."""
    cells = [
        new_code_cell("import seaborn", id="02-import", execution_count=1),
        new_code_cell("print(1)", id="random", execution_count=3),
        new_code_cell("a\n" * 21, id="02-long", execution_count=2),
    ]
    cells[1].outputs = [
        new_output("error", ename="E", evalue="e", traceback=[]),
        new_output("stream", name="stderr", text="warning"),
        new_output("stream", name="stdout", text="/home/somebody/file"),
    ]
    notebook = new_notebook(cells=cells, metadata={"widgets": {}})
    notebook.cells.append(nbformat.v4.new_markdown_cell("[x](missing.ipynb)", id="02-link"))
    return notebook


def test_every_rule_can_be_broken(tmp_path: Path) -> None:
    path = tmp_path / "02_dirty.ipynb"
    nbformat.write(dirty_notebook(), path)
    told = "\n".join(problems(path))
    for part in (
        "imports seaborn",
        "not run top to bottom",
        "an error output",
        "output on stderr",
        "a path of one machine",
        "widget state",
        "'random' is not stable",
        "missing.ipynb does not exist",
        "21 lines",
    ):
        assert part in told, part


def test_colab_copies_are_up_to_date(tmp_path: Path) -> None:
    for fresh in write_copies(read_publication(), tmp_path):
        committed = ROOT / "colab" / fresh.name
        assert committed.read_text(encoding="utf-8") == fresh.read_text(encoding="utf-8"), (
            f"{fresh.name} differs: run `make colab`"
        )
    assert {p.name for p in (ROOT / "colab").glob("*.ipynb")} == {f"{n}.ipynb" for n in NAMES}


def test_a_colab_copy_differs_in_its_first_cell_only() -> None:
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    made = colab_copy(copy.deepcopy(notebook), Publication("me/ner", "v1"))
    assert made.cells[1:] == notebook.cells
    assert "git+https://github.com/me/ner.git@v1" in made.cells[0].source
    compile(made.cells[0].source, "setup", "exec")


def test_the_repository_is_said_in_one_place(tmp_path: Path) -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    write_repository("me/my-ner.course", tmp_path)
    assert read_publication(tmp_path).repository == "me/my-ner.course"
    with pytest.raises(ValueError, match="owner/name"):
        write_repository("https://github.com/me/ner", tmp_path)
    for path in ROOT.glob("nerlib/**/*.py"):
        if path.name != "project.py":
            assert PLACEHOLDER not in path.read_text(encoding="utf-8"), path
