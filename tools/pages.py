"""HTML pages of notebooks that ran, and an index of them."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import nbformat
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from nerlib.analysis.display import escape


def write_page(notebook: NotebookNode, target: Path) -> None:
    """Write a notebook as a page; links between notebooks become links between pages."""
    body, _ = HTMLExporter().from_notebook_node(notebook)
    body = re.sub(r'(href="\d\d_\w+)\.ipynb', r"\1.html", body)
    target.write_text(body, encoding="utf-8", errors="replace")


def write_index(output: Path) -> Path:
    """Write the index of a folder's pages, its figures and its model; return the index."""
    index = output / "index.html"
    pages = {
        page.name: title_of(nbformat.read(source, as_version=4))
        for page in sorted(output.glob("*.html"))
        if (source := output / "notebooks" / f"{page.stem}.ipynb").is_file()
    }
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
