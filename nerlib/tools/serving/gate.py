"""The gate: a variant may pass if it finds as much as the model that it was made from.

Built in notebook 09.
"""

from __future__ import annotations

from dataclasses import dataclass

PERMITTED_LOSS = 0.002  # of entity F1


@dataclass(frozen=True)
class Verdict:
    """What the gate says of one variant; `reason` says why, in one line."""

    variant: str
    f1: float
    passed: bool
    reason: str


def judge(
    variant: str, f1: float, torch_f1: float, permitted_loss: float = PERMITTED_LOSS
) -> Verdict:
    """Return whether a variant's entity F1 is at most `permitted_loss` below the torch model's.

    Both were measured on the same validation rows, the model's in fp32. Built in notebook 09.

    >>> judge("int8", 0.7000, torch_f1=0.7043).reason
    'refused: entity F1 0.7000 is 0.00430 below 0.7043 of torch fp32; at most 0.00200 is permitted'
    >>> judge("bf16", 0.7040, torch_f1=0.7043).passed
    True
    """
    lost = torch_f1 - f1
    passed = lost <= permitted_loss + 1e-9  # a loss of just that much is one of rounding
    told = (
        f"entity F1 {f1:.4f} is {abs(lost):.5f} {'below' if lost > 0 else 'above'} {torch_f1:.4f}"
    )
    if passed:
        return Verdict(variant, f1, True, f"passed: {told} of torch fp32")
    limit = f"at most {permitted_loss:.5f} is permitted"
    return Verdict(variant, f1, False, f"refused: {told} of torch fp32; {limit}")
