"""Utterances with their entities, to look at: HTML for notebooks, colours for the terminal.

All text is escaped: an utterance can hold anything.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from nerlib.parsing import ParsedUtterance

# Okabe & Ito (2008), lightened: told apart by colour-blind readers, with dark text on top.
_COLOURS = ("#f6d18a", "#a9d8f0", "#8fd6bd", "#f7ee9a", "#9cc5e4", "#f0b08a", "#e6bcd4", "#d5d5d5")
_ANSI = (43, 46, 42, 103, 44, 101, 45, 47)
# Characters that turn the writing direction of what follows are shown, not obeyed.
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})  # classes of the Unicode bidirectional algorithm
_TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class Marked(Protocol):
    """Anything with a type and character offsets: a `Span` or an `Entity`."""

    @property
    def type(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


class Html:
    """A piece of HTML that a notebook shows; `text` is what it says where there is no HTML."""

    def __init__(self, markup: str, text: str) -> None:
        self.markup, self.text = markup, visible(text)

    def _repr_html_(self) -> str:
        return self.markup

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
    listed = [(text, sorted(entities, key=lambda e: e.start)) for text, entities in rows]
    lines = [_markup_line(text, entities) for text, entities in listed]
    plain = [_plain_line(text, entities) for text, entities in listed]
    return Html(f'<div style="line-height:2.2">{"".join(lines)}</div>', "\n".join(plain))


def highlight_pairs(rows: Iterable[tuple[str, Iterable[Marked], Iterable[Marked]]]) -> Html:
    """Return texts twice, with their gold and with the predicted entities, to compare.

    >>> from nerlib.parsing import Span
    >>> highlight_pairs([("at nine", [Span("time", 3, 7)], [])])
    gold   at [time : nine]
    model  at nine
    """
    blocks, plain = [], []
    for text, *sides in rows:
        for name, entities in zip(("gold", "model"), sides, strict=True):
            ordered = sorted(entities, key=lambda entity: entity.start)
            cell = '<div style="flex:0 0 4em;opacity:0.7;font-size:0.85em">'
            line = _markup_line(text, ordered)
            blocks.append(f'<div style="display:flex">{cell}{name}</div>{line}</div>')
            plain.append(f"{name:<6} {_plain_line(text, ordered)}")
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
    ordered = sorted(entities, key=lambda entity: entity.start)
    if not colour:
        return _plain_line(text, ordered)
    pieces, cursor = [], 0
    for entity in ordered:
        code = _ANSI[_colour_number(entity.type, len(_ANSI))]
        value = visible(text[entity.start : entity.end])
        pieces.append(visible(text[cursor : entity.start]))
        pieces.append(f"\x1b[30;{code}m {value} \x1b[1m{visible(entity.type)}\x1b[0m")
        cursor = entity.end
    return "".join([*pieces, visible(text[cursor:])])


def alignment_table(words: Sequence[str], subwords: Sequence[str], word_ids: Sequence[int]) -> Html:
    """Return a table with each subword under the word that it belongs to. Built in notebook 03.

    `word_ids` (subwords) gives the number of each subword's word, -1 for special ones.

    >>> print(alignment_table(["quietly"], ["[CLS]", "quiet", "##ly"], [-1, 0, 0]))
    - | [CLS]
    quietly | quiet ##ly
    """
    groups: list[tuple[int, list[str]]] = []
    for subword, word in zip(subwords, word_ids, strict=True):
        if groups and groups[-1][0] == word:
            groups[-1][1].append(subword)
        else:
            groups.append((word, [subword]))
    names = [words[word] if word >= 0 else "-" for word, _ in groups]
    head = "".join(
        f'<th colspan="{len(inside)}" style="text-align:center;border:1px solid #999">'
        f"{escape(name)}</th>"
        for name, (_, inside) in zip(names, groups, strict=True)
    )
    cells = "".join(
        f'<td style="text-align:center;border:1px solid #999;background:{background};color:#111">'
        f"{escape(subword)}</td>"
        for word, inside in groups
        for background in ["#eee" if word < 0 else _COLOURS[word % 2]]
        for subword in inside
    )
    plain = [
        f"{name} | {' '.join(inside)}" for name, (_, inside) in zip(names, groups, strict=True)
    ]
    return Html(f"<table><tr>{head}</tr><tr>{cells}</tr></table>", "\n".join(plain))


def shade_words(words: Sequence[str], values: Sequence[float], darkest: float = 8.0) -> Html:
    """Return words on a background that is the darker, the higher their value; 0 and NaN are white.

    `values` (words) are losses, for example, and `darkest` is where the shade stops growing.
    Built in notebook 07.

    >>> shade_words(["at", "nine"], [0.04, 5.0])
    at 0.0 | nine 5.0
    """
    cells, plain = [], []
    for word, value in zip(words, values, strict=True):
        known = value == value  # NaN differs from itself
        shade = min(1.0, max(0.0, value / darkest)) if known else 0.0
        number = f"{value:.1f}" if known else "–"
        cells.append(
            '<span style="display:inline-block;text-align:center;margin:0 0.15em 0.3em 0;'
            f"padding:0.1em 0.35em;border-radius:0.3em;color:#111;background:{_shade(shade)}"
            f'">{isolated(word)}<br><small>{number}</small></span>'
        )
        plain.append(f"{visible(word)} {number}")
    return Html(
        f'<div dir="auto" style="line-height:1.3">{"".join(cells)}</div>', " | ".join(plain)
    )


def _shade(share: float) -> str:
    """Return a colour between white (0) and orange (1); opaque, so that dark pages show it too."""
    mixed = (round(255 + 0.75 * share * (full - 255)) for full in (213, 94, 0))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def tag_table(parsed: ParsedUtterance) -> Html:
    """Return a table with each word over its character offsets and its tag."""
    rows = [
        [word.text for word in parsed.words],
        [f"{word.start}–{word.end}" for word in parsed.words],
        list(parsed.tags),
    ]
    body = "".join(
        "<tr>" + "".join(f'<td style="text-align:center">{escape(c)}</td>' for c in row) + "</tr>"
        for row in rows
    )
    plain = [
        f"{w.text:<16} {w.start:>3} {w.end:>3}  {t}"
        for w, t in zip(parsed.words, parsed.tags, strict=True)
    ]
    return Html(f"<table>{body}</table>", "\n".join(plain))


def entity_colour(slot_type: str) -> str:
    """Return the background colour of a slot type, the same in every process.

    >>> entity_colour("time") == entity_colour("TIME")
    True
    """
    return _COLOURS[_colour_number(slot_type, len(_COLOURS))]


def fact_table(facts: Mapping[str, object]) -> Html:
    """Return a table of two columns, name and value.

    >>> fact_table({"recipe": "offline"})
    recipe: offline
    """
    body = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(str(value))}</td></tr>'
        for name, value in facts.items()
    )
    plain = "\n".join(f"{name}: {value}" for name, value in facts.items())
    return Html(f"<table>{body}</table>", plain)


def html_table(header: Sequence[str], rows: Iterable[Sequence[Html | object]]) -> Html:
    """Return a table with a header; a cell that is `Html` keeps its colours.

    >>> html_table(["id", "en-US"], [[1, highlight("at nine", [])]])
    id | en-US
    1 | at nine
    """
    listed = [list(row) for row in rows]
    head = "".join(f'<th style="text-align:left">{escape(name)}</th>' for name in header)
    body = "".join(
        "<tr>"
        + "".join(
            '<td style="text-align:left;vertical-align:top;white-space:normal">'
            f"{cell.markup if isinstance(cell, Html) else escape(str(cell))}</td>"
            for cell in row
        )
        + "</tr>"
        for row in listed
    )
    plain = [" | ".join(str(cell) for cell in row) for row in [header, *listed]]
    return Html(f"<table><tr>{head}</tr>{body}</table>", "\n".join(plain))


def escape(text: str) -> str:
    """Return text safe to put into HTML, also between quotes; direction overrides made visible.

    >>> escape('<script>"&')
    '&lt;script&gt;&quot;&amp;'
    """
    return html.escape(visible(text), quote=True)


def isolated(text: str) -> str:
    """Return text safe to put into HTML between other text, whose order it cannot change.

    Letters that are written from right to left turn what stands beside them, brackets and numbers
    say, unless they stand in an element of their own.

    >>> isolated("nine <b>"), isolated("תשע")
    ('nine &lt;b&gt;', '<bdi>תשע</bdi>')
    """
    safe = escape(text)
    turns = not text.isascii() and any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in text)
    return f"<bdi>{safe}</bdi>" if turns else safe


def visible(text: str) -> str:
    """Return text with control and direction-turning characters shown by their numbers.

    >>> visible("a" + chr(27) + "b")
    'a⟨U+001B⟩b'
    """
    if text.isprintable():
        return text
    return "".join(f"⟨U+{ord(c):04X}⟩" if _is_obeyed(c) else c for c in text)


def shown_in_place(text: str) -> str:
    """Return text with one sign for each character that a screen would not show, as many as before.

    >>> shown_in_place("a" + chr(27) + "b")
    'a�b'
    """
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _is_obeyed(character: str) -> bool:
    """Return whether a screen would obey a character rather than show it, or cannot hold it."""
    number = ord(character)
    is_control = number < 32 or 127 <= number < 160
    no_character = 0xD800 <= number < 0xE000 or number & 0xFFFE == 0xFFFE
    return (is_control and character not in "\t\n") or no_character or character in _TURNS


def _markup_line(text: str, entities: Sequence[Marked]) -> str:
    """Return one line of HTML."""
    pieces, cursor = [], 0
    for entity in entities:
        colour = entity_colour(entity.type)
        pieces.append(escape(text[cursor : entity.start]))
        pieces.append(
            f'<mark class="nerlib-entity" style="background:{colour};color:#111;'
            'padding:0.2em 0.35em;border-radius:0.3em">'
            f"{isolated(text[entity.start : entity.end])} "
            f'<b style="font-size:0.7em">{isolated(entity.type)}</b></mark>'
        )
        cursor = entity.end
    return f'<div dir="auto">{"".join(pieces)}{escape(text[cursor:])}</div>'


def _plain_line(text: str, entities: Sequence[Marked]) -> str:
    """Return one line with brackets."""
    pieces, cursor = [], 0
    for entity in entities:
        value = text[entity.start : entity.end]
        pieces += [
            visible(text[cursor : entity.start]),
            f"[{visible(entity.type)} : {visible(value)}]",
        ]
        cursor = entity.end
    return "".join([*pieces, visible(text[cursor:])])


def _colour_number(name: str, colours: int) -> int:
    """Return a number that is the same for a type every time, in every process."""
    return sum(ord(c) * (i + 1) for i, c in enumerate(name.lower())) % colours


__all__ = [
    "Html",
    "alignment_table",
    "escape",
    "fact_table",
    "highlight",
    "highlight_many",
    "highlight_pairs",
    "highlight_terminal",
    "html_table",
    "isolated",
    "shade_words",
    "tag_table",
]
