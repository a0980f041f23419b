"""Slides from the notebooks: how they are divided, and that they work without internet."""

import re
from pathlib import Path

import nbformat
import pytest
from local_pages import chromium, site_in_browser, watch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import slides
from tools.class_copies import timetable, timetables
from tools.execute import all_notebooks

# The numbers of slides with something below or beside their 1280 × 720 pixels.
TOO_LARGE = """Reveal.getSlides().map((slide, place) => {
    Reveal.slide(...Object.values(Reveal.getIndices(slide)));
    const boxes = [slide, ...slide.querySelectorAll("pre, img")];
    return boxes.some((box) => box.scrollHeight > Math.max(box.clientHeight, 720)
        || box.scrollWidth > box.clientWidth) ? place + 1 : 0;
}).filter(Boolean)"""


def test_a_heading_starts_a_column_and_a_text_with_its_code_is_one_slide() -> None:
    cells = [
        new_markdown_cell("# One"),
        new_code_cell("import re", id="02-setup"),
        new_markdown_cell("Look:"),
        new_code_cell("x"),
        new_code_cell("y"),
        new_markdown_cell("## Two"),
    ]
    made = slides.divided(new_notebook(cells=cells))
    kinds = [cell.metadata["slideshow"]["slide_type"] for cell in made.cells]
    assert kinds == ["slide", "skip", "subslide", "-", "subslide", "slide"]


def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(slides, "PACKAGE", "no-such-package-anywhere")
    assert slides.main() == 1
    assert "pip install 'nerlib[site]'" in capsys.readouterr().err


def test_a_cell_that_is_not_there_is_named() -> None:
    with pytest.raises(slides.SlidesError, match="'02-gone'"):
        slides.chosen("02-gone")


@pytest.mark.parametrize("title", timetables())
def test_a_timetable_has_a_short_deck_whose_pictures_it_numbers(title: str) -> None:
    rows = timetables()[title]
    shown = [
        c for c in slides.deck(title, rows).cells if c.metadata.slideshow.slide_type != "notes"
    ]
    ids = [cell for row in rows for cell in row.slides]
    assert [cell.id for cell in shown[2::2]] == ids
    assert 10 <= 1 + len(ids) <= 15
    assert not any("assert" in cell.source for cell in shown)
    numbers = re.findall(r"slides? (\d+)", timetable(rows))
    assert (numbers[0], len(numbers)) == ("2", sum(bool(row.slides) for row in rows))


@site_in_browser
def test_a_timetable_s_slides_fit(tmp_path: Path) -> None:
    made = {name: deck for name, deck in slides.decks().items() if "_" not in name}
    wide = new_markdown_cell("# Long\n\n" + "word\n\n" * 40)
    slides.write_slides({**made, "long": slides.divided(new_notebook(cells=[wide]))}, tmp_path)
    found = {}
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        for name in (*made, "long"):
            page.goto((tmp_path / f"{name}.html").as_uri())
            page.wait_for_function("window.Reveal && Reveal.isReady()")
            found[name] = page.evaluate(TOO_LARGE)
    assert len(made) == len(timetables())
    assert found == {**{name: [] for name in made}, "long": [1]}


@site_in_browser
def test_every_lesson_is_shown_whole_without_internet(tmp_path: Path) -> None:
    slides.write_slides(slides.decks(), tmp_path)
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        problems = watch(page, (tmp_path.as_uri(),))
        for path in all_notebooks():
            page.goto((tmp_path / f"{path.stem}.html").as_uri())
            page.wait_for_function("window.Reveal && Reveal.isReady()")
            source = nbformat.read(path, as_version=4)
            outputs = [o for cell in source.cells for o in cell.get("outputs", [])]
            figures = sum("image/png" in output.get("data", {}) for output in outputs)
            assert page.locator(".slides .jp-OutputArea img").count() == figures
            texts = [c.source for c in source.cells if c.cell_type == "markdown"]
            headings = [text for text in texts if text.startswith(("# ", "## "))]
            assert page.locator(".slides > section").count() == len(headings)
        page.evaluate("Reveal.next()")
        assert page.evaluate("Reveal.getIndices().v + Reveal.getIndices().h") > 0
        assert page.evaluate("document.fonts.check('20px \"Source Sans Pro\"')")
    assert problems == []
