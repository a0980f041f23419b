"""A real browser for the tests, and what it reports about the pages that it opens."""

import importlib.metadata
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
QUIET = ("gpu", "quic", "background-networking", "component-update", "sync")
FLAGS = ["--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in QUIET)]
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome found")


def site_in_browser(test: Any) -> Any:
    """Mark a test or a class that makes the book or the slides and opens them in the browser."""
    asked = os.environ.get("NERLIB_TEST_SITE") == "1"
    reason = "set NERLIB_TEST_SITE=1 to run it"
    return needs_browser(pytest.mark.skipif(not asked, reason=reason)(test))


# How far the page itself, not a box on it, can be scrolled sideways.
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
BROKEN_PICTURES = """[...document.images].filter((image) =>
    image.complete && image.naturalWidth === 0).map((image) => image.src.slice(0, 80))"""
VIOLATIONS = """(part) => axe.run(part, {resultTypes: ["violations"], preload: false})
    .then((found) => found.violations.filter((v) => ["serious", "critical"].includes(v.impact))
    .map((v) => `${v.id}: ${v.nodes.length} × ${v.nodes[0].html.slice(0, 120)}`))"""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine; yields its address."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def watch(page: Page, allowed: tuple[str, ...]) -> list[str]:
    """Return a list that fills with the page's errors and its requests to somewhere else."""
    problems: list[str] = []

    def on_request(request: Any) -> None:
        if not request.url.startswith((*allowed, "data:", "blob:")):
            problems.append(f"request to {request.url}")

    page.on("request", on_request)
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))
    page.on("console", lambda m: problems.append(f"console: {m.text}") if m.type == "error" else 0)
    return problems


def violations(page: Page, part: Any = "html") -> list[str]:
    """Return what the accessibility checker axe calls serious or critical in a part of the page."""
    files = importlib.metadata.files("axe-playwright-python") or []
    script = next(str(file.locate()) for file in files if file.name == "axe.min.js")
    page.add_script_tag(path=script)
    found: list[str] = page.evaluate(VIOLATIONS, part)
    return found
