"""The demo in a real browser: find, correct, keep, download, validate; hostile text is text."""

# ruff: noqa: F811 (arguments have the names of imported fixtures)

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from demo_page import LINE, SENTENCE, Page, demo_model, demo_page  # noqa: F401 (fixtures)
from local_pages import CHROMIUM, SIDEWAYS, chromium, violations, watch
from playwright.sync_api import Browser, Locator, expect
from playwright.sync_api import Page as Window
from test_html import HOSTILE, RUN
from tiny_encoders import one_thread  # noqa: F401 (a fixture)

from nerlib import __main__ as cli

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome found")
# What templates of the page's own framework would obey, if a text reached them.
TEMPLATES = (f"${{{RUN}}}", f"`;{RUN};`", "{{constructor}}", "{{#each value}}x{{/each}}", "[a](b)")
IN_WORDS = ("\x1b", "\ud83d")  # cut into lines, or refused, by the tests without a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
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
        return self.window.locator(f"#{place} :is(textarea, input)").first

    def says(self, text: str) -> None:
        expect(self.at("status")).to_contain_text(text)

    def ask(self, text: str) -> None:
        """Type a text and press the button."""
        self.box("text").fill(text)
        self.at("find").click()

    def find(self, text: str) -> None:
        """Type a text other than the last, have its entities found, and wait for its line."""
        box = self.box("line")
        before = box.input_value() if box.is_visible() else ""
        self.ask(text)
        expect(box).not_to_have_value(before)

    def pick(self, place: str, entry: str) -> None:
        """Choose an entry of a list."""
        self.box(place).click()
        self.window.get_by_role("option", name=entry, exact=True).click()

    def new_entity(self, name: str) -> None:
        """Choose to mark something new, and give it a type."""
        self.pick("entity", "a new one")
        expect(self.box("type")).to_have_value("")
        self.box("type").fill(name)

    def nothing_kept(self) -> None:
        """Start with no line kept."""
        if self.at("clear").is_enabled():
            self.at("clear").click()
            self.says("No line is kept")


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
def shared(demo_page: Page, browser: Browser) -> Iterator[Opened]:
    """One window for most tests: opening one takes seconds."""
    size = {"width": 1100, "height": 900}
    found = opened(browser, demo_page.address, "/?__theme=light", viewport=size)
    yield found
    found.window.context.close()


@pytest.fixture
def page(shared: Opened) -> Iterator[Opened]:
    """The shared window; whatever goes wrong on it fails the test."""
    shared.problems.clear()
    yield shared
    assert shared.problems == []


def test_from_a_sentence_to_a_file_that_validates(
    page: Opened, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page.find(SENTENCE)
    expect(page.window.locator("#marked mark")).to_have_count(2)
    expect(page.at("entities")).to_contain_text("nine am")
    expect(page.box("line")).to_have_value(LINE)
    page.box("type").fill("Wake time")
    page.at("apply").click()
    expect(page.box("line")).to_have_value(LINE.replace("time", "wake_time"))
    page.pick("entity", "2 · friday (date)")
    expect(page.box("type")).to_have_value("date")
    page.at("remove").click()
    corrected = "wake me up at [wake_time : nine am] on friday"
    expect(page.box("line")).to_have_value(corrected)
    page.at("keep").click()
    page.says("Kept: 1 line so far")
    with page.window.expect_download() as download:
        page.at("download").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == "corrections.txt"
    assert file.read_bytes() == f"{corrected}\n".encode()
    assert cli.main(["validate", str(file)]) == 0
    assert "sentences that can be read: 1; entities marked: 1" in capsys.readouterr().out
    page.at("clear").click()
    expect(page.box("kept")).to_have_value("")
    expect(page.at("download")).to_be_disabled()


def test_moving_an_entity_and_adding_one(page: Opened) -> None:
    page.find(SENTENCE)
    page.pick("first", "6 · am")
    page.at("apply").click()
    moved = "wake me up at nine [time : am] on [date : friday]"
    expect(page.box("line")).to_have_value(moved)
    page.new_entity("name")
    page.at("apply").click()
    expect(page.box("line")).to_have_value(moved.replace("wake", "[name : wake]"))
    page.new_entity("name")
    page.pick("last", "3 · up")
    page.at("apply").click()
    page.says("Not done: 'wake' (name) stands on some of these words")


def test_several_lines_are_corrected_one_after_the_other(page: Opened) -> None:
    page.nothing_kept()
    page.box("text").fill(f"{SENTENCE}\ncall me at seven")
    page.box("text").press("Shift+Enter")
    expect(page.window.locator("#marked li")).to_have_count(2)
    page.at("keep").click()
    expect(page.box("line")).to_have_value("call me at [time : seven]")
    page.at("keep").click()
    expect(page.box("kept")).to_have_value(f"{LINE}\ncall me at [time : seven]\n")
    assert violations(page.window) == []


def test_hostile_text_is_text(page: Opened) -> None:
    """Each sample on a line of its own; some of them marked, corrected and kept, too."""
    from nerlib.tools.demo.app import label

    page.nothing_kept()
    samples = [t for t in (*HOSTILE, *TEMPLATES) if not any(bad in t for bad in IN_WORDS)]
    assert len(samples) > 20
    page.find("\n".join(samples))
    expect(page.window.locator("#marked li")).to_have_count(len(samples))
    for number in (0, 2, len(HOSTILE) - 4, len(samples) - 5, len(samples) - 3):
        page.pick("sentence", label(samples[number], number))
        expect(page.window.locator("#marked li").nth(number)).to_contain_text("being corrected")
        page.at("keep").click()
        page.says("Kept")
    assert samples[0].split(">")[0] in page.window.locator("#marked").inner_text()
    assert page.window.evaluate("window.hacked ?? null") is None
    assert page.window.locator("#marked :is(img, svg, iframe, a, script)").count() == 0


def test_one_hundred_thousand_characters_are_refused_in_one_line(page: Opened) -> None:
    page.ask("<b>" * 33_334)
    page.says("Not done: the text has 100,002 characters: take at most 5,000")
    page.ask(SENTENCE)
    page.says("2 entities found")


def test_a_bracket_in_the_text_is_told_before_and_when_it_is_kept(page: Opened) -> None:
    page.nothing_kept()
    page.find("call [me] at seven")
    told = "'[' at character 5 cannot be written"
    assert page.box("line").input_value().startswith(f"(cannot be kept: {told}")
    page.at("keep").click()
    page.says(f"Not done: {told}")
    expect(page.box("kept")).to_have_value("")


def test_on_a_small_dark_screen_for_another_user(
    page: Opened, demo_page: Page, browser: Browser
) -> None:
    page.find("the kitchen is mine")
    page.at("keep").click()
    page.says("Kept")
    size = {"width": 390, "height": 800}
    other = opened(browser, demo_page.address, "/?__theme=dark", viewport=size)
    assert violations(other.window) == []
    other.find(f"{SENTENCE}\n{'a' * 300} [")
    expect(other.box("kept")).to_have_value("")
    other.at("keep").click()
    other.says("Kept: 1 line")
    assert "kitchen" not in other.window.content()
    assert violations(other.window) == []
    assert other.window.evaluate(SIDEWAYS) <= 0
    assert other.problems == []
    other.window.context.close()


def test_what_would_leave_the_machine_is_noticed_and_stopped(shared: Opened) -> None:
    """Else the tests above could not fail; and the page's own policy stops it first."""
    shared.problems.clear()
    shared.window.evaluate("fetch('http://127.0.0.2:9/elsewhere').catch(() => 0)")
    assert any("Content Security Policy" in told for told in shared.problems)
