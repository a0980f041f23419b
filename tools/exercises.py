"""Make the exercise notebooks from their solutions, the only ones that are written.

python -m tools.exercises    # run all solutions, write exercises
python -m tools.colab        # after a change of words alone
"""

import ast
import re
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.execute import NotebookFailed, all_notebooks, clean, execute
from tools.project import ROOT, Publication, read_publication

SOLUTIONS, EXERCISES = ROOT / "workshop" / "solutions", ROOT / "workshop" / "exercises"
REGION = re.compile(
    r"(?ms)^(?P<indent>[ \t]*)# BEGIN SOLUTION\n(?P<code>.*?)^[ \t]*# END SOLUTION$"
)
STUB = "...  # your turn"


def main() -> int:
    """Run the solutions and write the exercises."""
    try:
        for path in all_notebooks(SOLUTIONS):
            run_in_place(path)
    except NotebookFailed as error:
        print(error, file=sys.stderr)
        return 1
    for path in write_exercises(read_publication(), EXERCISES):
        print(path.relative_to(ROOT))
    return 0


def run_in_place(path: Path) -> None:
    """Run a solution from a fresh kernel, with an output folder of its own: nothing is done yet."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        execute(notebook, path, Path(folder))
    nbformat.write(clean(notebook), path)


def write_exercises(
    publication: Publication, folder: Path, solutions: Sequence[Path] | None = None
) -> list[Path]:
    """Write the exercises of some solutions, or of all, into a folder and return their paths."""
    folder.mkdir(exist_ok=True)
    written = []
    for path in all_notebooks(SOLUTIONS) if solutions is None else solutions:
        notebook = nbformat.read(path, as_version=4)
        target = folder / path.name.replace("solutions", "exercises")
        nbformat.write(exercise_notebook(notebook, target.stem, publication), target)
        written.append(target)
    return written


def exercise_notebook(notebook: NotebookNode, name: str, publication: Publication) -> NotebookNode:
    """Return the exercises: no outputs, no solutions; if published, a link to their Colab copy."""
    notebook.cells = [cell for cell in notebook.cells if not _gives_away(cell)]
    for cell in notebook.cells:
        tags = [tag for tag in cell.metadata.get("tags", []) if tag != "solution"]
        cell.metadata = NotebookNode(tags=tags) if tags else NotebookNode()
        if cell.cell_type == "code":
            cell.source = question(cell.source)
            cell.outputs, cell.execution_count = [], None
    if button := publication.colab_button(f"colab/exercises/{name}.ipynb"):
        title, _, rest = notebook.cells[0].source.partition("\n")
        notebook.cells[0].source = f"{title}\n\n{button}\n{rest}"
    return notebook


def _gives_away(cell: NotebookNode) -> bool:
    """Return whether a cell belongs to the solutions alone: explanations, and the link to here."""
    return cell.cell_type == "markdown" and "solution" in cell.metadata.get("tags", [])


def question(source: str) -> str:
    """Return a cell's code with a stub in place of each solution.

    A function's body becomes `...`; where names are given values, each of them becomes `...`.

    >>> print(question("def f(x):\\n    # BEGIN SOLUTION\\n    return x\\n    # END SOLUTION"))
    def f(x):
        ...  # your turn
    >>> print(question("# BEGIN SOLUTION\\na = [1]\\nb = 2\\n# END SOLUTION"))
    a = ...  # your turn
    b = ...  # your turn
    """
    return REGION.sub(lambda match: _stub(match["indent"], match["code"]), source)


def _stub(indent: str, code: str) -> str:
    """Return what stands in place of some code."""
    names = [] if indent else _assigned(textwrap.dedent(code))
    return "\n".join(f"{name} = {STUB}" for name in names) or f"{indent}{STUB}"


def _assigned(code: str) -> list[str]:
    """Return the names that code gives a value, one after the other."""
    statements = (one for one in ast.parse(code).body if isinstance(one, ast.Assign))
    return [to.id for one in statements for to in one.targets if isinstance(to, ast.Name)]


if __name__ == "__main__":
    sys.exit(main())
