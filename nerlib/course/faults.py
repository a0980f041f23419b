"""The faults of notebook 08: what each line looks like, wrong and right, and what each one costs.

`nerlib/data/faults.toml` lists them; `benchmarks.faults` measures all over several seeds.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from nerlib.analysis.display import Html, escape
from nerlib.course.broken import Lab, Run, tags_by_dictionary, with_capitals
from nerlib.encoders import load_tokenizer
from nerlib.metrics import Evaluation, evaluate_tags
from nerlib.tools.own_data import corpus_from_lines
from nerlib.tools.small_bert import build_small_bert

FILE = Path(__file__).parents[1] / "data" / "faults.toml"
# Rows of another domain, from which a tag set must not grow.
OTHER_DOMAIN = """\
the [part : front brake] [problem : squeaks] downhill
please replace the [problem : broken] [part : pedal] by [day : thursday]
"""


@dataclass(frozen=True)
class Fault:
    """A fault of notebook 08, as `faults.toml` has it."""

    name: str
    wrong: str  # the line
    right: str  # its repair
    counts: Literal["lost", "told"]  # which part of its `Damage` tells what it harms
    verdict: str  # what follows from the band
    band: tuple[float, float]  # where that part lies with recipe `offline`, whatever the seed


@dataclass(frozen=True)
class Damage:
    """What a fault does to entity F1: `lost` by the model, and `told` too much by the report."""

    lost: float = 0.0
    told: float = 0.0


FAULTS = {key: Fault(**fault) for key, fault in tomllib.loads(FILE.read_text("utf-8")).items()}


def wrong_and_right(key: str) -> Html:
    """Return a fault's wrong line and its repair, one under the other.

    >>> wrong_and_right("swapped")
    wrong  evaluate_tags(predicted, gold)
    right  evaluate_tags(gold, predicted)
    """
    fault = FAULTS[key]
    lines = (("wrong", fault.wrong, "#f0b08a"), ("right", fault.right, "#8fd6bd"))
    blocks = "".join(
        f'<div style="display:flex;margin:2px 0"><div style="flex:0 0 4em">{name}</div>'
        f'<code style="background:{colour};color:#111;padding:2px 6px;overflow-wrap:anywhere">'
        f"{escape(line)}</code></div>"
        for name, line, colour in lines
    )
    return Html(f"<div>{blocks}</div>", "\n".join(f"{name}  {line}" for name, line, _ in lines))


def cost_of_training(base: Run, broken: Run) -> Damage:
    """Return what the model lost, on the same validation rows, by faults in its training."""
    return Damage(lost=base.f1 - broken.f1)


def cost_of_accuracy(base: Run) -> Damage:
    """Return how far accuracy is above F1, and what F1 loses if it chooses the epoch."""
    scores = [validation for validation, _ in base.history]
    chosen = max(scores, key=lambda score: score.token_accuracy)
    best = max(score.overall.f1 for score in scores)
    return Damage(best - chosen.overall.f1, scores[-1].token_accuracy - base.f1)


def cost_of_test_epoch(base: Run) -> Damage:
    """Return how much higher test F1 is at its own best epoch than at validation's."""
    honest = max(base.history, key=lambda scores: scores[0].overall.f1)[1].overall.f1
    return Damage(told=max(test.overall.f1 for _, test in base.history) - honest)


def other_domain(locale: str) -> list[dict[str, Any]]:
    """Return a few annotated rows from a bicycle shop, with slot types of their own."""
    return list(corpus_from_lines(OTHER_DOMAIN, locale, name="bicycle shop"))


def renumbered(run: Run, other: Sequence[str]) -> Evaluation:
    """Return the scores of a model whose tag numbers are read with another list of tags."""
    last = len(other) - 1
    read_as = {tag: other[min(place, last)] for place, tag in enumerate(run.model.config.labels)}
    answers = [[read_as[tag] for tag in tags] for tags in run.answers()]
    return evaluate_tags(run.validation_set.gold, answers)


def gold_by_dictionary(run: Run) -> Evaluation:
    """Return a run's scores against validation tags that are looked up by word as well."""
    gold = [tags_by_dictionary(utterance) for utterance in run.validation_set.utterances]
    return evaluate_tags(gold, run.answers())


def cased_lab(lab: Lab, folder: str | Path, epochs: int = 8) -> Lab:
    """Return a lab whose rows write names with capitals and whose encoder can read them.

    The encoder is a small BERT from random weights, its vocabulary learnt from the training rows.
    """
    names = ("train_rows", "validation_rows", "test_rows")
    rows = {name: with_capitals(getattr(lab, name), lab.parser) for name in names}
    encoder = str(build_small_bert(rows["train_rows"]["utt"], folder, lowercase=False))
    settings = replace(lab.settings, epochs=epochs, learning_rate=5e-4, head_rate_factor=2)
    tokenizer = load_tokenizer(encoder)
    return replace(lab, **rows, tokenizer=tokenizer, encoder=encoder, settings=settings)
