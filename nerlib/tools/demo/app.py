"""The page itself, laid out with Gradio: what is on it, and what happens when something is used.

The server remembers nothing: all that a user has typed, corrected and kept is on their own page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gradio as gr

from nerlib.analysis.display import escape, html_table
from nerlib.tools.demo.corrections import (
    MOST_CHARACTERS,
    MOST_SENTENCES,
    Piece,
    RefusedError,
    bracketed_lines,
    cut_sentences,
    lines_apart,
    marked,
)
from nerlib.tools.demo.models import Models

MOST_KEPT = 1_000
FILE_NAME = "corrections.txt"
LIMITS = f"One sentence a line: at most {MOST_SENTENCES} lines, {MOST_CHARACTERS:,} characters."
HOW = (
    "Select text to mark an entity and write its type; click an entity to change its type, × "
    "removes it. Part of a word counts as the whole word."
)
# The file is made in the browser, of what the page shows: no server keeps what somebody has typed.
DOWNLOAD = f"""(text) => {{
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], {{type: "text/plain;charset=utf-8"}}));
    link.download = "{FILE_NAME}";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    return [];
}}"""


def build_app(models: Models) -> gr.Blocks:
    """Return the page as a Gradio app that sends nothing to anybody."""
    app = gr.Blocks(analytics_enabled=False, title="nerlib: find entities")
    with app:
        gr.Markdown("# Find entities, and correct them")
        text = gr.Textbox(label="Text", info=LIMITS, lines=3, max_lines=12, elem_id="text")
        with gr.Row(equal_height=True):
            model = gr.Dropdown(models.names, label="Model", elem_id="model", scale=3)
            find = gr.Button("Find entities", variant="primary", elem_id="find")
        found = gr.HighlightedText([], label="Entities", interactive=True, elem_id="marked")
        gr.Markdown(HOW)
        table = gr.HTML(elem_id="entities")
        keep = gr.Button("Keep for training", variant="primary", elem_id="keep")
        kept = gr.Textbox(
            label="Kept so far, as bracketed lines",
            info="Closing or reloading the page forgets them: download them first.",
            interactive=False,
            lines=3,
            max_lines=12,
            elem_id="kept",
        )
        with gr.Row():
            download = gr.Button("Download corrections", elem_id="download")
            clear = gr.Button("Clear", elem_id="clear")
        steps = Steps(models)
        private: dict[str, Any] = {"api_visibility": "private"}
        gr.on(
            [find.click, text.submit],
            steps.find,
            [model, text],
            [found, table],
            concurrency_limit=1,  # a tokenizer must not be used by two threads at the same time
            **private,
        )
        found.change(steps.tidy, [found], [found], show_progress="hidden", **private)
        keep.click(steps.keep, [model, found, kept], [kept], **private)
        clear.click(lambda: "", [], [kept], **private)
        download.click(None, [kept], [], js=DOWNLOAD)
    return app


class Steps:
    """What the buttons do; what cannot be done is said in one line, and changes nothing."""

    def __init__(self, models: Models) -> None:
        self.models = models

    def find(self, model: str, text: str | None) -> tuple[list[Piece], str]:
        """Return the text in pieces, and a table of the entities with their scores."""
        try:
            sentences = cut_sentences(text or "")
            entities = list(self.models.tagger(model)(sentences))
        except RefusedError as reason:
            raise refusal(str(reason)) from None
        rows = [(one.type, one.text, f"{one.score:.2f}") for line in entities for one in line]
        table = html_table(("type", "words", "score"), rows).markup if rows else "No entity found."
        return marked(sentences, entities), table

    def tidy(self, pieces: list[dict[str, Any]]) -> Any:
        """Return the text with its lines apart again, which removing an entity has joined.

        Gradio takes a selection's place from the start of its line, not of its piece.
        """
        apart = lines_apart(as_pieces(pieces))
        return gr.skip() if apart == as_pieces(pieces) else apart

    def keep(self, model: str, pieces: list[dict[str, Any]] | None, kept: str) -> str:
        """Return the kept lines with those of all sentences; each text is kept once."""
        try:
            parser = self.models.tagger(model).parser
        except RefusedError as reason:
            raise refusal(str(reason)) from None
        lines, refused = bracketed_lines(as_pieces(pieces), parser)
        before = {parser.parse(line).text: line for line in kept.splitlines()}
        if len(before | lines) > MOST_KEPT:
            raise refusal(f"{len(before):,} lines are kept already: download them, then clear")
        if refused:
            gr.Warning(escape("; ".join(refused)), title="Not kept", duration=None)
        return "".join(f"{line}\n" for line in (before | lines).values())


def as_pieces(value: Iterable[dict[str, Any]] | None) -> list[Piece]:
    """Return what Gradio gives as pieces of text with types."""
    return [(piece["token"], piece["class_or_confidence"]) for piece in value or ()]


def refusal(reason: str) -> gr.Error:
    """Return the error that the page shows, in one line, as text."""
    return gr.Error(escape(reason), title="Not done", duration=None, print_exception=False)
