"""The whole way in one go, on the terminal: show, train, save, load, tag."""

import json
import sys
import time
import tomllib
from dataclasses import asdict
from functools import partial
from pathlib import Path

from nerlib.addons.processes import join, named
from nerlib.addons.train import train
from nerlib.analysis.display import highlight_terminal
from nerlib.analysis.plots import learning_curve, save_figure
from nerlib.metrics import History
from nerlib.model import count_parameters
from nerlib.saving import save_model
from nerlib.tools.recipes import SCRATCH, Experiment, Recipe, RecipeError, prepare
from nerlib.tools.tagger import Tagger

NEW_SENTENCES = tomllib.loads((Path(__file__).parents[1] / "data" / "tour.toml").read_text("utf-8"))

MANY_SUBWORDS = 1.9  # a word; an encoder needs about 1.2 for the language that it was made for


def walk(
    recipe: Recipe, output: Path, checkpoint_dir: Path | None = None, resume: bool = False
) -> None:
    """Show some utterances, train, save the best epoch, load it again and tag new sentences."""
    started = time.perf_counter()
    history = train_and_save(recipe, output, checkpoint_dir, resume)
    if not named().first:
        return
    sentences = NEW_SENTENCES.get(recipe.locale, NEW_SENTENCES["en-US"])
    heading("Loaded again from disk, it tags new sentences")
    tagger = Tagger.from_pretrained(output / "model")
    for text, entities in zip(sentences, tagger(sentences), strict=True):
        print(" ", highlight_terminal(text, entities, sys.stdout.isatty()))
    if recipe.encoder == SCRATCH:
        print("\nThis encoder starts from random weights: without pre-training it is weak.")
        print(f"Its entity F1 is {history.best.f1:.2f}; recipe `offline-ru` has a trained one.")
    print(f"\nThat took {time.perf_counter() - started:.0f} s.")


def train_and_save(
    recipe: Recipe, output: Path, checkpoint_dir: Path | None = None, resume: bool = False
) -> History:
    """Train a recipe; write model, history and learning curve below `output`; say where.

    Raises `KeyboardInterrupt`, with a line on how to go on, if Ctrl-C stopped the training.
    """
    output.mkdir(parents=True, exist_ok=True)
    heading(f"Recipe {recipe.name}")
    for name, value in recipe.describe().items():
        print(f"  {name:<9} {value}")
    processes = join()
    with processes.one_first():
        experiment = prepare(recipe, output)
    if not len(experiment.train_set) or not len(experiment.validation_set):
        raise RecipeError("there is nothing to train or to validate on: choose other rows")
    heading("Some utterances with their entities")
    for utterance in experiment.train_set.utterances[:5]:
        print(" ", highlight_terminal(utterance.text, utterance.spans, sys.stdout.isatty()))
    print(f"  train: {experiment.train_set.report}")
    print(f"  validation: {experiment.validation_set.report}")
    report = experiment.train_set.report
    pieces = (report.subwords - 2 * report.utterances) / max(1, report.words)  # but special ones
    if pieces > MANY_SUBWORDS and "multilingual" not in recipe.encoder:
        advice = "its encoder hardly knows this language; try --recipe offline-multilingual"
        print(f"  {pieces:.1f} subwords a word: {advice}, or another --encoder")
    heading("Training")
    print(f"  {count_parameters(experiment.model) / 1e6:.1f} million parameters")
    what = experiment.model, experiment.train_set, experiment.validation_set, recipe.settings
    say = partial(print, " ", flush=True)
    history = train(*what, report=say, checkpoint_dir=checkpoint_dir, resume=resume)
    if history.interrupted:
        again = "give --checkpoint-dir, and a stopped run can go on with --resume"
        if checkpoint_dir is not None:
            again = f"go on with --resume --checkpoint-dir {checkpoint_dir}"
        raise KeyboardInterrupt(f"stopped, no model saved: {again}")
    best = history.best
    print(f"  best: epoch {best.epoch}, F1 {best.f1:.3f}, MASSIVE slot F1 {best.massive_f1:.3f}")
    processes.on_first(lambda: write_results(experiment, history, output))
    return history


def write_results(experiment: Experiment, history: History, output: Path) -> None:
    """Write the model, the history and the learning curve, and say where they are."""
    experiment.recipe.finish(experiment.model, experiment.validation_set)
    replaced = " (in place of the one that was there)" if (output / "model").exists() else ""
    model = save_model(experiment.model, experiment.tokenizer, output / "model")
    records = output / "history.json"
    records.write_text(json.dumps([asdict(r) for r in history], indent=2), encoding="utf-8")
    figure = save_figure(learning_curve(history), output / "learning_curve.png")
    heading(f"Saved{replaced}")
    for name, path in (("model", model), ("history", records), ("figure", figure)):
        print(f"  {name:<9} {path}")


def heading(text: str) -> None:
    """Print a heading."""
    print(f"\n{text}\n{'─' * len(text)}")
