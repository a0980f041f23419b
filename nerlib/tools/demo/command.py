"""`python -m nerlib demo`: options, checks before anything starts, and the line that says where."""

from __future__ import annotations

import argparse
import socket
import sys

from nerlib.device import set_threads
from nerlib.tools.demo.models import Models, find_models, name_places
from nerlib.tools.extras import require_extra

ROOT = "build"
HOST, FIRST_PORT = "127.0.0.1", 7860
EVERYBODY = ("0.0.0.0", "::")


class DemoError(ValueError):
    """Why the page cannot be started, and what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    parser.add_argument(
        "--model",
        action="append",
        metavar="FOLDER",
        help=f"a model folder, once or more often (those found below {ROOT})",
    )
    parser.add_argument(
        "--port", type=int, help=f"where to listen (the first free from {FIRST_PORT})"
    )
    parser.add_argument("--host", default=HOST, help=f"for whom: this machine alone ({HOST})")
    parser.add_argument("--share", action="store_true", help="ask for a public address (internet)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument("--threads", type=int, help="CPU threads of the model (one a core)")


def run(options: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C; raises `DemoError` and `EncoderError` for a user's mistake."""
    if options.threads is not None and options.threads < 1:
        raise DemoError("--threads must be 1 or more")
    set_threads(options.threads)
    require_extra("demo", "gradio")
    check_address(options.host, options.port)
    models = choose_models(options.model, options.device)
    start(models, options)
    return 0


def start(models: Models, options: argparse.Namespace) -> None:
    """Start the server, say where it is, and wait."""
    from nerlib.tools.demo.server import serve  # needs the extra packages

    try:
        app = serve(models, options.host, options.port, options.share, not options.no_browser)
    except (OSError, ValueError) as error:  # all ports taken, or no way to this machine itself
        raise DemoError(f"the page cannot be started: {error}") from None
    print(f"The page is at {app.local_url}  (Ctrl-C ends it; models: {', '.join(models.names)})")
    if options.host in EVERYBODY:
        print("Everybody in your network can open it, under this machine's name.")
    if app.share_url:
        print(f"Anybody can open it at {app.share_url}")
    elif options.share:
        print("No public address could be had: is there a network?", file=sys.stderr)
    sys.stdout.flush()
    app.block_thread()


def choose_models(named: list[str] | None, device: str, root: str = ROOT) -> Models:
    """Return the models named, all of them loaded, or those found below `root`, the first loaded.

    Raises `DemoError` if there is none, and `EncoderError` for one that cannot be loaded.
    """
    models = Models(name_places(named or find_models(root)), device)
    if not models.names:
        raise DemoError(
            f"there is no model in {root} yet: run `python -m nerlib train` first, "
            "or name a folder with --model"
        )
    for name in models.names if named else models.names[:1]:
        models.load(name)
    return models


def check_address(host: str, port: int | None) -> None:
    """Raise `DemoError` if nobody can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port or 0), family=family).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DemoError(f"--host {host} --port {port}: {reason}: choose another") from None
