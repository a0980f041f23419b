"""How long, and how dear: the arithmetic of a job on many cores."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """What a job takes: hours on the clock, hours of cores that are paid for, and their price."""

    hours: float
    core_hours: float
    price: float


def estimate(
    rows: int,
    rows_per_second: float,
    cores: int,
    efficiency: float = 1.0,
    price_per_core_hour: float = 0.0,
) -> Estimate:
    """Return what it takes to tag `rows` rows on `cores` cores. Built in notebook 10.

    `rows_per_second` is what one core does on its own; `efficiency`, above 0 and at most 1, is how
    much of that is left with all of them at work. Raises `ValueError` for impossible numbers.

    >>> billion = estimate(1_000_000_000, rows_per_second=1000, cores=64, efficiency=0.9,
    ...                    price_per_core_hour=0.04)
    >>> f"{billion.hours:.1f} h, {billion.core_hours:.0f} core hours, {billion.price:.2f}"
    '4.8 h, 309 core hours, 12.35'
    """
    if rows < 0 or not rows_per_second > 0 or cores < 1 or not 0 < efficiency <= 1:
        raise ValueError("rows 0 or more, rates above 0, cores 1 or more, efficiency up to 1")
    seconds = rows / (rows_per_second * cores * efficiency)
    core_hours = seconds * cores / 3600
    return Estimate(seconds / 3600, core_hours, core_hours * price_per_core_hour)


def efficiency(rows_per_second: float, workers: int, alone: float) -> float:
    """Return which share of their speed several workers keep, beside one that is on its own.

    >>> efficiency(1800, workers=2, alone=1000)
    0.9
    """
    return rows_per_second / (workers * alone)
