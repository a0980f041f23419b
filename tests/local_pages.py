"""Pages made by the tests, opened in a real browser, with all that goes wrong on the way."""

from __future__ import annotations

import functools
import http.server
import importlib.metadata
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from test_browser import CHROMIUM, FLAGS

# How far the page itself, not a box on it, can be scrolled sideways.
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
BROKEN_PICTURES = """[...document.images].filter((image) =>
    image.complete && image.naturalWidth === 0).map((image) => image.src.slice(0, 80))"""
VIOLATIONS = """axe.run(document, {resultTypes: ["violations"], preload: false}).then((found) =>
    found.violations.filter((v) => ["serious", "critical"].includes(v.impact))
    .map((v) => `${v.id}: ${v.nodes.length} × ${v.nodes[0].html.slice(0, 120)}`))"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of files that does not write a line for each request."""

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine; yields its address."""
    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


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


def axe_script() -> str:
    """Return the accessibility checker's own file, out of the package that ships it."""
    files = importlib.metadata.files("axe-playwright-python") or []
    return next(str(file.locate()) for file in files if file.name == "axe.min.js")


def violations(page: Page) -> list[str]:
    """Return what axe calls serious or critical on the page."""
    page.add_script_tag(path=axe_script())
    found: list[str] = page.evaluate(VIOLATIONS)
    return found
