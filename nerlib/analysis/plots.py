"""Figures of scores and counts: readable, in colours that colour-blind readers tell apart."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from nerlib.analysis.calibration import ConfidenceBin
from nerlib.analysis.display import visible
from nerlib.metrics import EpochRecord, Score, Tags

# Okabe & Ito (2008), Color Universal Design.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#7F7F7F", "#000000")
BLUE, ORANGE, GREEN, RED, PURPLE, _, GREY, _ = PALETTE
_MARKERS = "osD^vPX*"  # shape tells lines and dots apart where colour does not


def new_figure(
    columns: int = 1, height: float = 3.6, width: float | None = None
) -> tuple[Figure, list[Axes]]:
    """Return a figure with some panels side by side, ready to draw on; sizes are in inches.

    The figure belongs to nobody but its caller: a notebook shows it as the value of a cell.

    >>> figure, (left, right) = new_figure(2)
    """
    figure = Figure(figsize=(width or 4.8 * columns, height), layout="constrained", dpi=100)
    axes = list(figure.subplots(1, columns, squeeze=False)[0])
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG and return its path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return path


def plain(text: str) -> str:
    """Return text that a figure shows as it is: two "$" would else make a formula, or an error.

    >>> plain("from $5 to $7")
    'from \\\\$5 to \\\\$7'
    """
    return visible(text).replace("$", r"\$")


def learning_curve(history: Sequence[EpochRecord]) -> Figure:
    """Return loss (left), and accuracy with entity F1 (right), over epochs."""
    figure, (left, right) = new_figure(2)
    epochs = [record.epoch for record in history]
    for axis, name, label, colour, marker in (
        (left, "train_loss", "training", BLUE, "o"),
        (left, "validation_loss", "validation", ORANGE, "s"),
        (right, "accuracy", "word accuracy", GREY, "^"),
        (right, "f1", "entity F1", GREEN, "o"),
    ):
        values = [getattr(record, name) for record in history]
        axis.plot(epochs, values, color=colour, marker=marker, label=label)
    left.set(title="Loss", xlabel="epoch", ylabel="mean loss of a word")
    right.set(title="Scores on validation", xlabel="epoch", ylabel="score", ylim=(0, 1))
    for axis in (left, right):
        axis.legend(frameon=False)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def type_scores(per_type: Mapping[str, Score], most: int = 20, spelled: bool = False) -> Figure:
    """Return the F1 of the most frequent slot types as bars, with their number of gold entities.

    Types are shown in lower case, unless they are already `spelled` as they should be.
    """
    chosen = list(per_type.items())[:most][::-1]
    figure, (axis,) = new_figure(height=1.2 + 0.24 * len(chosen))
    shown = ((name if spelled else name.lower(), score.gold) for name, score in chosen)
    names = [plain(f"{name} ({gold})") for name, gold in shown]
    axis.barh(names, [score.f1 for _, score in chosen], color=BLUE)
    axis.set(title="Entity F1 by slot type", xlabel="F1", xlim=(0, 1))
    axis.set(ylabel="slot type (gold entities)")
    return figure


def seen_and_scored(
    train_tags: Sequence[Tags], per_type: Mapping[str, Score], named: int = 4
) -> Figure:
    """Return the F1 of each slot type against how often it stands in the training rows' tags.

    Named are the types that do best though seldom seen, and those at F1 0 though often seen.
    Built in notebook 05.
    """
    seen = Counter(tag[2:] for tags in train_tags for tag in tags if tag.startswith("B-"))
    points = sorted((seen[name], s.f1, name) for name, s in per_type.items() if s.gold)
    figure, (axis,) = new_figure(height=4.2, width=7.2)
    for lost, colour, marker, label in ((False, BLUE, "o", "found"), (True, RED, "X", "F1 0")):
        chosen = [point for point in points if (point[1] == 0) == lost]
        x, y = [point[0] for point in chosen], [point[1] for point in chosen]
        axis.scatter(x, y, 36, color=colour, marker=marker, alpha=0.75, linewidths=0, label=label)
        surprising = chosen[::-1] if lost else sorted(chosen, key=lambda p: (-p[1], p[0]))
        beside: Counter[float] = Counter()  # how many names stand at about this F1
        for count, f1, name in surprising[:named]:
            lines = beside[round(f1, 1)]
            shift = (6, 6 + 11 * lines if lost else -4 - 11 * lines)
            beside[round(f1, 1)] += 1
            text = plain(name.lower())
            axis.annotate(text, (count, f1), shift, textcoords="offset points", fontsize=8)
    axis.set(title="Seen in training, found in validation", ylabel="entity F1", ylim=(-0.05, 1.05))
    axis.set(xlabel="entities of the type in the training rows")
    figure.legend(loc="outside right center", frameon=False, title="slot type")
    return figure


def word_map(points: NDArray[Any], labels: Sequence[str], title: str) -> Figure:
    """Return a map of words: one mark a word at `points` (words, 2), by the slot type in `labels`.

    Types come in the order of their first mark, at most eight of them. Raises `ValueError` for
    more, whose colours nobody could tell apart, and for points that do not fit the labels.
    """
    names = list(dict.fromkeys(labels))
    if len(names) > len(_MARKERS) or points.shape != (len(labels), 2):
        raise ValueError("word_map takes one point (x, y) a label, and at most eight labels")
    figure, (axis,) = new_figure(height=4.6, width=7.2)
    for name, marker, colour in zip(names, _MARKERS, PALETTE, strict=False):
        x, y = points[[label == name for label in labels]].T
        text = plain(f"{name.lower()} ({len(x)})")
        axis.scatter(x, y, 34, color=colour, marker=marker, alpha=0.75, linewidths=0, label=text)
    axis.set(title=title, xlabel="first principal component", ylabel="second principal component")
    figure.legend(loc="outside right center", frameon=False, title="slot type (words)")
    return figure


def bar_chart(
    series: Mapping[str, Mapping[Any, int]], title: str, xlabel: str, ylabel: str, most: int = 20
) -> Figure:
    """Return counts as horizontal bars, the largest on top; several series are stacked.

    `series` holds counts by name, for each series; the `most` names with the largest sums are
    shown. Built in notebook 01.
    """
    totals = Counter[Any]()
    for counts in series.values():
        totals.update(counts)
    names = sorted(totals, key=lambda name: (-totals[name], name))[:most][::-1]
    figure, (axis,) = new_figure(height=1.3 + 0.24 * len(names), width=6.4)
    left = [0] * len(names)
    for (label, counts), colour in zip(series.items(), PALETTE, strict=False):
        widths = [counts.get(name, 0) for name in names]
        axis.barh([plain(n) for n in names], widths, left=left, color=colour, label=plain(label))
        left = [a + b for a, b in zip(left, widths, strict=True)]
    return _counted(figure, len(series) > 1, title, xlabel, ylabel)


def count_chart(
    series: Mapping[str, Sequence[int]], title: str, xlabel: str, ylabel: str
) -> Figure:
    """Return how often each whole number occurs, one bar a number; series are side by side.

    Built in notebook 01.
    """
    figure, (axis,) = new_figure(width=6.4)
    numbers = [number for values in series.values() for number in values]
    edges = [number - 0.5 for number in range(min(numbers), max(numbers) + 2)]
    colours, labels = list(PALETTE[: len(series)]), [plain(label) for label in series]
    axis.hist(list(series.values()), edges, color=colours, label=labels, rwidth=0.8)
    return _counted(figure, len(series) > 1, title, xlabel, ylabel)


def _counted(figure: Figure, several: bool, title: str, xlabel: str, ylabel: str) -> Figure:
    """Return a figure of counts with its title and names."""
    axis = figure.axes[0]
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if several:
        axis.legend(frameon=False)
    return figure


def confusion_map(counts: Mapping[tuple[str, str], int], names: Sequence[str]) -> Figure:
    """Return a heat map of gold types (rows) against predicted types (columns).

    Only mistakes are coloured; right types, on the diagonal, are grey. Built in notebook 07.
    """
    mistakes = [[0 if g == p else counts.get((g, p), 0) for p in names] for g in names]
    darkest = max(1, *map(max, mistakes))
    middle: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 9}
    size = 2.8 + 0.42 * len(names), 2.2 + 0.36 * len(names)
    figure, axis = shaded_grid(mistakes, names, darkest * 1.25, *size)
    for row, gold in enumerate(names):
        for column, predicted in enumerate(names):
            count = counts.get((gold, predicted), 0)
            dark = row != column and count > 0.7 * darkest
            colour = "#999999" if row == column else "white" if dark else "black"
            axis.text(column, row, str(count or ""), color=colour, **middle)
    axis.set(title="Which types are confused?", xlabel="predicted", ylabel="gold")
    return figure


def shaded_grid(
    shades: Sequence[Sequence[float]],
    names: Sequence[str],
    darkest: float,
    width: float,
    height: float,
) -> tuple[Figure, Axes]:
    """Return a square heat map, a row and a column a name, to write its numbers and labels on.

    `darkest` is the shade from which on all are equally dark; sizes are in inches.
    """
    figure, (axis,) = new_figure(height=height, width=width)
    axis.imshow(shades, cmap="Blues", vmin=0, vmax=darkest, aspect="auto")
    places, shown = range(len(names)), list(map(plain, names))
    axis.set_xticks(places, shown, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(places, shown)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    return figure, axis


def reliability_diagram(bins: Sequence[ConfidenceBin], error: float) -> Figure:
    """Return accuracy against confidence, and the number of answers at each confidence.

    `error` is the expected calibration error, for the title. Built in notebook 07.
    """
    figure, (left, right) = new_figure(2, height=3.8)
    width = max((b.high - b.low for b in bins), default=0.1) * 0.92
    middles, accuracies = [(b.low + b.high) / 2 for b in bins], [b.accuracy for b in bins]
    left.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="as sure as right")
    left.bar(middles, accuracies, width, color=BLUE, alpha=0.35, label="share right")
    means = [b.confidence for b in bins]
    left.plot(means, accuracies, color=BLUE, marker="o", label="mean of the bin")
    left.set(title=f"Reliability (calibration error {error:.2f})", xlim=(0, 1), ylim=(0, 1.02))
    left.set(xlabel="confidence", ylabel="share of entities that are right")
    left.legend(frameon=False, loc="upper left", fontsize=8)
    right.bar(middles, [b.count for b in bins], width, color=GREY)
    right.set(title="How many answers", xlim=(0, 1), xlabel="confidence", ylabel="entities")
    right.yaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def threshold_chart(scores: Mapping[float, Score]) -> Figure:
    """Return precision, recall and F1 over the lowest confidence that is kept. Notebook 07."""
    figure, (axis,) = new_figure(width=6.4)
    # Where nothing is kept there is no precision, and a line down to 0 would be wrong.
    kept = {threshold: score for threshold, score in scores.items() if score.predicted}
    styles = {"precision": (ORANGE, "--"), "recall": (BLUE, "-."), "f1": (GREEN, "-")}
    for name, (colour, style) in styles.items():
        values = [getattr(score, name) for score in kept.values()]
        label = name.replace("f1", "F1")
        axis.plot(list(kept), values, color=colour, linestyle=style, linewidth=2, label=label)
    axis.set(title="Keep only what the model is sure of", xlabel="lowest confidence kept")
    axis.set(ylabel="score", xlim=(0, 1), ylim=(0, 1.02))
    axis.legend(frameon=False, loc="lower left")
    return figure


def group_chart(series: Mapping[str, Mapping[str, Score]], title: str) -> Figure:
    """Return the F1 of every group as bars, side by side for some taggers.

    `series` holds scores by group, for each tagger. The number in brackets is that of the gold
    entities in a group. Built in notebook 07.
    """
    gold = {name: score.gold for scores in series.values() for name, score in scores.items()}
    height = 1.4 + (0.2 + 0.2 * len(series)) * len(gold)
    figure, (axis,) = new_figure(height=height, width=6.4)
    thick = 0.8 / len(series)
    for number, (label, scores) in enumerate(series.items()):
        places = [row + (number - (len(series) - 1) / 2) * thick for row in range(len(gold))]
        values = [scores.get(name, Score()).f1 for name in gold]
        colour = PALETTE[number % len(PALETTE)]
        bars = axis.barh(places, values, 0.92 * thick, color=colour, label=plain(label))
        axis.bar_label(bars, fmt="%.2f", padding=3, fontsize=8)
    names = [plain(f"{name} ({count})") for name, count in gold.items()]
    axis.set_yticks(range(len(gold)), names)
    axis.set_ylim(max(1, len(gold)) - 0.5, -0.5)
    axis.set(title=title, xlabel="F1", ylabel="group (gold entities)", xlim=(0, 1.1))
    if len(series) > 1:
        figure.legend(loc="outside lower right", ncols=len(series), frameon=False)
    return figure
