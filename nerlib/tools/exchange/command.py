"""`python -m nerlib convert IN OUT`: annotations from one tool's format into another's."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nerlib.tools.exchange.formats import KNOWN, convert


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `convert`."""
    parser.add_argument("input", metavar="IN", help="a file of annotated texts")
    parser.add_argument("output", metavar="OUT", help="the file to write")
    parser.add_argument("--from", dest="from_name", metavar="FORMAT", help=f"{KNOWN} (by suffix)")
    parser.add_argument("--to", dest="to_name", metavar="FORMAT", help="likewise, but for tag")


def run(options: argparse.Namespace) -> int:
    """Convert a file; what is left out is told on standard error."""
    documents = convert(
        Path(options.input),
        Path(options.output),
        options.from_name,
        options.to_name,
        lambda line: print(f"nerlib: {line}", file=sys.stderr),
    )
    spans = sum(len(document.spans) for document in documents)
    print(f"{len(documents)} texts with {spans} spans in {options.output}")
    return 0
