"""Run notebooks from a fresh kernel, clean what they leave, and make a page of each.

python -m tools.execute                        # in place: what is committed
python -m tools.execute --output build         # copies, HTML pages and an index
python -m tools.execute notebooks/02_parsing.ipynb
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from nerlib.analysis.display import escape

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
CELL_SECONDS = 400
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# The header of every notebook says how long it takes to run, between these two marks.
RUN_TIME = re.compile(r"(?<=<!-- run time -->)[^<\n]*+(?=<!-- /run time -->)")


@dataclass(frozen=True)
class Executed:
    """A notebook that ran to its end, and the seconds that took."""

    path: Path
    notebook: NotebookNode
    seconds: float


class NotebookFailed(RuntimeError):
    """A cell that raised an error: which notebook, which cell, and what it said."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the notebooks named on the command line, or all of them."""
    parser = argparse.ArgumentParser(prog="tools.execute", description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all")
    parser.add_argument("--output", type=Path, help="write copies and HTML pages here")
    options = parser.parse_args(arguments)
    paths = options.notebooks or all_notebooks()
    try:
        executed = [run_one(path, options.output) for path in paths]
    except NotebookFailed as error:
        print(error, file=sys.stderr)
        return 1
    if options.output:
        index = write_pages(executed, options.output)
        print(f"\nOpen {index}")
    return 0


def all_notebooks(folder: Path = NOTEBOOKS) -> list[Path]:
    """Return the course's notebooks in their order; beside solutions, the capstone is the last."""
    return [*sorted(folder.glob("[0-9][0-9]_*.ipynb")), *folder.glob("capstone.ipynb")]


def run_one(path: Path, output: Path | None) -> Executed:
    """Run one notebook, in place or into a copy, and say how long it took."""
    print(f"{path.stem} …", end=" ", flush=True)
    notebook = nbformat.read(path, as_version=4)
    started = time.perf_counter()
    execute(notebook, path, output or ROOT / "build")
    seconds = time.perf_counter() - started
    clean(notebook)
    if output is None:
        write_run_time(notebook, seconds)
    target = path if output is None else output / "notebooks" / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
    print(f"{seconds:.0f} s", flush=True)
    return Executed(target, notebook, seconds)


def execute(notebook: NotebookNode, path: Path, output: Path) -> None:
    """Run all cells in a fresh kernel; raises `NotebookFailed` at the first error."""
    os.environ["NERLIB_OUTPUT"] = str(output.resolve())
    resources = {"metadata": {"path": str(path.resolve().parent)}}
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources=resources,
        extra_arguments=["--IPKernelApp.log_level=40"],  # errors only
        coalesce_streams=True,  # what one cell prints is one output, however it was buffered
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise NotebookFailed(f"\n{path.name} failed:\n{error}") from None


def clean(notebook: NotebookNode) -> NotebookNode:
    """Remove what depends on the run or the editor: timings, widget state, host details."""
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
        **{name: notebook.metadata[name] for name in ("nerlib",) if name in notebook.metadata},
    )
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = NotebookNode(tags=tags) if tags else NotebookNode()
        if cell.cell_type == "code":
            # A widget means nothing once its kernel is gone, nor does its description.
            cell.outputs = [o for o in cell.outputs if WIDGET_VIEW not in o.get("data", {})]
    return notebook


def write_run_time(notebook: NotebookNode, seconds: float) -> None:
    """Put the run time into the header and the metadata, unless it is about what stands there."""
    known = notebook.metadata.get("nerlib", {}).get("run_seconds", 0)
    if known and 0.7 < seconds / known < 1.4:
        return
    rounded = max(5, round(seconds / 5) * 5)
    notebook.metadata["nerlib"] = {"run_seconds": rounded}
    header = notebook.cells[0]
    header.source = RUN_TIME.sub(f"about {rounded} s", header.source)


def write_pages(executed: Sequence[Executed], output: Path) -> Path:
    """Write an HTML page of each notebook and an index to open; return the index."""
    exporter = HTMLExporter()
    for run in executed:
        body, _ = exporter.from_notebook_node(run.notebook)
        # Links between notebooks become links between pages.
        body = re.sub(r'(href="\d\d_\w+)\.ipynb', r"\1.html", body)
        target = output / f"{run.path.stem}.html"
        target.write_text(body, encoding="utf-8", errors="replace")
    index = output / "index.html"
    pages = {f"{run.path.stem}.html": title_of(run.notebook) for run in executed}
    figures = "\n".join(
        f'<figure><img src="{address(path.relative_to(output).as_posix())}" '
        f'alt="{escape(path.stem)}"></figure>'
        for path in sorted(output.glob("figures/*.png"))
    )
    model = "<p>The trained model is in <code>model/</code>.</p>" * (output / "model").is_dir()
    page = index_page("Named Entity Recognition, built", pages, model + figures)
    index.write_text(page, encoding="utf-8")
    return index


def address(name: str) -> str:
    """Return the relative address of a file, safe between quotes, whatever it is called.

    >>> address('javascript:alert("1").html')
    './javascript%3Aalert%28%221%22%29.html'
    """
    return f"./{quote(os.fsencode(name))}"


def title_of(notebook: NotebookNode) -> str:
    """Return a notebook's first heading."""
    return str(notebook.cells[0].source).splitlines()[0].lstrip("# ").strip()


def index_page(title: str, pages: Mapping[str, str], more: str = "") -> str:
    """Return a page that links others (file name: title), with more HTML below.

    >>> '<li><a href="./a.html">&lt;A&gt;</a></li>' in index_page("All", {"a.html": "<A>"})
    True
    """
    listed = "\n".join(
        f'<li><a href="{address(name)}">{escape(words)}</a></li>' for name, words in pages.items()
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title><link rel="icon" href="data:,">
<style>body{{font:16px/1.5 sans-serif;max-width:46em;margin:2em auto;padding:0 1em}}
img{{max-width:100%}}</style></head>
<body><main><h1>{escape(title)}</h1>
<ul>
{listed}
</ul>
{more}
</main></body></html>
"""


if __name__ == "__main__":
    sys.exit(main())
