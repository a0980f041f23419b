"""Drawings that one lesson shows each: offsets, subwords, the model, faults, the whole course."""

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nerlib.analysis.plots import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    new_figure,
    plain,
    shaded_grid,
)
from nerlib.parsing import Span, Word

MIDDLE: dict[str, Any] = {"ha": "center", "va": "center"}
COLOURS = {"blue": BLUE, "green": GREEN, "orange": ORANGE, "red": RED, "purple": PURPLE}
_STATIONS = Path(__file__).parents[1] / "data" / "stations.toml"
STATIONS: list[list[str]] = tomllib.loads(_STATIONS.read_text(encoding="utf-8"))["stations"]


def course_map() -> Figure:
    """Return the pipeline through the course, one station a line. Built for notebook 00."""
    figure, (axis,) = new_figure(height=0.4 + 0.65 * len(STATIONS), width=6.4)
    for row, (name, notebook, shows, colour) in enumerate(STATIONS):
        axis.text(0.0, -row, notebook, MIDDLE, fontsize=12, color=GREY)
        box = {"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": COLOURS[colour]}
        style = {**MIDDLE, "fontsize": 13, "family": "DejaVu Sans Mono"}
        axis.text(1.5, -row, f"{name:^12}", style, bbox={**box, "linewidth": 2})
        axis.text(2.9, -row, shows, fontsize=12, va="center")
        if row:
            arrow = {"arrowstyle": "-|>"}
            axis.annotate("", (1.5, -row + 0.33), (1.5, -row + 0.67), arrowprops=arrow)
    axis.set(title="The pipeline", xlim=(-0.4, 6.6), ylim=(-len(STATIONS) + 0.4, 0.6))
    axis.set_axis_off()
    return figure


def character_ruler(text: str, words: Sequence[Word], spans: Sequence[Span]) -> Figure:
    """Return a picture of an utterance on a ruler of character offsets.

    Every character stands on its number, with a bar for each word below and for each span below
    that; the number at a bar's right end is its exclusive end. Built in notebook 02.
    """
    figure, (axis,) = new_figure(height=2.2, width=max(5.0, 1.2 + 0.25 * len(text)))
    for position, character in enumerate(text):
        shown = "·" if character.isspace() else plain(character)
        axis.text(position + 0.5, 2.5, shown, MIDDLE, family="monospace")
    bars = [(w.start, w.end, 1.7, BLUE, f"{w.start}–{w.end}") for w in words]
    bars += [(s.start, s.end, 0.6, ORANGE, plain(f"{s.type} {s.start}–{s.end}")) for s in spans]
    for start, end, y, colour, label in bars:
        axis.add_patch(Rectangle((start + 0.06, y), end - start - 0.12, 0.16, facecolor=colour))
        axis.text((start + end) / 2, y - 0.12, label, ha="center", va="top", fontsize=8)
    axis.set(xlim=(0, max(1, len(text))), ylim=(0, 3), xticks=range(0, len(text) + 1, 5))
    axis.set_yticks([2.5, 1.78, 0.68], ["characters", "words", "spans"])
    axis.set(title="Offsets: where words and spans start and end", xlabel="character number")
    axis.spines["left"].set_visible(False)
    return figure


def subword_alignment(
    words: Sequence[str], subwords: Sequence[str], word_ids: Sequence[int]
) -> Figure:
    """Return a picture with words on top, subwords below and a line from each subword to its word.

    `word_ids` (subwords) gives each subword's word, -1 for special ones. Built in notebook 03.
    """
    widths = [0.3 + 0.085 * len(subword) for subword in subwords]
    below = [sum(widths[:i]) + width / 2 for i, width in enumerate(widths)]
    figure, (axis,) = new_figure(height=2.3, width=max(5.0, 0.8 + sum(widths)))
    for word, name in enumerate(words):
        inside = [x for x, number in zip(below, word_ids, strict=True) if number == word]
        if inside:
            middle, colour = fmean(inside), (BLUE, ORANGE)[word % 2]
            for x in inside:
                axis.plot([middle, x], [1.72, 0.78], color=colour, linewidth=1.5)
            _boxes(axis, [middle], 2, [name], "#FFFFFF")
    _boxes(axis, below, 0.5, subwords, "#EEEEEE")
    for index, x in enumerate(below):
        axis.text(x, 0, str(index), MIDDLE, fontsize=8, color="#444444")
    axis.set(xlim=(0, sum(widths)), ylim=(-0.25, 2.4), xticks=[], xlabel="subword index")
    axis.set_yticks([2, 0.5], ["words", "subwords"])
    axis.set_title(f"{len(words)} words, {len(subwords)} subwords")
    axis.spines[["left", "bottom"]].set_visible(False)
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
    n, m = len(subwords), len(words)
    figure, (axis,) = new_figure(height=5.2, width=max(6.5, 2.2 + 0.85 * n))
    above = [fmean(i for i in range(n) if word_ids[i] == word) for word in range(m)]
    steps = [((x, a), (x, b)) for x in above for a, b in ((3.8, 4.35), (4.85, 5.7))]
    steps += [((x, 2.25), (above[word], 3.2)) for x, word in enumerate(word_ids) if word >= 0]
    steps += [((x, a), (x, b)) for x in range(n) for a, b in ((0.25, 0.75), (1.25, 1.75))]
    for start, end in steps:
        axis.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": GREY})
    _boxes(axis, range(n), 0, subwords, "#FFFFFF")
    _boxes(axis, range(n), 2, [str(hidden)] * n, "#E8F2F9")
    _boxes(axis, above, 3.5, [f"{word}\n{hidden}" for word in words], "#FBE9C6")
    _boxes(axis, above, 6, tags, "#FFFFFF")
    head = f"head: {hidden} → {inner} → {labels}, word by word"
    encoder = "encoder: every subword looks at all others"
    for y, colour, text in ((1, "#CFE5F3", encoder), (4.6, "#CDEBE1", head)):
        axis.add_patch(Rectangle((-0.5, y - 0.25), n, 0.5, facecolor=colour, edgecolor=GREY))
        axis.text((n - 1) / 2, y, text, MIDDLE, fontsize=10)
    shapes = {"subwords": (0.0, f"{n}"), "hidden states": (2.0, f"{n}, {hidden}")}
    shapes |= {"word vectors": (3.5, f"{m}, {hidden}"), "logits": (5.28, f"{m}, {labels}")}
    for name, (y, shape) in (shapes | {"tags": (6.0, f"{m}")}).items():
        axis.text(-2.6, y, f"{name}\n(1, {shape})", va="center", fontsize=9, color="#444444")
    axis.set(xlim=(-2.6, n - 0.3), ylim=(-0.5, 6.5))
    axis.set_title("From subwords to tags: encoder, pooling, head")
    axis.set_axis_off()
    return figure


def attention_map(subwords: Sequence[str], percents: Sequence[Sequence[float]]) -> Figure:
    """Return a heat map of how much each subword (row) looks at each other one (column).

    Every row of `percents` (subwords, subwords) sums to 100. Whatever is above 20 is equally dark,
    else one large number would make all others look alike. Built in notebook 04.
    """
    size = len(subwords)
    figure, axis = shaded_grid(percents, subwords, 20, 2.0 + 0.5 * size, 1.6 + 0.36 * size)
    for row, column in product(range(size), repeat=2):
        percent = percents[row][column]
        colour = "white" if percent > 12 else "black"
        axis.text(column, row, f"{percent:.0f}", MIDDLE, fontsize=9, color=colour)
    axis.set(title="Who looks at whom (%)", xlabel="subword looked at", ylabel="subword that looks")
    return figure


def step_moves(moves: Mapping[str, float]) -> Figure:
    """Return one weight's step: the gradient, clipped, on the left; its move on the right.

    `moves` holds "gradient", "clipped gradient", "before" and "after". Built in notebook 05.
    """
    figure, (left, right) = new_figure(2, height=2.2)
    names = ["gradient", "clipped gradient"]
    values = [moves[name] for name in names]
    bars = left.barh(["2 gradient", "3 clipped"], values, height=0.5, color=[GREY, ORANGE])
    left.bar_label(bars, [f"{value:+.4f}" for value in values], padding=4)
    left.axvline(0, color="black", linewidth=0.8)
    left.margins(x=0.35)
    left.set(
        title="Which way is uphill, and how steeply",
        xlabel="change of the loss per unit of the weight",
    )
    left.invert_yaxis()
    before, after = moves["before"], moves["after"]
    right.annotate("", (after, 0), (before, 0), arrowprops={"arrowstyle": "-|>", "linewidth": 2})
    for name, value, colour, height in (
        ("1 before", before, GREY, 1),
        ("5 after", after, BLUE, -1),
    ):
        right.plot(value, 0, "o", color=colour, markersize=9)
        right.text(value, 0.5 * height, f"{name}: {value:+.4f}", MIDDLE)
    right.text((before + after) / 2, 0.15, f"4 move: {after - before:+.4f}", MIDDLE)
    right.set(title="AdamW's step", xlabel="the weight", ylim=(-1, 1), yticks=[])
    right.margins(x=0.45)
    return figure


REACHED = "#E8F2F9"
ARROWS: dict[str, dict[str, Any]] = {
    "may not follow": {"color": RED, "linestyle": ":", "marker": "x", "markevery": [1]},
    "may follow": {"color": GREY, "linewidth": 1.2},
    "the best way": {"color": BLUE, "linewidth": 4},
}


def trellis(
    words: Sequence[str],
    tags: Sequence[str],
    columns: Sequence[Mapping[str, tuple[float, str]]],
    may_follow: Callable[[str, str], bool],
) -> Figure:
    """Return a picture of the ways to each tag, word by word, and of the best one at the end.

    `columns` holds, for the start and each word that is done, (log probability, tag before) of the
    best way to every tag that can be reached. Built in notebook 06.
    """
    figure, (axis,) = new_figure(height=1.3 + 0.75 * len(tags), width=3.0 + 2.1 * len(words))
    best = _best_way(columns) if len(columns) > len(words) else set()
    steps = ((x, before) for x in range(1, len(columns)) for before in columns[x - 1])
    for (x, before), (row, tag) in product(steps, enumerate(tags)):
        kind = "may follow" if may_follow(before, tag) else "may not follow"
        kind = "the best way" if (x, before, tag) in best else kind
        first = -tags.index(before)
        axis.plot([x - 0.78, x - 0.5, x - 0.22], [first, (first - row) / 2, -row], **ARROWS[kind])
    _boxes(axis, [0], -tags.index("O"), ["0.00"], REACHED)
    for x, (row, tag) in product(range(1, len(columns)), enumerate(tags)):
        way = columns[x].get(tag)
        text, colour = (_sum(way, columns[x - 1]), REACHED) if way else ("no way", "#EEEEEE")
        _boxes(axis, [x], -row, [text], colour)
    for kind, style in ARROWS.items():
        axis.plot([], [], label=kind, **style)
    axis.set(xlim=(-0.4, len(words) + 0.4), ylim=(0.5 - len(tags), 0.5))
    axis.set_xticks(range(len(words) + 1), ["start", *map(plain, words)])
    axis.set_yticks([-row for row in range(len(tags))], tags)
    axis.set(title="The best way to each tag", xlabel="word", ylabel="tag")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def _best_way(columns: Sequence[Mapping[str, tuple[float, str]]]) -> set[tuple[int, str, str]]:
    """Return the arrows of the best way, each as (column that it ends in, tag before, tag)."""
    arrows, tag = set(), max(columns[-1], key=lambda tag: columns[-1][tag][0])
    for x in range(len(columns) - 1, 0, -1):
        before = columns[x][tag][1]
        arrows.add((x, before, tag))
        tag = before
    return arrows


def _sum(way: tuple[float, str], before: Mapping[str, tuple[float, str]]) -> str:
    """Return a way's log probability as a sum: that of the way before it, and the tag's own."""
    total, earlier = way[0], before[way[1]][0]
    return f"{earlier:.2f} - {earlier - total:.2f}\n= {total:.2f}"


def _boxes(axis: Axes, xs: Iterable[float], y: float, texts: Sequence[str], colour: str) -> None:
    """Write texts in boxes, side by side at one height."""
    for x, text in zip(xs, texts, strict=True):
        box = {"boxstyle": "round,pad=0.35", "facecolor": colour, "edgecolor": GREY}
        axis.text(x, y, plain(text), MIDDLE, fontsize=9, bbox=box)


def damage_chart(damage: Mapping[str, tuple[float, float]], noise: float) -> Figure:
    """Return what faults do to entity F1: lost by the model (left), overstated (right).

    `damage` holds (lost, overstated) by the fault's name; the largest are on top. Bars inside of
    the grey band, as wide as `noise` on both sides of 0, are no larger than what chance alone does.
    Built in notebook 08.
    """
    names = sorted(damage, key=lambda name: max(map(abs, damage[name])))
    figure, axes = new_figure(2, height=1.6 + 0.3 * len(names), width=10.6)
    titles = ("F1 that the model loses", "F1 that the report overstates")
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
    kinds = {"start": (GREY, "as published"), "bug": (ORANGE, "a fault removed")}
    kinds["choice"] = BLUE, "another setting"
    figure, (axis,) = new_figure(height=1.6 + 0.36 * len(steps), width=8.2)
    before = 0.0
    for row, (_, kind, f1) in enumerate(steps):
        axis.barh(row, f1 - before, left=before, color=kinds[kind][0])
        change = "" if kind == "start" else f"  ({f1 - before:+.3f})"
        axis.text(max(before, f1) + 0.01, row, f"{f1:.3f}{change}", va="center", fontsize=9)
        before = f1
    axis.set_yticks(range(len(steps)), [name for name, _, _ in steps])
    axis.invert_yaxis()
    axis.set(title="From the tutorial's entity F1 to ours", xlabel="entity F1 on validation")
    axis.set_xlim(0, max(f1 for _, _, f1 in steps) * 1.35)
    patches = [Rectangle((0, 0), 1, 1, color=colour, label=name) for colour, name in kinds.values()]
    axis.legend(handles=patches, frameon=False, loc="upper right")
    return figure
