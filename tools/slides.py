"""Make slides from the notebooks: nbconvert's reveal.js slides, which work without internet.

python -m tools.slides    # write build/slides

Each timetable has a short deck of the cells that `workshop/timetables.toml` chooses, one a slide.
Each lesson has a long one. Nothing is marked in the notebooks: a heading starts a column of slides,
each further text with the code below it is a slide under it, and set-up cells are left out.
"""

import base64
import importlib.metadata
import shutil
import struct
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbconvert import SlidesExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from tools.class_copies import Row, clock, file_name, timetables
from tools.execute import all_notebooks, find_notebook
from tools.pages import index_page, title_of
from tools.project import LINK, ROOT
from tools.reading import sections

PACKAGE = "sphinx-revealjs"  # brings reveal.js along; its files are copied, it is not imported
SETTINGS = {
    "reveal_url_prefix": "reveal",
    "reveal_theme": "white",
    "exclude_input_prompt": True,
    "exclude_output_prompt": True,
}
TEMPLATE = Path(__file__).with_name("slides.html.j2")
FREE, LINE = 520, 21  # pixels: below a heading, and for a line of output
KEYS = "<p>Space goes on, S opens the speaker's view, F the full screen, O the overview.</p>"


class SlidesError(RuntimeError):
    """Slides that cannot be made: what is missing and how to get it."""


def main() -> int:
    """Write the slides of all lessons and timetables."""
    try:
        index = write_slides(decks(), ROOT / "build" / "slides")
    except SlidesError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Open {index}")
    return 0


def decks() -> dict[str, NotebookNode]:
    """Return each deck by its file's name: the timetables', then the lessons'."""
    short = {file_name(title): deck(title, rows) for title, rows in timetables().items()}
    lessons = {path.stem: nbformat.read(path, as_version=4) for path in all_notebooks()}
    return short | {name: divided(lesson) for name, lesson in lessons.items()}


def deck(title: str, rows: Sequence[Row]) -> NotebookNode:
    """Return a timetable's slides, the title first; the speaker's view says what is planned."""
    name = "Named entity recognition, learnt by building it"
    cells = [_part("slide", new_markdown_cell(f"# {title}\n\n{name}"))]
    for row in rows:
        plan = f"{'–'.join(clock(row))} {row.what}"
        for one in row.slides:
            cells += [*chosen(one), _part("notes", new_markdown_cell(plan))]
    made: NotebookNode = new_notebook(cells=cells)
    return made


def chosen(cell_id: str) -> list[NotebookNode]:
    """Return a slide: the heading of a cell's section, what leads to the cell, and the cell."""
    text = ""
    for heading, cells in sections(nbformat.read(find_notebook(cell_id[:2]), as_version=4)).items():
        for cell in cells:
            if cell.id == cell_id:
                words = LINK.sub(r"\g<text>", text.rpartition("\n\n")[2])
                said = "".join(output.get("text", "") for output in cell.get("outputs", []))
                free = FREE - LINE * said.count("\n") - len(words) // 4
                title = new_markdown_cell(f"## {heading}\n\n{words}")
                return [_part("slide", title), _shown(cell, free)]
            text = cell.source if cell.cell_type == "markdown" else text
    raise SlidesError(f"workshop/timetables.toml: there is no cell {cell_id!r}")


def _shown(cell: Any, free: int) -> Any:
    """Return a cell with its figures as wide as the free height allows."""
    for output in cell.get("outputs", []):
        if "image/png" in output.get("data", {}):
            header = base64.b64decode(output.data["image/png"][:32])
            width, height = struct.unpack(">II", header[16:24])
            output.metadata["image/png"] = {"width": min(width, width * free // height)}
    return _part("-", cell)


def _part(kind: str, cell: Any) -> Any:
    """Return a cell marked as the kind of slide that it starts, as nbconvert reads it."""
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def write_slides(decks: Mapping[str, NotebookNode], output: Path) -> Path:
    """Write each deck, and an index; return the index."""
    copy_reveal(output / "reveal")
    exporter = SlidesExporter(raw_template=TEMPLATE.read_text(encoding="utf-8"), **SETTINGS)
    titles = {}
    for name, notebook in decks.items():
        titles[f"{name}.html"] = notebook.metadata["title"] = title_of(notebook)
        page, _ = exporter.from_notebook_node(notebook)
        (output / f"{name}.html").write_text(page, encoding="utf-8")
    index = output / "index.html"
    index.write_text(index_page("Slides", titles, KEYS), encoding="utf-8")
    return index


def copy_reveal(folder: Path) -> None:
    """Copy reveal.js, its theme with fonts and the speaker's view out of the installed package."""
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        raise SlidesError(f"{PACKAGE} is not installed: pip install 'nerlib[site]'") from None
    found = [Path(str(f.locate())) for f in files if f.match("revealjs/dist/reveal.js")]
    if not found:
        raise SlidesError(f"{PACKAGE} holds no reveal.js: pip install -c constraints.txt {PACKAGE}")
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("dist", "plugin/notes"):
        shutil.copytree(found[0].parents[1] / part, folder / part)
    shutil.copy(found[0].parents[1] / "LICENSE", folder)


def divided(notebook: Any) -> Any:
    """Return the notebook with the kind of slide that each cell starts, as nbconvert reads it."""
    after_text = False
    for cell in notebook.cells:
        is_text = cell.cell_type == "markdown"
        if is_text and cell.source.startswith(("# ", "## ")):
            kind = "slide"
        elif cell.id.endswith("-setup"):
            kind = "skip"
        else:
            kind = "-" if after_text and not is_text else "subslide"
        after_text = is_text
        _part(kind, cell)
    return notebook


if __name__ == "__main__":
    sys.exit(main())
