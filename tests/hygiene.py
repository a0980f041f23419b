"""The rules that a committed notebook keeps, each as one check with a message.

python tests/hygiene.py notebooks/*.ipynb
"""

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

MOST_BYTES = 1_000_000
MOST_LINES = 20
MACHINE_PATH = re.compile(r"(?:/home/|/root/|/tmp/|/Users/|/work/|[A-Z]:\\\\Users)")
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)\s#]+)")
# What a notebook may import: the standard library, nerlib and what nerlib's extras install.
ALLOWED = {
    "IPython", "cleanlab", "datasets", "ipywidgets", "matplotlib", "nerlib", "numpy", "onnx",
    "onnxruntime", "openvino", "pandas", "regex", "sklearn", "tokenizers", "torch", "tqdm",
    "transformers",
}  # fmt: skip


def problems(path: Path) -> list[str]:
    """Return what is wrong with a notebook, one line each; nothing if it is clean."""
    notebook = nbformat.read(path, as_version=4)
    found = [
        *_size(path),
        *_order(notebook),
        *_outputs(notebook),
        *_ids(notebook),
        *_links(notebook, path.parent),
        *_imports(notebook),
        *(_threads(notebook) if path.parent.name != "solutions" else ()),  # whose work is small
        *_length(notebook),
    ]
    return [f"{path.name}: {problem}" for problem in found]


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the cells that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def _size(path: Path) -> Iterator[str]:
    if path.stat().st_size > MOST_BYTES:
        yield f"larger than {MOST_BYTES:,} bytes"


def _order(notebook: NotebookNode) -> Iterator[str]:
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"not run top to bottom from a fresh kernel: counts {counts[:8]}…"


def _outputs(notebook: NotebookNode) -> Iterator[str]:
    if "widgets" in notebook.metadata:
        yield "widget state in the metadata"
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"cell {cell.id}: an error output"
            if output.get("name") == "stderr":
                yield f"cell {cell.id}: output on stderr"
            if MACHINE_PATH.search(_text(output)):
                yield f"cell {cell.id}: a path of one machine in the output"
        if MACHINE_PATH.search(cell.source):
            yield f"cell {cell.id}: a path of one machine in the code"


def _text(output: NotebookNode) -> str:
    """Return the readable parts of an output, pictures left out."""
    data = output.get("data", {})
    parts = [value for kind, value in data.items() if kind.startswith("text/")]
    return "\n".join([str(output.get("text", "")), *map(str, parts)])


def _ids(notebook: NotebookNode) -> Iterator[str]:
    ids = [cell.get("id", "") for cell in notebook.cells]
    if len(set(ids)) < len(ids):
        yield "two cells share an id"
    for cell_id in ids:
        if not re.fullmatch(r"\d\d-[a-z0-9-]+", cell_id):
            yield f"cell id {cell_id!r} is not stable: name it NN-what-it-does"


def _links(notebook: NotebookNode, folder: Path) -> Iterator[str]:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for target in LINK.findall(cell.source):
                if not (folder / target).exists():
                    yield f"cell {cell.id}: {target} does not exist"


def _imports(notebook: NotebookNode) -> Iterator[str]:
    for cell in code_cells(notebook):
        lines = [line for line in cell.source.splitlines() if not line.lstrip().startswith("%")]
        for name in sorted(imported(ast.parse("\n".join(lines)))):
            if name not in ALLOWED and name not in sys.stdlib_module_names:
                yield f"cell {cell.id}: imports {name}, which is not declared"


def imported(tree: ast.AST) -> set[str]:
    """Return the top names of all modules that some code imports."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def _threads(notebook: NotebookNode) -> Iterator[str]:
    source = "\n".join(cell.source for cell in code_cells(notebook))
    first = re.search(r"^(?:from|import) (nerlib|torch|transformers)\b", source, re.MULTILINE)
    if first and first[1] != "nerlib":
        yield f"imports {first[1]} before nerlib, which says how torch's threads wait"


def _length(notebook: NotebookNode) -> Iterator[str]:
    for cell in code_cells(notebook):
        lines = len(cell.source.splitlines())
        if lines > MOST_LINES and not cell.id.endswith("-setup"):
            yield f"cell {cell.id}: {lines} lines, more than {MOST_LINES}: one idea a cell"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the problems of the notebooks named; exit status 1 if there are any."""
    paths = [Path(name) for name in (sys.argv[1:] if arguments is None else arguments)]
    found = [problem for path in paths for problem in problems(path)]
    print(*found, sep="\n", end="\n" if found else "")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
