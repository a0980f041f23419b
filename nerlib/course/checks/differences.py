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
    if isinstance(expected, torch.Tensor):
        return (
            isinstance(found, torch.Tensor)
            and found.shape == expected.shape
            and torch.allclose(found.float(), expected.float(), atol=close, equal_nan=True)
        )
    if isinstance(expected, float) and isinstance(found, int | float):
        both_nan = math.isnan(found) and math.isnan(expected)
        return both_nan or math.isclose(found, expected, rel_tol=CLOSE, abs_tol=close)
    if isinstance(expected, list | tuple) and isinstance(found, list | tuple):
        pairs = zip(found, expected, strict=False)
        return len(found) == len(expected) and all(same(a, b, close) for a, b in pairs)
    if isinstance(expected, dict) and isinstance(found, dict):
        values = [found.get(key) for key in expected]
        return found.keys() == expected.keys() and same(values, list(expected.values()), close)
    return bool(found == expected)


def difference(found: Any, expected: Any) -> str:
    """Return one sentence on where two values differ first; it shows what is expected there.

    >>> difference(["O", "O"], ["O", "B-TIME"])
    "At index 1 stands `'O'`; `'B-TIME'` is expected there."
    """
    if isinstance(expected, list | tuple) and isinstance(found, list | tuple):
        for index, (one, other) in enumerate(zip(found, expected, strict=False)):
            if not same(one, other):
                return f"At index {index} stands {shown(one)}; {shown(other)} is expected there."
        entries = "1 entry" if len(found) == 1 else f"{len(found)} entries"
        return f"It has {entries}; {len(expected)} are expected."
    if isinstance(expected, dict) and isinstance(found, dict):
        for key, value in expected.items():
            if key not in found:
                return f"The key {shown(key)} is missing."
            if not same(one := found[key], value):
                return f"For {shown(key)} stands {shown(one)}; {shown(value)} is expected there."
        return f"The key {shown(next(k for k in found if k not in expected))} does not belong."
    if isinstance(expected, torch.Tensor) and isinstance(found, torch.Tensor):
        if found.shape != expected.shape:
            return f"Its shape is {tuple(found.shape)}; {tuple(expected.shape)} is expected."
        if not found.isfinite().all():
            return "It holds NaN or infinity: a division by zero, or a mean over nothing?"
        place = tuple((found - expected).abs().gt(CLOSE).nonzero()[0].tolist())
        return (
            f"At index {place} stands {float(found[place]):.4f}; "
            f"{float(expected[place]):.4f} is expected there."
        )
    if isinstance(expected, set) and isinstance(found, set):
        missing, extra = expected - found, found - expected
        return f"{shown(missing)} is missing." if missing else f"{shown(extra)} does not belong."
    return f"{shown(expected)} is expected."
