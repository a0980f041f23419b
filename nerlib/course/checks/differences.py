"""Are two answers the same, and if not, where do they differ first?"""

import math
from typing import Any

import torch

from nerlib.course.checks.hint import shown

CLOSE = 1e-4


def same(found: Any, expected: Any, close: float = CLOSE) -> bool:
    """Return whether two values are equal, numbers and tensors up to rounding.

    >>> same([0.1 + 0.2, "O"], [0.3, "O"])
    True
    """
    return not difference(found, expected, close)


def difference(found: Any, expected: Any, close: float = CLOSE) -> str:
    """Return one sentence on where two values differ first, and what is expected; else nothing.

    >>> difference(["O", "O"], ["O", "B-TIME"])
    "At index 1 stands `'O'`; `'B-TIME'` is expected there."
    """
    if isinstance(expected, torch.Tensor) and isinstance(found, torch.Tensor):
        return _between_tensors(found, expected, close)
    if isinstance(expected, list | tuple) and isinstance(found, list | tuple):
        for index, (one, other) in enumerate(zip(found, expected, strict=False)):
            if not same(one, other, close):
                return f"At index {index} stands {shown(one)}; {shown(other)} is expected there."
        lengths = f"It has {len(found)} entries; {len(expected)} are expected."
        return lengths if len(found) != len(expected) else ""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in [*expected, *found]:
            if key not in found:
                return f"The key {shown(key)} is missing."
            if key not in expected:
                return f"The key {shown(key)} does not belong."
            if not same(one := found[key], other := expected[key], close):
                return f"For {shown(key)} stands {shown(one)}; {shown(other)} is expected there."
        return ""
    if isinstance(expected, float) and isinstance(found, int | float):
        near = math.isclose(found, expected, rel_tol=CLOSE, abs_tol=close)
        equal = near or (math.isnan(found) and math.isnan(expected))
    else:
        equal = bool(found == expected)
    return "" if equal else f"{shown(expected)} is expected."


def _between_tensors(found: torch.Tensor, expected: torch.Tensor, close: float) -> str:
    """Return the same of two tensors."""
    if found.shape != expected.shape:
        return f"Its shape is {tuple(found.shape)}; {tuple(expected.shape)} is expected."
    near = torch.isclose(found.float(), expected.float(), atol=close, equal_nan=True)
    if near.all():
        return ""
    if not found.isfinite().all():
        return "It holds NaN or infinity: a division by zero, or a mean over nothing?"
    place = tuple((~near).nonzero()[0].tolist())
    return (
        f"At index {place} stands {float(found[place]):.4f}; "
        f"{float(expected[place]):.4f} is expected there."
    )
