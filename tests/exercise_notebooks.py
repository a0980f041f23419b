"""Run solutions and exercises without a kernel: their cells, one after the other."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from nerlib.course.checks.verdict import Verdict
from tools.execute import all_notebooks
from tools.exercises import EXERCISES, SOLUTIONS

SOLVED = all_notebooks(SOLUTIONS)
NAMES = [path.stem for path in SOLVED]


@dataclass
class Ran:
    """What the cells of a notebook defined, and what each check said, by its number."""

    names: dict[str, Any] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    handed_in: dict[str, str] = field(default_factory=dict)  # number → name of the answer
    texts: dict[str, str] = field(default_factory=dict)  # cell id → what it shows


def run_notebook(path: Path) -> Ran:
    """Run all code cells but the set-up for Colab."""
    ran = Ran(names={"__name__": "exercises"})
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code" and not cell.id.endswith("-colab-setup"):
            _run_cell(cell, f"{path.parent.name}-{path.stem}-{cell.id}", ran)
    return ran


def _run_cell(cell: Any, file: str, ran: Ran) -> None:
    """Run a cell; what its last line gives is shown, as in a notebook."""
    lines = [line for line in cell.source.splitlines() if not line.startswith("%")]
    source = "\n".join(lines)
    # A notebook's kernel does the same, so that the source of a function can be read.
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, file, "exec"), ran.names)
    if last is None:
        return
    shown = eval(compile(ast.Expression(last.value), file, "eval"), ran.names)
    ran.texts[cell.id] = repr(shown)
    if isinstance(shown, Verdict):
        number, name = (ast.unparse(argument) for argument in last.value.args)
        ran.verdicts[ast.literal_eval(number)] = shown
        ran.handed_in[ast.literal_eval(number)] = name


def committed_texts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (cell id, text) of what the last lines of cells show in the committed notebook."""
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            if output.output_type == "execute_result":
                yield cell.id, output.data["text/plain"]


def exercise_of(solution: Path) -> Path:
    """Return the exercises that are made from a solution."""
    return EXERCISES / solution.name


def lesson_of(name: str) -> str:
    """Return what an exercise's number starts with, from the name of its notebook."""
    return "C" if name == "capstone" else name[:2]
