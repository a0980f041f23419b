"""Committed notebooks are as a fresh run leaves them, and what is generated from them is theirs."""

import copy
import shutil
from pathlib import Path

import nbformat
import pytest
from hygiene import problems
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.class_copies import CLASS, blanked
from tools.colab import colab_copy, write_colab, write_headers
from tools.execute import all_notebooks, clean, run_times
from tools.exercises import EXERCISES
from tools.project import LINK, ROOT, Publication, read_publication, write_repository
from tools.reading import reading_time, section_times, with_reading_time
from tools.readme import lesson_table

NOTEBOOKS = all_notebooks()
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@every_notebook
def test_a_notebook_is_clean(path: Path) -> None:
    assert problems(path) == []
    notebook = nbformat.read(path, as_version=4)
    assert clean(copy.deepcopy(notebook)) == notebook


@every_notebook
def test_a_notebook_opens_and_closes_like_the_others(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    header = notebook.cells[0].source
    assert header.startswith(f"# {path.stem[:2]} · ")
    assert run_times([notebook.metadata["nerlib"]["run_seconds"]]) in header
    assert f"-->{reading_time(notebook)}<!-- /reading --> minutes to read" in header
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for heading in ("## In this notebook we have", "## Exercises", "## Next"):
        assert text.count(heading) == 1, heading


def test_a_new_lesson_appears_in_every_header(tmp_path: Path) -> None:
    copies = [shutil.copy(path, tmp_path) for path in NOTEBOOKS]
    write_headers(read_publication(), all_notebooks(tmp_path))
    for path in NOTEBOOKS:
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), "run `make colab`"
    header = new_markdown_cell("# 98 · New\n\n**98 New**\n\nText.", id="98-header")
    nbformat.write(new_notebook(cells=[header]), tmp_path / "98_new.ipynb")
    write_headers(read_publication(), all_notebooks(tmp_path))
    for path in map(Path, copies):
        text = nbformat.read(path, as_version=4).cells[0].source
        assert " → [98 New](98_new.ipynb)\n" in text
    new = nbformat.read(tmp_path / "98_new.ipynb", as_version=4).cells[0].source
    assert all(f"({path.name})" in new for path in NOTEBOOKS)
    nbformat.write(new_notebook(cells=[new_markdown_cell("# 99")]), tmp_path / "99_lost.ipynb")
    with pytest.raises(ValueError, match=r"99_lost\.ipynb"):
        write_headers(read_publication(), all_notebooks(tmp_path))


def test_the_rule_counts_words_lines_figures_and_the_quiz_but_no_setup() -> None:
    figure = new_output("display_data", data={"image/png": ""})
    cells = [
        new_markdown_cell("# 98 · New\n\nabout 1 minutes to read"),
        new_code_cell("import re\n" * 120, id="98-setup"),
        new_markdown_cell("word " * 355),
        new_code_cell("x\n\n" * 12, outputs=[figure]),
        new_markdown_cell("word " * 180 + "\n\n## Quiz"),
        new_code_cell('quiz("98")'),
    ]
    notebook = new_notebook(cells=cells)
    times = {name: round(minutes, 1) for name, minutes in section_times(notebook).items()}
    assert times == {"98 · New": 4.5, "Quiz": 2.6}
    assert reading_time(notebook) == 10
    header = with_reading_time(cells[0].source, 10)
    assert header.endswith("about <!-- reading -->10<!-- /reading --> minutes to read")
    assert with_reading_time(header, 5) == header.replace("10<", "5<")


def dirty_notebook() -> nbformat.NotebookNode:
    """A notebook that breaks one rule after the other."""
    cells = [
        new_code_cell("import seaborn\nimport torch", id="02-import", execution_count=1),
        new_code_cell("print(1)", id="random", execution_count=3),
        new_code_cell("a\n" * 21, id="02-long", execution_count=2),
    ]
    cells[1].outputs = [
        new_output("error", ename="E", evalue="e", traceback=[]),
        new_output("stream", name="stderr", text="warning"),
        new_output("stream", name="stdout", text="/home/somebody/file"),
    ]
    notebook = new_notebook(cells=cells, metadata={"widgets": {}})
    notebook.cells.append(new_markdown_cell("[x](missing.ipynb)", id="02-link"))
    return notebook


def test_every_rule_can_be_broken(tmp_path: Path) -> None:
    path = tmp_path / "02_dirty.ipynb"
    nbformat.write(dirty_notebook(), path)
    found = problems(path)
    for part in (
        "seaborn", "[1, 3, 2]", "error output", "stderr", "path of one machine",
        "widget state", "'random'", "missing.ipynb", "21 lines", "torch before nerlib",
    ):  # fmt: skip
        assert any(part in problem for problem in found), part


def test_copies_are_up_to_date(tmp_path: Path) -> None:
    written = {
        path.relative_to(tmp_path): path for path in write_colab(read_publication(), tmp_path)
    }
    assert {path.relative_to(ROOT) for path in ROOT.glob("colab/**/*.ipynb")} == written.keys()
    for name, fresh in written.items():
        assert (ROOT / name).read_bytes() == fresh.read_bytes(), f"{name} differs: run `make colab`"


def test_blanks_leave_what_nobody_types() -> None:
    cells = [
        new_code_cell("x = 1", id="98-setup", execution_count=1),
        new_markdown_cell("## Steps\n\nLong.\n\nCount them. It is easy. How many?", id="98-a"),
        new_code_cell('guesses.write("how many", None)', id="98-guess"),
        new_code_cell(
            "import re\n\n\ndef f(x):\n    'Add one.'\n    return x + 1\n\n\nprint(f(1))",
            outputs=[new_output("stream", text="2")],
            metadata={"tags": ["by-hand"]},
            id="98-f",
        ),
        new_markdown_cell("Two. Once more:", id="98-b"),
        new_code_cell("print(f(2))", id="98-c"),
        new_markdown_cell("Text.", id="98-d"),
    ]
    assert [(cell.id, cell.source) for cell in blanked(cells)] == [
        ("98-setup", "x = 1"),
        ("98-a", "## Steps\n\nCount them. It is easy. How many?"),
        ("98-guess", 'guesses.write("how many", None)'),
        ("98-f", 'import re\n\ndef f(x):\n    """Add one."""'),
        ("98-b", "Once more:"),
        ("98-c", ""),
    ]


def test_a_colab_copy_differs_in_its_first_cell_and_in_where_links_lead() -> None:
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    made = colab_copy(copy.deepcopy(notebook), Publication("", "v1"), "notebooks")
    assert made.cells[1:] == notebook.cells
    compile(made.cells[0].source, "setup", "exec")
    link = "[a](01_data_exploration.ipynb#b), [c](../docs/recipes.md)"
    notebook = new_notebook(cells=[new_markdown_cell(link)])
    setup, text = colab_copy(notebook, Publication("me/ner", "v1"), "notebooks").cells
    assert "git+https://github.com/me/ner.git@v1" in setup.source
    assert "/github/me/ner/blob/v1/colab/01_data_exploration.ipynb#b)" in text.source
    assert "(https://github.com/me/ner/blob/v1/docs/recipes.md)" in text.source


def test_a_class_gets_its_copies_in_colab_with_its_recipe(tmp_path: Path) -> None:
    made = write_colab(Publication("me/ner", "v1"), tmp_path)
    names = {path.relative_to(tmp_path).as_posix() for path in made}
    for_class = {path.relative_to(CLASS) for path in CLASS.rglob("*.ipynb")}
    exercises = {f"colab/exercises/{path.name}" for path in all_notebooks(EXERCISES)}
    assert exercises | {f"colab/{path.as_posix()}" for path in for_class} < names
    for path in made:
        setup, *cells = nbformat.read(path, as_version=4).cells
        recipe = "tutorial" if path.parent == tmp_path / "colab" else "offline"
        assert f'("NERLIB_RECIPE", "{recipe}")' in setup.source
        links = [c.source for c in cells if c.cell_type == "markdown" and LINK.search(c.source)]
        assert links == [], path
    assert len(write_colab(Publication("", "v1"), tmp_path)) == len(NOTEBOOKS)
    assert len([*tmp_path.rglob("*.ipynb")]) == len(NOTEBOOKS)


def test_the_repository_is_said_in_one_place(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    write_repository("me/my-ner.course", tmp_path)
    assert read_publication(tmp_path).repository == "me/my-ner.course"
    with pytest.raises(ValueError, match="owner/name"):
        write_repository("https://github.com/me/ner", tmp_path)


def test_links_appear_once_it_is_published_and_go_without_a_trace(tmp_path: Path) -> None:
    copies = [Path(shutil.copy(path, tmp_path)) for path in NOTEBOOKS]
    (tmp_path / "colab").mkdir()
    for publication in (Publication("me/ner", "v1"), Publication("", "main")) * 2:
        published = bool(publication.repository)
        write_headers(publication, copies)
        for path in copies:
            link = f"/github/me/ner/blob/v1/colab/{path.name})\n\n"
            header = nbformat.read(path, as_version=4).cells[0].source
            assert (header.count(link), header.count("Open in Colab")) == (published, published)
        table = lesson_table(publication)
        assert table.count("/github/me/ner/blob/v1/colab/") == len(copies) * published
        assert ("mybinder.org/v2/gh/me/ner/v1?" in table) == ("](http" in table) == published
        written = write_colab(publication, tmp_path)
        setup = nbformat.read(written[0], as_version=4).cells[0].source
        assert ("github.com/me/ner.git@v1" in setup) == published
