"""The cheat sheet: one legible page, whose code runs and whose loop is the library's."""

import ast
import doctest
import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from local_pages import CHROMIUM, needs_browser
from playwright.sync_api import Browser

from nerlib.training import train_epoch
from tools.project import ROOT

TEXT = (ROOT / "workshop" / "cheat-sheet.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"(?s)```python\n(.*?)```", TEXT)
LEGIBLE = 8 / 72 * 96  # pixels
SMALL = """(least) => [...document.querySelectorAll("body *")].filter((part) =>
    parseFloat(getComputedStyle(part).fontSize) < least - 0.01).map((part) => part.outerHTML)"""


def pages_of(pdf: Path) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))


def printed(sheet: Path) -> subprocess.CompletedProcess[str]:
    """Run `make cheat-sheet` with this Python; nothing is installed."""
    names = {"BIN": Path(sys.executable).parent, "SHEET": sheet, "CHROMIUM": CHROMIUM or ""}
    command = ["make", "-o", ".venv/.all", "cheat-sheet", *(f"{k}={v}" for k, v in names.items())]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@needs_browser
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_it_is_one_page_that_can_be_read(browser: Browser, tmp_path: Path) -> None:
    assert printed(tmp_path / "sheet").returncode == 0
    assert pages_of(tmp_path / "sheet.pdf") == 1
    page = browser.new_page()
    page.goto((tmp_path / "sheet.html").as_uri())
    assert page.evaluate(SMALL, LEGIBLE) == []
    assert len(page.evaluate(SMALL, 2 * LEGIBLE)) > 100
    page.evaluate("document.querySelector('main').append(document.body.cloneNode(true))")
    page.pdf(path=tmp_path / "two.pdf", format="A4")
    assert pages_of(tmp_path / "two.pdf") > 1


def test_its_examples_run() -> None:
    text = re.sub(r"(?m)^```.*$", "", TEXT)
    examples = doctest.DocTestParser().get_doctest(text, {}, "cheat-sheet.md", None, None)
    done = doctest.DocTestRunner().run(examples)
    assert (done.attempted > 20, done.failed) == (True, 0)


def test_its_loop_has_the_lines_of_the_library() -> None:
    (loop,) = (code for code in PROGRAMS if code.startswith("for batch in"))
    source = iter(line.strip() for line in inspect.getsource(train_epoch).splitlines())
    assert [line for line in loop.splitlines() if line.strip() not in source] == []


def test_its_last_program_names_what_there_is() -> None:
    (program,) = (code for code in PROGRAMS if code.startswith("from nerlib import Tagger"))
    tree = ast.parse(program)
    imports = [one for one in tree.body if isinstance(one, ast.ImportFrom)]
    scope: dict[str, object] = {}
    exec(ast.unparse(ast.Module([*imports], [])), scope)
    called = {
        one.func.id
        for one in ast.walk(tree)
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)
    }
    assert called - set(scope) == {"tagger", "print"}
