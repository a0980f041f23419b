"""What people get wrong in lesson 09, besides the mistakes that its checks know by name."""

from __future__ import annotations


def times(p50, p90, mean):
    return {"p50": p50, "p90": p90, "mean": mean}


def divides_by_zero(weights, bits):
    scale = weights.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
    return (weights / scale).round() * scale


WRONG = {
    "09.1": [
        (times(17.0, 30.0, 17.0), "the_mean"),
        (times(6.0, 30.0, 6.0), "mean"),
        (times(6.0, 90.0, 17.0), "slowest"),
        (times(6.5, 30.0, 17.0), "sixth"),
        (times(6.0, 8.0, 17.0), "unsorted"),
        (times(5.0, 30.0, 17.0), "p50"),
        (times(6.0, 9.0, 17.0), "p90"),
        ({"p50": 6.0}, "keys"),
    ],
    "09.3": [(divides_by_zero, "clamp it")],
}
