"""The course's figures: readable, in colours that colour-blind readers tell apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nerlib.metrics import Score
from nerlib.training import EpochRecord

# Okabe & Ito (2008), Color Universal Design.
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#7F7F7F",
)  # fmt: skip


def new_figure(columns: int = 1, height: float = 3.6) -> tuple[Figure, list[Axes]]:
    """Return a figure with some panels side by side, ready to draw on.

    The figure belongs to nobody but its caller: a notebook shows it as the value of a cell.
    """
    figure = Figure(figsize=(4.8 * columns, height), layout="constrained", dpi=100)
    axes = [figure.add_subplot(1, columns, number + 1) for number in range(columns)]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def learning_curve(history: Sequence[EpochRecord]) -> Figure:
    """Return loss (left) and accuracy beside entity F1 (right), over epochs."""
    figure, (left, right) = new_figure(2)
    epochs = [record.epoch for record in history]
    left.plot(epochs, [r.train_loss for r in history], color=BLUE, marker="o", label="training")
    left.plot(
        epochs, [r.validation_loss for r in history], color=ORANGE, marker="s", label="validation"
    )
    left.set(title="Loss", xlabel="epoch", ylabel="cross-entropy per word")
    right.plot(epochs, [r.accuracy for r in history], color=GREY, marker="^", label="word accuracy")
    right.plot(epochs, [r.f1 for r in history], color=GREEN, marker="o", label="entity F1")
    right.set(title="Scores on validation", xlabel="epoch", ylabel="score", ylim=(0, 1))
    for axis in (left, right):
        axis.legend(frameon=False)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def type_scores(per_type: Mapping[str, Score], most: int = 20) -> Figure:
    """Return the F1 of the most frequent slot types as bars, with their number of gold entities."""
    chosen = list(per_type.items())[:most][::-1]
    figure, (axis,) = new_figure(1, height=1.2 + 0.24 * len(chosen))
    names = [f"{name.lower()} ({score.gold})" for name, score in chosen]
    axis.barh(names, [score.f1 for _, score in chosen], color=BLUE)
    axis.set(title="Entity F1 by slot type", xlabel="F1", xlim=(0, 1))
    return figure


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG and return its path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return path
