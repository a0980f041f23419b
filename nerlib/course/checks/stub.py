"""Is an answer still the stub that the exercise came with?"""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any


def is_stub(value: Any) -> bool:
    """Return whether `...` still stands for the answer, or somewhere in it.

    >>> is_stub(...), is_stub({"a": ...}), is_stub(lambda text: text)
    (True, True, False)
    """
    if value is ...:
        return True
    if isinstance(value, dict):
        return any(map(is_stub, value.values()))
    if isinstance(value, list | tuple):
        return any(map(is_stub, value))
    if isinstance(value, type):
        return any(is_stub(part) for part in vars(value).values() if inspect.isfunction(part))
    if not callable(value):
        return False
    return _does_nothing(value) or _source_has_stub(value)


def _does_nothing(function: Any) -> bool:
    """Return whether a function's body is empty, as `...` alone leaves it."""
    code = getattr(function, "__code__", None)
    return code is not None and code.co_code == _filled(function) and not code.co_names


def _filled(function: Any) -> bytes:
    """Return the byte code of an empty function that looks like this one."""

    def without() -> None: ...

    def with_words() -> None:
        """Words."""

    chosen = with_words if function.__doc__ else without
    return chosen.__code__.co_code


def _source_has_stub(function: Any) -> bool:
    """Return whether a line of a function's source is `...` alone."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, IndentationError):
        return False
    return any(
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and node.value.value is ...
        for node in ast.walk(tree)
    )
