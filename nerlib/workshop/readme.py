"""Keep the generated parts of README.md true: the table of lessons and the list of recipes.

python -m nerlib.workshop.readme           # write them
python -m nerlib.workshop.readme --check   # exit status 1 if they are out of date
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat

from nerlib.recipes import RECIPES
from nerlib.workshop.execute import all_notebooks
from nerlib.workshop.project import ROOT, Publication, read_publication

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
    | recipe | what it is | corpus rows to train on | encoder | needs |
    """
    rows = ["| recipe | what it is | corpus rows to train on | encoder | needs |"]
    rows.append("|---|---|---|---|---|")
    for recipe in RECIPES.values():
        rows.append(
            f"| `{recipe.name}` | {recipe.summary} | {recipe.locale} `{recipe.train_split}` "
            f"| `{recipe.encoder}` | {recipe.needs} |"
        )
    return "\n".join(rows)


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
    parser = argparse.ArgumentParser(prog="nerlib.workshop.readme", description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args(arguments).check
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    fresh = generated(
        text, {"lessons": lesson_table(read_publication()), "recipes": recipe_table()}
    )
    if check:
        return int(fresh != text)
    path.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
