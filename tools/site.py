"""Make the course a web book: all lessons with their outputs, exercises, guide and reference.

python -m tools.site    # write build/site

Nothing is written twice: pages are copied from `notebooks/`, `workshop/` and the README, the
reference comes from the docstrings, and `docs/` holds the settings only. The copies keep the
repository's own layout, so links between files become links between pages.
"""

import posixpath
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from tools.execute import all_notebooks
from tools.exercises import REGION, question
from tools.page_tagger import tagger_box
from tools.project import LINK, ROOT, Publication, read_publication
from tools.readme import modules

EXERCISES, SOLUTIONS = "workshop/exercises", "workshop/solutions"
_CHECKPOINTS = shutil.ignore_patterns(".*")
HEADING = re.compile(r"(?m)^#{1,3} (?P<text>.+)$")

TAGGER = "<!-- the tagger -->"  # where its box goes

# What the lessons and single commands are made of is no interface to build on.
NO_REFERENCE = re.compile(r"__main__$|\.course|\.tools\.\w+\.")


class SiteError(RuntimeError):
    """A book that could not be made: what is missing, or where Sphinx's warnings stand."""


def main() -> int:
    """Write the book."""
    try:
        index = build(ROOT / "build" / "site")
    except SiteError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Open {index}")
    return 0


def build(output: Path, root: Path = ROOT) -> Path:
    """Write the book into a folder and return its first page; raises `SiteError` at a warning."""
    try:
        from sphinx.cmd.build import build_main  # only those who make the book pay for it
    except ImportError:
        raise SiteError("Sphinx is not installed: pip install 'nerlib[site]'") from None
    source = output.with_name(f"{output.name}-source")
    assemble(source, root)
    shutil.rmtree(output, ignore_errors=True)
    if build_main(["-W", "--keep-going", "-q", "-E", "-b", "html", str(source), str(output)]):
        raise SiteError("the book was not made: see the warnings above")
    return output / "index.html"


@dataclass(frozen=True)
class Book:
    """Where the pages come from, where they go to, and which files they are."""

    root: Path
    source: Path
    publication: Publication
    pages: frozenset[str]  # relative to the root, as `notebooks/02_parsing.ipynb`
    box: str = ""  # with the tagger

    def text(self, markdown: str, page: str) -> str:
        """Return the Markdown of a page with links that hold in the book."""
        folder = posixpath.dirname(page)

        def link(found: re.Match[str]) -> str:
            target = self.target(found["target"], folder)
            if target.startswith("../exercises/"):
                return download(target, found["text"])
            return f"[{found['text']}]({target}{found['rest']})" if target else found["text"]

        return LINK.sub(link, markdown).replace(TAGGER, self.box)

    def target(self, target: str, folder: str) -> str:
        """Return where a link leads: a page of the book, or a file of the published repository.

        Nowhere, if that is published nowhere.
        """
        path = posixpath.normpath(posixpath.join(folder, target))
        if path.startswith(f"{EXERCISES}/"):
            # The book shows exercises with their solutions; from there, a link leads to the file.
            if folder == SOLUTIONS:
                return target
            path = path.replace("exercises", "solutions")
        if path in self.pages:
            return posixpath.relpath(path, folder or ".")
        if path.endswith(".svg") or not (self.root / path).exists():
            return target  # a picture; or nothing, which Sphinx reports
        return self.publication.file_link(path)

    def write(self, page: str, text: str) -> None:
        """Write a file of the book."""
        path = self.source / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def assemble(source: Path, root: Path = ROOT) -> None:
    """Put everything that Sphinx reads into one folder, in the repository's own layout."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(root / "docs", source)
    for guide in source.glob("*.md"):  # these are written below, with links that hold in the book
        if guide.stem != "index":
            guide.unlink()
    notebooks = [*all_notebooks(root / "notebooks"), *sorted((root / SOLUTIONS).glob("*.ipynb"))]
    texts = _texts(root)
    pages = frozenset(path.relative_to(root).as_posix() for path in [*notebooks, *texts])
    box = tagger_box(source / "static", root / "build")
    book = Book(root, source, read_publication(root), pages, box)
    for path in texts:
        page = path.relative_to(root).as_posix()
        book.write(page, book.text(path.read_text(encoding="utf-8"), page))
    for path in notebooks:
        page = path.relative_to(root).as_posix()
        book.write(page, nbformat.writes(notebook_page(path, book, page)))
    for picture in (root / "workshop").glob("*.svg"):
        shutil.copy(picture, source / "workshop")
    for folder in ("notebooks", EXERCISES):  # to work on: they go beside the pages as they are
        shutil.copytree(root / folder, source / "files" / folder, ignore=_CHECKPOINTS)
    for name, text in reference_pages():
        book.write(f"reference/{name}", text)


def _texts(root: Path) -> list[Path]:
    """Return the pages that are written in Markdown."""
    alone = ("README.md", "LICENSE-CC-BY-4.0.md", "colab/README.md", "nerlib/data/sample/README.md")
    guides = [path for path in sorted((root / "docs").glob("*.md")) if path.stem != "index"]
    return [*(root / name for name in alone), *guides, *sorted((root / "workshop").glob("*.md"))]


def notebook_page(path: Path, book: Book, page: str) -> NotebookNode:
    """Return a notebook ready for the book: links that hold, words for figures, folded solutions.

    Below its header, a lesson has a link to the notebook itself.
    """
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    notebook.cells = [part for cell in notebook.cells for part in folded(cell)]
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = book.text(cell.source, page)
            heading = [heading, *HEADING.findall(cell.source)][-1]
        elif cell.cell_type == "code":
            words = f"Figure: {plain(heading)}"
            cell.metadata.setdefault("mystnb", {})["image"] = {"alt": words}
    if page.startswith("notebooks/"):
        notebook.cells.insert(1, new_markdown_cell(download(path.name, "Download this notebook")))
    return notebook


def folded(cell: NotebookNode) -> list[NotebookNode]:
    """Return a cell as the book shows it: set-up and solutions folded, with the question open."""
    tags = cell.metadata.get("tags", [])
    # The note that leads from the solutions to the exercises gives nothing away.
    if cell.cell_type == "markdown" and "solution" in tags and "../exercises/" not in cell.source:
        cell.source = f"<details><summary>Solution</summary>\n\n{cell.source}\n\n</details>"
    if cell.cell_type != "code":
        return [cell]
    if cell.get("id", "").endswith("-setup"):
        return [_hide(cell, "the imports")]
    if not REGION.search(cell.source):
        return [_hide(cell, "the solution")] if "solution" in tags else [cell]
    asked = new_code_cell(question(cell.source))
    cell.source = REGION.sub(r"\g<code>", cell.source)
    return [asked, _hide(cell, "the solution")]


def _hide(cell: NotebookNode, what: str) -> NotebookNode:
    """Fold a cell's code."""
    cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
    cell.metadata["mystnb"] = {"code_prompt_show": f"Show {what}", "code_prompt_hide": "Hide"}
    return cell


def download(target: str, text: str) -> str:
    """Return a link to a file beside the pages, which Sphinx leaves as it is."""
    return f'<a download href="{target}">{text}</a>'


def plain(markdown: str) -> str:
    """Return a line of Markdown without its marks.

    >>> plain("One entry a [word](x.ipynb): `subword_group`, **now**")
    'One entry a word: subword_group, now'
    """
    return re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", markdown).strip()


def reference_pages() -> Iterator[tuple[str, str]]:
    """Yield (file name, text) of the pages that show the docstrings, one a module, and an index.

    >>> [name for name, _ in reference_pages()][:2]
    ['nerlib.corpus.rst', 'nerlib.parsing.rst']
    """
    listed = "\n".join(f"   {name}" for name in module_names())
    for name in module_names():
        title = f"``{name}``"
        yield f"{name}.rst", f"{title}\n{'=' * len(title)}\n\n.. automodule:: {name}\n"
    yield "index.rst", f"{_REFERENCE}\n.. toctree::\n   :maxdepth: 1\n\n{listed}\n"


def module_names() -> list[str]:
    """Return the package's modules as they are imported, in the order of the README's tree."""
    parts = [path.relative_to(ROOT).with_suffix("").parts for path in modules()]
    names = [".".join(part for part in found if part != "__init__") for found in parts]
    return [name for name in names if "." in name and not NO_REFERENCE.search(name)]


_REFERENCE = """\
Reference
=========

Public functions and classes of ``nerlib``, from their docstrings, whose examples are run as tests.
The library comes first, in the order of the pipeline; then what is added to it, analysis and tools.
"""


if __name__ == "__main__":
    sys.exit(main())
