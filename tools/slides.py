"""Make slides from the notebooks: nbconvert's reveal.js slides, which work without internet.

python -m tools.slides                     # write build/slides
python -m tools.slides notebooks/02_parsing.ipynb

Nothing is marked in the notebooks: a heading starts a column of slides, each further text with the
code below it is a slide under it, and set-up cells are left out.
"""

import argparse
import importlib.metadata
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbconvert import SlidesExporter
from nbformat import NotebookNode

from tools.execute import all_notebooks
from tools.pages import index_page, title_of
from tools.project import ROOT

PACKAGE = "sphinx-revealjs"  # brings reveal.js along; its files are copied, it is not imported
SETTINGS = {
    "reveal_url_prefix": "reveal",
    "reveal_theme": "white",
    "reveal_transition": "none",
    "reveal_number": "c/t",
    "reveal_width": "1280",
    "reveal_height": "720",
    "exclude_input_prompt": True,
    "exclude_output_prompt": True,
}
# nbconvert's own page loads RequireJS, jQuery, MathJax and Mermaid from other servers.
TEMPLATE = """\
{%- extends 'reveal/index.html.j2' -%}
{%- block html_head_js -%}<link rel="icon" href="data:,">{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_css -%}<style>
.reveal { font-size: 24px; }
.reveal .slides { text-align: left; }
.reveal .slides section.stack > section { height: 100%; overflow: hidden auto; }
.reveal h1, .reveal h2, .reveal h3 { text-transform: none; }
.reveal pre { width: 100%; box-shadow: none; }
</style>{%- endblock -%}
{%- block footer_js -%}
<script src="{{ resources.reveal.url_prefix }}/dist/reveal.js"></script>
<script src="{{ resources.reveal.url_prefix }}/plugin/notes/notes.js"></script>
<script>
Reveal.initialize({
  width: {{ resources.reveal.width }}, height: {{ resources.reveal.height }}, center: false,
  hash: true, slideNumber: "{{ resources.reveal.number }}",
  transition: "{{ resources.reveal.transition }}", plugins: [RevealNotes],
});
</script>
{%- endblock -%}
"""
BADGE = re.compile(r"(?m)^\[!\[.*$\n?")  # its picture is on another server
KEYS = "<p>Space goes on, S opens the speaker's view, F the full screen, O the overview.</p>"


class SlidesError(RuntimeError):
    """Slides that cannot be made: what is missing and how to get it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the slides of the notebooks named on the command line, or of all."""
    parser = argparse.ArgumentParser(prog="tools.slides", description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "slides")
    options = parser.parse_args(arguments)
    try:
        index = write_slides(options.notebooks or all_notebooks(), options.output)
    except SlidesError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Open {index}")
    return 0


def write_slides(notebooks: Sequence[Path], output: Path) -> Path:
    """Write the slides of each notebook, and an index; return the index."""
    copy_reveal(output / "reveal")
    exporter = SlidesExporter(raw_template=TEMPLATE, **SETTINGS)
    titles = {}
    for path in notebooks:
        notebook = divided(nbformat.read(path, as_version=4))
        titles[f"{path.stem}.html"] = notebook.metadata["title"] = title_of(notebook)
        page, _ = exporter.from_notebook_node(notebook)
        (output / f"{path.stem}.html").write_text(page, encoding="utf-8")
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


def divided(notebook: NotebookNode) -> NotebookNode:
    """Return the notebook with the kind of slide that each cell starts, as nbconvert reads it."""
    after_text = False
    for cell in notebook.cells:
        is_text = cell.cell_type == "markdown"
        cell.source = BADGE.sub("", cell.source)
        if is_text and cell.source.startswith(("# ", "## ")):
            kind = "slide"
        elif cell.id.endswith("-setup"):
            kind = "skip"
        else:
            kind = "-" if after_text and not is_text else "subslide"
        cell.metadata["slideshow"] = {"slide_type": kind}
        after_text = is_text
    return notebook


if __name__ == "__main__":
    sys.exit(main())
