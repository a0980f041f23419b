"""The page on the network: on this machine alone unless asked otherwise, and with bounds."""

from __future__ import annotations

import gradio as gr
from starlette.middleware import Middleware

from nerlib.tools.demo.app import build_app
from nerlib.tools.demo.gate import Gate
from nerlib.tools.demo.models import Models

AT_ONCE = 16  # steps of one kind that run side by side, but for those of the model
MOST_WAITING = 1_000
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

    Without a port, the first free one from 7860 on is taken. In a notebook the page appears below
    the cell; on Colab, too, through Colab's own connection. `share` asks Gradio's servers for a
    public address, which needs internet. Raises `OSError` if the port is taken.
    """
    app = build_app(models)
    app.queue(default_concurrency_limit=AT_ONCE, max_size=MOST_WAITING)
    app.launch(
        server_name=host,
        server_port=port,
        share=share,
        inbrowser=open_browser,
        prevent_thread_lock=True,
        quiet=True,
        css=STYLE,
        theme=readable_theme(),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        max_file_size="1kb",
        app_kwargs={"middleware": [Middleware(Gate)]},
    )
    return app


def readable_theme() -> gr.Theme:
    """Return Gradio's own theme, its fonts on this machine, with text that stands out enough."""
    fonts = (gr.themes.LocalFont("Source Sans Pro"), "ui-sans-serif", "system-ui", "sans-serif")
    theme = gr.themes.Default(primary_hue="blue", font=fonts)
    return theme.set(
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_dark="*primary_700",
    )
