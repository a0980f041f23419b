"""Hostile text in a real browser: nothing of it runs, loads or moves what stands around it.

Skips where no Chromium or Chrome is found.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import nbformat
import pytest
from hostile_text import HOSTILE, TYPES, every_view
from local_pages import needs_browser, watch
from nbformat.v4 import new_markdown_cell, new_notebook
from playwright.sync_api import Browser, Page

from nerlib import Parser, Span, highlight
from nerlib.analysis.display import escape, isolated
from nerlib.analysis.plots import bar_chart, plain, save_figure
from nerlib.course.figures import character_ruler, subword_alignment
from nerlib.tools.recipes import Recipe
from tools import pages
from tools.pages import address

OVER_EVERYTHING = """() => document.querySelectorAll('body *').forEach(element =>
    ['mouseover', 'focus', 'mouseenter', 'click'].forEach(name =>
        element.tagName === 'A' || element.dispatchEvent(new Event(name))))"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 900, "height": 700})
    yield page
    page.close()


def happens(page: Page, address: str, *allowed: str) -> list[str]:
    """Show a page, move over and click whatever there is, and return what it did, in words."""
    happened = watch(page, (address, *allowed))
    page.on("dialog", lambda dialog: (happened.append("dialog"), dialog.dismiss()))
    page.goto(address, wait_until="networkidle")
    page.evaluate(OVER_EVERYTHING)
    return happened + ["marker"] * bool(page.evaluate("() => window.hacked ?? null"))


def write_page(path: Path, body: str) -> str:
    """Write a page and return its address."""
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>x</title>{body}</html>'
    path.write_text(page, encoding="utf-8", errors="surrogatepass")
    return path.as_uri()


def everything_that_shows(text: str) -> Iterator[str]:
    """The HTML of every function that makes some, with the text wherever a text can stand."""
    for view in every_view(text).values():
        yield view.markup
    for slot_type in TYPES:
        yield highlight(f"at {text} now", [Span(slot_type, 3, 3 + len(text))]).markup
    yield Recipe(text, text, text, text, "en-US", text)._repr_html_()
    yield f"<p>{isolated(text)}</p>"
    yield f'<p title="{escape(text)}">quoted</p>'


@needs_browser
class TestInABrowser:
    def test_nothing_of_a_page_of_hostile_samples_runs(self, page: Page, tmp_path: Path) -> None:
        parts = [markup for text in HOSTILE for markup in everything_that_shows(text)]
        assert len(parts) > 300
        shown = write_page(tmp_path / "page.html", "".join(parts))
        assert happens(page, shown) == []
        assert page.evaluate("() => document.links.length") == 0
        for text in HOSTILE[:16]:
            assert text in page.text_content("body")

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such file names")
    def test_the_index_shows_hostile_titles_and_file_names(
        self, page: Page, tmp_path: Path
    ) -> None:
        names = [text.replace("/", "⁄").replace("\x00", "")[:80] for text in HOSTILE]
        names = [name for name in names if "\ud83d" not in name] + ["100% #1 ?x=1&y", "a b"]
        figure = bar_chart({"x": {"y": 1}}, "t", "x", "y")
        (tmp_path / "notebooks").mkdir()
        for name, title in zip(names, [*HOSTILE, "plain", "plain"], strict=False):
            save_figure(figure, tmp_path / "figures" / f"{name}.png")
            title = title.encode(errors="replace").decode()  # a file holds no lone surrogates
            notebook = new_notebook(cells=[new_markdown_cell(f"# {title}\n")])
            nbformat.write(notebook, tmp_path / "notebooks" / f"{name}.ipynb")
            pages.write_page(notebook, tmp_path / f"{name}.html")
        index = pages.write_index(tmp_path)
        assert happens(page, index.as_uri(), tmp_path.as_uri()) == []
        pictures = page.evaluate("() => [...document.images].map(i => i.naturalWidth)")
        assert len(pictures) == len(names)
        assert all(pictures)  # every picture was found under its own name
        links = page.evaluate("() => [...document.links].map(link => link.href)")
        assert len(links) == len(names)
        for link in links:  # each leads to a file that is there
            assert Path(url2pathname(urlsplit(link).path)).is_file()

    @pytest.mark.parametrize(
        ("markup", "keeps"),
        [
            *(
                (isolated(text), True)
                for text in ("תשע", "بايت ١٢", "a\u202eb", "\u2067x", "a\u200fב")
            ),
            (escape("תשע"), False),
        ],
        ids=ascii,
    )
    def test_what_stands_around_a_text_keeps_its_order(
        self, markup: str, keeps: bool, page: Page, tmp_path: Path
    ) -> None:
        line = f'<p><span id="before">1.</span> {markup} <span id="after">(12)</span></p>'
        page.goto(write_page(tmp_path / "page.html", line))
        places = page.evaluate(PLACES)
        assert (places == sorted(places)) == keeps


# The left edges of the letters outside of the text, in the order in which they were written.
PLACES = """() => ['before', 'after'].flatMap(id => {
    const node = document.getElementById(id).firstChild, range = document.createRange();
    return [...node.data].map((_, i) => {
        range.setStart(node, i); range.setEnd(node, i + 1);
        return range.getBoundingClientRect().left;
    });
})"""


class TestFigures:
    @pytest.mark.parametrize("text", HOSTILE, ids=ascii)
    def test_hostile_text_is_drawn(self, text: str, tmp_path: Path) -> None:
        words = Parser().split_words(text)
        names = [word.text for word in words]
        for figure in (
            bar_chart({text: {text: 1}}, "title", "x", "y"),
            character_ruler(text, words, [Span(text, 0, len(text))]),
            subword_alignment(names, names, range(len(names))),
        ):
            assert save_figure(figure, tmp_path / "figure.png").stat().st_size > 0

    def test_dollars_are_dollars(self) -> None:
        figure = bar_chart({"x": {"$5 or $7": 1}}, "title", "x", "y")
        (label,) = figure.axes[0].get_yticklabels()
        assert label.get_text() == plain("$5 or $7")
        assert label._preprocess_math(label.get_text()) == ("$5 or $7", False)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("02_parsing.html", "./02_parsing.html"),
        ("figures/a b.png", "./figures/a%20b.png"),
        ('"><script>', "./%22%3E%3Cscript%3E"),
        ("javascript:alert(1)", "./javascript%3Aalert%281%29"),
        ("//elsewhere.example", ".///elsewhere.example"),
        ("\udcff", "./%FF"),
    ],
)
def test_addresses(name: str, shown: str) -> None:
    assert address(name) == shown
