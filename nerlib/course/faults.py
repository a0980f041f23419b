"""The faults of notebook 08: what each line looks like, wrong and right, and what each one costs.

python -m nerlib.course.faults     # measures all over several seeds: benchmarks/break_it.json
"""

from __future__ import annotations

import argparse
import html
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from nerlib.analysis.display import Html
from nerlib.course.broken import (
    NAMES,
    Bugs,
    Lab,
    Run,
    lower_cased,
    open_lab,
    run,
    tags_by_dictionary,
    with_capitals,
)
from nerlib.course.measured import ROOT, machine, write_json
from nerlib.device import set_threads
from nerlib.encoders import build_small_bert, load_tokenizer
from nerlib.metrics import Evaluation, evaluate_tags, total_score
from nerlib.model import NERClassifier, NERConfig
from nerlib.tools.own_data import corpus_from_lines
from nerlib.tools.recipes import get_recipe

RESULTS = ROOT / "benchmarks" / "break_it.json"
# Rows of another domain, from which a tag set must not grow.
OTHER_DOMAIN = """\
the [part : front brake] [problem : squeaks] downhill
please replace the [problem : broken] [part : pedal] by [day : thursday]
"""


@dataclass(frozen=True)
class Fault:
    """A fault: its name, the wrong line and its repair, and what it harms.

    `counts` is "lost" (the tagger gets worse) or "told" (the tagger is the same, the number said
    about it is not): the part of its `Damage` that counts. `band` is where that part lies with the
    recipe `offline`, whatever the seed, and `verdict` says what follows from it.
    """

    name: str
    wrong: str
    right: str
    counts: Literal["lost", "told"]
    verdict: str
    band: tuple[float, float]


@dataclass(frozen=True)
class Damage:
    """What a fault does to entity F1: `lost` by the model, and `told` too much by the report."""

    lost: float = 0.0
    told: float = 0.0


FAULTS = {
    "dictionary": Fault(
        "tags from a dictionary of words",
        "tags = [word_to_tag.get(word, 'O') for word in words]",
        "tags = spans_to_tags(words, spans)",
        "lost",
        "within chance",
        (-0.07, 0.07),
    ),
    "offsets": Fault(
        "subwords counted in words",
        "first = number_of_the_word + 1",
        "first = word_ids.index(number_of_the_word)",
        "lost",
        "hurts",
        (0.12, 0.36),
    ),
    "dropout": Fault(
        "dropout on in validation",
        "with torch.no_grad(): validate(model)",
        "model.eval(); validate(model)",
        "told",
        "blackens",
        (-0.08, -0.002),
    ),
    "accuracy": Fault(
        "accuracy as the only score",
        "score = accuracy_score(gold_tags, predicted_tags)",
        "score = evaluate_tags(gold, predicted).overall.f1",
        "told",
        "flatters",
        (0.3, 0.45),
    ),
    "tag_set": Fault(
        "tag set grown from validation rows",
        "tags = TagSet.from_corpus([*train_rows, *validation_rows])",
        "tags = TagSet.from_corpus(train_rows)",
        "lost",
        "within chance",
        (-0.07, 0.07),
    ),
    "padding": Fault(
        "padding counted in the loss",
        "labels = pad_sequence(targets, True, padding_value=0)",
        "labels = pad_sequence(targets, True, padding_value=-100)",
        "lost",
        "hurts",
        (0.02, 0.2),
    ),
    "first_subword": Fault(
        "first subword in training, mean in use",
        "vector = hidden[first]  # and in use: hidden[first:end].mean(0)",
        "vector = hidden[first:end].mean(0)  # in both",
        "lost",
        "within chance",
        (-0.03, 0.08),
    ),
    "lower_case": Fault(
        "lower-casing a cased model",
        "encoding = tokenizer(text.lower())",
        "encoding = tokenizer(text)",
        "lost",
        "hurts",
        (0.01, 0.09),
    ),
    "order": Fault(
        "rows sorted by intent, not shuffled",
        "DataLoader(rows, batch_size=16)",
        "DataLoader(rows, batch_size=16, shuffle=True)",
        "lost",
        "hurts",
        (0.03, 0.22),
    ),
    "swapped": Fault(
        "precision and recall swapped",
        "evaluate_tags(predicted, gold)",
        "evaluate_tags(gold, predicted)",
        "told",
        "invisible in F1",
        (0.0, 0.0),
    ),
    "test_epoch": Fault(
        "epoch chosen on the test rows",
        "best = max(epochs, key=lambda epoch: epoch.test_f1)",
        "best = max(epochs, key=lambda epoch: epoch.validation_f1)",
        "told",
        "flatters",
        (0.0, 0.03),
    ),
    "head": Fault(
        "head re-initialised on loading",
        "model.load_state_dict(weights, strict=False)",
        "model.load_state_dict(weights)",
        "lost",
        "hurts",
        (0.4, 0.6),
    ),
}


def said(key: str) -> str:
    """Return what notebook 08 says about a fault's cost with the recipe `offline`.

    >>> said("order")
    '**Verdict: hurts.** F1 lost by the model: +0.03 to +0.22.'
    """
    fault = FAULTS[key]
    what = {"lost": "F1 lost by the model", "told": "F1 told too much"}[fault.counts]
    low, high = fault.band
    amount = f"{low:+.2f} to {high:+.2f}" if low < high else "exactly 0"
    return f"**Verdict: {fault.verdict}.** {what}: {amount}."


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
        f"{html.escape(line)}</code></div>"
        for name, line, colour in lines
    )
    return Html(f"<div>{blocks}</div>", "\n".join(f"{name}  {line}" for name, line, _ in lines))


def cost_of_training(base: Run, broken: Run) -> Damage:
    """Return what the model lost, on the same validation rows, by faults in its training."""
    return Damage(lost=base.f1 - broken.f1)


def cost_of_dropout(base: Run, times: int = 4) -> Damage:
    """Return how far the mean report is off when dropout stays on; the model is the same."""
    reports = [base.scores(dropout=True).overall.f1 for _ in range(times)]
    return Damage(told=sum(reports) / times - base.f1)


def cost_of_accuracy(base: Run) -> Damage:
    """Return how far accuracy is above F1, and what F1 loses if it chooses the epoch."""
    scores = [validation for validation, _ in base.history]
    chosen = max(scores, key=lambda score: score.token_accuracy)
    best = max(score.overall.f1 for score in scores)
    return Damage(best - chosen.overall.f1, base.history[-1][0].token_accuracy - base.f1)


def cost_of_test_epoch(base: Run) -> Damage:
    """Return how much higher test F1 is at its own best epoch than at validation's."""
    honest = max(base.history, key=lambda scores: scores[0].overall.f1)[1].overall.f1
    return Damage(told=max(test.overall.f1 for _, test in base.history) - honest)


def cost_of_new_head(base: Run, seed: int = 1000) -> Damage:
    """Return what is lost if the head's weights are not found, and nobody asks.

    The seed must be another than the run's: the trained encoder still fits the very numbers that
    its own head started from.
    """
    torch.manual_seed(seed)
    config = NERConfig.from_dict(base.model.config.to_dict())
    loaded = nn.Module.to(NERClassifier(config), base.model.device)
    weights = base.model.state_dict()
    renamed = {name.replace("head.", "classifier."): value for name, value in weights.items()}
    loaded.load_state_dict(renamed, strict=False)
    return Damage(lost=base.f1 - replace(base, model=loaded).scores().overall.f1)


def cost_of_swapping(base: Run) -> Damage:
    """Return what F1 notices if gold and predicted tags change places: nothing."""
    return Damage(told=evaluate_tags(base.answers(), base.validation_set.gold).overall.f1 - base.f1)


def other_domain(locale: str) -> list[dict[str, Any]]:
    """Return a few annotated rows from a bicycle shop, with slot types of their own."""
    return list(corpus_from_lines(OTHER_DOMAIN, locale, name="bicycle shop"))


def renumbered(run: Run, base: Run) -> Evaluation:
    """Return the scores of a model whose tag numbers are read with another run's list of tags."""
    own, other = run.model.config.labels, base.model.config.labels
    number = {label: place for place, label in enumerate(own)}
    answers = [[other[min(number[tag], len(other) - 1)] for tag in tags] for tags in run.answers()]
    return evaluate_tags(run.validation_set.gold, answers)


def gold_by_dictionary(run: Run) -> Evaluation:
    """Return a run's scores against validation tags that are looked up by word as well."""
    gold = [tags_by_dictionary(utterance) for utterance in run.validation_set.utterances]
    return evaluate_tags(gold, run.answers())


def cased_lab(lab: Lab, folder: str | Path, epochs: int = 8) -> Lab:
    """Return a lab whose rows write names with capitals and whose encoder can read them.

    The encoder is a small BERT from random weights, its vocabulary learnt from the training rows.
    """
    train_rows = with_capitals(lab.train_rows, lab.parser)
    encoder = str(build_small_bert(train_rows["utt"], folder, lowercase=False))
    return replace(
        lab,
        train_rows=train_rows,
        validation_rows=with_capitals(lab.validation_rows, lab.parser),
        test_rows=with_capitals(lab.test_rows, lab.parser),
        tokenizer=load_tokenizer(encoder),
        encoder=encoder,
        settings=replace(lab.settings, epochs=epochs, learning_rate=5e-4, head_rate_factor=2),
    )


def cost_of_lower_case(lab: Lab, cased: Run) -> Damage:
    """Return what a model loses that has learnt from capitals and gets small letters."""
    small = lab.data(lower_cased(lab.validation_rows), cased.model.config.tags)
    return Damage(lost=cased.f1 - cased.scores(small).overall.f1)


def names_apart(scores: Evaluation) -> tuple[float, float]:
    """Return F1 over the types that are written with capitals, and over all others."""
    names = {kind: score for kind, score in scores.per_type.items() if kind.lower() in NAMES}
    others = {kind: score for kind, score in scores.per_type.items() if kind not in names}
    return total_score(names).f1, total_score(others).f1


TRAINED_WITH = {
    "dictionary": Bugs(word_dictionary=True),
    "offsets": Bugs(word_offsets=True),
    "padding": Bugs(padding_in_loss=True),
    "first_subword": Bugs(first_subword_loss=True),
    "order": Bugs(file_order=True),
}


def measure(lab: Lab, folder: str | Path, seed: int = 0) -> dict[str, Damage]:
    """Return the damage of every fault with one seed; "base" is the F1 of the run without any."""
    base = run(lab, seed=seed, watch=True)
    found = {
        name: cost_of_training(base, run(lab, bugs, seed)) for name, bugs in TRAINED_WITH.items()
    }
    grown = run(lab, seed=seed, more_rows=other_domain(lab.train_rows[0]["locale"]))
    cased = cased_lab(lab, folder)
    found |= {
        "dropout": cost_of_dropout(base),
        "accuracy": cost_of_accuracy(base),
        "tag_set": cost_of_training(base, grown),
        "tag_set_renumbered": Damage(lost=base.f1 - renumbered(grown, base).overall.f1),
        "lower_case": cost_of_lower_case(cased, run(cased, seed=seed)),
        "swapped": cost_of_swapping(base),
        "test_epoch": cost_of_test_epoch(base),
        "head": cost_of_new_head(base, seed + 1000),
        "base": Damage(lost=base.f1),
    }
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every fault with every seed; seeds of an earlier, like run are kept."""
    parser = argparse.ArgumentParser(prog="nerlib.course.faults", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rows", type=int, default=800, help="to train on")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--recipe", help="a name from `nerlib recipes` (offline)")
    parser.add_argument("--threads", type=int, help="CPU threads (one a core)")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    set_threads(options.threads)
    recipe = get_recipe(options.recipe or "offline")
    with tempfile.TemporaryDirectory() as folder:
        lab = open_lab(recipe, folder, options.rows, options.epochs)
        lab = replace(lab, settings=replace(lab.settings, threads=options.threads))
        facts = recipe.describe()
        told: dict[str, Any] = {"command": "python -m nerlib.course.faults"}
        told |= {name: facts[name] for name in ("recipe", "corpus", "locale", "encoder")}
        told |= {"train_rows": len(lab.train_rows), "epochs": lab.settings.epochs}
        told |= machine(lab.settings)
        seeds = seeds_so_far(options.output, told)
        for seed in options.seeds:
            if str(seed) in seeds:
                continue
            found = measure(lab, Path(folder) / "cased", seed)
            seeds[str(seed)] = {name: rounded(damage) for name, damage in found.items()}
            print(seed, json.dumps(seeds[str(seed)]), flush=True)
            write_json(options.output, {**told, "seeds": seeds})
    print(f"wrote {options.output.name}")
    return 0


def seeds_so_far(path: Path, told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what an earlier run has measured in the same way on a machine of the same kind."""
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    seeds: dict[str, dict[str, Any]] = content.pop("seeds", {})
    return seeds if content == told else {}


def rounded(damage: Damage) -> dict[str, float]:
    """Return a damage as plain numbers."""
    return {name: round(value, 4) for name, value in asdict(damage).items()}


if __name__ == "__main__":
    sys.exit(main())
