"""Is an answer of the kind that was asked for? If not, what came, and what is expected?"""

from __future__ import annotations

import types
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, get_args, get_origin

import numpy as np
import torch

from nerlib.course.checks.hint import Hint, plainly, shown

NAMES: dict[Any, tuple[str, str]] = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("a string", "strings"),
    bool: ("True or False", "True or False"),
    list: ("a list", "lists"),
    tuple: ("a tuple", "tuples"),
    dict: ("a dictionary", "dictionaries"),
    set: ("a set", "sets"),
    torch.Tensor: ("a tensor", "tensors"),
    torch.nn.Module: ("a torch module", "torch modules"),
    types.NoneType: ("None", "None"),
}
# What a learner may hand in by mistake, and what to say of it; `{value}` is the value itself.
STRANGE: dict[Any, str] = {
    types.NoneType: "`None`",
    types.GeneratorType: "a generator (a function with `yield`, or a comprehension in round "
    "brackets)",
    Iterator: "{value}, which is empty until it is asked (put `list(…)` around)",
    type: "the class {value} itself",
    types.CoroutineType: "a coroutine (take the `async` away)",
    types.FunctionType | types.BuiltinFunctionType | types.MethodType: (
        "the function {value} itself, not what it gives back"
    ),
}


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
        inside = "" if misfit.value is value else f" In it stands {described(misfit.value)}."
        raise Hint(
            f"{what} is {described(value)}; {asked_for(kind)} is expected.{inside}"
        ) from None


def asked_for(kind: Any, plural: bool = False) -> str:
    """Return a kind in words.

    >>> asked_for(dict[str, list[int]])
    'a dictionary from strings to lists of whole numbers'
    """
    origin, inside = get_origin(kind), get_args(kind)
    if isinstance(kind, types.UnionType):
        return " or ".join(asked_for(part, plural) for part in inside)
    label = getattr(kind, "__name__", str(kind))
    name = NAMES.get(origin or kind, (f"a {label}", f"{label} objects"))[plural]
    if origin is dict:
        return f"{name} from {asked_for(inside[0], True)} to {asked_for(inside[1], True)}"
    if origin is tuple and inside[-1] is not ...:
        return f"{name} ({', '.join(asked_for(part) for part in inside)})"
    return f"{name} of {asked_for(inside[0], True)}" if inside else name


def described(value: object) -> str:
    """Return what a value is, and the value itself.

    >>> described((1, 2))
    'a tuple, `(1, 2)`'
    """
    for kind, words in STRANGE.items():
        if isinstance(value, kind):
            return words.format(value=shown(value))
    if isinstance(value, torch.Tensor) and value.numel() > 6:
        return plainly(value)
    label = type(value).__name__
    article = "an" if label[:1].lower() in "aeiou" else "a"
    return f"{NAMES.get(type(value), (f'{article} {label}',))[0]}, {shown(value)}"


class _Misfit(Exception):
    """A value inside of an answer that is not of the kind it should be."""

    def __init__(self, value: object) -> None:
        self.value = value


def _read(value: Any, kind: Any) -> Any:
    """Return the value as that kind; raises `_Misfit`."""
    origin, inside = get_origin(kind) or kind, get_args(kind)
    if isinstance(kind, types.UnionType):
        for part in inside:
            with suppress(_Misfit):
                return _read(value, part)
        raise _Misfit(value)
    if kind in (int, float, bool, str):
        return _read_simple(value, kind)
    if origin in (list, set, tuple):
        return _read_sequence(value, origin, inside)
    if not isinstance(value, origin):
        raise _Misfit(value)
    if origin is dict and inside:
        return {_read(k, inside[0]): _read(v, inside[1]) for k, v in value.items()}
    return value


def _read_simple(value: Any, kind: type) -> Any:
    """Return a number or a string; True is not a number."""
    if isinstance(value, np.generic) or (isinstance(value, torch.Tensor) and value.numel() == 1):
        value = value.item()
    if kind is float and type(value) is int:
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _Misfit(value)
    return value


def _read_sequence(value: Any, kind: type, inside: tuple[Any, ...]) -> Any:
    """Return a list, tuple or set whose entries are of the right kinds."""
    if isinstance(value, torch.Tensor | np.ndarray) and kind is list and value.ndim:
        value = value.tolist()
    if not isinstance(value, (set | frozenset) if kind is set else (list | tuple)):
        raise _Misfit(value)
    if kind is tuple and inside and inside[-1] is not ...:
        if len(value) != len(inside):
            raise _Misfit(value)
        return tuple(_read(entry, part) for entry, part in zip(value, inside, strict=True))
    return kind(_read(entry, inside[0]) if inside else entry for entry in value)
