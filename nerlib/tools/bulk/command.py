"""`python -m nerlib bulk`: the command line of tagging in bulk."""

from __future__ import annotations

import argparse

from nerlib.tools.bulk.shards import LINES, PARQUET


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nerlib bulk`."""
    parser.add_argument("input", help="a .parquet or .jsonl file, a folder of them, or a URL")
    parser.add_argument("output", help="a folder or URL for the results; the same resumes")
    parser.add_argument("--model", default="build/model", help="a model folder (build/model)")
    parser.add_argument("--column", default="text", help="the column with the text (text)")
    parser.add_argument("--workers", type=int, default=2, help="processes; 0: in this one (2)")
    parser.add_argument("--format", choices=(PARQUET, LINES), default=PARQUET, help="of results")
    parser.add_argument("--shard-rows", type=int, default=10_000, metavar="N", help="(10,000)")
    parser.add_argument("--max-characters", type=int, default=10_000, metavar="N", help="(10,000)")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda: one GPU a worker (cpu)")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")


def run(options: argparse.Namespace) -> int:
    """Tag in bulk and say what was done; exit status 2 if some shards could not be done."""
    from nerlib.tools.bulk.manifest import BulkError, BulkSettings
    from nerlib.tools.bulk.run import tag_in_bulk

    if options.workers < 0:
        raise BulkError("--workers must be 0 or more")
    places = options.input, options.output, options.model
    names = ("column", "format", "shard_rows", "max_characters", "precision")
    settings = BulkSettings(*(getattr(options, name) for name in names))
    try:
        summary = tag_in_bulk(*places, settings, options.workers, options.device)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped: the same command resumes") from None
    print(summary)
    return 2 if summary.undone else 0
