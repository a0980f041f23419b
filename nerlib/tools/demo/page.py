"""The page itself, laid out with Gradio, and a server that remembers nothing of what is typed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from nerlib.analysis.display import escape, html_table
from nerlib.tools.demo import corrections
from nerlib.tools.demo.corrections import DemoError, Piece, lines_apart
from nerlib.tools.demo.gate import Gate
from nerlib.tools.demo.models import Models
from nerlib.tools.exchange.document import ExchangeError

MOST_KEPT = 1_000
AT_ONCE, MOST_WAITING = 16, 1_000  # steps of one kind, but for those of the model
HOW = (
    "Select text to mark an entity and write its type; click an entity to change its type, × "
    "removes it. Part of a word counts as the whole word."
)
# The file is made in the browser, of what the page shows: no server keeps what somebody has typed.
DOWNLOAD = """(text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], {type: "text/plain;charset=utf-8"}));
    link.download = "corrections.txt";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    return [];
}"""
# Labels that can be read, boxes that can be scrolled by keyboard, words that are never too long.
STYLE = """
#marked .label { background: none !important; color: inherit; font-weight: 700; }
.block.hide-container { overflow: visible !important; }
#entities table { overflow-wrap: anywhere; }
"""


def serve(
    models: Models,
    host: str = "127.0.0.1",
    port: int | None = None,
    share: bool = False,
    open_browser: bool = False,
) -> gr.Blocks:
    """Start the page in the background and return it: `close()` ends it, `local_url` says where.

    `share` asks Gradio's servers for a public address. Raises `OSError` if the port is taken.
    """
    # Fonts of this machine, and text that stands out enough.
    fonts = (gr.themes.LocalFont("Source Sans Pro"), "ui-sans-serif", "system-ui", "sans-serif")
    theme = gr.themes.Default(primary_hue="blue", font=fonts).set(
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_dark="*primary_700",
    )
    app = _build_app(models)
    app.queue(default_concurrency_limit=AT_ONCE, max_size=MOST_WAITING)
    app.launch(
        server_name=host, server_port=port, share=share, inbrowser=open_browser,
        prevent_thread_lock=True, quiet=True, css=STYLE, theme=theme, footer_links=[],
        run_history=False, ssr_mode=False, max_file_size="1kb",
        app_kwargs={"middleware": [Middleware(Gate)]},
    )  # fmt: skip
    return app


def _build_app(models: Models) -> gr.Blocks:
    """Return the page as a Gradio app that sends nothing to anybody."""
    most = f"{corrections.MOST_SENTENCES} lines, {corrections.MOST_CHARACTERS:,} characters"
    limits = f"One sentence a line: at most {most}."
    forgets = "Closing or reloading the page forgets them: download them first."
    few: dict[str, Any] = {"lines": 3, "max_lines": 12}
    steps = Steps(models)
    private: dict[str, Any] = {"api_visibility": "private"}
    app = gr.Blocks(analytics_enabled=False, title="nerlib: find entities")
    with app:
        gr.Markdown("# Find entities, and correct them")
        text = gr.Textbox(label="Text", info=limits, elem_id="text", **few)
        with gr.Row(equal_height=True):
            model = gr.Dropdown(models.names, label="Model", elem_id="model", scale=3)
            find = gr.Button("Find entities", variant="primary", elem_id="find")
        found = gr.HighlightedText([], label="Entities", interactive=True, elem_id="marked")
        gr.Markdown(HOW)
        table = gr.HTML(elem_id="entities")
        keep = gr.Button("Keep for training", variant="primary", elem_id="keep")
        label = "Kept so far, as bracketed lines"
        kept = gr.Textbox(label=label, info=forgets, interactive=False, elem_id="kept", **few)
        with gr.Row():
            download = gr.Button("Download corrections", elem_id="download")
            clear = gr.Button("Clear", elem_id="clear")
        # A tokenizer must not be used by two threads at the same time.
        alone: dict[str, Any] = {"concurrency_limit": 1, **private}
        gr.on([find.click, text.submit], steps.find, [model, text], [found, table], **alone)
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
        with _refusals():
            sentences = corrections.cut_sentences(text or "")
            entities = list(self.models.tagger(model)(sentences))
        rows = [(one.type, one.text, f"{one.score:.2f}") for line in entities for one in line]
        table = html_table(("type", "words", "score"), rows).markup if rows else "No entity found."
        return corrections.marked(sentences, entities), table

    def tidy(self, pieces: list[dict[str, Any]]) -> Any:
        """Return the text with its lines apart again: Gradio counts places from a line's start."""
        apart = lines_apart(_pieces(pieces))
        return gr.skip() if apart == _pieces(pieces) else apart

    def keep(self, model: str, pieces: list[dict[str, Any]] | None, kept: str) -> str:
        """Return the kept lines with those of all sentences; each text is kept once."""
        with _refusals():
            parser = self.models.tagger(model).parser
            lines, refused = corrections.bracketed_lines(_pieces(pieces), parser)
            before = {parser.parse(line).text: line for line in kept.splitlines()}
            if len(before | lines) > MOST_KEPT:
                held = f"{len(before):,} lines are kept already"
                raise DemoError(f"{held}: download them, then clear")
        if refused:
            gr.Warning(escape("; ".join(refused)), title="Not kept", duration=None)
        return "".join(f"{line}\n" for line in (before | lines).values())


def _pieces(value: Iterable[dict[str, Any]] | None) -> list[Piece]:
    """Return what Gradio gives as pieces of text with types."""
    return [(piece["token"], piece["class_or_confidence"]) for piece in value or ()]


@contextmanager
def _refusals() -> Iterator[None]:
    """Show on the page, in one line, as text, why something cannot be done."""
    try:
        yield
    except ExchangeError as reason:
        shown = escape(str(reason))
        raise gr.Error(shown, title="Not done", duration=None, print_exception=False) from None
