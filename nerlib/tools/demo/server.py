"""The page on the network: on this machine alone unless asked otherwise, and with bounds."""

from __future__ import annotations

from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from nerlib.tools.demo.app import build_app
from nerlib.tools.demo.gate import Gate
from nerlib.tools.demo.models import Models
from nerlib.tools.demo.port import HOST

AT_ONCE = 16  # steps of one kind that run side by side; the model itself runs one after the other
MOST_WAITING = 1_000
MOST_SESSIONS = 2_000
STYLE = """
.nerlib-sentences { line-height: 2.2; padding-inline-start: 1.5em; overflow-wrap: anywhere; }
ul.nerlib-sentences { list-style: none; padding-inline-start: 0; }
.nerlib-sentences mark { padding: 0.2em 0.35em; border-radius: 0.3em; }
.nerlib-sentences mark * { color: #111 !important; }
.nerlib-sentences mark b { font-size: 0.8em; }
.nerlib-sentences mark small { font-size: 0.75em; }
.nerlib-entities, .nerlib-entities tr { border: 0 !important; }
.nerlib-entities { overflow-wrap: anywhere; border-collapse: collapse; }
.nerlib-entities td, .nerlib-entities th {
  text-align: start; padding: 0.25em 1.5em 0.25em 0.25em; border: 0; font: inherit;
  border-bottom: 1px solid var(--border-color-primary);
}
.nerlib-entities th { font-weight: 600; }
#status, #marked, #entities { padding-block: 0; min-height: 0; }
#status, #marked, #entities, .nerlib-heading { overflow: visible !important; }
.nerlib-wrong { font-weight: 600; border-inline-start: 0.3em solid #d55e00; padding-inline: 0.6em; }
"""


def serve(
    models: Models,
    host: str = HOST,
    port: int | None = None,
    share: bool = False,
    open_browser: bool = False,
    **options: Any,
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
        enable_monitoring=False,
        mcp_server=False,
        ssr_mode=False,
        pwa=False,
        allowed_paths=[],
        max_file_size="1kb",
        state_session_capacity=MOST_SESSIONS,
        app_kwargs={"middleware": [Middleware(Gate)]},
        **options,
    )
    return app


def readable_theme() -> gr.Theme:
    """Return Gradio's own theme, its fonts on this machine, with text that stands out enough."""
    # Gradio's own half-bold file of this font lacks most letters.
    letters = gr.themes.LocalFont("Source Sans Pro", weights=(400, 700))
    fonts = (letters, "ui-sans-serif", "system-ui", "sans-serif")
    theme = gr.themes.Default(primary_hue="blue", font=fonts)
    return theme.set(
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
        button_primary_text_color="white",
    )
