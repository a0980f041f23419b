"""What each fault of notebook 08 costs, over several seeds.

python -m benchmarks.faults     # writes benchmarks/break_it.json
"""

import json
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import nn

from benchmarks.measured import RESULTS_FOLDER, about, measured_before, write_json
from nerlib.course.broken import Bugs, Lab, Run, lower_cased, open_lab, run
from nerlib.course.faults import (
    Damage,
    cased_lab,
    cost_of_accuracy,
    cost_of_test_epoch,
    cost_of_training,
    other_domain,
    renumbered,
)
from nerlib.metrics import evaluate_tags
from nerlib.model import NERClassifier, NERConfig
from nerlib.tools.recipes import get_recipe

RESULTS, SEEDS = RESULTS_FOLDER / "break_it.json", {"0", "1", "2"}
TRAINED_WITH = {
    "dictionary": Bugs(word_dictionary=True),
    "offsets": Bugs(word_offsets=True),
    "padding": Bugs(padding_in_loss=True),
    "first_subword": Bugs(first_subword_loss=True),
    "order": Bugs(file_order=True),
}


def cost_of_new_head(base: Run, seed: int = 1000) -> Damage:
    """Return what is lost if the head's weights are missing and loading is not strict.

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


def cost_of_dropout(base: Run, times: int = 4) -> Damage:
    """Return how far the mean report is off when dropout stays on; the model is the same."""
    reports = [base.scores(dropout=True).overall.f1 for _ in range(times)]
    return Damage(told=sum(reports) / times - base.f1)


def cost_of_lower_case(lab: Lab, cased: Run) -> Damage:
    """Return what a model trained on text with capitals loses on lower-cased text."""
    small = lab.data(lower_cased(lab.validation_rows), cased.model.config.tags)
    return Damage(lost=cased.f1 - cased.scores(small).overall.f1)


def measure(lab: Lab, folder: str | Path, seed: int = 0) -> dict[str, Damage]:
    """Return the damage of every fault with one seed; "base" is the F1 of the run without any."""
    base = run(lab, seed=seed, watch=True)
    found = {
        name: cost_of_training(base, run(lab, bugs, seed)) for name, bugs in TRAINED_WITH.items()
    }
    grown = run(lab, seed=seed, more_rows=other_domain(lab.train_rows[0]["locale"]))
    misread = renumbered(grown, base.model.config.labels).overall.f1
    swapped = evaluate_tags(base.answers(), base.validation_set.gold).overall.f1
    cased = cased_lab(lab, folder)
    return found | {
        "dropout": cost_of_dropout(base),
        "accuracy": cost_of_accuracy(base),
        "tag_set": cost_of_training(base, grown),
        "tag_set_renumbered": Damage(lost=base.f1 - misread),
        "lower_case": cost_of_lower_case(cased, run(cased, seed=seed)),
        "swapped": Damage(told=swapped - base.f1),
        "test_epoch": cost_of_test_epoch(base),
        "head": cost_of_new_head(base, seed + 1000),
        "base": Damage(lost=base.f1),
    }


def main() -> int:
    """Measure every fault with every seed; seeds of an earlier, like run are kept."""
    recipe = replace(get_recipe("offline"), model_settings={})  # the lab takes all layers
    with tempfile.TemporaryDirectory() as folder:
        lab = open_lab(recipe, folder)
        size = {"train_rows": len(lab.train_rows), "epochs": lab.settings.epochs}
        facts = about("benchmarks.faults", recipe, lab.settings, recipe=recipe.name, **size)
        seeds = measured_before(RESULTS, facts, "seeds") or {}
        for seed in sorted(SEEDS - seeds.keys()):
            seeds[seed] = {
                name: {part: round(value, 4) for part, value in asdict(damage).items()}
                for name, damage in measure(lab, Path(folder) / "cased", int(seed)).items()
            }
            print(seed, json.dumps(seeds[seed]), flush=True)
            write_json(RESULTS, {**facts, "seeds": seeds})
    return 0


if __name__ == "__main__":
    sys.exit(main())
