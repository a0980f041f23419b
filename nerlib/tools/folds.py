"""Out-of-fold answers: each of one's own sentences, tagged by a model that has not seen it.

A score for people who have sixty sentences and none to spare for an exam, and what `review` looks
for wrong labels with. Used in notebook 14.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from statistics import fmean, stdev

from nerlib.addons.train import train
from nerlib.analysis.error_analysis import Outcome, predict_outcomes
from nerlib.analysis.significance import bootstrap_f1, count_entities, f1_of_counts
from nerlib.corpus import CorpusError
from nerlib.dataset import NERDataset
from nerlib.metrics import Tags
from nerlib.tools.exchange.document import to_stderr
from nerlib.tools.own_recipe import OwnRecipe
from nerlib.tools.recipes import Recipe, prepare


def fold_numbers(texts: Sequence[str], folds: int) -> list[int]:
    """Return each sentence's fold, from 0: by a hash of its text, so that equal ones stay together.

    Raises `CorpusError` for more folds than different sentences, or fewer than two.

    >>> fold_numbers(["a bell", "a chain", "a bell"], folds=2)
    [0, 1, 0]
    """
    different = sorted(set(texts), key=lambda text: hashlib.sha256(text.encode()).digest())
    if not 2 <= folds <= len(different):
        most = f"2 to {len(different)}, the number of different sentences"
        raise CorpusError(f"{folds} folds cannot be made: choose {most}")
    number = {text: place % folds for place, text in enumerate(different)}
    return [number[text] for text in texts]


def out_of_fold(recipe: Recipe, folds: int = 5) -> list[list[Outcome]]:
    """Return, fold by fold, what a model that has not seen a sentence answers to it.

    For each fold the recipe of one's own sentences is trained on all others, of which a fifth
    chooses the epoch: as by `train --own`, but reading each batch once, not twice. Each fold is a
    line on standard error. Raises `CorpusError` for sentences that cannot be parted so.
    """
    assert isinstance(recipe, OwnRecipe)  # no other has rows of one's own
    numbers, found = fold_numbers(recipe.rows["utt"][:], folds), list[list[Outcome]]()
    started = time.monotonic()
    for fold in range(folds):
        inside = [row for row, number in enumerate(numbers) if number == fold]
        others = [row for row, number in enumerate(numbers) if number != fold]
        left = (time.monotonic() - started) / max(fold, 1) * (folds - fold)
        wait = f"; about {left:.0f} s left" if fold else ""
        to_stderr(f"fold {fold + 1} of {folds}: train on {len(others)}, tag {len(inside)}{wait}")
        found.append(_answers(recipe, others, inside))
    return found


def _answers(recipe: OwnRecipe, others: Sequence[int], asked: Sequence[int]) -> list[Outcome]:
    """Return what a model trained on some sentences of a recipe answers to others of it."""
    # A second reading of each batch cost 40 % more time and found no more of the planted labels.
    settings = replace(recipe.settings, progress=False, consistency=0.0)
    run = prepare(replace(recipe, rows=recipe.rows.select(others)))
    history = train(run.model, run.train_set, run.validation_set, settings, lambda line: None)
    if history.interrupted:
        raise KeyboardInterrupt("stopped: nothing is written")
    rows = recipe.rows.select(asked)
    return predict_outcomes(run.model, NERDataset(rows, run.tokenizer, run.tags, recipe.parser()))


def tags_of(outcomes: Sequence[Outcome]) -> tuple[list[Tags], list[Tags]]:
    """Return the labels and the answers, as tags: what scores are computed from."""
    return [one.utterance.tags for one in outcomes], [one.predicted for one in outcomes]


def f1_by_fold(found: Sequence[Sequence[Outcome]]) -> list[float]:
    """Return the entity F1 of each fold."""
    return [f1_of_counts(count_entities(*tags_of(fold))) for fold in found]


def score_of(found: Sequence[Sequence[Outcome]]) -> str:
    """Return in words how good the answers are: F1 of all with its interval, and of the folds."""
    whole, each = bootstrap_f1(count_entities(*tags_of([*chain(*found)]))), f1_by_fold(found)
    folds = f"mean of {len(each)} folds {fmean(each):.3f}, standard deviation {stdev(each):.3f}"
    return f"entity F1 {whole}; {folds}"
