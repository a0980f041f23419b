"""A real JupyterLab in a real browser: run 12, type a sentence, see the entity; answer a quiz."""

import os
import shutil
import subprocess
import sys
import time
import urllib.request

import pytest
from local_pages import chromium, needs_browser
from playwright.sync_api import Page, expect
from several_processes import free_port

from nerlib import get_recipe, trained_tagger
from tools.project import ROOT

SENTENCE = "remind me to call anna at seven pm on monday"

HALF_AN_HOUR = 30 * 60  # seconds: on a busy machine no time limit may decide
PATIENT = {"timeout": HALF_AN_HOUR * 1000}  # for an `expect`, which knows no default of the page

pytestmark = needs_browser


def wait_until_up(address: str, process: subprocess.Popen[bytes]) -> None:
    """Return as soon as the server answers; fail if it ends or never does."""
    deadline = time.monotonic() + HALF_AN_HOUR
    while time.monotonic() < deadline:
        assert process.poll() is None, "JupyterLab stopped"
        try:
            with urllib.request.urlopen(address, timeout=HALF_AN_HOUR):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("JupyterLab did not start")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab that serves copies of the notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    port = free_port()
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
        "--IdentityProvider.token=", "--ServerApp.password=",
        f"--notebook-dir={folder / 'notebooks'}", "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "NERLIB_OUTPUT": str(ROOT / "build"),
        "NERLIB_RECIPE": "offline",
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
    }
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=environment, **quiet)
    try:
        wait_until_up(f"http://127.0.0.1:{port}/api", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()  # asked politely it may wait for a kernel for ever; kernels end without it
        process.wait()


@pytest.fixture
def page():
    with chromium() as browser:
        opened = browser.new_page(viewport={"width": 1300, "height": 900})
        opened.set_default_timeout(PATIENT["timeout"])
        yield opened


def open_lesson(page: Page, lab: str, name: str) -> None:
    page.goto(f"{lab}/lab/tree/{name}?reset", wait_until="domcontentloaded")
    page.locator(".jp-Notebook-cell").first.wait_for()
    # Before its kernel is there, "Run All Cells" opens a dialog that asks for one.
    page.get_by_text("(ipykernel) | Idle").first.wait_for()


def test_typing_a_sentence_shows_its_entities(lab, page):
    trained_tagger(get_recipe("offline"), ROOT / "build")  # the lesson's short one knows too little
    open_lesson(page, lab, "12_long_texts.ipynb")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    box = page.get_by_placeholder("Type a sentence and press Enter")
    box.wait_for()
    box.fill(SENTENCE)
    box.press("Enter")
    typed = page.locator(".jp-OutputArea div", has_text="remind me to call").locator("mark")
    expect(typed.filter(has_text="seven pm").first).to_be_visible(**PATIENT)


def test_the_quiz_works_before_anything_is_run(lab, page):
    """The copy is not trusted: JupyterLab takes out of its outputs what could do harm."""
    open_lesson(page, lab, "02_parsing.ipynb")
    question = page.locator(".jp-OutputArea .nerlib-question").first
    page.locator(".jp-Notebook:visible").first.click(position={"x": 5, "y": 5})
    page.keyboard.press("End")  # to the last cell: those out of sight are not there yet
    question.wait_for()
    answers = question.locator("details")
    answers.first.locator("summary").click()
    expect(answers.first).to_have_attribute("open", "", **PATIENT)
    answers.nth(1).locator("summary").focus()
    page.keyboard.press("Enter")
    expect(answers.nth(1)).to_have_attribute("open", "", **PATIENT)
