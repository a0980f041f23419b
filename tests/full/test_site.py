"""The web book: what goes into it, and the pages in a real browser."""

import html.parser
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from local_pages import BROKEN_PICTURES, SIDEWAYS, served, site_in_browser, violations, watch
from nbformat.v4 import new_code_cell, new_markdown_cell
from playwright.sync_api import expect

from tools import site
from tools.execute import all_notebooks
from tools.project import ROOT, Publication, read_publication

LESSONS = [path.stem for path in all_notebooks()]
EXERCISE = "workshop/exercises/02_exercises.ipynb"
SOLUTION = "workshop/solutions/02_solutions.ipynb"
PICTURE = re.compile(r"\.(svg|png|jpe?g|gif|webp|ico)$")
FILE = "https://github.com/me/ner/blob/v1/"


def book(tmp_path: Path, *pages: str) -> site.Book:
    return site.Book(ROOT, tmp_path, Publication("me/ner", "v1"), frozenset(pages))


class TestPages:
    @pytest.mark.parametrize(
        ("link", "folder", "made"),
        [
            ("workshop/lessons.md", "", "workshop/lessons.md"),  # between pages
            ("../workshop/lessons.md", "notebooks", "../workshop/lessons.md"),
            ("nerlib/tags.py", "", f"{FILE}nerlib/tags.py"),  # no page
            (f"../{EXERCISE}", "notebooks", f"../{SOLUTION}"),
            (
                "../exercises/02_exercises.ipynb",
                "workshop/solutions",
                "../exercises/02_exercises.ipynb",
            ),
            ("missing.md", "", "missing.md"),  # Sphinx reports it
        ],
    )
    def test_links(self, link, folder, made, tmp_path):
        pages = book(tmp_path, "workshop/lessons.md", SOLUTION)
        assert pages.target(link, folder) == made

    def test_published_nowhere_a_link_to_a_file_is_words(self, tmp_path):
        pages = site.Book(ROOT, tmp_path, Publication("", "v1"), frozenset(["colab/README.md"]))
        made = pages.text("[tags](nerlib/tags.py), [Colab](colab/README.md#publish)", "README.md")
        assert made == "tags, [Colab](colab/README.md#publish)"

    def test_solutions_and_imports_are_folded_and_other_code_is_not(self):
        source = "def f(x):\n    # BEGIN SOLUTION\n    return x + 1\n    # END SOLUTION\n"
        question, solution = site.folded(new_code_cell(source))
        assert "return x + 1" not in question.source
        assert solution.source == "def f(x):\n    return x + 1\n\n"
        assert "hide-input" in solution.metadata["tags"]
        cell = new_markdown_cell("Because.", metadata={"tags": ["solution"]})
        assert site.folded(cell)[0].source.startswith("<details>")
        (imports,) = site.folded(new_code_cell("import re", id="02-setup"))
        (code,) = site.folded(new_code_cell("1 + 1", id="02-sum"))
        assert imports.metadata["tags"] == ["hide-input"]
        assert "tags" not in code.metadata

    def test_everything_goes_in_without_a_list_by_hand(self, tmp_path, monkeypatch):
        monkeypatch.setattr(site, "tagger_box", lambda static, build: "<b>box</b>")
        site.assemble(tmp_path)
        boxes = [path for path in tmp_path.rglob("*.*") if "<b>box</b>" in path.read_text("utf-8")]
        assert sorted(path.stem for path in boxes) == ["06_inference", "tagger"]
        made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
        assert {f"notebooks/{name}.ipynb" for name in LESSONS} <= made
        guide = [*ROOT.glob("workshop/*.md"), *ROOT.glob("workshop/solutions/*.ipynb")]
        assert {path.relative_to(ROOT).as_posix() for path in guide} <= made
        assert {"reference/nerlib.parsing.rst", "reference/nerlib.tools.recipes.rst"} <= made
        assert {f"files/{EXERCISE}", f"files/notebooks/{LESSONS[2]}.ipynb"} <= made

    def test_the_licence_of_every_picture_is_told(self):
        text = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
        tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
        pictures = [name for name in tracked.stdout.split() if PICTURE.search(name)]
        assert [name for name in pictures if f"`{name}`" not in text] == []
        assert pictures

    def test_every_figure_has_words(self, tmp_path):
        page = "notebooks/01_data_exploration.ipynb"
        made = site.notebook_page(ROOT / page, book(tmp_path, page), page)
        cells = [cell for cell in made.cells if cell.cell_type == "code"]
        words = [cell.metadata["mystnb"]["image"]["alt"] for cell in cells]
        assert all(text > "Figure: " for text in words)

    def test_without_sphinx_it_says_what_to_install(self, monkeypatch, capsys):
        monkeypatch.setitem(sys.modules, "sphinx.cmd.build", None)
        assert site.main() == 1
        assert "pip install 'nerlib[site]'" in capsys.readouterr().err


class Links(html.parser.HTMLParser):
    """The links and the places of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.places.add(found.get("id") or "")
        self.links += [str(found[name]) for name in ("href", "src") if found.get(name)]


def broken_links(root: Path) -> list[str]:
    """The links inside of a folder of pages that lead nowhere."""
    known = {path: Links(path) for path in root.rglob("*.html")}
    broken = []
    for path, found in known.items():
        for link in found.links:
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            places = known[target].places if target in known else {unquote(parts.fragment)}
            here = not parts.scheme and not parts.netloc
            if here and not (target.is_file() and unquote(parts.fragment) in {*places, ""}):
                broken.append(f"{path.name}: {link}")
    return broken


def test_a_broken_link_is_noticed(tmp_path):
    page = '<a href="gone.html">a</a><a href="#here">b</a><a href="#there" id="here">c</a>'
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    assert broken_links(tmp_path) == ["page.html: gone.html", "page.html: #there"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    """The finished book; a warning of Sphinx's fails here."""
    return site.build(tmp_path_factory.mktemp("book") / "site").parent


@pytest.fixture(scope="module")
def address(pages) -> Iterator[str]:
    with served(pages) as found:
        yield found


# Boxes of code that end before their lines do.
CUT_OFF = """[...document.querySelectorAll("pre")].filter((box) => !box.closest(".cell_output")
    && box.scrollWidth > box.clientWidth).map((box) => box.textContent.slice(0, 80))"""
WRONG = """<!doctype html><html lang="en"><title>t</title><link rel="icon" href="data:,">
<main><h1>t</h1><div style="width:3000px">wide</div>
<pre style="width:9px;overflow:auto">long</pre><img src="gone.png">
<img src="http://127.0.0.2:9/elsewhere.png" alt="a"></main><script>undefined_name</script></html>"""


SIZES = """[...new Set([...document.querySelectorAll(".cell_input pre")].map((box) =>
    getComputedStyle(box).fontSize))]"""
FIRST = "notebooks/00_start_here.html"
OWN = {"include": ["article"], "exclude": [".highlight"]}  # what no other page has


def looked_at(pages: Path) -> list[Path]:
    """All pages, but of the reference, which comes out of one mould, a fifth."""
    reference = sorted(pages.glob("reference/**/*.html"))
    return sorted({*pages.rglob("*.html")} - {*reference} | {*reference[::5]})


@site_in_browser
class TestBook:
    def test_a_page_with_everything_wrong_is_noticed(self, tmp_path, browser):
        (tmp_path / "page.html").write_text(WRONG, encoding="utf-8")
        page = browser.new_page()
        with served(tmp_path) as found:
            problems = watch(page, (found,))
            page.goto(f"{found}/page.html")
            assert page.evaluate(SIDEWAYS) > 0
            assert page.evaluate(CUT_OFF) == ["long"]
            assert len(page.evaluate(BROKEN_PICTURES)) == 2
            assert any(problem.startswith("image-alt") for problem in violations(page))
        for part in ("request to http://127.0.0.2:9/elsewhere.png", "undefined_name", "404"):
            assert any(part in problem for problem in problems), part
        page.close()

    def test_internal_links_resolve(self, pages):
        assert broken_links(pages.resolve()) == []

    def test_every_lesson_opens_in_colab_if_it_is_published(self, pages):
        for name in LESSONS:
            text = (pages / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
            link = read_publication().colab_link(f"colab/{name}.ipynb")
            assert (link in text, "Open in Colab" in text) == (True, bool(link))

    @pytest.mark.parametrize(
        ("width", "height", "scheme"), [(1300, 900, "light"), (390, 800, "dark")]
    )
    def test_every_page_is_whole_and_accessible(
        self, width, height, scheme, pages, address, browser
    ):
        """Every other page in each of the schemes; once the frame and the code, alike in all."""
        viewport = {"width": width, "height": height}
        context = browser.new_context(viewport=viewport, color_scheme=scheme)
        found = {}
        for path in {pages / FIRST, *looked_at(pages)[scheme == "light" :: 2]}:
            name = path.relative_to(pages).as_posix()
            page = context.new_page()
            problems = watch(page, (address,))
            page.goto(f"{address}/{name}")
            if page.evaluate(SIDEWAYS) > 0:
                problems.append("the page scrolls sideways")
            problems += page.evaluate(BROKEN_PICTURES)
            problems += violations(page, "html" if name == FIRST else OWN)
            if problems:
                found[name] = problems
            page.close()
        context.close()
        assert found == {}

    def test_code_is_shown_whole_and_solutions_as_large_as_the_rest(self, pages, browser):
        page = browser.new_page()
        found = {}
        for path in looked_at(pages):
            page.goto(path.as_uri(), wait_until="domcontentloaded")
            page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
            for width in (360, 768, 1280, 1600):
                page.set_viewport_size({"width": width, "height": 900})
                sizes = page.evaluate(SIZES)
                if (cut := page.evaluate(CUT_OFF)) or len(sizes) > 1:
                    found[path.name, width] = [cut, sizes]
        page.close()
        assert found == {}

    def test_figures_and_entities_show(self, address, browser):
        page = browser.new_page()
        page.goto(f"{address}/notebooks/00_start_here.html")
        expect(page.locator("mark.nerlib-entity", has_text="nine am").first).to_be_visible()
        expect(page.locator(".cell_output img").first).to_be_visible()
        page.close()

    def test_it_opens_and_is_searched_from_a_folder_without_a_server(self, pages, browser):
        page = browser.new_page()
        problems = watch(page, (pages.as_uri(),))
        page.goto((pages / "index.html").as_uri())
        page.locator("input.sidebar-search").fill("gazetteer")
        page.locator("input.sidebar-search").press("Enter")
        expect(page.locator("#search-results li", has_text="01 · The data").first).to_be_visible()
        # What is found appears one after another, the reference last.
        expect(page.locator("#search-results a[href*='reference/']").first).to_be_visible()
        found = page.locator("#search-results li a").evaluate_all("(all) => all.map((a) => a.href)")
        kinds = ["reference/" in link for link in found]
        assert kinds == sorted(kinds)
        assert {*kinds} == {False, True}
        # A browser fetches no summaries of what was found from a folder; the search works without.
        assert [one for one in problems if "fetch" not in one and "load" not in one] == []
        page.close()
