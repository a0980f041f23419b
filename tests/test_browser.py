"""A real JupyterLab in a real browser: run 06, type a sentence, see the entity; answer a quiz."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LESSON = "06_inference.ipynb"
SENTENCE = "remind me to call anna at seven pm on monday"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome found")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(address: str, process: subprocess.Popen[bytes], seconds: float = 90) -> None:
    """Return as soon as the server answers; fail if it ends or never does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "JupyterLab stopped"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            continue
    raise AssertionError("JupyterLab did not start")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """The address of a JupyterLab that serves copies of the notebooks."""
    folder = tmp_path / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder)
    port = free_port()
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
        "--IdentityProvider.token=", "--ServerApp.password=", f"--notebook-dir={folder}",
        "--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "NERLIB_OUTPUT": str(ROOT / "build"),
        "NERLIB_RECIPE": "offline",
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
    }
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_up(f"{address}/api", process)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_typing_a_sentence_shows_its_entities(lab: str) -> None:
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        page.goto(f"{lab}/lab/tree/{LESSON}", wait_until="domcontentloaded")
        page.locator(".jp-Notebook-cell").first.wait_for(timeout=90_000)
        # Before its kernel is there, "Run All Cells" opens a dialog that asks for one.
        page.get_by_text("(ipykernel) | Idle").first.wait_for(timeout=90_000)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        box = page.get_by_placeholder("Type a sentence and press Enter")
        box.wait_for(timeout=400_000)
        box.fill(SENTENCE)
        box.press("Enter")
        typed = page.locator(".jp-OutputArea div", has_text="remind me to call").locator("mark")
        expect(typed.filter(has_text="seven pm").first).to_be_visible(timeout=400_000)
        browser.close()


def test_the_quiz_works_before_anything_is_run(lab: str) -> None:
    """The copy is not trusted: JupyterLab takes out of its outputs what could do harm."""
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        page.goto(f"{lab}/lab/tree/02_parsing.ipynb", wait_until="domcontentloaded")
        page.get_by_text("(ipykernel) | Idle").first.wait_for(timeout=90_000)
        question = page.locator(".jp-OutputArea .nerlib-question").first
        page.locator(".jp-Notebook").click(position={"x": 5, "y": 5})
        page.keyboard.press("End")  # to the last cell: those out of sight are not there yet
        question.wait_for(timeout=30_000)
        question.locator("summary", has_text="because it stands outside").click()
        expect(question.get_by_text("No. So it should be.")).to_be_visible()
        question.locator("summary", has_text="knows a word only once").focus()
        page.keyboard.press("Enter")
        expect(question.get_by_text("Right. The slot has put")).to_be_visible()
        browser.close()
