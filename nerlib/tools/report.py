"""One page about one model: its scores, how sure they are, and where and how it fails.

It fetches nothing and runs no script; text from the corpus is escaped. Built in notebook 07.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from nerlib.analysis import calibration, error_analysis, matching, plots, significance
from nerlib.analysis.display import Html, highlight_pairs, shade_words, visible
from nerlib.analysis.error_analysis import Outcome
from nerlib.analysis.gazetteer import Gazetteer
from nerlib.atomic import whole_file
from nerlib.corpus import CorpusError
from nerlib.dataset import NERDataset
from nerlib.inference import to_entities
from nerlib.metrics import evaluate_tags
from nerlib.parsing import ParsedUtterance, Parser
from nerlib.tools.recipes import RecipeError, get_recipe, record_of
from nerlib.tools.tagger import Tagger, tag_plain_text

TEMPLATES = Path(__file__).parents[1] / "data" / "templates"
Tags = Sequence[Sequence[str]]
WORST = 20
LENGTHS = (4, 8, 12)
THRESHOLDS = tuple(step / 20 for step in range(20))


@dataclass(frozen=True)
class Material:
    """What a report is about: the facts for its head, outcomes, and training rows, if at hand.

    `names` says how a type, in capitals as in the tags, is spelled: by default in lower case.
    """

    facts: Mapping[str, str]
    outcomes: Sequence[Outcome]
    training: Sequence[ParsedUtterance] = ()
    names: Mapping[str, str] = field(default_factory=dict)


def material_of(
    tagger: Tagger,
    data: NERDataset,
    facts: Mapping[str, str],
    names: Mapping[str, str] | None = None,
    tags: Tags | None = None,
) -> Material:
    """Return what a report needs about a tagger's answers on a dataset.

    `tags` are those of `tag_plain_text`, if they are known already. The training rows are those
    that the model's own record names, where they can be had.
    """
    record = record_of(tagger.model.config)
    trained = "not recorded in the model"
    if record:
        trained = f"{record['rows']} of recipe {record['recipe']}, {record['epochs']} epochs"
    head = {**facts, "trained on": trained, "computed on": str(tagger.compute)}
    known = error_analysis.predict_outcomes(tagger.model, data, tagger.compute)
    found = zip(known, tags or tag_plain_text(tagger, data), strict=True)  # what scores are of
    outcomes = [replace(one, predicted=tuple(predicted)) for one, predicted in found]
    return Material(head, outcomes, training_rows(record), names or {})


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
    with whole_file(Path(path)) as unfinished:
        unfinished.write_text(page, encoding="utf-8")
    return Path(path)


def report_page(material: Material) -> str:
    """Return the page as HTML. Raises `ValueError` if there are no utterances."""
    if not material.outcomes:
        raise ValueError("a report needs at least one utterance")
    environment = page_environment()
    environment.filters.update(
        pair=partial(_pair, names=material.names),
        shaded=lambda one: shade_words([word.text for word in one.utterance.words], one.losses),
        source=_source,
    )
    outcomes = material.outcomes
    gold = [outcome.utterance.tags for outcome in outcomes]
    predicted = [outcome.predicted for outcome in outcomes]
    counts = significance.count_entities(gold, predicted)
    facts = _scores(material, gold, predicted) | _groups(material, gold, predicted, counts)
    facts |= _confidence(outcomes, counts) | {"interval": significance.bootstrap_f1(counts)}
    return environment.get_template("report.html").render(facts, facts=material.facts)


def page_environment() -> Environment:
    """Return what fills templates of pages: all text is escaped, and a missing name an error."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )


def _scores(material: Material, gold: Tags, predicted: Tags) -> dict[str, Any]:
    """Return the scores, by all rules and by type, and the outcomes by their errors."""
    outcomes, spelled = material.outcomes, material.names
    scores = evaluate_tags(gold, predicted)
    per_type = {spelled.get(name, name.lower()): one for name, one in scores.per_type.items()}
    kinds = matching.count_kinds(gold, predicted)
    found = error_analysis.kinds_of(outcomes)
    confused = error_analysis.confusions(outcomes, spelled)
    names = error_analysis.most_confused(confused)
    labels = ("What became of the entities", "entities", "kind of match")
    return {
        "scores": scores,
        "loss": error_analysis.mean_loss(outcomes),
        "utterances": len(outcomes),
        "per_type": per_type,
        "type_figure": plots.type_scores(per_type, spelled=True),
        "lenient": matching.lenient_scores(kinds),
        "kind_figure": plots.bar_chart({"entities": kinds}, *labels),
        "kinds": {kind: [one for one, _ in found.get(kind, [])] for kind in matching.KINDS[1:]},
        "confused_figure": plots.confusion_map(confused, names) if len(names) > 1 else None,
        "worst": error_analysis.worst_outcomes(outcomes, WORST),
    }


def _groups(material: Material, gold: Tags, predicted: Tags, counts: Any) -> dict[str, Any]:
    """Return F1 by the lengths of utterances and entities, and on seen and new values."""
    rows = [outcome.utterance for outcome in material.outcomes]
    grouped = error_analysis.grouped_scores
    lengths = {
        "F1 by words in the utterance": error_analysis.sentence_length(LENGTHS),
        "F1 by words in the entity": error_analysis.entity_length,
    }
    figures = {
        title: plots.group_chart({"model": grouped(rows, predicted, group)}, title)
        for title, group in lengths.items()
    }
    if not material.training:
        return {"seen": None, "length_figures": figures}
    listed = Gazetteer.learn(material.training)
    baseline = [listed.tag(utterance) for utterance in rows]
    group = error_analysis.seen_or_new(error_analysis.seen_values(material.training))
    seen = {"model": grouped(rows, predicted, group)}
    seen["list of training values"] = grouped(rows, baseline, group)
    list_counts = significance.count_entities(gold, baseline)
    return {
        "seen": seen,
        "length_figures": figures,
        "gain": significance.bootstrap_difference(list_counts, counts),
        "seen_figure": plots.group_chart(seen, "F1 on seen and new values"),
    }


def _confidence(outcomes: Sequence[Outcome], counts: Any) -> dict[str, Any]:
    """Return calibration, and the scores over the lowest confidence that is kept."""
    confidences, right = error_analysis.entity_confidences(outcomes)
    if not confidences:
        return {"kept": {}}
    bins = calibration.reliability_bins(confidences, right)
    error = calibration.expected_calibration_error(bins)
    kept = calibration.threshold_scores(confidences, right, int(counts[:, 0].sum()), THRESHOLDS)
    return {
        "error": error,
        "reliability_figure": plots.reliability_diagram(bins, error),
        "kept": kept,
        "threshold_figure": plots.threshold_chart(kept),
    }


def _shown(value: Any) -> Any:
    """Return text with characters that a page would obey made visible; HTML as it is."""
    is_text = isinstance(value, str) and not hasattr(value, "__html__")
    return visible(value) if is_text else value


def _pair(outcome: Outcome, names: Mapping[str, str]) -> Html:
    """Return an utterance with its gold and predicted entities."""
    utterance, scores = outcome.utterance, outcome.confidences
    found = to_entities(utterance.text, utterance.words, outcome.predicted, scores, names)
    return highlight_pairs([(utterance.text, utterance.spans, found)])


def _source(figure: Figure) -> str:
    """Return a figure as SVG in a URL, letters drawn as outlines, so that no font is needed."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "nerlib"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
