"""The page's own pieces of HTML: sentences with their entities, the table of them, a message.

All text is escaped, and colours only repeat what words say as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from nerlib.analysis.display import entity_colour, escape, isolated
from nerlib.tools.demo.corrections import Mark, Sentence


def marked_sentences(sentences: Sequence[Sentence], chosen: int) -> str:
    """Return a list of sentences with their entities and scores; the chosen one says so."""
    items = []
    for number, sentence in enumerate(sentences):
        is_chosen = number == chosen and len(sentences) > 1
        note = ' <span class="nerlib-note">← being corrected</span>' if is_chosen else ""
        items.append(f'<li dir="auto">{marked(sentence)}{note}</li>')
    kind = "ol" if len(sentences) > 1 else "ul"
    return f'<{kind} class="nerlib-sentences">{"".join(items)}</{kind}>' if items else ""


def marked(sentence: Sentence) -> str:
    """Return a sentence with its entities in colour, each followed by its type and score.

    >>> from nerlib.tools.demo.corrections import tagged
    >>> from nerlib.parsing import Parser
    >>> marked(tagged("at <b>", [], Parser()))
    'at &lt;b&gt;'
    """
    pieces, cursor = [], 0
    for mark in sentence.marks:
        span = sentence.span(mark)
        pieces.append(escape(sentence.text[cursor : span.start]))
        pieces.append(
            f'<mark style="background:{entity_colour(mark.type)};color:#111">'
            f"{isolated(sentence.value(mark))} <b>{isolated(mark.type)}</b> "
            f"<small>{score_text(mark)}</small></mark>"
        )
        cursor = span.end
    return "".join([*pieces, escape(sentence.text[cursor:])])


def entity_table(sentence: Sentence) -> str:
    """Return a table of a sentence's entities: number, type, words, score."""
    if not sentence.marks:
        return "<p>No entity is marked in this sentence.</p>"
    head = "".join(f'<th scope="col">{name}</th>' for name in ("no.", "type", "words", "score"))
    rows = "".join(
        f"<tr><td>{number}</td><td>{isolated(mark.type)}</td>"
        f"<td>{isolated(sentence.value(mark))}</td><td>{score_text(mark)}</td></tr>"
        for number, mark in enumerate(sentence.marks, start=1)
    )
    return f'<table class="nerlib-entities"><tr>{head}</tr>{rows}</table>'


def score_text(mark: Mark) -> str:
    """Return the model's score with two digits, or whose the mark is.

    >>> score_text(Mark("time", 0, 1, 0.98)), score_text(Mark("time", 0, 1))
    ('0.98', 'yours')
    """
    return "yours" if mark.score is None else f"{mark.score:.2f}"


def message(text: str, wrong: bool = False) -> str:
    """Return a line that says what happened, or what is wrong, which screen readers read out.

    >>> message("no <text>", wrong=True)
    '<p role="status" class="nerlib-wrong">Not done: no &lt;text&gt;.</p>'
    """
    if wrong:
        return f'<p role="status" class="nerlib-wrong">Not done: {escape(text)}.</p>'
    return f'<p role="status">{escape(text)}</p>'
