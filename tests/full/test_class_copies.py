"""Every way through the lessons that a class may take can be walked, and has the time for it."""

import itertools
import json
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from nerlib.tools.recipes import RECIPES
from tools.class_copies import (
    CLASS,
    PLAN,
    Row,
    class_copy,
    timetable,
    timetables,
    walked,
    ways,
    with_sections,
    write_class_copies,
)
from tools.execute import find_notebook
from tools.project import LINK
from tools.reading import section_times, sections

PLANS, WAYS = timetables(), ways()
SHORT = [way for way, rows in WAYS.items() if all(row.sections for row in rows)]


def lesson(number):
    return nbformat.read(find_notebook(number), as_version=4)


def missing_names(notebook, folder):
    """What ruff finds to be used and nowhere defined."""
    nbformat.write(notebook, folder / "lesson.ipynb")
    command = ("ruff", "check", "--isolated", "--select=F821", "--output-format=json")
    done = subprocess.run([sys.executable, "-m", *command, folder], capture_output=True, text=True)
    return [one["message"] for one in json.loads(done.stdout)]


@pytest.mark.parametrize("number", PLAN["skips"])
def test_nothing_needs_a_section_that_may_be_skipped(number, tmp_path):
    notebook, skipped = lesson(number), PLAN["skips"][number]
    headings = [*sections(notebook)][1:]
    assert set(skipped) < set(headings)
    for few in (skipped, *([one] for one in skipped)):
        kept = [heading for heading in headings if heading not in few]
        assert missing_names(with_sections(notebook, kept), tmp_path) == [], few


def test_a_section_that_others_need_is_missed(tmp_path):
    kept = [*sections(lesson("02"))]
    assert missing_names(with_sections(lesson("02"), kept[2:]), tmp_path)
    with pytest.raises(ValueError, match="Elsewhere"):
        with_sections(lesson("02"), ["Elsewhere"])


@pytest.mark.parametrize("way", SHORT, ids=" ".join)
def test_a_short_way_misses_no_name_and_has_time_to_be_read(way, tmp_path):
    assert missing_names(walked(way[1], WAYS[way]), tmp_path) == []
    times = section_times(lesson(way[1]))
    for row in WAYS[way]:
        assert sum(times[name] for name in row.sections) <= row.minutes, row.what


@pytest.mark.parametrize(("heading", "length"), zip(PLANS, (90, 240, 450, 450), strict=True))
def test_a_timetable_adds_up_and_leaves_time_to_run(heading, length):
    rows = PLANS[heading]
    assert sum(row.minutes for row in rows) == length
    assert all(one.start + one.minutes == two.start for one, two in itertools.pairwise(rows))
    for row in rows:
        assert {name.strip("` ") for name in row.recipe.split("or")} <= set(RECIPES)
        if row.lesson:
            seconds = lesson(row.lesson).metadata["nerlib"]["run_seconds"]
            assert max(seconds.values()) <= 60 * row.minutes, row.what


def test_class_copies_are_up_to_date(tmp_path):
    fresh = {path.relative_to(tmp_path): path for path in write_class_copies(tmp_path)}
    assert {path.relative_to(CLASS) for path in CLASS.rglob("*.ipynb")} == fresh.keys()
    for name, path in fresh.items():
        assert (CLASS / name).read_bytes() == path.read_bytes(), f"{name}: run `make colab`"


def test_a_live_copy_has_blanks_and_the_timetable_in_it():
    rows = [Row(5, "Tags", "02", ["What we have, and what we want"], ["02.1"], live=True, start=65)]
    made = class_copy("02", rows)
    told, heading, *code = [cell for cell in made.cells if not cell.id.startswith("02-setup")][1:]
    assert "1:05–1:10" in told.source
    assert "exercises/02_exercises.ipynb" in told.source
    assert heading.source.splitlines()[0] == "## What we have, and what we want · 1 min"
    assert "" in [cell.source for cell in code]
    assert not [cell for cell in made.cells if cell.get("outputs") or cell.metadata]
    assert "| 1:05 | 1:10 | 5 | Tags | 02 |" in timetable(rows)


def test_links_of_class_copies_lead_to_files():
    for path in CLASS.rglob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        dead = [t for _, t, _ in LINK.findall(text) if not (path.parent / t).exists()]
        assert not dead, path


def test_what_stands_above_a_heading_belongs_to_the_section_before():
    texts = ["# T", "## A", "A is so.\n\n## B\n\nB?"]
    found = sections(new_notebook(cells=[new_markdown_cell(text) for text in texts]))
    told = {name: [cell.source for cell in cells] for name, cells in found.items()}
    assert told == {"T": ["# T"], "A": ["## A", "A is so."], "B": ["## B\n\nB?"]}
