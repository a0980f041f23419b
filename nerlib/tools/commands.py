"""The names of the commands, for `python -m nerlib --help`: printed before PyTorch is imported."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from nerlib import __version__

COMMANDS = {
    "check": "check the set-up, one line a requirement",
    "recipes": "list the named experiments",
    "prefetch": "fetch what a recipe needs, for use offline",
    "validate": "check a file of your own sentences",
    "convert": "annotations to and from other tools' formats",
    "train": "train a model and save its best epoch",
    "run": "the whole way: show, train, save, load, tag",
    "evaluate": "score a saved model, per slot type",
    "export": "a saved model for ONNX Runtime and OpenVINO",
    "push": "publish a model on the Hub, with a model card",
    "tag": "tag text, one line each, into JSON lines",
    "demo": "a page to try models in a browser, and correct them",
    "bulk": "tag Parquet or JSON lines with several workers",
}


def print_overview(arguments: Sequence[str]) -> bool:
    """Print the help or the version if nothing else is asked for; return whether it was."""
    if list(arguments) not in (["--help"], ["-h"], ["--version"]):
        return False
    parser, commands = overview_parser()
    for name, what in COMMANDS.items():
        commands.add_parser(name, help=what)
    if "--version" in arguments:
        print(f"nerlib {__version__}")
    else:
        parser.print_help()
    return True


def overview_parser() -> tuple[argparse.ArgumentParser, Any]:
    """Return a parser without its commands, and what adds them to it.

    >>> overview_parser()[0].prog
    'nerlib'
    """
    parser = argparse.ArgumentParser(prog="nerlib", description="Named Entity Recognition, built")
    parser.add_argument("--version", action="version", version=f"nerlib {__version__}")
    return parser, parser.add_subparsers(required=True, metavar="COMMAND")
