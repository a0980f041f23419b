"""Keep the generated parts of README.md, CONTRIBUTING.md, docs/ and workshop/ true.

python -m tools.readme           # write them: lessons, recipes, modules, measurements
python -m tools.readme --check   # exit status 1 if they are out of date
"""

import argparse
import ast
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat

from benchmarks import standing
from benchmarks.bench.ratios import speed_table
from benchmarks.measured import markdown_table
from benchmarks.results import Outcome, tables
from nerlib.tools.recipes import RECIPES
from tools.class_copies import PLAN, timetable, timetables
from tools.execute import all_notebooks, run_times
from tools.project import ROOT, Publication, read_publication
from tools.reading import reading_time, section_times

OBJECTIVE = re.compile(r"(?m)^- (?P<text>.+)$")
BINDER = """\
[Open all in Binder](https://mybinder.org/v2/gh/{}/{}?urlpath=lab/tree/notebooks/00_start_here.ipynb)
runs the lessons in a browser with nothing installed."""
UNPUBLISHED = "Links to Colab and Binder appear after `make publish REPO=owner/name`."
PIPELINE = (
    "corpus", "parsing", "tags", "subwords", "dataset", "encoders", "model", "training",
    "metrics", "decoding", "inference", "saving",
)  # fmt: skip
LAYERS = ("", "addons", "analysis", "tools", "course")


def lesson_table(publication: Publication, root: Path = ROOT) -> str:
    """Return the table of lessons, with the sums of run times, and the link to Binder."""
    published = bool(publication.repository)
    rows, times, minutes = [], [], []
    for path in all_notebooks(root / "notebooks"):
        notebook = nbformat.read(path, as_version=4)
        header = notebook.cells[0].source
        title = header.splitlines()[0].lstrip("# ")
        objective = OBJECTIVE.search(header)
        learns = objective["text"].rstrip(".;") if objective else ""
        times.append(notebook.metadata["nerlib"]["run_seconds"])
        minutes.append(reading_time(notebook))
        reads = f"{minutes[-1]} min"
        button = [publication.colab_button(f"colab/{path.name}")] * published
        link, runs = f"[{title}](notebooks/{path.name})", run_times(times[-1:])
        rows.append((link, learns, reads, runs, *button))
    for name, part in {"00 to 06": slice(7), "all": slice(None)}.items():
        reads = f"{sum(minutes[part]) / 60:.1f} h"
        rows.append((f"**{name}**", "", reads, run_times(times[part]), *[""] * published))
    head = "lesson | you can then … | reads in | runs in about" + " |" * published
    table = markdown_table(head, rows)
    binder = BINDER.format(publication.repository, publication.ref)
    return f"{table}\n\n{binder if published else UNPUBLISHED}"


def section_table(root: Path = ROOT) -> str:
    """Return the minutes that each section takes to read, without those under half a minute."""
    rows = []
    for path in all_notebooks(root / "notebooks"):
        notebook = nbformat.read(path, as_version=4)
        number = path.stem[:2]
        told = (
            f"{heading.removeprefix(f'{number} · ')} **{minutes:.0f}**"
            for heading, minutes in section_times(notebook).items()
            if round(minutes)
        )
        rows.append((number, reading_time(notebook), "; ".join(told)))
    return markdown_table("lesson | minutes | its sections, each with its minutes", rows)


def recipe_table() -> str:
    """Return the table of recipes."""
    row = "`{name}` | {summary} | {locale} `{train_split}` | `{encoder}` | {needs} | {downloads}"
    head = "recipe | what it is | corpus rows to train on | encoder | needs | downloads"
    return markdown_table(head, ([row.format(**vars(one))] for one in RECIPES.values()))


def modules(root: Path = ROOT) -> list[Path]:
    """Return the package's files: layer by layer, each layer's `__init__.py` first.

    The library comes first, and in it the pipeline in its order.

    >>> [path.stem for path in modules()[:4]]
    ['__init__', 'corpus', 'parsing', 'tags']
    """

    def place(path: Path) -> tuple[object, ...]:
        *folders, name = path.relative_to(root / "nerlib").parts
        layer = LAYERS.index(folders[0] if folders else "")
        step = PIPELINE.index(path.stem) if path.stem in PIPELINE and not folders else len(PIPELINE)
        return layer, folders[1:], name != "__init__.py", step, name

    found = [path for path in (root / "nerlib").rglob("*.py") if "data" not in path.parts]
    return sorted(found, key=place)


def module_tree(deep: bool, root: Path = ROOT) -> str:
    """Return the tree of modules, each with the first line of its docstring.

    Without `deep`, only the library's modules and the packages beside them.
    """
    lines = []
    for path in modules(root):
        is_package = path.stem == "__init__"
        folders = path.relative_to(root).parts[:-1]
        depth = len(folders) - is_package
        if deep or len(folders) == 1 or (is_package and depth == 1):
            name = f"{folders[-1]}/" if is_package else path.name
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            lines.append(("  " * depth + name, " ".join(text.partition("\n\n")[0].split())))
    width = max(len(name) for name, _ in lines)
    shown = (f"{name:<{width}}  {about}".rstrip() for name, about in lines)
    return "\n".join(["```", *shown, "```"])


def measured(name: str, show: Callable[[dict[str, Any]], str], root: Path = ROOT) -> str:
    """Return the tables of the last committed results."""
    return show(json.loads((root / "benchmarks" / f"{name}.json").read_text(encoding="utf-8")))


def generated(text: str, parts: dict[str, str]) -> str:
    """Return the text with what stands between its markers replaced.

    Raises `ValueError` for a part whose markers are missing.

    >>> generated("<!-- a -->old<!-- /a -->", {"a": "new"}).split()
    ['<!--', 'a', '-->', 'new', '<!--', '/a', '-->']
    """
    for name, content in parts.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        if start not in text or end not in text:
            raise ValueError(f"there are no markers for {name}")
        before, after = text.partition(start)[0], text.partition(end)[2]
        text = f"{before}{start}\n{content}\n{end}{after}"
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the generated parts, or check that they are up to date."""
    parser = argparse.ArgumentParser(prog="tools.readme", description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args(arguments).check
    lessons = lesson_table(read_publication())
    speed, bf16 = (measured(name, speed_table) for name in ("results", "results-bf16"))
    scores = measured("accuracy", lambda found: tables([Outcome(**o) for o in found["outcomes"]]))
    pages = {
        "README.md": {"lessons": lessons, "modules": module_tree(deep=False)},
        "CONTRIBUTING.md": {"modules": module_tree(deep=True)},
        "docs/measured.md": {"speed": speed, "speed with bf16 units": bf16, "accuracy": scores},
        "docs/where-this-stands.md": {"standing": measured("standing", standing.table)},
        "docs/recipes.md": {"recipes": recipe_table()},
        "workshop/timetables.md": {
            "sections": section_table(),
            **{heading: timetable(rows) for heading, rows in timetables().items()},
        },
        "workshop/lessons.md": {
            f"skip {lesson}": ", ".join(f"*{section}*" for section in sections) + "."
            for lesson, sections in PLAN["skips"].items()
        },
    }
    stale = False
    for name, parts in pages.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        fresh = generated(text, parts)
        stale |= fresh != text
        if not check:
            (ROOT / name).write_text(fresh, encoding="utf-8")
    return int(check and stale)


if __name__ == "__main__":
    sys.exit(main())
