"""A class's ways through the lessons: the guide's timetables, and a copy of each lesson for them.

`workshop/timetables.toml` says which sections each way takes; `tools.colab` writes what is made.
"""

import ast
import re
import shutil
import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from benchmarks.measured import markdown_table
from tools.execute import find_notebook
from tools.project import LINK, ROOT
from tools.reading import section_times, sections

CLASS = ROOT / "workshop" / "class"
IN_CLASS = r"[\g<text>](../../../notebooks/\g<target>\g<rest>)"  # a lesson's link, from there
PLAN = tomllib.loads((ROOT / "workshop" / "timetables.toml").read_text(encoding="utf-8"))
# Guesses and the quiz, which nobody types.
KEPT = re.compile(r"(?m)^(guesses(\.write.*)?$|from nerlib\.course\.quiz )")


@dataclass(frozen=True)
class Row:
    """What a class does for some minutes; `sections` of a lesson, or all of it if there are none.

    `where` it happens if not in a lesson; `slides` are ids of cells to show; with `live`, the class
    copy has blanks to type into.
    """

    minutes: int
    what: str
    lesson: str = ""
    sections: Sequence[str] = ()
    exercises: Sequence[str] = ()
    slides: Sequence[str] = ()
    where: str = "board"
    recipe: str = "`offline`"
    live: bool = False
    start: int = 0  # minutes of the day


def timetables() -> dict[str, list[Row]]:
    """Return the rows of each timetable by its heading in the guide."""
    found = {}
    for heading in (name for name in PLAN if name != "skips"):
        rows, (hour, minute) = PLAN[heading]["rows"], PLAN[heading]["starts"].split(":")
        starts = accumulate((row["minutes"] for row in rows), initial=60 * int(hour) + int(minute))
        found[heading] = [Row(**row, start=start) for row, start in zip(rows, starts, strict=False)]
    return found


def file_name(heading: str) -> str:
    """Return what a timetable's deck and test are called.

    >>> file_name("Half a day")
    'half-a-day'
    """
    return heading.lower().replace(" ", "-")


def ways() -> dict[tuple[str, str], list[Row]]:
    """Return the rows of each timetable that go through each lesson, by both names."""
    found = defaultdict[tuple[str, str], list[Row]](list)
    for heading, rows in timetables().items():
        for row in rows:
            if row.lesson:
                found[heading, row.lesson].append(row)
    return found


def timetable(rows: Iterable[Row]) -> str:
    """Return a timetable for the guide, with the numbers of its slides; the first is the title."""
    lines, last = [], 1
    for row in rows:
        exercises = {number[:2] for number in row.exercises}
        first, last = last + 1, last + len(row.slides)
        shown = f"slides {first}–{last}" if first < last else f"slide {last}" * (first == last)
        where = ", ".join(filter(None, (row.lesson, *sorted(exercises - {row.lesson}), shown)))
        where = where or row.where
        recipe = row.recipe if row.lesson or exercises else "–"
        lines.append((*clock(row), row.minutes, row.what, where, recipe))
    return markdown_table("from | to | min | what | lesson | recipe", lines)


def clock(row: Row) -> tuple[str, str]:
    """Return when a row starts and ends, as in 9:00, 9:08."""
    start, end = (divmod(minute, 60) for minute in (row.start, row.start + row.minutes))
    return f"{start[0]}:{start[1]:02}", f"{end[0]}:{end[1]:02}"


def with_sections(notebook: NotebookNode, wanted: Collection[str]) -> NotebookNode:
    """Return a lesson with its title, set-up and these sections only; all, if none is named.

    Raises `ValueError` for a section that the lesson has not.
    """
    title, *others = found = sections(notebook)
    if unknown := set(wanted) - set(others):
        raise ValueError(f"{title!r} has no section {min(unknown)!r}")
    kept = {title, *(wanted or others)}
    pairs = ((heading, cell) for heading, part in found.items() for cell in part)
    cells = [cell for heading, cell in pairs if heading in kept or cell.id.endswith("-setup")]
    return NotebookNode({**notebook, "cells": cells})


def walked(lesson: str, rows: Sequence[Row]) -> NotebookNode:
    """Return a lesson with what some rows take of it."""
    whole = not all(row.sections for row in rows)
    listed = [] if whole else [name for row in rows for name in row.sections]
    return with_sections(nbformat.read(find_notebook(lesson), as_version=4), listed)


def write_class_copies(folder: Path = CLASS) -> list[Path]:
    """Write what each class goes through of every lesson; return the paths."""
    shutil.rmtree(folder, ignore_errors=True)
    written = []
    for (heading, lesson), rows in ways().items():
        path = folder / PLAN[heading]["folder"] / find_notebook(lesson).name
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(class_copy(lesson, rows), path)
        written.append(path)
    return written


def class_copy(lesson: str, rows: Sequence[Row]) -> NotebookNode:
    """Return the sections of a lesson that some rows go through, without outputs.

    In front of each row's first section stands what the timetable says; a live row has blanks.
    """
    notebook, name = walked(lesson, rows), find_notebook(lesson).name
    minutes, found = section_times(notebook), sections(notebook)
    title, *headings = found
    told = defaultdict[str, list[NotebookNode]](list)
    for row in rows:
        told[row.sections[0] if row.sections else headings[0]].append(banner(row))
    text = f"# {title}\n\nFallen behind? The [whole lesson]({name}) helps."
    code = [cell for cell in found.pop(title) if cell.cell_type == "code"]
    cells = [new_markdown_cell(text, id=f"{lesson}-header"), *code]
    for heading, part in found.items():
        live = any(row.live and heading in (row.sections or headings) for row in rows)
        timed = f"# {heading} · {minutes[heading]:.0f} min"
        part[0].source = part[0].source.replace(f"# {heading}", timed, 1)
        cells += [*told[heading], *(blanked(part) if live else part)]
    for cell in cells:
        cell.metadata = NotebookNode()
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = LINK.sub(IN_CLASS, cell.source)
    kernel = {key: value for key, value in notebook.metadata.items() if key != "nerlib"}
    return NotebookNode({**notebook, "cells": cells, "metadata": NotebookNode(kernel)})


def banner(row: Row) -> NotebookNode:
    """Return the cell that says what the timetable has now, with links to its exercises."""
    text = f"**{'–'.join(clock(row))}, {row.minutes} minutes** {row.what}"
    lessons = dict.fromkeys(number[:2] for number in row.exercises)
    text += "".join(f" · [exercises](../workshop/exercises/{n}_exercises.ipynb)" for n in lessons)
    cell: NotebookNode = new_markdown_cell(text, id=f"row-{row.start}")
    return cell


def blanked(cells: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Return cells to type into, under their headings and prompts."""
    for cell, below in pairwise([*cells, NotebookNode(cell_type="", source="")]):
        if cell.cell_type == "code":
            whole = cell.id.endswith("-setup") or KEPT.search(cell.source)
            cell.source = cell.source if whole else given(cell.source)
        else:
            headings = re.findall(r"(?m)^#.*$", cell.source)
            guess = "guesses.write" in below.source
            ask = cell.source.rpartition("\n\n")[2] if guess else prompt(cell.source)
            cell.source = "\n\n".join(headings + [ask] * (below.cell_type == "code"))
    return [cell for cell in cells if cell.source or cell.cell_type == "code"]


def prompt(text: str) -> str:
    """Return what leads from a text to its code: a sentence, and what it asks or announces.

    A cell that goes on from the last output has that sentence at its end.

    >>> prompt("So it is. Now we count them. How many are there?")
    'How many are there?'
    """
    sentences = re.split(r"(?<=[.?!])\s+", text.rpartition("\n\n")[2])
    leading = sentences[0 if "\n\n" in text or text.startswith("**") else -1]
    return " ".join(one for one in sentences if one is leading or one[-1] in "?:")


def given(source: str) -> str:
    """Return a cell's imports, and its functions with no more than their docstrings."""
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef)
    kept = [one for one in ast.parse(source).body if isinstance(one, kinds)]
    for one in kept:
        if isinstance(one, ast.FunctionDef):
            one.body = [ast.Expr(ast.Constant(ast.get_docstring(one) or ...))]
    return ast.unparse(ast.Module([*kept], []))
