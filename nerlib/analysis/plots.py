"""The course's figures: readable, in colours that colour-blind readers tell apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from nerlib.analysis.calibration import ConfidenceBin
from nerlib.analysis.display import visible
from nerlib.analysis.significance import Interval
from nerlib.metrics import EpochRecord, Score
from nerlib.parsing import Span, Word

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
    names = [plain(f"{name.lower()} ({score.gold})") for name, score in chosen]
    axis.barh(names, [score.f1 for _, score in chosen], color=BLUE)
    axis.set(
        title="Entity F1 by slot type", xlabel="F1", ylabel="slot type (gold entities)", xlim=(0, 1)
    )
    return figure


def plain(text: str) -> str:
    """Return text that a figure shows as it is: two "$" would else make a formula, or an error.

    >>> plain("from $5 to $7")
    'from \\\\$5 to \\\\$7'
    """
    return visible(text).replace("$", r"\$")


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG and return its path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return path


_MARKERS = "osD^vPX*"  # shape tells the types apart where colour does not
_MAP_COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, "#56B4E9", GREY, "#000000")


def word_map(points: NDArray[Any], labels: Sequence[str], title: str) -> Figure:
    """Return a map of words: one mark a word at `points` (words, 2), by the slot type in `labels`.

    Types come in the order of their first mark, at most eight of them. Raises `ValueError` for
    more, whose colours nobody could tell apart, and for points that do not fit the labels.
    """
    names = list(dict.fromkeys(labels))
    if len(names) > len(_MARKERS) or points.shape != (len(labels), 2):
        raise ValueError("word_map takes one point (x, y) a label, and at most eight labels")
    figure, (axis,) = new_figure(1, height=4.6)
    figure.set_figwidth(7.2)
    for name, marker, colour in zip(names, _MARKERS, _MAP_COLOURS, strict=False):
        x, y = points[[label == name for label in labels]].T
        text = plain(f"{name.lower()} ({len(x)})")
        axis.scatter(x, y, 34, color=colour, marker=marker, alpha=0.75, linewidths=0, label=text)
    axis.set(title=title, xlabel="first principal component", ylabel="second principal component")
    figure.legend(loc="outside right center", frameon=False, title="slot type (words)")
    return figure


def model_diagram(
    subwords: Sequence[str],
    words: Sequence[str],
    word_ids: Sequence[int],
    tags: Sequence[str],
    sizes: tuple[int, int, int],
) -> Figure:
    """Return a drawing of the model at work on one utterance, from subwords (below) to tags.

    `word_ids` (subwords) gives each subword's word, -1 for special ones; `sizes` are the number
    of dimensions of a hidden state, of the head's inner layer, and of tags. Built in notebook 04.
    """
    hidden, inner, labels = sizes
    figure, (axis,) = new_figure(1, height=5.2)
    figure.set_figwidth(max(6.5, 2.2 + 0.85 * len(subwords)))
    axis.set(xlim=(-2.6, len(subwords) - 0.3), ylim=(-0.5, 6.5))
    axis.set_axis_off()
    axis.set_title("From subwords to tags: encoder, pooling, head")
    below = range(len(subwords))
    above = [fmean(i for i in below if word_ids[i] == word) for word in range(len(words))]
    for position, word in enumerate(word_ids):
        _arrow(axis, (position, 0.25), (position, 0.75))
        _arrow(axis, (position, 1.25), (position, 1.75))
        if word >= 0:
            _arrow(axis, (position, 2.25), (above[word], 3.2))
    for x in above:
        _arrow(axis, (x, 3.8), (x, 4.35))
        _arrow(axis, (x, 4.85), (x, 5.7))
    _boxes(axis, below, 0, subwords, "#FFFFFF")
    _bar(axis, len(subwords), 1, "encoder: every subword looks at all others", "#CFE5F3")
    _boxes(axis, below, 2, [str(hidden)] * len(subwords), "#E8F2F9")
    _boxes(axis, above, 3.5, [f"{word}\n{hidden}" for word in words], "#FBE9C6")
    _bar(axis, len(subwords), 4.6, f"head: {hidden} → {inner} → {labels}, word by word", "#CDEBE1")
    _boxes(axis, above, 6, tags, "#FFFFFF")
    n, m = len(subwords), len(words)
    for y, text in (
        (0, f"subwords\n(1, {n})"),
        (2, f"hidden states\n(1, {n}, {hidden})"),
        (3.5, f"word vectors\n(1, {m}, {hidden})"),
        (5.28, f"logits\n(1, {m}, {labels})"),
        (6, f"tags\n(1, {m})"),
    ):
        axis.text(-2.6, y, text, va="center", fontsize=9, color="#444444")
    return figure


def _boxes(axis: Axes, xs: Iterable[float], y: float, texts: Sequence[str], colour: str) -> None:
    """Write texts in boxes, side by side at one height."""
    for x, text in zip(xs, texts, strict=True):
        box = {"boxstyle": "round,pad=0.35", "facecolor": colour, "edgecolor": GREY}
        axis.text(x, y, plain(text), ha="center", va="center", fontsize=9, bbox=box)


def _bar(axis: Axes, columns: int, y: float, text: str, colour: str) -> None:
    """Draw one wide box over all columns."""
    axis.add_patch(Rectangle((-0.5, y - 0.25), columns, 0.5, facecolor=colour, edgecolor=GREY))
    axis.text((columns - 1) / 2, y, text, ha="center", va="center", fontsize=10)


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw a thin arrow."""
    axis.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": GREY})


def character_ruler(text: str, words: Sequence[Word], spans: Sequence[Span]) -> Figure:
    """Return a picture of an utterance on a ruler of character offsets.

    Every character stands on its number, with a bar for each word below and for each span below
    that; the number at a bar's right end is its exclusive end. Built in notebook 02.
    """
    figure, (axis,) = new_figure(1, height=2.2)
    figure.set_figwidth(max(5.0, 1.2 + 0.25 * len(text)))
    for position, character in enumerate(text):
        shown = "·" if character.isspace() else plain(character)
        axis.text(position + 0.5, 2.5, shown, ha="center", va="center", family="monospace")
    bars = [(w.start, w.end, 1.7, BLUE, f"{w.start}–{w.end}") for w in words]
    bars += [(s.start, s.end, 0.6, ORANGE, plain(f"{s.type} {s.start}–{s.end}")) for s in spans]
    for start, end, y, colour, label in bars:
        axis.add_patch(Rectangle((start + 0.06, y), end - start - 0.12, 0.16, facecolor=colour))
        axis.text((start + end) / 2, y - 0.12, label, ha="center", va="top", fontsize=8)
    axis.set(xlim=(0, max(1, len(text))), ylim=(0, 3), xticks=range(0, len(text) + 1, 5))
    axis.set_yticks([2.5, 1.78, 0.68], ["characters", "words", "spans"])
    axis.set(title="Offsets: where words and spans start and end", xlabel="character number")
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)
    return figure


def subword_alignment(
    words: Sequence[str], subwords: Sequence[str], word_ids: Sequence[int]
) -> Figure:
    """Return a picture with words on top, subwords below and a line from each subword to its word.

    `word_ids` (subwords) gives each subword's word, -1 for special ones. Built in notebook 03.
    """
    figure, (axis,) = new_figure(1, height=2.3)
    widths = [0.3 + 0.085 * len(subword) for subword in subwords]
    figure.set_figwidth(max(5.0, 0.8 + sum(widths)))
    below = [sum(widths[:i]) + width / 2 for i, width in enumerate(widths)]
    for word, name in enumerate(words):
        inside = [x for x, number in zip(below, word_ids, strict=True) if number == word]
        if inside:
            above = fmean(inside)
            colour = (BLUE, ORANGE)[word % 2]
            for x in inside:
                axis.plot([above, x], [1.72, 0.78], color=colour, linewidth=1.5)
            _boxes(axis, [above], 2, [name], "#FFFFFF")
    _boxes(axis, below, 0.5, subwords, "#EEEEEE")
    for index, x in enumerate(below):
        axis.text(x, 0, str(index), ha="center", va="center", fontsize=8, color="#444444")
    axis.set(xlim=(0, sum(widths)), ylim=(-0.25, 2.4), xticks=[], xlabel="subword index")
    axis.set_yticks([2, 0.5], ["words", "subwords"])
    axis.set_title(f"{len(words)} words, {len(subwords)} subwords")
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
    return figure


def subword_costs(counts: Mapping[str, Sequence[int]], most: int = 6) -> Figure:
    """Return how many subwords a word costs: the mean (left) and the shares (right).

    `counts` gives, for each tokenizer, the number of subwords of every word; words that cost
    `most` or more share the last column. Built in notebook 03.
    """
    figure, (left, right) = new_figure(2, height=3.9)
    figure.set_figwidth(10.6)
    names = list(counts)
    means = [fmean(counts[name]) for name in names]
    colours = [_MAP_COLOURS[i % len(_MAP_COLOURS)] for i in range(len(names))]
    bars = left.barh([plain(name) for name in names], means, color=colours)
    left.bar_label(bars, fmt="%.2f", padding=3)
    left.invert_yaxis()
    left.set(title="Mean cost of a word", xlabel="subwords per word", ylabel="tokenizer and text")
    left.set_xlim(0, max(means) * 1.15)
    steps = range(1, most + 1)
    for name, colour, marker in zip(names, colours, _MARKERS, strict=False):
        costs = [min(count, most) for count in counts[name] if count]
        shares = [100 * costs.count(step) / len(costs) for step in steps]
        right.plot(steps, shares, color=colour, marker=marker, label=plain(name.replace("\n", " ")))
    right.set(
        title="How the costs spread", xlabel="subwords of a word", ylabel="share of words (%)"
    )
    right.set_xticks(list(steps), [*map(str, range(1, most)), f"{most}+"])
    right.legend(frameon=False, fontsize=8)
    return figure


def padding_picture(
    lengths: Sequence[int], batchings: Mapping[str, Sequence[Sequence[int]]]
) -> Figure:
    """Return a panel for each way to make batches: real subwords and padding, row by row.

    `lengths` (utterances) are numbers of subwords; `batchings` names lists of batches, each a list
    of row numbers. Built in notebook 03.
    """
    figure, axes = new_figure(len(batchings), height=4.6)
    widest = max(lengths[i] for batches in batchings.values() for batch in batches for i in batch)
    for axis, (name, batches) in zip(axes, batchings.items(), strict=True):
        longest = [max(lengths[i] for i in batch) for batch in batches for _ in batch]
        real = [lengths[i] for batch in batches for i in batch]
        rows = range(len(real))
        axis.barh(rows, longest, height=1, color=ORANGE, label="padding")
        axis.barh(rows, real, height=1, color=BLUE, label="subwords")
        share = 100 * (1 - sum(real) / sum(longest))
        axis.set(title=f"{name}: {share:.0f} % padding", xlabel="position in the batch (subwords)")
        axis.set(ylabel="utterances, batch after batch", ylim=(len(real), 0), xlim=(0, widest))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def confidence_histogram(right: Sequence[float], wrong: Sequence[float]) -> Figure:
    """Return how often predicted entities have which score, the right ones apart from the wrong.

    Built in notebook 06.
    """
    figure, (axis,) = new_figure(1)
    figure.set_figwidth(6.4)
    edges = [step / 20 for step in range(21)]
    axis.hist(
        [right, wrong],
        bins=edges,
        stacked=True,
        color=[BLUE, ORANGE],
        edgecolor="white",
        label=[f"right ({len(right)})", f"wrong ({len(wrong)})"],
    )
    axis.set(title="How sure is the model?", xlim=(0, 1))
    axis.set(xlabel="score of a predicted entity", ylabel="number of entities")
    axis.margins(y=0.2)  # room for the legend above the bars
    axis.legend(frameon=False, loc="upper center", ncols=2)
    return figure


def interval_chart(
    intervals: Mapping[str, Interval], title: str, xlabel: str, ylabel: str
) -> Figure:
    """Return values as dots, each with its interval as a line. Built in notebook 07."""
    figure, (axis,) = new_figure(1, height=1.1 + 0.36 * len(intervals))
    figure.set_figwidth(6.4)
    rows = list(range(len(intervals)))
    for row, interval in zip(rows, intervals.values(), strict=True):
        axis.plot([interval.low, interval.high], [row, row], color=BLUE, linewidth=3, alpha=0.5)
    values = [interval.value for interval in intervals.values()]
    axis.plot(values, rows, "o", color=BLUE)
    axis.set_yticks(rows, list(intervals))
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel, ylim=(len(rows) - 0.5, -0.5))
    axis.grid(axis="x", color="#DDDDDD")
    return figure


def confusion_map(counts: Mapping[tuple[str, str], int], names: Sequence[str]) -> Figure:
    """Return a heat map of gold types (rows) against predicted types (columns).

    Only mistakes are coloured; right answers, on the diagonal, are numbers in grey. Built in
    notebook 07.
    """
    size = len(names)
    mistakes = [[0 if g == p else counts.get((g, p), 0) for p in names] for g in names]
    darkest = max(1, *map(max, mistakes))
    figure, (axis,) = new_figure(1, height=2.2 + 0.36 * size)
    figure.set_figwidth(2.8 + 0.42 * size)
    axis.imshow(mistakes, cmap="Blues", vmin=0, vmax=darkest * 1.25, aspect="auto")
    for row, gold in enumerate(names):
        for column, predicted in enumerate(names):
            count = counts.get((gold, predicted), 0)
            dark = row != column and count > 0.7 * darkest
            colour = "#999999" if row == column else "white" if dark else "black"
            axis.text(
                column, row, str(count or ""), ha="center", va="center", fontsize=9, color=colour
            )
    axis.set_xticks(range(size), names, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(size), names)
    axis.set(title="Which types are confused?", xlabel="predicted", ylabel="gold")
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    return figure


def reliability_diagram(bins: Sequence[ConfidenceBin], error: float) -> Figure:
    """Return accuracy against confidence, and the number of answers at each confidence.

    `error` is the expected calibration error, for the title. Built in notebook 07.
    """
    figure, (left, right) = new_figure(2, height=3.8)
    width = max((b.high - b.low for b in bins), default=0.1) * 0.92
    left.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="as sure as right")
    middles = [(b.low + b.high) / 2 for b in bins]
    left.bar(
        middles, [b.accuracy for b in bins], width, color=BLUE, alpha=0.35, label="share right"
    )
    left.plot(
        [b.confidence for b in bins], [b.accuracy for b in bins], color=BLUE, marker="o",
        label="mean of the bin",
    )  # fmt: skip
    left.set(title=f"Reliability (calibration error {error:.2f})", xlim=(0, 1), ylim=(0, 1.02))
    left.set(xlabel="confidence", ylabel="share of entities that are right")
    left.legend(frameon=False, loc="upper left", fontsize=8)
    right.bar(middles, [b.count for b in bins], width, color=GREY)
    right.set(title="How many answers", xlim=(0, 1), xlabel="confidence", ylabel="entities")
    right.yaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def threshold_chart(scores: Mapping[float, Score]) -> Figure:
    """Return precision, recall and F1 over the lowest confidence that is kept. Notebook 07."""
    figure, (axis,) = new_figure(1)
    figure.set_figwidth(6.4)
    kept = {threshold: score for threshold, score in scores.items() if score.predicted}
    for name, colour, style in (
        ("precision", ORANGE, "--"), ("recall", BLUE, "-."), ("f1", GREEN, "-"),
    ):  # fmt: skip
        # Where nothing is kept there is no precision, and a line down to 0 would tell a lie.
        values = [getattr(score, name) for score in kept.values()]
        label = name.replace("f1", "F1")
        axis.plot(list(kept), values, color=colour, linestyle=style, linewidth=2, label=label)
    axis.set(title="Keep only what the model is sure of", xlabel="lowest confidence kept")
    axis.set(ylabel="score", xlim=(0, 1), ylim=(0, 1.02))
    axis.legend(frameon=False, loc="lower left")
    return figure


def group_chart(
    series: Mapping[str, Mapping[str, Score]],
    title: str,
    measure: str = "f1",
    ylabel: str = "group (gold entities)",
) -> Figure:
    """Return one measure of every group as bars, side by side for some taggers.

    `series` holds scores by group, for each tagger; `measure` is `f1`, `precision` or `recall`.
    The number in brackets is that of the gold entities in a group. Built in notebook 07.
    """
    groups = list(dict.fromkeys(name for scores in series.values() for name in scores))
    gold = {name: score.gold for scores in series.values() for name, score in scores.items()}
    figure, (axis,) = new_figure(1, height=1.4 + (0.2 + 0.2 * len(series)) * len(groups))
    figure.set_figwidth(6.4)
    high = 0.8 / len(series)
    for number, (label, scores) in enumerate(series.items()):
        places = [row + (number - (len(series) - 1) / 2) * high for row in range(len(groups))]
        values = [getattr(scores.get(name, Score()), measure) for name in groups]
        colour = (BLUE, ORANGE, GREEN)[number % 3]
        drawn = axis.barh(places, values, height=high * 0.92, color=colour, label=label)
        axis.bar_label(drawn, [f"{value:.2f}" for value in values], padding=3, fontsize=8)
    axis.set_yticks(range(len(groups)), [f"{name} ({gold[name]})" for name in groups])
    axis.set(title=title, xlabel=measure.replace("f1", "F1"), ylabel=ylabel, xlim=(0, 1.1))
    axis.set_ylim(max(1, len(groups)) - 0.5, -0.5)
    if len(series) > 1:
        figure.legend(loc="outside lower right", ncols=len(series), frameon=False)
    return figure


def label_curve(points: Mapping[int, Interval], title: str = "How many labels?") -> Figure:
    """Return entity F1 over the number of training rows, with its intervals. Notebook 07."""
    figure, (axis,) = new_figure(1)
    figure.set_figwidth(6.4)
    rows, intervals = list(points), list(points.values())
    axis.fill_between(
        rows, [i.low for i in intervals], [i.high for i in intervals], color=BLUE, alpha=0.2
    )
    axis.plot(rows, [interval.value for interval in intervals], color=BLUE, marker="o")
    axis.set_xscale("log")
    axis.set_xticks(rows, [f"{count:,}" for count in rows])
    axis.minorticks_off()
    axis.set(title=title, xlabel="training rows (each step doubles them)", ylabel="entity F1")
    axis.set_ylim(bottom=0)
    return figure


def window_plan(plan: Sequence[tuple[int, int, int, int]]) -> Figure:
    """Return the windows over a long text as bars: words that take their tags, and context.

    `plan` holds (first word, end word, keep from, keep to) as `plan_windows` gives it. Built in
    notebook 06.
    """
    figure, (axis,) = new_figure(1, height=min(5.0, 1.4 + 0.3 * len(plan)))
    figure.set_figwidth(6.4)
    rows = range(1, len(plan) + 1)
    first, end, keep_from, keep_to = zip(*plan, strict=True)
    seen = [b - a for a, b in zip(first, end, strict=True)]
    kept = [b - a for a, b in zip(keep_from, keep_to, strict=True)]
    axis.barh(rows, seen, left=first, color="#CCCCCC", label="read as context")
    axis.barh(rows, kept, left=keep_from, color=BLUE, label="tags kept")
    axis.set(title="A long text in windows", xlabel="word of the text", ylabel="window")
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    axis.invert_yaxis()
    axis.legend(frameon=False, loc="lower left")
    return figure


def score_comparison(scores: Mapping[str, tuple[float, float]]) -> Figure:
    """Return word accuracy beside entity F1, two bars for each tagger. Built in notebook 05.

    `scores` holds (accuracy, F1) by the tagger's name.
    """
    figure, (axis,) = new_figure(1, height=1.3 + 0.6 * len(scores))
    figure.set_figwidth(6.4)
    bars = ((0.2, GREY, "word accuracy"), (-0.2, GREEN, "entity F1"))
    for number, (shift, colour, label) in enumerate(bars):
        values = [pair[number] for pair in scores.values()]
        places = [-row + shift for row in range(len(scores))]  # the first tagger on top
        drawn = axis.barh(places, values, height=0.38, color=colour, label=label)
        axis.bar_label(drawn, [f"{value:.2f}" for value in values], padding=3)
    axis.set(title="Two scores of the same answers", xlabel="score", ylabel="tagger", xlim=(0, 1.1))
    axis.set_yticks([-row for row in range(len(scores))], [plain(name) for name in scores])
    figure.legend(loc="outside lower right", ncols=2, frameon=False)
    return figure


def damage_chart(damage: Mapping[str, tuple[float, float]], noise: float) -> Figure:
    """Return what faults do to entity F1: lost by the model (left), told too much (right).

    `damage` holds (lost, told) by the fault's name; the largest stand on top. Bars inside of the
    grey band, as wide as `noise` on both sides of 0, are no larger than what chance alone does.
    Built in notebook 08.
    """
    names = sorted(damage, key=lambda name: max(map(abs, damage[name])))
    figure, axes = new_figure(2, height=1.6 + 0.3 * len(names))
    figure.set_figwidth(10.6)
    titles = ("F1 that the model loses", "F1 that the report tells too much")
    for side, (axis, title, colour) in enumerate(zip(axes, titles, (RED, BLUE), strict=True)):
        values = [damage[name][side] for name in names]
        axis.axvspan(-noise, noise, color="#DDDDDD", linewidth=0, label="chance")
        bars = axis.barh(names, values, color=colour)
        axis.bar_label(bars, [f"{v:+.3f}" if v else "0" for v in values], padding=3, fontsize=8)
        axis.axvline(0, color=GREY, linewidth=0.8)
        axis.set(title=title, xlabel="entity F1 (points of 1)")
        axis.margins(x=0.25)
    axes[1].set_yticklabels([])
    axes[0].legend(frameon=False, loc="lower right")
    return figure


def waterfall_chart(steps: Sequence[tuple[str, str, float]]) -> Figure:
    """Return entity F1 step by step, each bar from the score before it to its own.

    `steps` holds (name, kind, F1), where kind is "start", "bug" or "choice". Built in notebook 08.
    """
    figure, (axis,) = new_figure(1, height=1.6 + 0.36 * len(steps))
    figure.set_figwidth(8.2)
    colours = {"start": GREY, "bug": ORANGE, "choice": BLUE}
    labels = {"start": "as published", "bug": "a fault removed", "choice": "another setting"}
    shown: set[str] = set()
    before = 0.0
    for row, (_, kind, f1) in enumerate(steps):
        label = "" if kind in shown else labels[kind]
        shown.add(kind)
        axis.barh(-row, f1 - before, left=before, color=colours[kind], label=label)
        change = f"{f1:.3f}" if kind == "start" else f"{f1:.3f}  ({f1 - before:+.3f})"
        axis.text(max(before, f1) + 0.01, -row, change, va="center", fontsize=9)
        axis.plot([f1, f1], [-row - 1 if row + 1 < len(steps) else -row, -row], GREY, linewidth=0.6)
        before = f1
    axis.set_yticks([-row for row in range(len(steps))], [name for name, _, _ in steps])
    axis.set(title="From the tutorial's entity F1 to ours", xlabel="entity F1 on validation")
    axis.set_xlim(0, max(f1 for _, _, f1 in steps) * 1.35)
    axis.legend(frameon=False, loc="lower right" if len(steps) < 3 else "upper right")
    return figure


def course_map() -> Figure:
    """Return the way of the data through the course, one station a line. Built for notebook 00."""
    stations = (
        ("corpus", "01", "wake me up at [time : nine am] …", BLUE),
        ("parsing", "02", "nine = B-TIME, am = I-TIME", BLUE),
        ("tags", "02", "a closed list: O, B-DATE, I-DATE …", BLUE),
        ("dataset", "03", "words and subwords, in batches", GREEN),
        ("model", "04", "a vector and a score for each word", ORANGE),
        ("training", "05", "guess, compare, adjust, repeat", ORANGE),
        ("evaluation", "05", "precision, recall, F1", ORANGE),
        ("inference", "06", "text in, entities out", RED),
        ("analysis", "07", "how good, how sure, where it fails", PURPLE),
        ("mistakes", "08", "classic bugs, and what they cost", PURPLE),
        ("export", "09", "other engines, small and fast", RED),
        ("scaling", "10", "more processes, more rows", RED),
    )
    figure, (axis,) = new_figure(1, height=0.4 + 0.65 * len(stations))
    figure.set_figwidth(6.4)
    for row, (name, notebook, shows, colour) in enumerate(stations):
        style = {"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": colour}
        axis.text(0.0, -row, notebook, fontsize=12, color=GREY, ha="center", va="center")
        axis.text(
            1.5, -row, f"{name:^12}", fontsize=13, ha="center", va="center",
            family="DejaVu Sans Mono", bbox={**style, "linewidth": 2},
        )  # fmt: skip
        axis.text(2.9, -row, shows, fontsize=12, ha="left", va="center")
        if row:
            axis.annotate(
                "", (1.5, -row + 0.33), (1.5, -row + 0.67), arrowprops={"arrowstyle": "-|>"}
            )
    axis.set(title="The way of the data", xlim=(-0.4, 6.6), ylim=(-len(stations) + 0.4, 0.6))
    axis.set_axis_off()
    return figure


def bar_chart(
    series: Mapping[str, Mapping[str, int]], title: str, xlabel: str, ylabel: str, most: int = 20
) -> Figure:
    """Return counts as horizontal bars, the largest on top; several series are stacked.

    `series` holds counts by name, for each series; the `most` names with the largest sums are
    shown. Built in notebook 01.
    """
    totals: dict[str, int] = {}
    for counts in series.values():
        for name, count in counts.items():
            totals[name] = totals.get(name, 0) + count
    names = sorted(totals, key=lambda name: (-totals[name], name))[:most][::-1]
    figure, (axis,) = new_figure(1, height=1.3 + 0.24 * len(names))
    figure.set_figwidth(6.4)
    left = [0] * len(names)
    colours = (BLUE, ORANGE, GREEN)
    for (label, counts), colour in zip(series.items(), colours, strict=False):
        widths = [counts.get(name, 0) for name in names]
        axis.barh([plain(n) for n in names], widths, left=left, color=colour, label=plain(label))
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(series) > 1:
        axis.legend(frameon=False, loc="lower right")
    return figure


def count_chart(
    series: Mapping[str, Sequence[int]], title: str, xlabel: str, ylabel: str
) -> Figure:
    """Return how often each whole number occurs, one bar a number; series stand side by side.

    Built in notebook 01.
    """
    figure, (axis,) = new_figure(1)
    figure.set_figwidth(6.4)
    width = 0.8 / len(series)
    for number, (label, values) in enumerate(series.items()):
        numbers = sorted(set(values))
        shift = (number - (len(series) - 1) / 2) * width
        axis.bar(
            [value + shift for value in numbers],
            [list(values).count(value) for value in numbers],
            width,
            color=(BLUE, ORANGE, GREEN)[number % 3],
            label=label,
        )
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(series) > 1:
        axis.legend(frameon=False)
    return figure
