"""Make headers, exercises, and the notebooks' copies, for Colab and for classes.

A copy for Colab has one visible set-up cell before its own first cell; exercises bring that cell,
too. While the project is published nowhere, there are no links to them.

python -m tools.colab                   # write all of it
python -m tools.colab --repo owner/name # first say where the project is published
"""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from tools.class_copies import write_class_copies
from tools.colab_setup import setup_source
from tools.execute import all_notebooks, extras_of
from tools.exercises import EXERCISES, write_exercises
from tools.project import ROOT, Publication, read_publication, write_repository
from tools.reading import reading_time, with_reading_time

# Lines of a header as the file holds them: a badge, and links; bold is the notebook itself.
HEADER = re.compile(
    r'(?m)(?:^ *"\[!\[Open in Colab.*\n *"\\n",\n)?'
    r'^(?P<open> *")(?:\[\d\d .*)?\*\*(?P<label>\d\d [^*"]+)\*\*.*(?P<close>\\n",)$'
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write all of it; with `--repo`, first say where the project is published."""
    parser = argparse.ArgumentParser(prog="tools.colab", description=__doc__)
    parser.add_argument("--repo", help="owner/name of the repository on GitHub")
    options = parser.parse_args(arguments)
    if options.repo is not None:
        try:
            write_repository(options.repo)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
    publication = read_publication()
    write_headers(publication, all_notebooks())
    for path in (
        *write_copies(partial(colab_copy, publication=publication), ROOT / "colab"),
        *write_class_copies(),
        *write_exercises(publication, EXERCISES),
    ):
        print(path.relative_to(ROOT))
    return 0


def write_headers(publication: Publication, notebooks: Sequence[Path]) -> None:
    """Write into every header its badge, its reading time and the links to all lessons.

    Raises `ValueError` for a notebook without such a line.
    """
    texts = {path: path.read_text(encoding="utf-8") for path in notebooks}
    found = {path: HEADER.search(text) for path, text in texts.items()}
    lost = [path.name for path, match in found.items() if match is None]
    if lost:
        raise ValueError(f"{', '.join(lost)}: write **NN Label** on a line below the title")
    labels = {path: match["label"] for path, match in found.items() if match}
    for path, text in texts.items():
        links = [
            f"**{label}**" if other == path else f"[{label}]({other.name})"
            for other, label in labels.items()
        ]
        badge = publication.colab_badge(f"colab/{path.name}")
        lines = [badge, ""] * bool(badge) + [" → ".join(links)]
        header = "\n".join(rf"\g<open>{line}\g<close>" for line in lines)
        minutes = reading_time(nbformat.reads(text, as_version=4))
        fresh = HEADER.sub(header, with_reading_time(text, minutes), count=1)
        path.write_text(fresh, encoding="utf-8")


def write_copies(make: Callable[[NotebookNode], NotebookNode], folder: Path) -> list[Path]:
    """Write what is made of every notebook into a folder and return the paths."""
    for old in all_notebooks(folder):
        old.unlink()
    written = []
    for path in all_notebooks():
        nbformat.write(make(nbformat.read(path, as_version=4)), folder / path.name)
        written.append(folder / path.name)
    return written


def colab_copy(notebook: NotebookNode, publication: Publication) -> NotebookNode:
    """Return the notebook with the set-up cell in front; everything else stays as it is."""
    setup = new_code_cell(setup_source(publication, extras_of(notebook)), id="colab-setup")
    notebook.cells.insert(0, setup)
    return notebook


if __name__ == "__main__":
    sys.exit(main())
