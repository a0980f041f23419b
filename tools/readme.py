"""Keep the generated parts of README.md true: lessons, recipes, and what was measured.

python -m tools.readme           # write them
python -m tools.readme --check   # exit status 1 if they are out of date
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat

from benchmarks.bench.ratios import Ratio
from benchmarks.results import Outcome, tables
from nerlib.tools.recipes import RECIPES
from tools.execute import all_notebooks
from tools.project import ROOT, Publication, read_publication

OBJECTIVE = re.compile(r"(?m)^- (?P<text>.+)$")
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"


def lesson_table(publication: Publication, root: Path = ROOT) -> str:
    """Return the table of lessons, read from the notebooks' headers."""
    rows = ["| lesson | you can then … | runs in | |", "|---|---|---|---|"]
    for path in all_notebooks(root / "notebooks"):
        notebook = nbformat.read(path, as_version=4)
        header = notebook.cells[0].source
        title = header.splitlines()[0].lstrip("# ")
        objective = OBJECTIVE.search(header)
        learns = objective["text"].rstrip(".;") if objective else ""
        seconds = notebook.metadata["nerlib"]["run_seconds"]
        badge = f"[![Open in Colab]({BADGE})]({publication.colab_link(path.stem)})"
        rows.append(f"| [{title}](notebooks/{path.name}) | {learns} | {seconds} s | {badge} |")
    return "\n".join(rows)


def recipe_table() -> str:
    """Return the table of recipes.

    >>> print(recipe_table().splitlines()[0])
    | recipe | what it is | corpus rows to train on | encoder | needs | downloads |
    """
    rows = ["| recipe | what it is | corpus rows to train on | encoder | needs | downloads |"]
    rows.append("|---|---|---|---|---|---|")
    for recipe in RECIPES.values():
        rows.append(
            f"| `{recipe.name}` | {recipe.summary} | {recipe.locale} `{recipe.train_split}` "
            f"| `{recipe.encoder}` | {recipe.needs} | {recipe.downloads} |"
        )
    return "\n".join(rows)


def speed_table(root: Path = ROOT) -> str:
    """Return the ratios of the last committed bench as a table, with the machine below."""
    results = json.loads((root / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    rows = ["| what | against | precision | median | lowest to highest | wanted |"]
    rows.append("|---|---|---|---|---|---|")
    for ratio in (Ratio(**ratio) for ratio in results["ratios"]):
        sign = "at most" if ratio.at_most else "at least"
        promise = "" if ratio.wanted is None else f"{sign} {ratio.wanted:g}"
        rows.append(
            f"| {ratio.part} | {ratio.against} | {ratio.precision} | {ratio.median:.2f} "
            f"| {ratio.lowest:.2f} to {ratio.highest:.2f} | {promise} |"
        )
    held = results["memory"]
    rows += [
        "",
        f"{results['corpus']}, {results['locale']}; {results['machine']}, torch "
        f"{results['torch']}; {results['rounds']} rounds. Training an epoch on all rows held "
        f"{held['peak_mb']:,.0f} MB at most; memory rose by {held['growth_mb']:,.0f} MB while "
        f"{results['streamed_texts']:,} texts were tagged.",
    ]
    return "\n".join(rows)


def accuracy_tables(root: Path = ROOT) -> str:
    """Return the last committed scores as tables."""
    results = json.loads((root / "benchmarks" / "accuracy.json").read_text(encoding="utf-8"))
    return tables([Outcome(**outcome) for outcome in results["outcomes"]])


def generated(text: str, parts: dict[str, str]) -> str:
    """Return the text with what stands between its markers replaced.

    Raises `ValueError` for a part whose markers are missing.

    >>> generated("<!-- a -->old<!-- /a -->", {"a": "new"}).split()
    ['<!--', 'a', '-->', 'new', '<!--', '/a', '-->']
    """
    for name, content in parts.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        if start not in text or end not in text:
            raise ValueError(f"README.md has no markers for {name}")
        before, after = text.partition(start)[0], text.partition(end)[2]
        text = f"{before}{start}\n{content}\n{end}{after}"
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the generated parts, or check that they are up to date."""
    parser = argparse.ArgumentParser(prog="tools.readme", description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args(arguments).check
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    parts = {"lessons": lesson_table(read_publication()), "recipes": recipe_table()}
    parts |= {"speed": speed_table(), "accuracy": accuracy_tables()}
    fresh = generated(text, parts)
    if check:
        return int(fresh != text)
    path.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
