"""The gate: a variant may pass if it finds as much as the model that it was made from."""

from dataclasses import dataclass, field

PERMITTED_LOSS = 0.002  # of entity F1
STATIC_LOSS = 0.1  # of a tagger without an encoder, which is another tagger, not another engine


@dataclass(frozen=True)
class Verdict:
    """A variant's entity F1, whether it passed, why, and by name its files' SHA-256 if it did."""

    f1: float
    passed: bool
    reason: str
    files: dict[str, str] = field(default_factory=dict)


def judge(f1: float, torch_f1: float, permitted_loss: float = PERMITTED_LOSS) -> Verdict:
    """Return whether a variant's entity F1 is at most `permitted_loss` below the torch model's.

    Both were measured on the same validation rows, the model's in fp32. Built in notebook 09.

    >>> judge(0.7000, torch_f1=0.7043).reason
    'refused: entity F1 0.7000 is 0.00430 below 0.7043 of torch fp32; at most 0.00200 is permitted'
    >>> judge(0.7040, torch_f1=0.7043).passed
    True
    """
    lost = torch_f1 - f1
    passed = lost <= permitted_loss + 1e-9  # for the rounding of a loss of exactly that
    side = "below" if lost > 0 else "above"
    compared = f"entity F1 {f1:.4f} is {abs(lost):.5f} {side} {torch_f1:.4f} of torch fp32"
    if passed:
        return Verdict(f1, True, f"passed: {compared}")
    limit = f"at most {permitted_loss:.5f} is permitted"
    return Verdict(f1, False, f"refused: {compared}; {limit}")
