"""Out-of-fold answers: each of one's own sentences, tagged by a model that has not seen it.

A score for people who have sixty sentences and none to spare for an exam, and what `review` looks
for wrong labels with. Used in notebook 14.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

from nerlib.addons.train import train
from nerlib.analysis.error_analysis import Outcome, predict_outcomes
from nerlib.analysis.significance import Interval, bootstrap_f1, count_entities, f1_of_counts
from nerlib.corpus import CorpusError
from nerlib.dataset import NERDataset
from nerlib.metrics import Evaluation, evaluate_tags
from nerlib.tools.exchange.document import to_stderr
from nerlib.tools.own_recipe import OwnRecipe
from nerlib.tools.recipes import prepare


@dataclass(frozen=True)
class CrossValidation:
    """Scores of out-of-fold answers: of all together, and the F1 of each fold.

    `interval` is the 95 % bootstrap interval of the F1 of all sentences.
    """

    scores: Evaluation
    interval: Interval
    fold_f1: tuple[float, ...]

    def __str__(self) -> str:
        each = f"mean of {len(self.fold_f1)} folds {fmean(self.fold_f1):.3f}"
        return f"entity F1 {self.interval}; {each}, standard deviation {stdev(self.fold_f1):.3f}"


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


def out_of_fold(
    recipe: OwnRecipe, folds: int = 5, report: Callable[[str], None] = to_stderr
) -> tuple[list[Outcome], list[int]]:
    """Return what models that have not seen a sentence answer to it, and each sentence's fold.

    For each fold the recipe is trained on all other sentences, as `train --own` does it: a fifth of
    them chooses the epoch. `report` gets a line a fold. Raises `CorpusError` for sentences that
    cannot be parted so.
    """
    numbers = fold_numbers(recipe.rows["utt"], folds)
    found: dict[int, Outcome] = {}
    started = time.monotonic()
    for fold in range(folds):
        inside = [row for row, number in enumerate(numbers) if number == fold]
        others = [row for row, number in enumerate(numbers) if number != fold]
        left = (time.monotonic() - started) / max(1, fold) * (folds - fold)
        wait = f"; about {left:.0f} s left" if fold else ""
        report(f"fold {fold + 1} of {folds}: train on {len(others)}, tag {len(inside)}{wait}")
        outcomes = _answers(replace(recipe, rows=recipe.rows.select(others)), recipe, inside)
        found.update(zip(inside, outcomes, strict=True))
    return [found[row] for row in range(len(numbers))], numbers


def _answers(teaching: OwnRecipe, recipe: OwnRecipe, asked: Sequence[int]) -> list[Outcome]:
    """Return what a model trained on some sentences answers to others of the recipe."""
    settings, run = replace(teaching.settings, progress=False), prepare(teaching)
    history = train(run.model, run.train_set, run.validation_set, settings, lambda line: None)
    if history.interrupted:
        raise KeyboardInterrupt("stopped: nothing is written")
    rows = recipe.rows.select(asked)
    return predict_outcomes(run.model, NERDataset(rows, run.tokenizer, run.tags, recipe.parser()))


def cross_validation(outcomes: Sequence[Outcome], numbers: Sequence[int]) -> CrossValidation:
    """Return the scores of out-of-fold answers, whose folds are `numbers`."""
    gold = [outcome.utterance.tags for outcome in outcomes]
    predicted = [outcome.predicted for outcome in outcomes]
    counts = count_entities(gold, predicted)
    inside = [[n == fold for n in numbers] for fold in sorted(set(numbers))]
    fold_f1 = tuple(f1_of_counts(counts[rows]) for rows in inside)
    return CrossValidation(evaluate_tags(gold, predicted), bootstrap_f1(counts), fold_f1)
