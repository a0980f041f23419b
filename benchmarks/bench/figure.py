"""The figure of the bench: every ratio with its spread, beside what was promised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.bench.ratios import Ratio

TICKS = (0.5, 1, 2, 5, 10, 20, 50)


def draw(results: dict[str, Any], path: Path) -> None:
    """Draw the ratios as dots with their spread, the promise as a bar; write a PNG."""
    ratios = [Ratio(**ratio) for ratio in results["ratios"]]
    figure = Figure(figsize=(9, 0.42 * len(ratios) + 1.4), layout="constrained")
    axis = figure.add_subplot()
    for row, ratio in enumerate(reversed(ratios)):
        axis.plot([ratio.lowest, ratio.highest], [row, row], color="tab:blue", linewidth=3)
        axis.plot(ratio.median, row, "o", color="tab:blue")
        label = f"{ratio.median:.2f}"
        axis.annotate(label, (ratio.median, row), (0, 5), "data", "offset points", ha="center")
        if ratio.wanted is not None:
            axis.plot(ratio.wanted, row, "|", color="black", markersize=16, markeredgewidth=2)
    axis.set_xscale("log")
    axis.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axis.minorticks_off()
    axis.axvline(1, color="grey", linewidth=0.8)
    axis.set_yticks(range(len(ratios)), [_name(ratio) for ratio in reversed(ratios)])
    axis.set_xlabel("times as fast as the other (log scale); black bar: promised")
    axis.set_title(f"This course beside …, on {results['machine']}")
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _name(ratio: Ratio) -> str:
    less = " (less is better)" if ratio.at_most else ""
    return f"{ratio.part} / {ratio.against} {ratio.precision}{less}".strip()
