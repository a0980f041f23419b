"""What wrong labels cost, what mending pays, frozen vectors beside fine-tuning: for notebook 14.

python -m benchmarks.wrong_labels              # writes benchmarks/wrong_labels.json
"""

import time
from dataclasses import replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from benchmarks.measured import RESULTS_FOLDER, about, write_json
from nerlib import NERDataset, evaluate, get_recipe, prepare, train
from nerlib.analysis.significance import count_entities, f1_of_counts
from nerlib.course.planted import found_among, plant
from nerlib.model import word_vectors
from nerlib.tools.folds import fold_numbers, out_of_fold, tags_of
from nerlib.tools.own_recipe import own_recipe

SHARES, SEEDS, WORST, SMALL = (0.0, 0.2), (0, 1, 2), 50, 60
RECIPE = get_recipe("offline")
QUICK = replace(RECIPE.settings, epochs=2, masked_subwords=0.0, consistency=0.0, progress=False)


def tuned_f1(lines: list[str], seed: int) -> float:
    """Return the F1 on clean validation rows after two epochs on rows labelled like this."""
    run = prepare(replace(RECIPE, settings=replace(QUICK, seed=seed)))
    rows = RECIPE.corpus(RECIPE.train_split).remove_columns("annot_utt")
    data = NERDataset(rows.add_column("annot_utt", lines), run.tokenizer, run.tags, RECIPE.parser())
    train(run.model, data, run.validation_set, run.recipe.settings, lambda line: None)
    return evaluate(run.model, run.validation_set)[0].overall.f1


@torch.inference_mode()
def frozen(rows: Dataset) -> tuple[list[int], float]:
    """Return the rows, worst label first, and F1, out of fold, by an encoder as it is."""
    run = prepare(RECIPE)
    data = NERDataset(rows, run.tokenizer, run.tags, RECIPE.parser())
    tags, vectors = np.concatenate(data.gold), np.concatenate(word_vectors(run.model, data))
    lengths = [len(one) for one in data.gold]
    starts, known = np.cumsum([0, *lengths[:-1]]), np.unique(tags)
    folds = PredefinedSplit(np.repeat(fold_numbers(rows["utt"], 5), lengths))
    head = LogisticRegression(max_iter=60, tol=1e-3)
    chances = cross_val_predict(head, vectors, tags, cv=folds, method="predict_proba")
    own = chances[range(len(tags)), np.searchsorted(known, tags)]
    answers = [one.tolist() for one in np.split(known[chances.argmax(-1)], starts[1:])]
    ranked = np.argsort(np.minimum.reduceat(own, starts), kind="stable").tolist()
    return ranked, f1_of_counts(count_entities(data.gold, answers))


def small_file(seed: int) -> dict[str, Any]:
    """Return how fine-tuning and frozen vectors do on sixty sentences, six labelled wrongly."""
    rows = RECIPE.corpus(RECIPE.train_split).shuffle(seed=seed).select(range(SMALL))
    planted = plant(rows, RECIPE.parser(), 0.1, seed)
    ranked, frozen_f1 = frozen(planted.corpus)
    with TemporaryDirectory() as folder:
        path = Path(folder, "sixty.txt")
        path.write_text("\n".join(planted.corpus["annot_utt"]), encoding="utf-8")
        own = own_recipe(str(path), RECIPE)
        started = time.process_time()
        found = out_of_fold(replace(own, settings=replace(own.settings, threads=1)))
    facts: dict[str, Any] = {"seed": seed, "seconds": round(time.process_time() - started)}
    outcomes = sorted(chain(*found), key=lambda one: -one.highest_loss)
    tuned = [int(one.row_id.rpartition("-")[2]) - 1 for one in outcomes]
    tuned_f1 = f1_of_counts(count_entities(*tags_of(outcomes)))
    facts |= {"tuned_f1": tuned_f1, "frozen_f1": frozen_f1}  # and below: of the first twelve
    first = (found_among(rows, planted)[11] for rows in (tuned, ranked))
    return facts | dict(zip(("tuned_found", "frozen_found"), first, strict=True))


def main() -> None:
    """Measure seed after seed, and write what there is after each step."""
    clean = RECIPE.corpus(RECIPE.train_split)
    results = about("benchmarks.wrong_labels", RECIPE, RECIPE.settings, epochs=2, runs=[], small=[])
    for seed in SEEDS:
        results["small"].append(small_file(seed))
        for share in SHARES:
            planted = plant(clean, RECIPE.parser(), share, seed)
            worst = frozen(planted.corpus)[0][:WORST]
            lines, run = list(planted.corpus["annot_utt"]), {"seed": seed, "share": share}
            run |= {"found": found_among(worst, planted)[-1], "f1": tuned_f1(lines, seed)}
            for row in worst:
                lines[row] = clean["annot_utt"][row]
            results["runs"].append(run | ({"mended_f1": tuned_f1(lines, seed)} if share else {}))
            write_json(RESULTS_FOLDER / "wrong_labels.json", results)


if __name__ == "__main__":
    main()
