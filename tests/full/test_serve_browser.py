"""The page in a real browser: find, correct, keep, download, validate; hostile text is text."""

import pytest
from hostile_text import HOSTILE, RUN
from local_pages import SIDEWAYS, needs_browser, violations, watch
from playwright.sync_api import Browser, Page, expect
from served import LINE, SENTENCE, running, tagger

from nerlib import Parser
from nerlib.tools.serve import LOOPBACK
from nerlib.tools.service import application

pytestmark = needs_browser
WIDE, PHONE = {"width": 1100, "height": 900}, {"width": 390, "height": 800}
SELECT = """([start, end]) => {
    const text = document.querySelector("#sentence").firstChild;
    getSelection().setBaseAndExtent(text, start, text, end);
}"""


@pytest.fixture(scope="module")
def address():
    with running(application(tagger(), LOOPBACK)) as found:
        yield found


def opened(browser: Browser, address: str, **options: object) -> tuple[Page, list[str]]:
    """Open the page in a window of its own, with all that goes wrong on it."""
    window = browser.new_context(viewport=WIDE, **options).new_page()
    problems = watch(window, (address,))
    window.goto(address)
    expect(window.locator("#types option")).not_to_have_count(0)
    return window, problems


@pytest.fixture
def page(browser, address):
    """The page; whatever goes wrong on it fails the test."""
    window, problems = opened(browser, address)
    yield window
    assert [text for text in problems if "400 (Bad Request)" not in text] == []
    window.context.close()


def find(page: Page, text: str) -> None:
    page.locator("#text").fill(text)
    page.get_by_role("button", name="Find entities").click()
    expect(page.locator("#where")).to_contain_text("1 of")


def keep(page: Page) -> None:
    before = page.locator("#where").text_content()
    page.locator("#keep").click()
    expect(page.locator("#where")).not_to_have_text(str(before))


def test_from_a_sentence_to_a_file_that_validates(page, tmp_path, says):
    find(page, SENTENCE)
    assert page.locator("mark").all_text_contents() == ["nine am", "friday"]
    page.locator("mark").first.click()
    page.keyboard.type("Wake time")
    page.keyboard.press("Enter")
    expect(page.locator("mark").first).to_have_attribute("data-label", "Wake_time")
    page.get_by_role("button", name="Remove friday").click()
    expect(page.locator("mark")).to_have_count(1)
    keep(page)
    corrected = f"{LINE.replace('time', 'Wake_time').partition('[date')[0]}friday\n"
    expect(page.locator("#kept")).to_have_value(corrected)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == "corrections.txt"
    assert file.read_bytes() == corrected.encode()
    assert "entities marked: 1" in says("validate", file)


def test_a_file_is_checked_one_sentence_after_another_by_keyboard(page, tmp_path):
    file = tmp_path / "suggested.txt"
    file.write_text(f"# three\nhey 😀 zebra now\n{LINE}\nhello\n", encoding="utf-8")
    page.locator("#file").set_input_files(file)
    expect(page.locator("#where")).to_have_text("Sentence 1 of 3")
    page.locator("#sentence").focus()
    page.evaluate(SELECT, [8, 10])  # a part of "zebra", behind two UTF-16 units
    page.keyboard.type("nothing can be written here")
    page.keyboard.press("Enter")
    page.keyboard.type("animal")
    page.keyboard.press("Enter")
    expect(page.locator("mark")).to_have_text("zebra")
    keep(page)
    page.locator("#skip").press("Enter")
    expect(page.locator("#where")).to_have_text("Sentence 3 of 3")
    keep(page)
    expect(page.locator("#kept")).to_have_value("hey 😀 [animal : zebra] now\nhello\n")


def test_hostile_text_is_text(page):
    samples = [text for text in HOSTILE if not set("\x1b\ud83d[]") & set(text)]
    assert len(samples) > 15
    find(page, "\n".join(samples))
    for sample in samples:
        assert page.locator("#sentence").text_content() == sample
        keep(page)
    lines = page.locator("#kept").input_value().splitlines()
    assert {Parser().parse(line).text for line in lines} == set(samples)
    find(page, f"at <img src=x onerror={RUN}>")
    page.locator("#sentence").press("ControlOrMeta+a")
    expect(page.locator("#mark button")).to_contain_text("img")  # selections arrive later
    hostile = f"<img/src=x/onerror={RUN}>"
    page.locator("#type").fill(hostile)
    page.get_by_role("button", name="Mark").click()
    expect(page.locator("#entities input")).to_have_count(1)  # the mark replaces what was found
    expect(page.locator("#entities input")).to_have_value(hostile)  # a type, and no markup
    assert page.evaluate("window.hacked ?? null") is None
    assert page.locator("main :is(img, iframe, a, script)").count() == 0


def test_what_cannot_be_done_is_said(page, tmp_path):
    page.get_by_role("button", name="Find entities").click()
    expect(page.locator("#said")).not_to_be_empty()
    for name, content in (("latin.txt", b"\xe9"), ("broken.txt", b"[time : nine")):
        (tmp_path / name).write_bytes(content)
        page.locator("#file").set_input_files(tmp_path / name)
        expect(page.locator("#said")).to_contain_text("UTF-8" if name == "latin.txt" else "line 1")
    find(page, "call [me]")
    page.locator("#keep").click()
    expect(page.locator("#said")).to_contain_text("character 5")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_it_is_legible_on_any_screen(browser, address, scheme, size):
    window, problems = opened(browser, address, color_scheme=scheme, bypass_csp=True)
    window.set_viewport_size(size)
    find(window, f"{SENTENCE} {'a' * 300}")
    assert violations(window) == []
    assert window.evaluate(SIDEWAYS) <= 0
    assert problems == []
    window.context.close()


def test_what_would_leave_the_machine_is_noticed_and_stopped(browser, address):
    """Else the tests above could not fail; and the page's own policy stops it first."""
    window, problems = opened(browser, address)
    window.evaluate("fetch('http://127.0.0.2:9/elsewhere').catch(() => 0)")
    assert any("Content Security Policy" in problem for problem in problems)
    window.context.close()
