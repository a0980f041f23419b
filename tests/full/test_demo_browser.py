"""The demo in a real browser: find, correct, keep, download, validate; hostile text is text."""

# ruff: noqa: F811 (arguments have the names of imported fixtures)

import itertools
import re
from dataclasses import dataclass
from typing import Any

import pytest
from demo_page import LINE, SENTENCE, Page, demo_model, demo_page  # noqa: F401 (fixtures)
from hostile_text import HOSTILE, RUN
from local_pages import SIDEWAYS, chromium, needs_browser, violations, watch
from playwright.sync_api import Browser, Locator, expect
from playwright.sync_api import Page as Window

from nerlib import Parser
from nerlib import __main__ as cli

pytestmark = needs_browser
# What templates of the page's own framework would obey, if a text reached them.
TEMPLATES = (f"${{{RUN}}}", f"`;{RUN};`", "{{constructor}}", "{{#each value}}x{{/each}}", "a](b)")
# These are cut into lines, or refused, by the tests without a browser.
SAMPLES = [text for text in (*HOSTILE, *TEMPLATES) if not any(bad in text for bad in "\x1b\ud83d")]
SHOWS = """(text) => text ===
    [...document.querySelectorAll("#marked .text")].map((piece) => piece.textContent).join("")"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@dataclass
class Opened:
    """The page in a window, with all that goes wrong on it."""

    window: Window
    problems: list[str]

    def at(self, place: str) -> Locator:
        return self.window.locator(f"#{place}").first

    def box(self, place: str) -> Locator:
        return self.window.locator(f"#{place} textarea").first

    def steps(self, count: int) -> Any:
        """Return a context at whose end the page has asked the server for so many steps."""
        asked = itertools.count(1)
        return self.window.expect_request(
            lambda request: "queue/join" in request.url and next(asked) == count
        )

    def find(self, text: str) -> None:
        """Type a text, have its entities found, and wait until its lines are there."""
        self.box("text").fill(text)
        with self.steps(2):  # its entities, and whether they are tidy
            self.at("find").click()
        self.window.wait_for_function(SHOWS, arg="".join(text.splitlines()))

    def entity(self, number: int) -> Locator:
        return self.window.locator("#marked .token.highlighted").nth(number)

    def remove(self, number: int) -> None:
        """Remove an entity, by the button that appears when the mouse is over it."""
        before = self.window.locator("#marked .token.highlighted").count()
        self.entity(number).hover()
        self.window.get_by_label("Remove label").nth(number).click()
        expect(self.window.locator("#marked .token.highlighted")).to_have_count(before - 1)

    def name(self, type_name: str) -> None:
        """Give the entity that is being edited a type."""
        field = self.window.locator("#marked input")
        field.fill(type_name)
        field.press("Enter")
        expect(field).to_have_count(0)

    def keep(self, line: str) -> None:
        """Keep all lines, and wait for one of them."""
        self.at("keep").click()
        expect(self.box("kept")).to_have_value(line)

    def refused(self, text: str) -> None:
        """Wait until the page has said no, and close what it says."""
        expect(self.window.get_by_test_id("toast-body")).to_contain_text(text)
        self.window.get_by_test_id("toast-close").click()

    def clear(self) -> None:
        self.at("clear").click()
        expect(self.box("kept")).to_have_value("")


def opened(browser: Browser, address: str, path: str = "/", **options: object) -> Opened:
    """Open the page in a window of its own, which asks nobody else for anything."""
    window = browser.new_context(**options).new_page()
    problems = watch(window, (address,))
    window.route("**", lambda r: r.continue_() if r.request.url.startswith(address) else r.abort())
    window.on("dialog", lambda dialog: (problems.append("dialog"), dialog.dismiss()))
    window.goto(f"{address}{path}")
    window.locator("#text textarea").wait_for()
    return Opened(window, problems)


@pytest.fixture(scope="module")
def shared(demo_page, browser):
    """One window for most tests: opening one takes seconds."""
    size = {"width": 1100, "height": 900}
    found = opened(browser, demo_page.address, "/?__theme=light", viewport=size)
    yield found
    found.window.context.close()


@pytest.fixture
def page(shared):
    """The shared window; whatever goes wrong on it fails the test."""
    shared.problems.clear()
    yield shared
    assert shared.problems == []


def test_from_a_sentence_to_a_file_that_validates(page, tmp_path, capsys):
    page.find(SENTENCE)
    expect(page.at("entities")).to_contain_text("nine am")
    page.keep(f"{LINE}\n")
    page.entity(0).click()
    page.name("Wake time")
    page.remove(1)
    corrected = "wake me up at [wake_time : nine am] on friday\n"
    page.keep(corrected)
    with page.window.expect_download() as download:
        page.at("download").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == "corrections.txt"
    assert file.read_bytes() == corrected.encode()
    assert cli.main(["validate", str(file)]) == 0
    assert "entities marked: 1" in capsys.readouterr().out
    assert violations(page.window) == []
    page.clear()


def test_a_word_is_marked_in_a_later_line_after_an_entity_was_removed(page):
    """Removing one joins the lines around it, in which Gradio would mark the wrong place."""
    page.find(f"open it\n{SENTENCE}\nhello zebra")
    while page.entity(0).count():
        with page.steps(2):  # what was tidied is on the page when it asks for the next time
            page.remove(0)
    page.window.get_by_text("hello zebra", exact=True).last.dblclick(position={"x": 5, "y": 5})
    page.name("Greeting")
    page.keep(f"open it\n{SENTENCE}\n[greeting : hello] zebra\n")
    page.clear()


def test_hostile_text_is_text(page):
    """Each sample on a line of its own; some of them marked and kept, too."""
    assert len(SAMPLES) > 20
    page.find("\n".join(SAMPLES))
    page.at("keep").click()
    page.refused("line ")  # those with brackets cannot be kept
    lines = page.box("kept").input_value().splitlines()
    kept = {Parser().parse(line).text for line in lines}
    assert kept == {sample for sample in SAMPLES if not set("[]") & set(sample)}
    assert page.window.evaluate("window.hacked ?? null") is None
    assert page.window.locator(":is(#marked, #entities) :is(img, iframe, a, script)").count() == 0
    page.clear()


def test_too_much_text_is_refused_in_one_line(page):
    page.box("text").fill("<b>" * 33_334)
    page.at("find").click()
    page.refused("5,000")


def test_on_a_small_dark_screen_for_another_user(page, demo_page, browser):
    page.find("the kitchen is mine")
    page.at("keep").click()
    expect(page.box("kept")).to_have_value(re.compile("kitchen"))
    size = {"width": 390, "height": 800}
    other = opened(browser, demo_page.address, "/?__theme=dark", viewport=size)
    assert violations(other.window) == []
    other.find(f"{SENTENCE}\n{'a' * 300}")
    expect(other.box("kept")).to_have_value("")
    assert "kitchen" not in other.window.content()
    assert violations(other.window) == []
    assert other.window.evaluate(SIDEWAYS) <= 0
    assert other.problems == []
    other.window.context.close()
    page.clear()


def test_what_would_leave_the_machine_is_noticed_and_stopped(shared):
    """Else the tests above could not fail; and the page's own policy stops it first."""
    shared.problems.clear()
    shared.window.evaluate("fetch('http://127.0.0.2:9/elsewhere').catch(() => 0)")
    assert any("Content Security Policy" in problem for problem in shared.problems)
