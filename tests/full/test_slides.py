"""Slides from the notebooks: how they are divided, and that they work without internet."""

from pathlib import Path

import nbformat
import pytest
from local_pages import chromium, site_in_browser, watch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import slides
from tools.execute import all_notebooks


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
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(slides, "PACKAGE", "no-such-package-anywhere")
    assert slides.main(["--output", str(tmp_path)]) == 1
    assert "pip install 'nerlib[site]'" in capsys.readouterr().err


@site_in_browser
def test_every_lesson_is_shown_whole_without_internet(tmp_path: Path) -> None:
    slides.write_slides(all_notebooks(), tmp_path)
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
