"""The tagger in a page of the book, opened from a folder: it answers as nerlib does."""

import shutil

import pytest
from hostile_text import HOSTILE
from local_pages import SIDEWAYS, chromium, site_in_browser, violations, watch
from playwright.sync_api import expect

from nerlib import Tagger, load_corpus
from nerlib.subwords import encode_words
from tools import page_tagger
from tools.project import ROOT

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title>
<meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="../_static/tagger.css"><main><h1>t</h1>"""
TAG = "(c) => document.querySelector('.tagger').tag(String.fromCodePoint(...c))"
LONG = " ".join(f"wake me at nine, then at {hour} o'clock on friday…" for hour in range(40))


def test_a_book_without_what_it_needs_says_so(tmp_path, monkeypatch, capsys):
    assert "make run" in page_tagger.tagger_box(tmp_path, tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(page_tagger, "pack", lambda model, build: page_tagger.runtime(build))
    assert "Node.js" in page_tagger.tagger_box(tmp_path, tmp_path)
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    if not (shutil.which("npm") and (ROOT / "build" / "model").is_dir()):
        pytest.skip("it needs npm (Node.js), and a model from `make run`")
    static = shutil.copytree(ROOT / "docs" / "static", tmp_path_factory.mktemp("b") / "_static")
    page = static.with_name("docs") / "tagger.html"
    page.parent.mkdir()
    page.write_text(PAGE + page_tagger.tagger_box(static, ROOT / "build"), encoding="utf-8")
    return page.as_uri()


@pytest.fixture(params=[("light", 1100), ("dark", 360)], ids=["light-wide", "dark-phone"])
def page(request, address):
    """The page, its tagger loaded by keyboard; whatever goes wrong on it fails the test."""
    scheme, width = request.param
    with chromium() as browser:
        size = {"width": width, "height": 800}
        window = browser.new_context(viewport=size, color_scheme=scheme).new_page()
        problems = watch(window, (address.rpartition("docs/")[0],))
        window.goto(address)
        window.locator("textarea").focus()
        window.keyboard.press("Tab")
        window.keyboard.press("Enter")
        expect(window.locator("tbody tr")).to_have_count(8, timeout=60_000)
        yield window
        assert problems == []


@site_in_browser
def test_it_is_legible_and_hostile_text_is_text(page):
    for text in [*(text for text in HOSTILE if "\ud83d" not in text), f"at nine am {'a' * 300}"]:
        page.locator("textarea").fill(text)
        expect(page.locator(".sentence")).to_contain_text(text.strip("\x00")[:3])
        assert page.locator(".tagger :is(img, iframe, a, script, svg)").count() == 0
    assert page.evaluate("window.hacked ?? null") is None
    assert page.evaluate(SIDEWAYS) <= 0
    assert violations(page) == []
    page.locator("textarea").fill("a " * 1001)
    expect(page.locator(".said")).to_contain_text("by 2")


@site_in_browser
@pytest.mark.parametrize("page", [("light", 1100)], indirect=True)
def test_words_subwords_and_entities_are_those_of_nerlib(page):
    splits = [("en-US", "validation"), ("ru-RU", "validation"), ("en-US", "train")]
    rows = [text for split in splits for text in load_corpus(*split)["utt"][:200]]
    texts = [*rows[:500], *HOSTILE, LONG, "", " \u200b nine\u00ad"]
    tagger = Tagger.from_pretrained(ROOT / "build" / "model", "cpu", "fp32")
    for text, entities in zip(texts, tagger(texts), strict=True):
        made = page.evaluate(TAG, [ord(c) for c in text])  # half a character has no UTF-8
        words = tagger.parser.split_words(text)
        places = [(word["start"], word["end"]) for word in made["words"]]
        assert places == [(word.start, word.end) for word in words], text
        cut = encode_words(tagger.tokenizer, [words], special=False) if words else []
        pieces = [
            piece for one in cut for piece in tagger.tokenizer.convert_ids_to_tokens(one.input_ids)
        ]
        assert [piece for word in made["words"] for piece in word["subwords"]] == pieces, text
        found = [(e["type"], e["start"], e["end"]) for e in made["entities"]]
        assert found == [(e.type, e.start, e.end) for e in entities], text
        scores = [entity["score"] for entity in made["entities"]]
        assert scores == pytest.approx([entity.score for entity in entities], abs=0.01), text
