"""How long lessons take to read, by the rule that stands in CONTRIBUTING.md."""

import math
import re

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

WORDS, LINES = 180, 12  # a minute
FIGURE, QUIZ = 0.5, 2.5  # minutes
HEADING = re.compile(r"(?m)^#{1,2} (.+)$")
# A header written by hand has no marks yet.
TOLD = re.compile(r"about (?:<!-- reading -->)?\d+(?:<!-- /reading -->)? minutes to read")


def reading_time(notebook: NotebookNode) -> int:
    """Return the minutes that a lesson takes to read, up to the next five."""
    return 5 * math.ceil(sum(section_times(notebook).values()) / 5)


def with_reading_time(text: str, minutes: int) -> str:
    """Return a text in which the header says the minutes."""
    return TOLD.sub(f"about <!-- reading -->{minutes}<!-- /reading --> minutes to read", text)


def section_times(notebook: NotebookNode) -> dict[str, float]:
    """Return each heading, the title first, with the minutes that its section takes to read."""
    return {name: sum(map(_minutes, cells)) for name, cells in sections(notebook).items()}


def sections(notebook: NotebookNode) -> dict[str, list[NotebookNode]]:
    """Return each heading's cells, in order; the title's section holds header and set-up.

    What stands above the heading in its cell is a cell of its own, of the section before.
    """
    found: dict[str, list[NotebookNode]] = {}
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (first := HEADING.search(cell.source)):
            if above := cell.source[: first.start()].strip():
                found[heading].append(new_markdown_cell(above, id=f"{cell.id}-end"))
            cell = NotebookNode({**cell, "source": cell.source[first.start() :]})
            heading = HEADING.findall(cell.source)[-1]
        found.setdefault(heading, []).append(cell)
    return found


def _minutes(cell: NotebookNode) -> float:
    """Return the minutes for a cell's words, or lines and figures; set-up is not read."""
    if cell.cell_type != "code":
        return len(cell.source.split()) / WORDS
    if cell.id.endswith("-setup"):
        return 0
    lines = sum(bool(line.strip()) for line in cell.source.splitlines())
    figures = sum("image/png" in output.get("data", {}) for output in cell.outputs)
    return lines / LINES + FIGURE * figures + QUIZ * ('quiz("' in cell.source)
