"""Is an answer of the kind that was asked for? If not, what came, and what is expected?"""

import re
import types
from contextlib import suppress
from typing import Any, get_args, get_origin

import numpy as np
import torch

from nerlib.course.checks.hint import Hint, shown


def fitting(value: object, kind: Any, what: str) -> Any:
    """Return a value as the kind asked for; raises `Hint` that says what came instead.

    `kind` is a class, or one such as `list[str]`, `dict[str, float]`, `tuple[int, int]` or
    `tuple[int, int] | None`. A tuple passes for a list and the other way round, and a tensor or
    array with one number for that number.

    >>> fitting(("O", "B-TIME"), list[str], "your answer")
    ['O', 'B-TIME']
    """
    try:
        return _read(value, kind)
    except _Misfit as misfit:
        (part,) = misfit.args
        name = re.sub(r"\w+\.", "", str(kind) if get_args(kind) else kind.__name__)
        inside = "" if part is value else f" In it stands {_typed(part)}."
        raise Hint(f"{what} is {_typed(value)}; `{name}` is expected.{inside}") from None


def _typed(value: object) -> str:
    return f"{shown(value)}, of type `{type(value).__name__}`"


class _Misfit(Exception):
    """A value inside of an answer that is not of the kind it should be."""


def _read(value: Any, kind: Any) -> Any:
    """Return the value as that kind; raises `_Misfit`."""
    origin, inside = get_origin(kind) or kind, get_args(kind)
    if isinstance(kind, types.UnionType):
        for part in inside:
            with suppress(_Misfit):
                return _read(value, part)
    elif kind in (int, float, bool, str):
        if isinstance(value, np.generic) or (
            isinstance(value, torch.Tensor) and value.numel() == 1
        ):
            value = value.item()
        if kind is float and type(value) is int:
            return float(value)
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
    elif origin in (list, set, tuple):
        if isinstance(value, torch.Tensor | np.ndarray) and origin is list and value.ndim:
            value = value.tolist()
        if isinstance(value, set | frozenset if origin is set else list | tuple):
            fixed = origin is tuple and inside and inside[-1] is not ...
            parts = inside if fixed else (inside or (object,))[:1] * len(value)
            if len(parts) == len(value):
                return origin(map(_read, value, parts))
    elif isinstance(value, origin):
        if origin is dict and inside:
            return {_read(k, inside[0]): _read(v, inside[1]) for k, v in value.items()}
        return value
    raise _Misfit(value)
