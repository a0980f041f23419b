"""Slides from the notebooks: how they are cut, and that no text leaves its slide."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from local_pages import chromium, watch
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from test_site import in_browser

from tools import slides
from tools.execute import all_notebooks

LONG = "A tag a word. " + "Much more is said about it in the notes. " * 6
# Where the slide's content ends, in the slide's own pixels, and how far it was made smaller.
MEASURE = """() => {
  const slide = Reveal.getCurrentSlide(), box = slide.querySelector(".fit");
  const frame = document.querySelector(".slides").getBoundingClientRect();
  const pixel = frame.height / Reveal.getConfig().height;
  const parts = [...box.querySelectorAll("*")].map((part) => part.getBoundingClientRect());
  return {
    heading: slide.querySelector("h1, h2").innerText, scale: Number(box.dataset.scale),
    bottom: (box.getBoundingClientRect().bottom - frame.top) / pixel,
    right: Math.max(0, ...parts.map((part) => (part.right - frame.left) / pixel)),
  };
}"""


def notebook(*cells: NotebookNode) -> NotebookNode:
    return new_notebook(cells=list(cells))


def plain(markup: str) -> str:
    return re.sub(r"<[^>]+>", "", markup)


class TestCutting:
    def test_each_heading_starts_a_slide(self) -> None:
        made = slides.slides_of(
            notebook(new_markdown_cell("# One\n\na\n\n## Two\n\nb\n\n### Three\n\nc"))
        )
        assert [slide.heading for slide in made] == ["One", "Two", "Three"]

    def test_a_heading_right_below_a_heading_shares_its_slide(self) -> None:
        (made,) = slides.slides_of(notebook(new_markdown_cell("## One step\n\n### Back\n\na")))
        assert made.heading == "One step · Back"

    def test_the_first_sentence_is_shown_and_all_of_it_noted(self) -> None:
        (made,) = slides.slides_of(
            notebook(new_markdown_cell(f"# One\n\n{LONG}"), new_code_cell("x = 1\n" * 9))
        )
        assert plain(made.parts[0]).strip() == "A tag a word."
        assert made.notes == [LONG.strip()]

    def test_a_slide_with_room_shows_whole_paragraphs(self) -> None:
        (made,) = slides.slides_of(notebook(new_markdown_cell(f"# One\n\n{LONG}")))
        assert "in the notes" in made.parts[0]

    def test_what_does_not_fit_goes_on_below_the_same_heading(self) -> None:
        code = [new_code_cell("x = 1\n" * 15) for _ in range(3)]
        made = slides.slides_of(notebook(new_markdown_cell("# One\n\na"), *code))
        assert [slide.heading for slide in made] == ["One"] * 3

    def test_a_paragraph_stays_with_the_code_it_leads_to(self) -> None:
        made = slides.slides_of(
            notebook(
                new_markdown_cell("# One\n\na"),
                new_code_cell("x = 1\n" * 14),
                new_markdown_cell("Now the other:"),
                new_code_cell("y = 2\n" * 14),
            )
        )
        assert "Now the other" not in "".join(made[0].parts)
        assert "Now the other" in made[1].parts[0]

    def test_the_set_up_and_hints_and_badges_are_left_out(self) -> None:
        badge = "[![Open](https://a.b/c.svg)](https://d.e)"
        text = f"# One\n\n{badge}\n\n1. Do it.\n   <details>no</details>"
        made = slides.slides_of(
            notebook(new_markdown_cell(text), new_code_cell("import re", id="02-setup"))
        )
        assert plain("".join(made[0].parts)).split() == ["Do", "it."]

    def test_outputs_are_escaped_unless_they_are_html(self) -> None:
        printed = new_output("stream", name="stdout", text="<script>alert(1)</script>")
        markup, _ = slides.output_html(printed)
        assert "<script>" not in markup

    def test_a_figure_stands_beside_its_code(self) -> None:
        figure = new_output("display_data", data={"image/png": "AAAA"})
        cells = new_markdown_cell("# One\n\nLook:"), new_code_cell("draw()", outputs=[figure])
        (made,) = slides.slides_of(notebook(*cells))
        assert made.pair
        assert '<img alt="figure" src="data:image/png;base64,AAAA">' in made.parts[-1]


@pytest.mark.parametrize("path", all_notebooks(), ids=lambda path: path.stem)
def test_no_heading_and_no_figure_of_a_lesson_is_lost(path: Path) -> None:
    source = nbformat.read(path, as_version=4)
    made = slides.slides_of(source)
    texts = [cell.source for cell in source.cells if cell.cell_type == "markdown"]
    headings = [h for text in texts for h in re.findall(r"(?m)^#{1,2} (.+)$", text)]
    shown = "\n".join(plain(slide.heading) for slide in made)
    assert [h for h in headings if plain(slides.inline(h)) not in shown] == []
    figures = sum(
        "image/png" in o.get("data", {}) for c in source.cells for o in c.get("outputs", [])
    )
    assert sum("<img" in part for slide in made for part in slide.parts) == figures


def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(slides, "PACKAGE", "no-such-package-anywhere")
    assert slides.main(["--output", str(tmp_path)]) == 1
    assert "pip install 'nerlib[site]'" in capsys.readouterr().err


class TestInBrowser:
    pytestmark = in_browser

    def test_nothing_leaves_its_slide_or_the_machine(self, tmp_path: Path) -> None:
        slides.write_decks(all_notebooks(), tmp_path)
        told: list[str] = []
        with chromium() as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            problems = watch(page, (tmp_path.as_uri(),))
            for path in all_notebooks():
                page.goto((tmp_path / f"{path.stem}.html").as_uri())
                page.wait_for_function("window.Reveal && Reveal.isReady()")
                for number in range(page.evaluate("Reveal.getTotalSlides()")):
                    page.evaluate(f"Reveal.slide({number})")
                    seen = page.evaluate(MEASURE)
                    fits = seen["bottom"] <= slides.HEIGHT + 1 and seen["right"] <= slides.WIDTH + 1
                    if not fits or seen["scale"] < 0.7:
                        told.append(f"{path.stem}, slide {number}: {seen}")
                fonts = page.evaluate("document.fonts.check('20px \"Source Sans Pro\"')")
                assert fonts
        assert (told, problems) == ([], [])
