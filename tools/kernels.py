"""Kernels that load what a notebook imports while the notebook before it runs."""

import ast
import os
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode

OPTIONS = ["--IPKernelApp.log_level=40"]  # errors only


async def start_ahead(notebook: NotebookNode, path: Path, output: Path) -> AsyncKernelManager:
    """Start a kernel that loads what a notebook imports; none of the names are defined in it."""
    # An extra that is missing is told by the lesson itself.
    code = "".join(
        f"try: {line}\nexcept ImportError: pass\n" for line in import_statements(notebook)
    )
    manager = AsyncKernelManager(kernel_name="python3")
    options = [*OPTIONS, f"--IPKernelApp.exec_lines=exec({code!r}, {{}})"]
    environment = {**os.environ, "NERLIB_OUTPUT": str(output.resolve())}
    folder = str(path.resolve().parent)
    await manager.start_kernel(extra_arguments=options, cwd=folder, env=environment)
    return manager


def import_statements(notebook: NotebookNode) -> list[str]:
    r"""Return the import statements of a notebook's cells, but not those of its functions.

    >>> from nbformat.v4 import new_code_cell, new_notebook
    >>> import_statements(new_notebook(cells=[new_code_cell("%pwd\nimport json, re\njson")]))
    ['import json, re']
    """
    without_magics = TransformerManager().transform_cell
    return [
        ast.unparse(statement)
        for cell in notebook.cells
        if cell.cell_type == "code"
        for statement in ast.parse(without_magics(cell.source)).body
        if isinstance(statement, ast.Import | ast.ImportFrom)
    ]
