"""What somebody has typed or pasted, cut into sentences: one a line, and not too many."""

from __future__ import annotations

import regex

MOST_CHARACTERS = 5_000
MOST_SENTENCES = 50


class RefusedError(ValueError):
    """What somebody asked of the page and cannot have: why, in one line."""


def cut_sentences(text: str) -> list[str]:
    """Return the sentences of a text: its lines, without blanks around them and without empty ones.

    Every kind of line end counts, so that a sentence is one line in any file. Raises `RefusedError`
    for no text at all, for too much of it, and for half a character, which no file can hold.

    >>> cut_sentences("wake me at nine" + chr(10) * 2 + " call anna ")
    ['wake me at nine', 'call anna']
    """
    if len(text) > MOST_CHARACTERS:
        raise RefusedError(
            f"the text has {len(text):,} characters: take at most {MOST_CHARACTERS:,} at a time"
        )
    check_characters(text)
    sentences = [line for line in map(trimmed, text.splitlines()) if line]
    if not sentences:
        raise RefusedError("there is no text yet: type or paste a sentence")
    if len(sentences) > MOST_SENTENCES:
        raise RefusedError(
            f"the text has {len(sentences)} lines: take at most {MOST_SENTENCES} at a time"
        )
    return sentences


def trimmed(line: str) -> str:
    """Return a line without blanks and byte order marks at its edges.

    A reader of files takes them away, so that a sentence which kept them would come back changed.

    >>> trimmed(" \ufeff at nine ")
    'at nine'
    """
    before = ""
    while line != before:
        before, line = line, line.strip().strip("\ufeff")
    return line


def shown(text: str, limit: int = 40) -> str:
    """Return text short enough for a line of its own, with what is not seen shown by its number.

    >>> shown("at" + chr(8203) + "nine", 4)
    'at⟨U+200B⟩…'
    """
    short = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return "".join(c if c.isprintable() else f"⟨U+{ord(c):04X}⟩" for c in short)


def check_characters(text: str) -> None:
    """Raise `RefusedError` for half of a character pair (a lone surrogate).

    >>> check_characters("nine 😀")
    """
    half = None if text.isascii() else regex.search(r"\p{Cs}", text)
    if half:
        raise RefusedError(
            f"character {half.start()} is half a character (a lone surrogate): write it whole"
        )
