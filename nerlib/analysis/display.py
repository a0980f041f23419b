"""Utterances with their entities, to look at: HTML for notebooks, colours for the terminal.

All text is escaped: an utterance can hold anything.
"""

from __future__ import annotations

import html
import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import regex

from nerlib.parsing import ParsedUtterance, Span

if TYPE_CHECKING:  # whoever only wants to show text need not wait for torch
    from nerlib.inference import Entity

    Marked = Span | Entity

# Okabe & Ito (2008), lightened: told apart by colour-blind readers, with dark text on top.
_COLOURS = ("#f6d18a", "#a9d8f0", "#8fd6bd", "#f7ee9a", "#9cc5e4", "#f0b08a", "#e6bcd4", "#d5d5d5")
_ANSI = (43, 46, 42, 103, 44, 101, 45, 47)
_RIGHT_TO_LEFT = {"R", "AL", "AN"}  # classes of the Unicode bidirectional algorithm
# What a screen would obey rather than show (control characters, and those that turn the writing
# direction of what follows), or cannot hold (halves of pairs, and what is no character).
_OBEYED = regex.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\p{Cs}\p{Noncharacter_Code_Point}]"
)


class Html:
    """A piece of HTML that a notebook shows; `text` is what it says where there is no HTML."""

    def __init__(self, markup: str, text: str) -> None:
        self.markup, self.text = markup, visible(text)

    def _repr_html_(self) -> str:
        return self.markup

    __html__ = _repr_html_  # templates put it in as it is

    def __repr__(self) -> str:
        return self.text


def highlight(text: str, entities: Iterable[Marked]) -> Html:
    """Return the text with its entities marked in colour, for a notebook.

    >>> from nerlib.parsing import Span
    >>> highlight("at nine <b>", [Span("time", 3, 7)])
    at [time : nine] <b>
    """
    return highlight_many([(text, entities)])


def highlight_many(rows: Iterable[tuple[str, Iterable[Marked]]]) -> Html:
    """Return several texts with their entities marked, one a line."""
    lines = [_line(text, entities) for text, entities in rows]
    markup = "".join(line.markup for line in lines)
    return Html(f'<div style="line-height:2.2">{markup}</div>', "\n".join(map(repr, lines)))


def highlight_pairs(rows: Iterable[tuple[str, Iterable[Marked], Iterable[Marked]]]) -> Html:
    """Return texts twice, with their gold and with the predicted entities, to compare.

    >>> from nerlib.parsing import Span
    >>> highlight_pairs([("at nine", [Span("time", 3, 7)], [])])
    gold   at [time : nine]
    model  at nine
    """
    blocks, plain = [], []
    cell = '<div style="display:flex"><div style="flex:0 0 4em;opacity:0.7;font-size:0.85em">'
    for text, *sides in rows:
        for name, entities in zip(("gold", "model"), sides, strict=True):
            line = _line(text, entities)
            blocks.append(f"{cell}{name}</div>{line.markup}</div>")
            plain.append(f"{name:<6} {line}")
        blocks.append('<div style="height:0.8em"></div>')
        plain.append("")
    markup = f'<div style="line-height:2">{"".join(blocks)}</div>'
    return Html(markup, "\n".join(plain).rstrip())


def highlight_terminal(text: str, entities: Iterable[Marked], colour: bool = True) -> str:
    """Return the text with entities in colour, or in brackets where there are no colours.

    >>> from nerlib.parsing import Span
    >>> highlight_terminal("at nine", [Span("time", 3, 7)], colour=False)
    'at [time : nine]'
    """

    def mark(value: str, slot_type: str) -> str:
        code = _ANSI[_colour_number(slot_type)]
        return f"\x1b[30;{code}m {visible(value)} \x1b[1m{visible(slot_type)}\x1b[0m"

    return _marked(text, entities, visible, mark if colour else _bracketed)


def _line(text: str, entities: Iterable[Marked]) -> Html:
    """Return one line with its entities in colour."""

    def mark(value: str, slot_type: str) -> str:
        style = "color:#111;padding:0.2em 0.35em;border-radius:0.3em"
        return (
            f'<mark class="nerlib-entity" style="background:{entity_colour(slot_type)};{style}">'
            f'{isolated(value)} <b style="font-size:0.7em">{isolated(slot_type)}</b></mark>'
        )

    entities = list(entities)
    markup = f'<div dir="auto">{_marked(text, entities, escape, mark)}</div>'
    return Html(markup, _marked(text, entities, visible, _bracketed))


def _bracketed(value: str, slot_type: str) -> str:
    return f"[{visible(slot_type)} : {visible(value)}]"


def _marked(
    text: str,
    entities: Iterable[Marked],
    plain: Callable[[str], str],
    mark: Callable[[str, str], str],
) -> str:
    """Return a text whose entities went through `mark`, and all else through `plain`."""
    pieces, cursor = [], 0
    for entity in sorted(entities, key=lambda entity: entity.start):
        pieces.append(plain(text[cursor : entity.start]))
        pieces.append(mark(text[entity.start : entity.end], entity.type))
        cursor = entity.end
    return "".join([*pieces, plain(text[cursor:])])


def shade_words(words: Sequence[str], values: Sequence[float], darkest: float = 8.0) -> Html:
    """Return words on a background that is the darker, the higher their value; 0 and NaN are white.

    `values` (words) are losses, for example, and `darkest` is where the shade stops growing.
    Built in notebook 07.

    >>> shade_words(["at", "nine"], [0.04, 5.0])
    at 0.0 | nine 5.0
    """
    style = "display:inline-block;text-align:center;margin:0 0.15em 0.3em 0;padding:0.1em 0.35em"
    cells, plain = [], []
    for word, value in zip(words, values, strict=True):
        number = "–" if math.isnan(value) else f"{value:.1f}"
        share = 0.0 if math.isnan(value) else min(1.0, max(0.0, value / darkest))
        # Between white and orange; opaque, so that dark pages show it too.
        colour = "".join(f"{round(255 + 0.75 * share * (c - 255)):02x}" for c in (213, 94, 0))
        cells.append(
            f'<span style="{style};border-radius:0.3em;color:#111;background:#{colour}">'
            f"{isolated(word)}<br><small>{number}</small></span>"
        )
        plain.append(f"{word} {number}")
    markup = f'<div dir="auto" style="line-height:1.3">{"".join(cells)}</div>'
    return Html(markup, " | ".join(plain))


def tag_table(parsed: ParsedUtterance) -> Html:
    """Return a table with each word over its character offsets and its tag."""
    words = parsed.words
    offsets = [f"{word.start}–{word.end}" for word in words]
    markup = _rows([[word.text for word in words], offsets, parsed.tags], "text-align:center")
    lines = [
        f"{word.text:<16} {word.start:>3} {word.end:>3}  {tag}"
        for word, tag in zip(words, parsed.tags, strict=True)
    ]
    return Html(f"<table>{markup}</table>", "\n".join(lines))


def fact_table(facts: Mapping[str, object]) -> Html:
    """Return a table of two columns, name and value.

    >>> fact_table({"recipe": "offline"})
    recipe: offline
    """
    body = _rows(facts.items(), "text-align:left", heads=1)
    return Html(f"<table>{body}</table>", "\n".join(f"{n}: {v}" for n, v in facts.items()))


def html_table(header: Sequence[str], rows: Iterable[Sequence[Html | object]]) -> Html:
    """Return a table with a header; a cell that is `Html` keeps its colours.

    >>> html_table(["id", "en-US"], [[1, highlight("at nine", [])]])
    id | en-US
    1 | at nine
    """
    listed = [list(row) for row in rows]
    head = _rows([header], "text-align:left", heads=len(header))
    body = _rows(listed, "text-align:left;vertical-align:top;white-space:normal")
    plain = [" | ".join(map(str, row)) for row in [header, *listed]]
    return Html(f"<table>{head}{body}</table>", "\n".join(plain))


def _rows(rows: Iterable[Iterable[object]], style: str, heads: int = 0) -> str:
    """Return the rows of a table; the first `heads` cells of each are headings."""
    lines = []
    for row in rows:
        cells = (cell.markup if isinstance(cell, Html) else escape(str(cell)) for cell in row)
        names = (("th" if column < heads else "td", cell) for column, cell in enumerate(cells))
        lines += ["".join(f'<{name} style="{style}">{cell}</{name}>' for name, cell in names)]
    return "".join(f"<tr>{line}</tr>" for line in lines)


def entity_colour(slot_type: str) -> str:
    """Return the background colour of a slot type, the same in every process.

    >>> entity_colour("time") == entity_colour("TIME")
    True
    """
    return _COLOURS[_colour_number(slot_type)]


def _colour_number(name: str) -> int:
    """Return a number that is the same for a type every time, in every process."""
    return sum(ord(c) * (i + 1) for i, c in enumerate(name.lower())) % len(_COLOURS)


def escape(text: str) -> str:
    """Return text safe to put into HTML, also between quotes; direction overrides made visible.

    >>> escape('<script>"&')
    '&lt;script&gt;&quot;&amp;'
    """
    return html.escape(visible(text), quote=True)


def isolated(text: str) -> str:
    """Return text safe to put into HTML between other text, whose order it cannot change.

    Letters that are written from right to left turn what is next to them, brackets and numbers
    say, unless they are in an element of their own.

    >>> isolated("nine <b>"), isolated("תשע")
    ('nine &lt;b&gt;', '<bdi>תשע</bdi>')
    """
    turns = _RIGHT_TO_LEFT & set(map(unicodedata.bidirectional, text))
    return f"<bdi>{escape(text)}</bdi>" if turns else escape(text)


def visible(text: str) -> str:
    """Return text with control and direction-turning characters shown by their numbers.

    >>> visible("a" + chr(27) + "b")
    'a⟨U+001B⟩b'
    """
    return str(_OBEYED.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text))


def shown_in_place(text: str) -> str:
    """Return text with one sign for each character that a screen would not show, as many as before.

    >>> shown_in_place("a" + chr(27) + "b")
    'a�b'
    """
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
