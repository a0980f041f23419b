"""Make the copies for Colab: each notebook with one visible set-up cell before its own first cell.

The exercises are written anew, too: they bring that cell, and a link that opens them in Colab.

python -m tools.colab                   # write colab/*.ipynb
python -m tools.colab --repo owner/name # say where it is published, and rewrite links
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from tools.colab_setup import setup_source
from tools.execute import all_notebooks, extras_of
from tools.exercises import EXERCISES, write_exercises
from tools.project import (
    ROOT,
    Publication,
    read_publication,
    write_repository,
)

BADGE_LINK = re.compile(
    r"https://colab\.research\.google\.com/github/[^/\s]+/[^/\s]+/blob/[^/\s]+/colab/"
)
BINDER_LINK = re.compile(r"https://mybinder\.org/v2/gh/[^/\s]+/[^/\s]+/[^?\s]+\?")
# A line of a header as the file holds it: bold is the notebook that it stands in.
NAVIGATION = re.compile(
    r'(?m)^(?P<open> *")(?:\[\d\d .*)?\*\*(?P<label>\d\d [^*"]+)\*\*.*(?P<close>\\n",)$'
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write all copies; with `--repo`, first say where the project is published."""
    parser = argparse.ArgumentParser(prog="tools.colab", description=__doc__)
    parser.add_argument("--repo", help="owner/name of the repository on GitHub")
    options = parser.parse_args(arguments)
    if options.repo:
        try:
            write_repository(options.repo)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
    publication = read_publication()
    write_badges(publication)
    write_navigation(all_notebooks())
    for path in write_copies(publication, ROOT / "colab"):
        print(path.relative_to(ROOT))
    for path in write_exercises(publication, EXERCISES):
        print(path.relative_to(ROOT))
    return 0


def write_badges(publication: Publication, root: Path = ROOT) -> None:
    """Point the badges of all notebooks and of the README to the publication."""
    colab = publication.colab_link("").removesuffix(".ipynb")
    binder = f"https://mybinder.org/v2/gh/{publication.repository}/{publication.ref}?"
    for path in [*all_notebooks(root / "notebooks"), root / "README.md"]:
        text = path.read_text(encoding="utf-8")
        path.write_text(BINDER_LINK.sub(binder, BADGE_LINK.sub(colab, text)), encoding="utf-8")


def write_navigation(notebooks: Sequence[Path]) -> None:
    """Write into every header the line of links to all lessons; its own label is the bold one.

    Raises `ValueError` for a notebook without such a line.
    """
    texts = {path: path.read_text(encoding="utf-8") for path in notebooks}
    found = {path: NAVIGATION.search(text) for path, text in texts.items()}
    lost = [path.name for path, match in found.items() if match is None]
    if lost:
        raise ValueError(f"{', '.join(lost)}: write **NN Label** on a line below the title")
    labels = {path: match["label"] for path, match in found.items() if match}
    for path, text in texts.items():
        links = [
            f"**{label}**" if other == path else f"[{label}]({other.name})"
            for other, label in labels.items()
        ]
        line = rf"\g<open>{' → '.join(links)}\g<close>"
        path.write_text(NAVIGATION.sub(line, text, count=1), encoding="utf-8")


def write_copies(publication: Publication, folder: Path, root: Path = ROOT) -> list[Path]:
    """Write a copy of every notebook and return their paths."""
    folder.mkdir(exist_ok=True)
    written = []
    for path in all_notebooks(root / "notebooks"):
        copy = colab_copy(nbformat.read(path, as_version=4), publication)
        nbformat.write(copy, folder / path.name)
        written.append(folder / path.name)
    return written


def colab_copy(notebook: NotebookNode, publication: Publication) -> NotebookNode:
    """Return the notebook with the set-up cell in front; everything else stays as it is."""
    setup = new_code_cell(setup_source(publication, extras_of(notebook)), id="colab-setup")
    notebook.cells.insert(0, setup)
    # The order of execution counts starts behind the set-up cell, which has not run.
    return notebook


if __name__ == "__main__":
    sys.exit(main())
