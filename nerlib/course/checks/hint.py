"""What a learner is told: which case, what came of it, and which idea helps."""

from __future__ import annotations

import re
import reprlib
from typing import Any

import torch

LONGEST = 160
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # says nothing to a reader, and differs every time


class Hint(Exception):
    """Why an answer is not right yet: it names the case and the idea; code stands in backticks."""


class NotWritten(Hint):
    """The answer is still the stub that the exercise came with."""

    def __init__(self) -> None:
        super().__init__(
            "This one is not written yet: put your code where `...` stands, run that cell, "
            "then run this one again."
        )


def shown(value: object) -> str:
    """Return a value in backticks, short enough for a line, whatever its own `repr` does.

    >>> shown(["O", "B-TIME"])
    "`['O', 'B-TIME']`"
    """
    return f"`{plainly(value)}`"


def plainly(value: object) -> str:
    """Return a value's `repr`, short; a large tensor is told by its shape.

    >>> plainly(torch.zeros(3, 4))
    'a tensor of shape (3, 4)'
    """
    if isinstance(value, torch.Tensor):
        if value.numel() > 6:
            return f"a tensor of shape {tuple(value.shape)}"
        return f"tensor({_rounded(value.tolist())})"
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    text = _Short().repr(value).replace("`", "'").replace("\n", " ")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _rounded(numbers: Any) -> Any:
    """Return the numbers of a tensor as they are shown."""
    if isinstance(numbers, list):
        return [_rounded(number) for number in numbers]
    return round(numbers, 4) if isinstance(numbers, float) else numbers


class _Short(reprlib.Repr):
    """Representations that do not fill the screen."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxset = self.maxdict = 12
        self.maxstring = self.maxother = 90
        self.maxlong = 40
        self.maxlevel = 4

    def repr_Tensor(self, value: Any, level: int) -> str:  # reprlib's way to name it
        """Return a tensor inside of a list, say."""
        return plainly(value)

    repr_Parameter = repr_Tensor

    def repr_instance(self, value: Any, level: int) -> str:
        """Return an object's own words; a class of the learner's may have a broken `__repr__`."""
        try:
            repr(value)
        except Exception:
            return f"a {type(value).__name__}"
        return ADDRESS.sub("", super().repr_instance(value, level))
