"""Notebook 08 shows every fault, and says of each what was measured."""

import nbformat
import pytest
from notebook_cells import NOTEBOOKS

from nerlib.course.faults import FAULTS
from nerlib.course.measured import read_results

CELLS = nbformat.read(NOTEBOOKS / "08_break_it.ipynb", as_version=4).cells
CODE = "\n".join(cell.source for cell in CELLS if cell.cell_type == "code")
TEXT = "\n".join(cell.source for cell in CELLS if cell.cell_type == "markdown")


def said(key: str) -> str:
    """What the text says about a fault's cost with the recipe `offline`."""
    fault = FAULTS[key]
    what = {"lost": "F1 lost by the model", "told": "F1 told too much"}[fault.counts]
    low, high = fault.band
    amount = f"{low:+.2f} to {high:+.2f}" if low < high else "exactly 0"
    return f"**Verdict: {fault.verdict}.** {what}: {amount}."


@pytest.mark.parametrize("key", FAULTS)
def test_every_fault_is_measured_shown_and_judged(key):
    assert CODE.count(f'report("{key}"') == 1
    assert CODE.count(f'wrong_and_right("{key}")') == 1
    # Two faults may have the same verdict in the same words; each of them says it.
    assert TEXT.count(said(key)) == [said(other) for other in FAULTS].count(said(key))


def test_every_fault_has_a_symptom_and_a_way_to_notice_it():
    shown = [line for line in CODE.splitlines() if line.startswith("report(")]
    headings = [line for line in TEXT.splitlines() if line.startswith("## ") and line[3].isdigit()]
    assert len(FAULTS) == len(shown) == len(headings)
    assert TEXT.count("**How to notice**") == TEXT.count("**Symptom**") == len(FAULTS)


def test_what_the_text_says_of_the_waterfall_is_in_the_results():
    scores: dict[str, dict[int, float]] = {}
    for step in read_results("waterfall.json")["steps"]:
        scores.setdefault(step["name"], {})[step["seed"]] = step["f1"]
    tags, offsets = (
        scores["tags from spans, not from a dictionary"],
        scores["subwords counted in subwords"],
    )
    before = scores["batches of 32 and a rate that fits"]
    assert all(offsets[seed] - tags[seed] == pytest.approx(0.10, abs=0.015) for seed in tags)
    gains = sorted(tags[seed] - before[seed] for seed in tags)
    assert gains == pytest.approx([0.003, 0.026], abs=0.0006)
    shuffled, own = scores["rows shuffled"], scores["tag set from training rows only"]
    moved = sorted(shuffled[seed] - own[seed] for seed in own)
    assert moved == pytest.approx([-0.024, 0.031], abs=0.0006)
    first, quiet = scores["the tutorial"], scores["dropout off in validation"]
    assert quiet[0] - first[0] == pytest.approx(0.015, abs=0.0006)
