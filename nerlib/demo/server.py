"""The page on the network: on this machine alone unless asked otherwise, and with bounds."""

from __future__ import annotations

import socket
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from nerlib.demo.app import build_app
from nerlib.demo.gate import Gate
from nerlib.demo.models import Models

HOST = "127.0.0.1"
PORT = 7860
AT_ONCE = 16  # steps of one kind that run side by side; the model itself runs one after the other
MOST_WAITING = 1_000
MOST_SESSIONS = 2_000
STYLE = """
.nerlib-sentences { line-height: 2.2; padding-inline-start: 1.5em; overflow-wrap: anywhere; }
ul.nerlib-sentences { list-style: none; padding-inline-start: 0; }
.nerlib-sentences mark { padding: 0.2em 0.35em; border-radius: 0.3em; }
.nerlib-sentences mark b { font-size: 0.75em; }
.nerlib-sentences mark small { font-size: 0.7em; }
.nerlib-entities { overflow-wrap: anywhere; }
.nerlib-entities td, .nerlib-entities th { text-align: start; padding: 0.2em 1em 0.2em 0; }
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
    """Start the page in the background and return it: `close()` ends it, `local_url` is its address.

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
        theme=gr.themes.Default(),
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


def port_is_free(host: str, port: int) -> bool:
    """Return whether nobody listens on a port; raises `OSError` for an address not of this machine.

    >>> with socket.socket() as taken:
    ...     taken.bind(("127.0.0.1", 0))
    ...     taken.listen()
    ...     port_is_free("127.0.0.1", taken.getsockname()[1])
    False
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            import errno

            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True
