"""Extras: packages that a few lessons and commands need, and what happens where they are missing.

Nothing that the core of nerlib imports belongs here. A command or a function asks with
`require_extra`, which fails in one line; a notebook asks with `needs_extra`, which never fails:
the cells below it then do nothing.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from typing import Any

# What each extra brings, by the names that Python imports.
EXTRAS = {
    "bench": ("psutil",),
    "demo": ("gradio",),
    "exchange": ("spacy",),
    "export": ("onnx", "onnxscript", "onnxruntime", "openvino", "nncf"),
    "scale": ("accelerate", "ray"),
}


class ExtraError(ImportError):
    """Packages of an extra that are not installed: which ones, and the command that brings them."""


def missing_modules(extra: str, modules: Sequence[str] = ()) -> list[str]:
    """Return which modules of an extra cannot be imported; `modules` asks for some of them only.

    Nothing is imported to find out. Raises `ValueError` for an extra that nerlib does not have.

    >>> missing_modules("export", ["json"])
    []
    """
    if extra not in EXTRAS:
        raise ValueError(f"nerlib has no extra {extra!r}: choose one of {', '.join(EXTRAS)}")
    importlib.invalidate_caches()  # a package may have been installed since this Python started
    return [name for name in modules or EXTRAS[extra] if importlib.util.find_spec(name) is None]


def require_extra(extra: str, *modules: str) -> None:
    """Raise `ExtraError`, in one line, if an extra's modules, or those named, are not installed."""
    missing = missing_modules(extra, modules)
    if missing:
        raise ExtraError(_told(extra, missing))


def needs_extra(extra: str, *modules: str) -> bool:
    """Say in one line what a notebook lacks, and let all its later cells do nothing; else `True`.

    For a notebook's first cell, as `ready = needs_extra("export")`. Run that cell again after the
    installation, and the others work; cells that begin with `!` or `%pip` always do. Outside of a
    notebook a missing package raises `ExtraError`, since there is nothing to skip.

    >>> needs_extra("export", "json")
    True
    """
    _let_cells_run()
    missing = missing_modules(extra, modules)
    if missing:
        shell = _shell()
        if shell is None:
            raise ExtraError(_told(extra, missing))
        print(f"Skipped: {_told(extra, missing)}, and run this cell again.")
        shell.input_transformers_cleanup.append(_do_nothing)
    return not missing


def _told(extra: str, missing: Sequence[str]) -> str:
    verb = "is" if len(missing) == 1 else "are"
    return f'{", ".join(missing)} {verb} not installed: pip install "nerlib[{extra}]"'


def _shell() -> Any:
    """Return the IPython that runs this cell; None in a plain Python."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def _do_nothing(lines: list[str]) -> list[str]:
    """Return a cell's lines as no lines, unless the cell asks again or installs something.

    >>> _do_nothing(["import onnx"]), _do_nothing(["%pip install onnx"])
    ([], ['%pip install onnx'])
    """
    first = next((line.strip() for line in lines if line.strip()), "")
    asks = any(f"{needs_extra.__name__}(" in line for line in lines)
    return lines if asks or first.startswith(("!", "%pip")) else []


def _let_cells_run() -> None:
    """Take back what an earlier call has set up."""
    shell = _shell()
    if shell is not None:
        hooks = shell.input_transformers_cleanup
        hooks[:] = [hook for hook in hooks if getattr(hook, "__name__", "") != "_do_nothing"]
