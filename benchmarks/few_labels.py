"""What few labels are worth: F1 over rows, a model continued or begun anew, and pseudo-labels.

    python -m benchmarks.few_labels        # writes benchmarks/few_labels.json

Every seed draws its own rows out of the recipe's training split. The scores are those of the last
epoch on the validation rows, by which nothing is chosen.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from benchmarks.measured import RESULTS_FOLDER, about, write_json
from nerlib import NERClassifier, NERDataset, Tagger, corpus_from_lines, evaluate_tags, train
from nerlib.analysis.gazetteer import Gazetteer
from nerlib.tools.continuing import continued
from nerlib.tools.exchange.brackets import bracketed
from nerlib.tools.recipes import Experiment, get_recipe, prepare
from nerlib.tools.suggest import answers

SIZES, SEEDS = (25, 50, 100, 300, 1000), (0, 1, 2)
FEW, MORE = 100, 200  # rows at first, and rows in the end
DOUBT = 0.1  # pseudo-labels with less of it are kept
AN_EPOCH = 400  # few rows are repeated until an epoch has so many


def dataset(made: Experiment, lines: list[str]) -> NERDataset:
    """Return bracketed lines as a dataset, repeated until there are enough for an epoch."""
    corpus = corpus_from_lines(lines * max(1, AN_EPOCH // len(lines)), made.recipe.locale)
    return NERDataset(corpus, made.tokenizer, made.tags, made.recipe.parser())


def list_f1(made: Experiment, lines: list[str]) -> float:
    """Return F1 of the list of the values in some rows."""
    known, asked = Gazetteer.learn(dataset(made, lines).utterances), made.validation_set
    return evaluate_tags(asked.gold, [*map(known.tag, asked.utterances)]).overall.f1


def trained(
    made: Experiment, lines: list[str], seed: int, model: NERClassifier | None = None
) -> tuple[NERClassifier, float]:
    """Return a model, a new one if none is given, after training, and F1 of the last epoch."""
    torch.manual_seed(seed)
    words = made.recipe.parser().segmentation
    settings = {**made.recipe.model_settings, "segmentation": words}
    model = model or NERClassifier.from_encoder(made.recipe.encoder, made.tags, **settings)
    config = replace(made.recipe.settings, seed=seed, threads=1, progress=False)
    sets = dataset(made, lines), made.validation_set
    return model, train(model, *sets, config, report=lambda _: None)[-1].f1


def measure(made: Experiment, seed: int) -> Iterator[tuple[str, int, float]]:
    """Yield what was trained, on how many rows of the seed's order, and its F1."""
    rows = made.recipe.corpus(made.recipe.train_split).shuffle(seed=seed)
    lines = rows["annot_utt"][:]
    for size in SIZES:
        yield "list", size, list_f1(made, lines[:size])
        model, f1 = trained(made, lines[:size], seed)
        yield "trained", size, f1
        if size == FEW:
            few = model
    parts = {"continued, all rows": lines[:MORE], "continued, new rows": lines[FEW:MORE]}
    for name, part in parts.items():
        yield name, MORE, trained(made, part, seed, continued(few, made.tags))[1]
    yield "begun anew", MORE, trained(made, lines[:MORE], seed)[1]
    found = answers(Tagger(few, made.tokenizer, "cpu"), rows["utt"][FEW : max(SIZES)])
    kept = [bracketed(document) for document, doubt in found if doubt < DOUBT]
    yield "pseudo-labels kept", FEW, len(kept) / len(found)
    yield "pseudo-labels", FEW, trained(made, lines[:FEW] * 4 + kept, seed)[1]


def main() -> int:
    """Measure with every seed; write all results so far after each training."""
    made, outcomes = prepare(get_recipe()), list[dict[str, Any]]()
    facts = about("benchmarks.few_labels", made.recipe, made.recipe.settings, threads=1)
    for seed in SEEDS:
        for what, rows, value in measure(made, seed):
            outcomes.append({"what": what, "rows": rows, "seed": seed, "value": round(value, 4)})
            write_json(RESULTS_FOLDER / "few_labels.json", {**facts, "outcomes": outcomes})
            print(outcomes[-1], flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
