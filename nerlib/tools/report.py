"""One page about one model: its scores, how sure they are, and where and how it fails.

The page is a single file: styles and figures lie inside, nothing is fetched, no script runs, and
all text from the corpus is escaped. Built in notebook 07.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from nerlib.analysis import plots
from nerlib.analysis.calibration import (
    expected_calibration_error,
    reliability_bins,
    threshold_scores,
)
from nerlib.analysis.display import escape, highlight_pairs, shade_words
from nerlib.analysis.error_analysis import (
    Outcome,
    confusions,
    entity_confidences,
    entity_length,
    grouped_scores,
    kinds_of,
    mean_loss,
    most_confused,
    predict_outcomes,
    seen_or_new,
    seen_values,
    sentence_length,
    worst_outcomes,
)
from nerlib.analysis.gazetteer import Gazetteer
from nerlib.analysis.matching import KINDS, count_kinds, lenient_scores
from nerlib.analysis.significance import bootstrap_difference, bootstrap_f1, count_entities
from nerlib.atomic import whole_file
from nerlib.corpus import CorpusError
from nerlib.dataset import NERDataset
from nerlib.metrics import Evaluation, Score, evaluate_tags
from nerlib.parsing import ParsedUtterance, Parser, tags_to_spans
from nerlib.tools.recipes import RecipeError, get_recipe
from nerlib.tools.tagger import Tagger

EXAMPLES = 5  # of each kind of error
WORST = 20
LENGTHS = (4, 8, 12)
THRESHOLDS = tuple(step / 20 for step in range(20))
Cell = str | int


@dataclass(frozen=True)
class Material:
    """What a report is about: the facts for its head, the outcomes, and the training rows.

    `training` is empty where the training rows are not at hand; what needs them is then left out,
    and the page says so.
    """

    facts: Mapping[str, str]
    outcomes: Sequence[Outcome]
    training: Sequence[ParsedUtterance] = ()

    @property
    def utterances(self) -> list[ParsedUtterance]:
        """The scored utterances."""
        return [outcome.utterance for outcome in self.outcomes]

    @property
    def gold(self) -> list[tuple[str, ...]]:
        """The gold tags."""
        return [outcome.utterance.tags for outcome in self.outcomes]

    @property
    def predicted(self) -> list[tuple[str, ...]]:
        """The predicted tags."""
        return [outcome.predicted for outcome in self.outcomes]


def material_of(tagger: Tagger, data: NERDataset, facts: Mapping[str, str]) -> Material:
    """Return what a report needs about a tagger's answers on a dataset.

    The training rows are those that the model's own record names, where they can be had.
    """
    record = getattr(tagger.model.config, "made_by", None) or {}
    told = {
        **facts,
        "trained on": f"{record['rows']} of recipe {record['recipe']}, {record['epochs']} epochs"
        if record
        else "not recorded in the model",
        "computed on": str(tagger.compute),
    }
    outcomes = predict_outcomes(tagger.model, data, tagger.compute)
    return Material(told, outcomes, training_rows(record))


def training_rows(record: Mapping[str, str]) -> list[ParsedUtterance]:
    """Return the parsed training rows that a model's record names; none if they cannot be had."""
    if not record:
        return []
    try:
        recipe = replace(get_recipe(str(record["recipe"])), locale=str(record["locale"]))
        if record["rows"] != recipe.train_split:
            recipe = replace(recipe, shuffle=True)  # a quick start draws its rows so
        rows = recipe.corpus(str(record["rows"]))
    except (CorpusError, RecipeError):
        return []
    parser = Parser.for_locale(recipe.locale)
    return [parser.parse(annotated) for annotated in rows["annot_utt"]]


def write_report(material: Material, path: str | Path) -> Path:
    """Write the page, moved into place only when it is whole, and return its path.

    Raises `ValueError` if there are no utterances.
    """
    page = report_page(material)
    path = Path(path)
    with whole_file(path) as unfinished:
        unfinished.write_text(page, encoding="utf-8")
    return path


def report_page(material: Material) -> str:
    """Return the page as HTML. Raises `ValueError` if there are no utterances."""
    if not material.outcomes:
        raise ValueError("a report needs at least one utterance")
    scores = evaluate_tags(material.gold, material.predicted)
    sections = {
        "Scores": _scores(material, scores),
        "How lenient?": _lenient(material, scores),
        "Type by type": _types(scores),
        "Kinds of errors": _kinds(material),
        "Confused types": _confused(material),
        "Worst utterances": _worst(material),
        "Seen and new values": _seen(material),
        "Length": _lengths(material),
        "Confidence": _confidence(material, scores.overall.gold),
    }
    names = [(f"s{number}", name) for number, name in enumerate(sections, start=1)]
    links = "".join(f'<a href="#{key}">{escape(name)}</a>' for key, name in names)
    body = "".join(
        f'<section id="{key}"><h2>{escape(name)}</h2>{sections[name]}</section>'
        for key, name in names
    )
    facts = _table(["", ""], [[name, value] for name, value in material.facts.items()], head=False)
    return _PAGE.format(style=_STYLE, facts=facts, links=links, body=body)


def _scores(material: Material, scores: Evaluation) -> str:
    """The head numbers, with the interval of the most important one."""
    interval = bootstrap_f1(count_entities(material.gold, material.predicted))
    overall = scores.overall
    tiles = {
        "entity F1": f"{overall.f1:.3f}",
        "precision": f"{overall.precision:.3f}",
        "recall": f"{overall.recall:.3f}",
        "macro F1": f"{scores.macro_f1:.3f}",
        "MASSIVE slot F1": f"{scores.massive_f1:.3f}",
        "word accuracy": f"{scores.token_accuracy:.3f}",
        "loss per word": f"{mean_loss(material.outcomes):.3f}",
    }
    shown = "".join(
        f'<div class="tile"><b>{value}</b><span>{escape(name)}</span></div>'
        for name, value in tiles.items()
    )
    return f'<div class="tiles">{shown}</div>' + _text(
        f"{len(material.outcomes):,} utterances, {overall.gold:,} gold entities, "
        f"{overall.predicted:,} predicted, {overall.correct:,} right (type, first and last word). "
        f"The 95 % bootstrap interval of entity F1 over utterances is {interval.low:.3f} to "
        f"{interval.high:.3f}. Macro F1 is the mean over types that occur in the gold data."
    )


def _lenient(material: Material, scores: Evaluation) -> str:
    """The same answers under other rules."""
    kinds = count_kinds(material.gold, material.predicted)
    rules = {
        "strict": "type and both boundaries right",
        "exact": "both boundaries right, whatever the type",
        "type": "type right, any overlap",
        "partial": "any overlap, half a point unless both boundaries are right",
    }
    lenient = lenient_scores(kinds)
    rows: list[list[Cell]] = [
        [name, rule, *_ratios(lenient[name].precision, lenient[name].recall, lenient[name].f1)]
        for name, rule in rules.items()
    ]
    massive = ["MASSIVE", "the paper's: touching entities of one type are one", "", ""]
    rows.append([*massive, f"{scores.massive_f1:.3f}"])
    figure = plots.bar_chart(
        {"entities": {kind: kinds[kind] for kind in KINDS}},
        "What became of the entities",
        "entities",
        "kind of match",
    )
    return (
        _text("strict, exact, type and partial are the four schemes of SemEval-2013, Task 9.")
        + _table(["rule", "an entity counts if", "precision", "recall", "F1"], rows)
        + _picture(figure, "Number of entities of each kind of match")
    )


def _types(scores: Evaluation) -> str:
    """Precision, recall and F1 of every type."""
    rows: list[list[Cell]] = [
        [name.lower(), score.gold, score.predicted, *_score_cells(score)]
        for name, score in scores.per_type.items()
    ]
    picture = _picture(plots.type_scores(scores.per_type), "Entity F1 of the most frequent types")
    return (
        _text("Types with few gold entities have scores that one entity more can turn over.")
        + picture
        + _details(
            f"All {len(rows)} types in numbers",
            _table(["type", "gold", "found", "precision", "recall", "F1"], rows),
        )
    )


def _kinds(material: Material) -> str:
    """Examples of every kind of error, gold against predicted."""
    found = kinds_of(material.outcomes)
    parts = []
    for kind in KINDS[1:]:
        cases = found.get(kind, [])
        outcomes = list(dict.fromkeys(outcome for outcome, _ in cases))[:EXAMPLES]
        shown = f"{len(cases)} in all" + (f", the first {len(outcomes)} rows" if outcomes else "")
        parts.append(f"<h3>{escape(kind)} <small>{shown}</small></h3>{_pairs(outcomes)}")
    return "".join(parts) or _text("Every entity is right.")


def _confused(material: Material) -> str:
    """The heat map."""
    counts = confusions(material.outcomes)
    names = most_confused(counts)
    if len(names) == 1:
        return _text("There are no mistakes to show.")
    return _text(
        "Rows are gold types, columns predicted ones; the last row holds invented entities, the "
        "last column missed ones. The types with most mistakes are shown."
    ) + _picture(plots.confusion_map(counts, names), "Heat map of confused types", wide=True)


def _worst(material: Material) -> str:
    """The utterances that surprised the model most, word by word."""
    parts = [
        _text(
            "The loss of a word is minus the logarithm of the probability that the model gave to "
            "its gold tag. Where one is very high, either the model is badly wrong or the "
            "annotation is: read these first."
        )
    ]
    for outcome in worst_outcomes(material.outcomes, WORST):
        words = [word.text for word in outcome.utterance.words]
        parts.append(
            f"<h3>row {escape(outcome.row_id)} <small>highest loss {outcome.highest_loss:.1f}"
            f"</small></h3>{_pairs([outcome], names=False)}"
            f"{shade_words(words, outcome.losses).markup}"
        )
    return "".join(parts)


def _seen(material: Material) -> str:
    """Seen against new values, beside the list of training values."""
    if not material.training:
        return _text("The training rows are not at hand, so this part is left out.")
    listed = Gazetteer.learn(material.training)
    baseline = [listed.tag(utterance) for utterance in material.utterances]
    group = seen_or_new(seen_values(material.training))
    series = {
        "model": grouped_scores(material.utterances, material.predicted, group),
        "list of training values": grouped_scores(material.utterances, baseline, group),
    }
    rows: list[list[Cell]] = [
        [tagger, name, score.gold, *_score_cells(score)]
        for tagger, scores in series.items()
        for name, score in scores.items()
    ]
    ours = count_entities(material.gold, material.predicted)
    gain = bootstrap_difference(count_entities(material.gold, baseline), ours)
    return (
        _text(
            "A value is seen if it occurs in a slot of the training rows. The list marks the "
            "longest such values and knows nothing else. Model minus list, in entity F1 with its "
            f"95 % paired bootstrap interval: {gain}."
        )
        + _picture(plots.group_chart(series, "F1 on seen and new values"), "F1 on seen, new values")
        + _table(["tagger", "values", "gold", "precision", "recall", "F1"], rows)
    )


def _lengths(material: Material) -> str:
    """F1 by the length of utterances and of entities."""
    parts = []
    for title, group in (
        ("F1 by words in the utterance", sentence_length(LENGTHS)),
        ("F1 by words in the entity", entity_length),
    ):
        scores = grouped_scores(material.utterances, material.predicted, group)
        parts.append(_picture(plots.group_chart({"model": scores}, title), title))
    return "".join(parts)


def _confidence(material: Material, gold: int) -> str:
    """Calibration and the threshold."""
    confidences, right = entity_confidences(material.outcomes)
    if not confidences:
        return _text("No entity was predicted, so there is no confidence to look at.")
    bins = reliability_bins(confidences, right)
    error = expected_calibration_error(bins)
    scores = threshold_scores(confidences, right, gold, THRESHOLDS)
    rows: list[list[Cell]] = [
        [f"{threshold:.2f}", score.predicted, *_score_cells(score)]
        for threshold, score in scores.items()
        if round(threshold * 10, 6) % 1 == 0
    ]
    return (
        _text(
            "The confidence of an entity is the mean probability of its words' tags. Expected "
            f"calibration error over ten bins: {error:.3f}. A threshold chosen on these rows has "
            "to be checked on others."
        )
        + _picture(plots.reliability_diagram(bins, error), "Reliability diagram", wide=True)
        + _picture(plots.threshold_chart(scores), "Precision, recall and F1 over the threshold")
        + _table(["at least", "kept", "precision", "recall", "F1"], rows)
    )


def _pairs(outcomes: Iterable[Outcome], names: bool = True) -> str:
    """Utterances with their gold and predicted entities."""
    blocks = []
    for outcome in outcomes:
        utterance = outcome.utterance
        predicted = tags_to_spans(utterance.words, outcome.predicted)
        row = f"<small>row {escape(outcome.row_id)}</small>" if names else ""
        pair = highlight_pairs([(utterance.text, utterance.spans, predicted)]).markup
        blocks.append(f'<div class="pair">{row}{pair}</div>')
    return "".join(blocks)


def _ratios(*values: float) -> list[str]:
    return [f"{value:.3f}" for value in values]


def _score_cells(score: Score) -> list[str]:
    return _ratios(score.precision, score.recall, score.f1)


def _text(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _details(summary: str, body: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def _table(header: Sequence[str], rows: Iterable[Sequence[Cell]], head: bool = True) -> str:
    """A table that scrolls by itself where the screen is too narrow for it."""
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    thead = f"<thead><tr>{top}</tr></thead>" if head else ""
    return f'<div class="scroll"><table>{thead}<tbody>{body}</tbody></table></div>'


def _picture(figure: Figure, alt: str, wide: bool = False) -> str:
    """A figure as SVG inside of the page, letters drawn as outlines, so that no font is needed."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "nerlib"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    image = f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}">'
    return f'<figure class="{"wide" if wide else "plain"}">{image}</figure>'


_STYLE = """
:root{color-scheme:light;--line:#d8dee4;--soft:#f4f7f9;--ink:#1b2730;--dim:#5a6872;--blue:#0072b2}
*{box-sizing:border-box}
body{margin:0;color:var(--ink);background:#fff;font:16px/1.55 system-ui,-apple-system,"Segoe UI",
Roboto,"DejaVu Sans",sans-serif;overflow-wrap:anywhere}
header,main{max-width:58rem;margin:0 auto;padding:1.2rem 1.1rem}
header{border-bottom:3px solid var(--blue)}
h1{font-size:1.7rem;line-height:1.2;margin:.3rem 0 1rem}
h2{font-size:1.3rem;margin:2.4rem 0 .6rem;padding-top:.4rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.4rem 0 .4rem}
small{color:var(--dim);font-weight:normal}
nav{display:flex;flex-wrap:wrap;gap:.4rem;margin-top:1rem}
nav a{padding:.15rem .6rem;border:1px solid var(--line);border-radius:1rem;color:var(--blue);
text-decoration:none;font-size:.9rem}
nav a:hover,nav a:focus{background:var(--soft)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr));gap:.6rem}
.tile{background:var(--soft);border-radius:.5rem;padding:.7rem .8rem}
.tile b{display:block;font-size:1.45rem;line-height:1.2}
.tile:first-child{background:var(--blue);color:#fff}
.tile span{font-size:.85rem;color:var(--dim)}
.tile:first-child span{color:#fff}
.scroll{overflow-x:auto;margin:.8rem 0}
table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--line);
overflow-wrap:normal;vertical-align:top}
.pair{border-left:3px solid var(--line);padding:.1rem 0 .1rem .7rem;margin:.5rem 0}
figure{margin:1rem 0}
figure img{max-width:100%;height:auto;display:block}
@media (max-width:36rem){figure{overflow-x:auto}figure img{max-width:none;width:28rem}
figure.wide img{width:40rem}}
summary{cursor:pointer;color:var(--blue)}
@media print{nav{display:none}section{break-inside:avoid-page}}
"""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>How good is this model, and where does it fail?</title>
<style>{style}</style></head>
<body><header><h1>How good is this model, and where does it fail?</h1>{facts}<nav
 aria-label="Parts of this page">{links}</nav></header>
<main>{body}</main></body></html>
"""
