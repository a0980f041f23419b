"""`python -m nerlib demo`: options, checks before anything starts, and the line that says where."""

from __future__ import annotations

import argparse
import socket
import sys

from nerlib.device import set_threads
from nerlib.tools.demo.corrections import DemoError
from nerlib.tools.demo.models import choose_models
from nerlib.tools.extras import require_extra


def run(options: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C; raises `DemoError` and `EncoderError` for a user's mistake."""
    try:
        set_threads(options.threads)
    except ValueError as error:
        raise DemoError(f"--{error}") from None
    require_extra("demo", "gradio")
    _check_address(options.host, options.port)
    models = choose_models(options.model, options.device)
    from nerlib.tools.demo.page import serve  # needs the extra packages

    try:
        app = serve(models, options.host, options.port, options.share, not options.no_browser)
    except (OSError, ValueError) as error:  # all ports taken, or no way to this machine itself
        raise DemoError(f"the page cannot be started: {error}") from None
    print(f"The page is at {app.local_url}  (Ctrl-C ends it; models: {', '.join(models.names)})")
    if options.host in ("0.0.0.0", "::"):
        print("Everybody in your network can open it, under this machine's name.")
    if app.share_url:
        print(f"Anybody can open it at {app.share_url}")
    elif options.share:
        print("No public address could be had: is there a network?", file=sys.stderr)
    sys.stdout.flush()
    app.block_thread()
    return 0


def _check_address(host: str, port: int | None) -> None:
    """Raise `DemoError` if nobody can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port or 0), family=family).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DemoError(f"--host {host} --port {port}: {reason}: choose another") from None
