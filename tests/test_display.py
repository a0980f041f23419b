"""Everything that shows text escapes it: an utterance, a type and a name can hold anything."""

import re

import pytest
from hostile_text import HOSTILE, Reader, every_view
from hypothesis import given
from hypothesis import strategies as st

from nerlib import Parser, Span, highlight
from nerlib.analysis.display import Html, entity_colour, escape, highlight_terminal, visible

OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)


def check_safe(view: Html, text: str) -> None:
    """Assert that a text is shown in full and that nothing of it is obeyed."""
    reader = Reader(view.markup)
    names = {name for tag, attributes in reader.tags for name in (tag, *attributes)}
    assert names <= {"div", "mark", "b", "bdi", "table", "tr", "td", "th"} | {
        *("span", "br", "small", "style", "class", "dir")
    }
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
    assert not set(escape(text)) & set("<>\"'")
    assert Reader(escape(text)).text == visible(text)
    for view in every_view(text).values():
        check_safe(view, text)


@pytest.mark.parametrize(
    "text", ["ёлка", "שלום", "👩\u200d👧", "a\tb\nc", "日本", "zero\u200bwidth", ""], ids=ascii
)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("text", [*HOSTILE, "nine"], ids=ascii)
@pytest.mark.parametrize("colour", [True, False], ids=["colour", "plain"])
def test_only_our_own_colours_reach_the_terminal(text: str, colour: bool) -> None:
    shown = highlight_terminal(f"{text} {text}", [Span(text, 0, len(text))], colour)
    ours = re.compile(r"\x1b\[(30;\d{2,3}|1|0)m")
    assert len(ours.findall(shown)) == (3 if colour else 0)
    assert not OBEYED.search(ours.sub("", shown))
    assert ours.sub("", shown).count(visible(text)) == 3  # value, type and the rest


def test_entities_are_marked_in_their_order_and_nothing_else() -> None:
    annotated = "wake me at [time : nine am] on [date : friday]!"
    parsed = Parser().parse(annotated)
    backwards = parsed.spans[::-1]
    view = highlight(parsed.text, backwards)
    assert view.markup.count("<mark") == 2
    assert Reader(view.markup).text == "wake me at nine am time on friday date!"
    assert repr(view) == highlight_terminal(parsed.text, backwards, colour=False) == annotated
    assert view._repr_html_() == view.markup


@pytest.mark.parametrize(
    ("slot_type", "colour"), [("time", "#a9d8f0"), ("place_name", "#f7ee9a"), ("date", "#e6bcd4")]
)
def test_a_type_has_the_same_colour_in_every_process(slot_type: str, colour: str) -> None:
    assert entity_colour(slot_type) == entity_colour(slot_type.upper()) == colour
