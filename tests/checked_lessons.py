"""Lessons with checks that their readers need not read: `make test-notebooks` runs these.

    python tests/checked_lessons.py build/checked notebooks/05_training.ipynb

`tests/lessons/NN.toml` holds, by the id of a cell, the code that has to run after it.
"""

import shutil
import sys
import tomllib
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

CHECKS = Path(__file__).with_name("lessons")


def checked(path: Path) -> nbformat.NotebookNode:
    """Return a lesson with its checks; raises `ValueError` for a check of a cell that is gone."""
    notebook = nbformat.read(path, as_version=4)
    file = CHECKS / f"{path.stem[:2]}.toml"
    checks = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if code := checks.pop(cell.id, ""):
            cells.append(new_code_cell(code, id=f"{cell.id}-check"))
    if checks:
        raise ValueError(f"{file.name}: {path.name} has no cell {', '.join(checks)}")
    notebook.cells = cells
    return notebook


def main(folder: str, *paths: str) -> None:
    """Write the copies of some lessons, and nothing else, into a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    Path(folder).mkdir(parents=True)
    for path in map(Path, paths):
        nbformat.write(checked(path), Path(folder) / path.name)


if __name__ == "__main__":
    main(*sys.argv[1:])
