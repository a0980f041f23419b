"""Extras: packages that a few lessons and commands need, and what happens where they are missing.

Nothing that the core of nerlib imports belongs here. A command or a function asks with
`require_extra`, which fails in one line; a notebook asks with `needs_extra`, which never fails:
the cells below it then do nothing.
"""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from typing import Any

# What each extra brings, by the names that Python imports.
EXTRAS = {
    "bench": ("psutil",),
    "exchange": ("spacy",),
    "export": ("onnx", "onnxscript", "onnxruntime", "openvino", "nncf"),
    "labels": ("cleanlab",),
    "scale": ("accelerate",),
    "serve": ("starlette", "uvicorn"),
}


class ExtraError(ImportError):
    """Packages of an extra that are not installed: which ones, and how to install them."""


def missing_modules(extra: str, modules: Sequence[str] = ()) -> list[str]:
    """Return which modules of an extra, by default all, are not installed; nothing is imported.

    Raises `ValueError` for an extra that nerlib does not have.
    """
    if extra not in EXTRAS:
        raise ValueError(f"nerlib has no extra {extra!r}: choose one of {', '.join(EXTRAS)}")
    importlib.invalidate_caches()  # a package may have been installed since this Python started
    return [name for name in modules or EXTRAS[extra] if importlib.util.find_spec(name) is None]


def require_extra(extra: str, *modules: str) -> None:
    """Raise `ExtraError`, in one line, if an extra's modules, or those named, are not installed."""
    missing = missing_modules(extra, modules)
    if missing:
        what = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed"
        raise ExtraError(f'{what}: pip install "nerlib[{extra}]"')


def needs_extra(extra: str, *modules: str) -> bool:
    """Return whether a notebook has an extra; if not, say so and let its later cells do nothing.

    For a notebook's first cell, as `ready = needs_extra("export")`. Run that cell again after the
    installation, and the others work; cells that begin with `!` or `%pip` always do. Outside of a
    notebook a missing package raises `ExtraError`, since there is nothing to skip.

    >>> needs_extra("export", "json")
    True
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    hooks: list[Any] = [] if shell is None else shell.input_transformers_cleanup
    hooks[:] = [hook for hook in hooks if getattr(hook, "__name__", "") != _skip_cell.__name__]
    try:
        require_extra(extra, *modules)
    except ExtraError as error:
        if shell is None:
            raise
        print(f"Skipped: {error}, and run this cell again.")
        hooks.append(_skip_cell)
        return False
    return True


def _skip_cell(lines: list[str]) -> list[str]:
    """Return a cell's lines as no lines, unless the cell asks again or installs something."""
    first = next((line.strip() for line in lines if line.strip()), "")
    asks = any(f"{needs_extra.__name__}(" in line for line in lines)
    return lines if asks or first.startswith(("!", "%pip")) else []
