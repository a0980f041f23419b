"""Notebook 10 trains and tags as its text says, and says of every command whether it was run."""

import re

import nbformat
import pytest
from notebook_cells import NOTEBOOKS

from nerlib.course.measured import read_results
from nerlib.tools.cli import build_parser

CELLS = nbformat.read(NOTEBOOKS / "10_scaling_out.ipynb", as_version=4).cells
CODE = {cell.id: cell.source for cell in CELLS if cell.cell_type == "code"}
TEXT = "\n".join(cell.source for cell in CELLS if cell.cell_type == "markdown")


def printed(cell_id: str) -> str:
    """Return what the cell of this id has left, as text."""
    (cell,) = [cell for cell in CELLS if cell.id == cell_id]
    parts = [output.get("text") or output.data.get("text/plain", "") for output in cell.outputs]
    return "\n".join(parts)


def test_the_gradients_by_hand_are_those_of_the_text():
    told = printed("10-by-hand")
    whole, mean, weighted = re.findall(r": +(-?[\d.]+)$", told, re.MULTILINE)
    assert float(whole) == pytest.approx(float(weighted))
    assert abs(float(whole) - float(mean)) > 1


def test_the_commands_of_the_text_can_be_read_by_the_program():
    commands = re.findall(r"-m nerlib ((?:train|bulk)[^`\n|]*)", TEXT)
    assert len(commands) >= 5
    for command in commands:
        build_parser().parse_args(command.split())


def test_two_processes_made_the_updates_of_one():
    updates = re.search(r"updates\s+([\d.]+)\s+([\d.]+)", printed("10-compare"))
    assert updates is not None
    assert updates[1] == updates[2]


def test_the_killed_run_left_no_model_and_went_on_in_a_later_epoch():
    assert re.search(r"status [^0].* model: False", printed("10-kill"))
    epochs = [int(number) for number in re.findall(r"epoch +(\d+) ", printed("10-kill"))]
    assert epochs[0] > 1
    assert epochs == list(range(epochs[0], epochs[-1] + 1))


def test_the_committed_run_lost_nothing():
    assert "117 rows, 117 different ones" in printed("10-ray-check")
    assert "3 workers in all" in printed("10-ray")  # two, and one in place of the killed one
    assert "holds results of another model" in printed("10-refused")


def test_the_tables_are_computed_from_what_was_measured():
    measured = read_results("bulk.json")
    alone, bulk = measured["stream"], measured["bulk"]
    steady = (bulk["steady"] or bulk)["rows_per_second"]
    kept = min(1.0, steady / (measured["workers"] * alone["rows_per_second"]))
    core_hours = 10**9 / (alone["rows_per_second"] * kept) / 3600
    row = next(line for line in printed("10-billion").splitlines() if line.startswith("64 cores"))
    assert [float(number) for number in row.split()[2:]] == [
        round(value, 1) for value in (core_hours / 64, core_hours, core_hours * 0.04)
    ]


def test_what_was_not_run_is_said():
    assert TEXT.count("**What was run, and what was not:**") == 2
    assert "if ready:" in CODE["10-ray"]
    assert 'needs_extra("scale")' in CODE["10-setup"]
