"""What a learner is told: which case, what came of it, and which idea helps."""

import re
import reprlib
import tomllib
from pathlib import Path
from typing import Any

import torch

FILE = Path(__file__).parents[2] / "data" / "hints" / "errors.toml"
WORDS: dict[str, dict[str, Any]] = tomllib.loads(FILE.read_text(encoding="utf-8"))
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


SHORT = reprlib.Repr()  # what does not fill the screen
SHORT.maxlist = SHORT.maxtuple = SHORT.maxset = SHORT.maxdict = 12
SHORT.maxstring = SHORT.maxother = 90
SHORT.maxlevel = 4


def shown(value: object) -> str:
    """Return a value in backticks, short enough for a line, whatever its own `repr` does.

    >>> shown(["O", "B-TIME"])
    "`['O', 'B-TIME']`"
    """
    return f"`{plainly(value)}`"


def plainly(value: object) -> str:
    """Return a value's `repr`, short; of a function its name, of a large tensor its shape.

    >>> plainly(torch.zeros(3, 4))
    'a tensor of shape (3, 4)'
    """
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    if isinstance(value, torch.Tensor) and value.numel() > 6:
        return f"a tensor of shape {tuple(value.shape)}"
    text = ADDRESS.sub("", SHORT.repr(value)).replace("`", "'").replace("\n", " ")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def bare(text: str) -> str:
    """Return a text for a hint, short and without its quotation marks.

    >>> bare(" here I am ")
    'here I am'
    """
    return plainly(text.strip())[1:-1]
