"""Everything that shows text escapes it: an utterance, a type and a name can hold anything."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nerlib import Parser, Span, highlight, highlight_many
from nerlib.analysis.display import (
    Html,
    alignment_table,
    entity_colour,
    escape,
    fact_table,
    highlight_pairs,
    highlight_terminal,
    tag_table,
    visible,
)
from nerlib.parsing import ParsedUtterance, Word

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; background:url(javascript:alert(1))",
    "</mark></div><a href='javascript:alert(1)'>",
    "&lt;b&gt; &amp; &#60;",
    "abc\u202egnp.exe\u2066",
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31mred\x7f",
    "a\rb\x00c\x08d",
    "half \ud83d, none \uffff",
]
OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)


class Reader(HTMLParser):
    """Reads HTML as a browser would: the tags with their attributes, and the text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attributes)

    def handle_data(self, data: str) -> None:
        self.text += data


def every_view(text: str) -> dict[str, Html]:
    """Return everything that can be shown, with the text wherever a text can stand."""
    span = Span(text, 0, len(text))
    parsed = ParsedUtterance(text, (Word(text, 0, len(text)),), (span,), (f"B-{text}",))
    return {
        "entity": highlight(text, [span]),
        "several": highlight_many([(text, []), (text, [span])]),
        "pairs": highlight_pairs([(text, [span], [])]),
        "alignment": alignment_table([text], [text, text], [0, -1]),
        "tags": tag_table(parsed),
        "facts": fact_table({text: text}),
    }


def check_safe(view: Html, text: str) -> None:
    """Assert that a text is shown in full and that nothing of it is obeyed."""
    reader = Reader(view.markup)
    assert reader.tags <= {"div", "mark", "b", "bdi", "table", "tr", "td", "th"}
    assert reader.attributes <= {"style", "class", "dir", "colspan"}
    assert visible(text) in reader.text
    assert not OBEYED.search(view.markup)
    assert visible(text) in repr(view)
    assert not OBEYED.search(repr(view))


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("name", every_view("x"))
def test_hostile_text_is_only_shown(name: str, text: str) -> None:
    check_safe(every_view(text)[name], text)


@given(text=st.text(min_size=1, max_size=30))
def test_any_text_is_only_shown(text: str) -> None:
    for view in every_view(text).values():
        check_safe(view, text)


@given(text=st.text())
def test_escaped_text_reads_as_what_is_visible(text: str) -> None:
    assert not set(escape(text)) & set("<>\"'")
    assert Reader(escape(text)).text == visible(text)


class TestVisible:
    @pytest.mark.parametrize("text", HOSTILE[5:], ids=ascii)
    def test_what_a_screen_would_obey_is_named(self, text: str) -> None:
        shown = visible(text)
        assert not OBEYED.search(shown)
        for character in OBEYED.findall(text):
            assert f"⟨U+{ord(character):04X}⟩" in shown

    @pytest.mark.parametrize(
        "text",
        ["plain", "ёлка", "שלום", "👩\u200d👧", "a\tb\nc", "日本", "zero\u200bwidth", ""],
        ids=ascii,
    )
    def test_harmless_text_stays_as_it_is(self, text: str) -> None:
        assert visible(text) == text


class TestTerminal:
    @pytest.mark.parametrize("text", HOSTILE, ids=ascii)
    @pytest.mark.parametrize("colour", [True, False], ids=["colour", "plain"])
    def test_only_our_own_colours_reach_the_terminal(self, text: str, colour: bool) -> None:
        shown = highlight_terminal(f"{text} {text}", [Span(text, 0, len(text))], colour)
        ours = re.compile(r"\x1b\[(30;\d{2,3}|1|0)m")
        assert len(ours.findall(shown)) == (3 if colour else 0)
        assert not OBEYED.search(ours.sub("", shown))
        assert ours.sub("", shown).count(visible(text)) == 3  # value, type and the rest

    def test_with_colours(self) -> None:
        shown = highlight_terminal("at nine now", [Span("time", 3, 7)])
        assert re.fullmatch(r"at \x1b\[30;\d+m nine \x1b\[1mtime\x1b\[0m now", shown)

    def test_without_colours_it_is_the_bracketed_text(self) -> None:
        annotated = "wake me at [time : nine am] on [date : friday]!"
        parsed = Parser().parse(annotated)
        backwards = parsed.spans[::-1]
        assert highlight_terminal(parsed.text, backwards, colour=False) == annotated


class TestNotebook:
    def test_entities_are_marked_and_nothing_else(self) -> None:
        parsed = Parser().parse("wake me at [time : nine am] on [date : friday]")
        view = highlight(parsed.text, parsed.spans)
        assert view.markup.count("<mark") == 2
        assert Reader(view.markup).text == "wake me at nine am time on friday date"
        assert repr(view) == "wake me at [time : nine am] on [date : friday]"
        assert view._repr_html_() == view.markup

    def test_several_texts_stand_on_lines_of_their_own(self) -> None:
        view = highlight_many([("one", []), ("two", [Span("x", 0, 3)])])
        assert repr(view) == "one\n[x : two]"
        assert view.markup.count('<div dir="auto">') == 2

    def test_each_subword_stands_under_its_word(self) -> None:
        view = alignment_table(
            ["wake", "quietly"], ["[CLS]", "wake", "quiet", "##ly"], [-1, 0, 1, 1]
        )
        assert repr(view) == "- | [CLS]\nwake | wake\nquietly | quiet ##ly"
        assert re.findall(r'colspan="(\d)"', view.markup) == ["1", "1", "2"]

    def test_subwords_and_their_words_must_be_as_many(self) -> None:
        with pytest.raises(ValueError, match="zip"):
            alignment_table(["a"], ["a", "b"], [0])

    def test_a_tag_table_has_words_offsets_and_tags(self) -> None:
        view = tag_table(Parser().parse("at [time : nine]"))
        cells = re.findall(r"<td[^>]*>([^<]*)</td>", view.markup)
        assert cells == ["at", "nine", "0–2", "3–7", "O", "B-TIME"]


@pytest.mark.parametrize(
    ("slot_type", "colour"),
    [("time", "#a9d8f0"), ("place_name", "#f7ee9a"), ("date", "#e6bcd4")],
)
def test_a_type_has_the_same_colour_in_every_process(slot_type: str, colour: str) -> None:
    assert entity_colour(slot_type) == entity_colour(slot_type.upper()) == colour
