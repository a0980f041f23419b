"""Notebook 10 trains and tags as its text says, and says of every command whether it was run."""

import re

import nbformat
from notebook_cells import NOTEBOOKS

from nerlib.tools.cli import build_parser

CELLS = nbformat.read(NOTEBOOKS / "10_scaling_out.ipynb", as_version=4).cells
CODE = {cell.id: cell.source for cell in CELLS if cell.cell_type == "code"}
TEXT = "\n".join(cell.source for cell in CELLS if cell.cell_type == "markdown")


def printed(cell_id: str) -> str:
    """Return what the cell of this id has left, as text."""
    (cell,) = [cell for cell in CELLS if cell.id == cell_id]
    parts = [output.get("text") or output.data.get("text/plain", "") for output in cell.outputs]
    return "\n".join(parts)


def test_the_commands_of_the_text_can_be_read_by_the_program():
    commands = re.findall(r"-m nerlib ((?:train|bulk)[^`\n|]*)", TEXT)
    assert len(commands) >= 5
    for command in commands:
        build_parser().parse_args(command.split())


def test_the_killed_run_left_no_model_and_went_on_in_a_later_epoch():
    assert re.search(r"status [^0].* model: False", printed("10-kill"))
    epochs = [int(number) for number in re.findall(r"epoch +(\d+) ", printed("10-kill"))]
    assert epochs[0] > 1
    assert epochs == list(range(epochs[0], epochs[-1] + 1))


def test_what_was_not_run_is_said():
    assert TEXT.count("**What was run, and what was not:**") == 2
    assert "if ready:" in CODE["10-ray"]
    assert 'needs_extra("scale")' in CODE["10-setup"]
