"""The web book: what goes into it, and the pages in a real browser."""

from __future__ import annotations

import html.parser
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from local_pages import BROKEN_PICTURES, SIDEWAYS, chromium, served, violations, watch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import Browser, expect
from test_browser import CHROMIUM

from tools import site
from tools.execute import all_notebooks
from tools.project import Publication, read_publication

ROOT = Path(__file__).resolve().parents[1]
LESSONS = [path.stem for path in all_notebooks()]
in_browser = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome found"),
    pytest.mark.skipif(
        os.environ.get("NERLIB_TEST_SITE") != "1", reason="set NERLIB_TEST_SITE=1 to run it"
    ),
]


def book(tmp_path: Path, *pages: str) -> site.Book:
    return site.Book(ROOT, tmp_path, Publication("me/ner", "v1"), frozenset(pages))


class TestLinks:
    def test_between_pages(self, tmp_path: Path) -> None:
        made = book(tmp_path, "notebooks/02_parsing.ipynb", "workshop/lessons.md")
        assert made.target("../notebooks/02_parsing.ipynb", "workshop") == (
            "../notebooks/02_parsing.ipynb"
        )
        assert made.target("workshop/lessons.md", "") == "workshop/lessons.md"

    def test_a_file_that_is_no_page_leads_to_the_repository(self, tmp_path: Path) -> None:
        made = book(tmp_path, "README.md")
        told = "https://github.com/me/ner/blob/v1/nerlib/tags.py"
        assert made.text("see [tags](nerlib/tags.py)", "README.md") == f"see [tags]({told})"

    def test_exercises_are_shown_with_their_solutions(self, tmp_path: Path) -> None:
        made = book(tmp_path, "workshop/solutions/02.ipynb")
        assert made.target("../workshop/exercises/02.ipynb", "notebooks") == (
            "../workshop/solutions/02.ipynb"
        )

    def test_from_the_solutions_to_the_exercises(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Path, "exists", lambda _: True)
        made = book(tmp_path, "workshop/solutions/02.ipynb")
        told = "https://github.com/me/ner/blob/v1/workshop/exercises/02.ipynb"
        assert made.target("../exercises/02.ipynb", "workshop/solutions") == told

    def test_a_missing_file_is_left_for_sphinx_to_report(self, tmp_path: Path) -> None:
        assert book(tmp_path).target("missing.md", "") == "missing.md"

    def test_badges_become_words_and_name_the_publication(self, tmp_path: Path) -> None:
        badge = "https://colab.research.google.com/assets/colab-badge.svg"
        old = Publication("somebody/else", "main").colab_link("02_parsing")
        made = book(tmp_path).text(f"[![Open in Colab]({badge})]({old})", "README.md")
        told = Publication("me/ner", "v1").colab_link("02_parsing")
        assert made == f'<a class="launch" href="{told}">Open in Colab</a>'


class TestFolding:
    def test_a_solution_is_folded_below_its_question(self) -> None:
        source = "def f(x):\n    # BEGIN SOLUTION\n    return x + 1\n    # END SOLUTION\n"
        question, solution = site.folded(new_code_cell(source))
        assert "return x + 1" not in question.source
        assert "    ...  # your turn" in question.source
        assert solution.source == "def f(x):\n    return x + 1\n\n"
        assert "hide-input" in solution.metadata["tags"]

    def test_an_explanation_that_gives_the_answer_away(self) -> None:
        cell = new_markdown_cell("Because.", metadata={"tags": ["solution"]})
        (made,) = site.folded(cell)
        assert made.source.startswith("<details><summary>Solution</summary>")
        note = "Without them: [the exercises](../exercises/02.ipynb)"
        (made,) = site.folded(new_markdown_cell(note, metadata={"tags": ["solution"]}))
        assert made.source == note

    def test_imports_are_folded_and_other_code_is_not(self) -> None:
        (imports,) = site.folded(new_code_cell("import re", id="02-setup"))
        (code,) = site.folded(new_code_cell("1 + 1", id="02-sum"))
        assert imports.metadata["tags"] == ["hide-input"]
        assert "tags" not in code.metadata


def small_root(folder: Path) -> Path:
    """A copy of the project with links to all that the book is made from."""
    for name in ("docs", "notebooks", "README.md", "LICENSE-CC-BY-4.0.md", "colab", "nerlib"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "pyproject.toml").symlink_to(ROOT / "pyproject.toml")
    (folder / "workshop").mkdir()
    for path in (ROOT / "workshop").iterdir():
        if path.name not in ("solutions", "exercises"):
            (folder / "workshop" / path.name).symlink_to(path)
    return folder


class TestWhatGoesIn:
    def test_everything_without_a_list_by_hand(self, tmp_path: Path) -> None:
        site.assemble(tmp_path / "made", small_root(tmp_path))
        made = {p.relative_to(tmp_path / "made").as_posix() for p in tmp_path.glob("made/**/*.*")}
        assert {f"notebooks/{name}.ipynb" for name in LESSONS} <= made
        assert {f"workshop/{p.name}" for p in (ROOT / "workshop").glob("*.md")} <= made
        assert {"reference/nerlib.parsing.rst", "reference/nerlib.device.rst"} <= made
        assert "solutions" not in (tmp_path / "made" / "index.md").read_text(encoding="utf-8")

    def test_exercises_as_soon_as_there_are_some(self, tmp_path: Path) -> None:
        root = small_root(tmp_path)
        (root / "workshop" / "solutions").mkdir()
        notebook = new_notebook(cells=[new_markdown_cell("# 02 · Exercises", id="02-header")])
        nbformat.write(notebook, root / "workshop" / "solutions" / "02_parsing.ipynb")
        site.assemble(tmp_path / "made", root)
        assert (tmp_path / "made" / "workshop" / "solutions" / "02_parsing.ipynb").is_file()
        index = (tmp_path / "made" / "index.md").read_text(encoding="utf-8")
        assert "workshop/solutions/*" in index

    def test_every_figure_has_words(self, tmp_path: Path) -> None:
        page = "notebooks/01_data_exploration.ipynb"
        made = site.notebook_page(ROOT / page, book(tmp_path, page), page)
        words = [
            cell.metadata["mystnb"]["image"]["alt"]
            for cell in made.cells
            if cell.cell_type == "code"
            and any("image/png" in o.get("data", {}) for o in cell.outputs)
        ]
        assert "Figure: How long is an utterance?" in words
        assert all(len(told) > len("Figure: ") for told in words)

    def test_without_sphinx_it_says_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setitem(sys.modules, "sphinx.cmd.build", None)
        assert site.main([]) == 1
        assert capsys.readouterr().err == "Sphinx is not installed: pip install 'nerlib[site]'\n"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished book; a warning of Sphinx's fails here."""
    return site.build(tmp_path_factory.mktemp("book") / "site").parent


@pytest.fixture(scope="module")
def address(pages: Path) -> Iterator[str]:
    with served(pages) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


class Links(html.parser.HTMLParser):
    """The links and the places of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.places.add(found.get("id") or "")
        for name in ("href", "src"):
            if found.get(name):
                self.links.append(str(found[name]))


def read_links(path: Path) -> Links:
    parser = Links()
    parser.feed(path.read_text(encoding="utf-8"))
    return parser


def broken_links(root: Path) -> list[str]:
    """The links inside of a folder of pages that lead nowhere."""
    known = {path: read_links(path) for path in root.rglob("*.html")}
    broken = []
    for path, found in known.items():
        for link in found.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            if not target.is_file():
                broken.append(f"{path.name}: {link}")
            elif place and target in known and place not in known[target].places:
                broken.append(f"{path.name}: no place {link}")
    return broken


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    page = '<a href="gone.html">a</a><a href="#here">b</a><a href="#there" id="here">c</a>'
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    assert broken_links(tmp_path) == ["page.html: gone.html", "page.html: no place #there"]


WRONG = """<!doctype html><html lang="en"><title>t</title><link rel="icon" href="data:,">
<main><h1>t</h1><div style="width:3000px">wide</div><img src="gone.png">
<img src="http://127.0.0.2:9/elsewhere.png" alt="a"></main><script>undefined_name</script></html>"""


def pages_for(scheme: str, pages: Path) -> list[Path]:
    """The pages to look at: all, but of those that Sphinx writes from docstrings, which look alike,
    every other one in light and the rest in dark colours."""
    made = [path for path in sorted(pages.rglob("*.html")) if "reference" in path.parts]
    skipped = set(made[scheme == "light" :: 2])
    return [path for path in sorted(pages.rglob("*.html")) if path not in skipped]


class TestBook:
    pytestmark = in_browser

    def test_a_page_with_everything_wrong_is_noticed(
        self, tmp_path: Path, browser: Browser
    ) -> None:
        (tmp_path / "page.html").write_text(WRONG, encoding="utf-8")
        page = browser.new_page()
        with served(tmp_path) as found:
            problems = watch(page, (found,))
            page.goto(f"{found}/page.html")
            assert page.evaluate(SIDEWAYS) > 0
            assert len(page.evaluate(BROKEN_PICTURES)) == 2
            assert any(told.startswith("image-alt") for told in violations(page))
        assert any(told == "request to http://127.0.0.2:9/elsewhere.png" for told in problems)
        assert any("undefined_name" in told for told in problems)
        assert any("404" in told for told in problems)
        page.close()

    def test_internal_links_resolve(self, pages: Path) -> None:
        assert broken_links(pages.resolve()) == []

    def test_every_lesson_opens_in_colab_as_pyproject_says(self, pages: Path) -> None:
        for name in LESSONS:
            text = (pages / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
            link = read_publication().colab_link(name)
            assert f'<a class="launch" href="{link}">Open in Colab</a>' in text

    @pytest.mark.parametrize(
        ("width", "height", "scheme"), [(1300, 900, "light"), (390, 800, "dark")]
    )
    def test_every_page_is_whole_and_accessible(
        self, width: int, height: int, scheme: str, pages: Path, address: str, browser: Browser
    ) -> None:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        told = {}
        for path in pages_for(scheme, pages):
            name = path.relative_to(pages).as_posix()
            page = context.new_page()
            problems = watch(page, (address,))
            page.goto(f"{address}/{name}")
            if page.evaluate(SIDEWAYS) > 0:
                problems.append("the page scrolls sideways")
            problems += page.evaluate(BROKEN_PICTURES)
            problems += violations(page)
            if problems:
                told[name] = problems
            page.close()
        context.close()
        assert told == {}

    def test_no_page_is_left_out(self, pages: Path) -> None:
        seen = {*pages_for("light", pages), *pages_for("dark", pages)}
        assert seen == set(pages.rglob("*.html"))

    def test_figures_and_entities_show(self, address: str, browser: Browser) -> None:
        page = browser.new_page()
        page.goto(f"{address}/notebooks/00_start_here.html")
        entity = page.locator("mark.nerlib-entity", has_text="nine am").first
        expect(entity).to_be_visible()
        colour = entity.evaluate("(mark) => getComputedStyle(mark).backgroundColor")
        assert colour not in ("rgba(0, 0, 0, 0)", "rgb(255, 255, 255)")
        figure = page.locator(".cell_output img").first
        expect(figure).to_be_visible()
        assert figure.evaluate("(image) => image.naturalWidth") > 300
        assert figure.get_attribute("alt") == "Figure: The map of the course"
        page.close()

    def test_dark_mode(self, address: str, browser: Browser) -> None:
        context = browser.new_context(color_scheme="light")
        page = context.new_page()
        page.goto(f"{address}/index.html")
        ground = "getComputedStyle(document.body).backgroundColor"
        bright = page.evaluate(ground)
        button = page.locator("button.theme-toggle:visible").first
        for _ in range(3):  # automatic, light, dark
            button.click()
            if page.evaluate("document.body.dataset.theme") == "dark":
                break
        dark = page.evaluate(ground)
        assert sum(map(int, re.findall(r"\d+", dark)[:3])) < 150
        assert sum(map(int, re.findall(r"\d+", bright)[:3])) > 600
        page.goto(f"{address}/notebooks/02_parsing.html")
        assert page.evaluate(ground) == dark  # it is remembered
        context.close()

    @pytest.mark.parametrize(
        ("word", "page_name"),
        [("gazetteer", "01 · The data"), ("subword_group", "nerlib.dataset"), ("wifi", "Without")],
    )
    def test_search(self, word: str, page_name: str, address: str, browser: Browser) -> None:
        page = browser.new_page()
        problems = watch(page, (address,))
        page.goto(f"{address}/index.html")
        page.locator("input.sidebar-search").fill(word)
        page.locator("input.sidebar-search").press("Enter")
        expect(page.locator("#search-results li", has_text=page_name).first).to_be_visible()
        assert problems == []
        page.close()

    def test_it_opens_from_a_folder_without_a_server(self, pages: Path, browser: Browser) -> None:
        page = browser.new_page()
        problems = watch(page, (pages.as_uri(),))
        page.goto((pages / "index.html").as_uri())
        page.locator("article a", has_text="teacher's guide").or_(
            page.locator("article a", has_text="teacher’s guide")
        ).first.click()
        expect(page.locator("h1")).to_contain_text("guide")
        assert problems == []
        page.close()
