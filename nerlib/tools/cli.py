"""The command line, `python -m nerlib`: its commands, and how a user's mistake is reported.

A command is imported when it is called: whoever asks for help need not wait for PyTorch.
"""

import argparse
import difflib
import importlib
import io
import os
import re
import sys
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NoReturn

from nerlib import __version__
from nerlib.tools.environment import missing_packages, requirements

USER_MISTAKE = 2
TABLES = tomllib.loads((Path(__file__).parents[1] / "data" / "commands.toml").read_text("utf-8"))
COMMANDS: dict[str, dict[str, Any]] = TABLES["commands"]
ALL_ALIKE = {"DivergenceError", "FirstProcessError"}  # what several processes raise together


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 2 for a user's mistake, reported in one line."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # no terminal is stopped by a character
                stream.reconfigure(errors="backslashreplace")
        options, unknown = build_parser(arguments[:1]).parse_known_args(arguments)
        if unknown:
            options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
        with _silence(options.quiet, options.talks):
            return int(options.command(options))
    except BrokenPipeError:  # the reader of our output, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as stop:
        if not _rank():
            print(f"nerlib: {str(stop) or 'stopped'}", file=sys.stderr)
        return 130
    except ModuleNotFoundError:
        missing = missing_packages()
        if requirements() and not missing:
            raise
        what = "packages that nerlib needs are not installed; install them"
        pip = " ".join([sys.executable, "-m pip install", *(f'"{line}"' for line in missing)])
        command = pip if missing else "python tools/install.py"  # nerlib itself is not installed
        print(f"nerlib: {what}: {command}", file=sys.stderr)
    except OSError as error:
        _report(f"{error.filename or 'file'}: {error.strerror or error}")
    except Exception as error:
        kinds = {k.__name__ for k in type(error).__mro__ if k.__module__.startswith("nerlib.")}
        if not kinds:  # an error of nerlib says what was wrong and what to do; any other is a bug
            raise
        if not (_rank() and kinds & ALL_ALIKE):  # the first process says it for all
            _report(str(error), lines="OwnDataError" in kinds)
    return USER_MISTAKE


def build_parser(commands: Collection[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """Return the parser of the command line; only the named commands are imported."""
    parser = _Parser(prog="nerlib", description="Named Entity Recognition, built")
    parser.add_argument("--version", action="version", version=f"nerlib {__version__}")
    parser.epilog = _listed("environment variables:", TABLES["variables"])
    group = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, about in COMMANDS.items():
        command = group.add_parser(name, help=about["summary"])
        if name in commands:
            module = importlib.import_module(f"nerlib.tools.{about.get('module', 'commands')}")
            add_arguments(command)
            quiet = "say nothing but results and errors"
            command.add_argument("--quiet", action="store_true", help=quiet)
            talks = about.get("talks", False)
            run = getattr(module, f"run_{name}", None) or module.run
            command.set_defaults(name=name, command=run, parser=command, talks=talks)
            examples = dict.fromkeys(f"nerlib {line}" for line in TABLES["examples"][name])
            command.epilog = _listed("examples:", examples) + TABLES["notes"].get(name, "")
    return parser


def _listed(heading: str, lines: Mapping[str, str | None]) -> str:
    """Return a heading with a line for each name, and what it means beside it."""
    wide = max(map(len, lines))
    shown = (f"  {name:<{wide}}  {about or ''}".rstrip() for name, about in lines.items())
    return "\n".join([heading, *shown, ""])


@contextmanager
def _silence(quiet: bool, talks: bool) -> Iterator[None]:
    """Let a command be `quiet`: no notes, and no standard output where it only `talks`."""
    with ExitStack() as stack:
        if quiet:
            nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
            stack.enter_context(redirect_stderr(nowhere))
            if talks:
                stack.enter_context(redirect_stdout(nowhere))
        yield


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command whose parser this is, as `data/commands.toml` has them."""
    name = parser.prog.split()[-1]
    listed = TABLES["commands"][name].get("options", "")
    for group, members in TABLES["groups"].items():
        listed = listed.replace(group, members)
    for option in listed.split():
        settings = TABLES["options"].get(f"{name} {option}") or TABLES["options"][option]
        kind = {"type": TYPES[settings["type"]]} if "type" in settings else {}
        parser.add_argument(option, **settings | kind)


def _columns(text: str) -> tuple[int, int]:
    """Return the numbers of two columns; raises an error for anything else."""
    if not (found := re.fullmatch(r"(\d{1,4}),(\d{1,4})", text)):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} must be two numbers, as 2,3")
    return int(found[1]), int(found[2])


def _names(text: str) -> tuple[str, ...]:
    """Return names that stand between commas."""
    return tuple(filter(None, map(str.strip, text.split(","))))


TYPES: dict[str, Callable[[str], object]] = {
    "int": int,
    "float": float,
    "columns": _columns,
    "names": _names,
}


class _Parser(argparse.ArgumentParser):
    """Takes options by their full names only, and suggests one for a mistyped one."""

    def __init__(self, **settings: Any) -> None:
        shape = argparse.RawDescriptionHelpFormatter  # examples stay in their lines
        super().__init__(allow_abbrev=False, formatter_class=shape, **settings)

    def error(self, message: str) -> NoReturn:
        """Say in one line what was wrong, and what to write instead."""
        wrong = re.search(r"(?:arguments: |COMMAND: invalid choice: ')([\w-]+)", message)
        options = re.findall(r"--[\w-]+", self.format_help())
        known = options if "arguments: " in message else list(COMMANDS)
        near = difflib.get_close_matches(wrong[1], known, n=1) if wrong else []
        hint = f"did you mean {near[0]}?" if near else f"`{self.prog} --help` lists what there is"
        shown = message.partition(" (choose")[0] if near else message
        self.exit(USER_MISTAKE, f"{self.prog}: {shown}; {hint}\n")


def _report(message: str, lines: bool = False) -> None:
    """Print what was wrong to standard error, in one line unless it is about many `lines`."""
    from nerlib.analysis.display import visible

    name = f"nerlib, process {_rank()}" if _rank() else "nerlib"
    text = message if lines else " ".join(message.split())
    print(f"{name}: {visible(text)}", file=sys.stderr)


def _rank() -> int:
    """Return the number of this process among those that a launcher has started together."""
    return int(os.environ.get("RANK", 0)) if "WORLD_SIZE" in os.environ else 0
