"""The named experiments: one word picks corpus, encoder and settings."""

from __future__ import annotations

import difflib
import os
import reprlib
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset

from nerlib.analysis.display import fact_table
from nerlib.corpus import CorpusError
from nerlib.device import choose_compute
from nerlib.optimization import TrainConfig
from nerlib.parsing import CHARACTER_LOCALES, Parser
from nerlib.tags import TagSet
from nerlib.tools.corpora import load_corpus

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerFast

    from nerlib.dataset import NERDataset
    from nerlib.model import NERClassifier
    from nerlib.tools.tagger import Tagger

SCRATCH = "scratch:small-bert"
DEFAULT_RECIPE = "offline"


class RecipeError(ValueError):
    """A recipe that cannot be used: what was wrong and what to do."""


@dataclass(frozen=True)
class Recipe:
    """An experiment by name: where the utterances come from, which encoder, which settings."""

    name: str
    summary: str
    needs: str
    source: str
    locale: str
    encoder: str
    train_split: str = "train"
    validation_split: str = "validation"
    settings: TrainConfig = field(default_factory=TrainConfig)
    model_settings: Mapping[str, Any] = field(default_factory=dict)  # for `NERConfig`
    shuffle: bool = False  # before slicing: see `load_corpus`
    downloads: str = "nothing"
    takes: str = "about 2 min on two CPU cores"

    def in_locale(self, locale: str) -> Recipe:
        """Return the recipe for another locale, with the packaged encoder that fits it.

        MiniLM knows English only: elsewhere the encoder of `offline-multilingual` takes its place.

        >>> get_recipe("massive-offline").in_locale("de-DE").encoder
        'packaged:multilingual-e5-small'
        """
        recipe = replace(self, locale=locale)
        if self.encoder != RECIPES["offline"].encoder or locale.startswith("en"):
            return recipe
        fitting = RECIPES["offline-multilingual"]
        names = ("encoder", "model_settings", "downloads")
        return replace(recipe, **{name: getattr(fitting, name) for name in names})

    def corpus(self, split: str) -> Dataset:
        """Return one split of the recipe's corpus; raises `CorpusError` if it cannot be had."""
        return load_corpus(self.locale, split, self.corpus_source(), self.shuffle)

    def corpus_source(self) -> str:
        """Return the source for `load_corpus`; `massive` is the folder in NERLIB_MASSIVE_DIR."""
        folder = self.source if self.source != "massive" else os.environ.get("NERLIB_MASSIVE_DIR")
        if folder:
            return folder
        advice = "set NERLIB_MASSIVE_DIR to the folder that holds 1.1/"
        raise CorpusError(f"recipe {self.name} reads MASSIVE's files: {advice}")

    def parser(self) -> Parser:
        """Return the parser that splits the recipe's text into words."""
        chosen = self.model_settings.get("segmentation")
        return Parser(chosen) if chosen else Parser.for_locale(self.locale)

    def untrained(
        self, encoder: str, tags: TagSet, settings: Mapping[str, Any]
    ) -> tuple[NERClassifier, PreTrainedTokenizerFast]:
        """Return the model that training begins with, for some tags, and its tokenizer."""
        from nerlib.encoders import load_tokenizer
        from nerlib.model import NERClassifier

        tokenizer = load_tokenizer(encoder)  # first: the head's weights follow the seed
        torch.manual_seed(self.settings.seed)
        return NERClassifier.from_encoder(encoder, tags, **settings), tokenizer

    def finish(self, model: NERClassifier, held_out: NERDataset) -> None:
        """Do what is left once a model is trained: nothing, for lessons measure it as it is."""

    def _repr_html_(self) -> str:
        return fact_table(self.describe())._repr_html_()

    def describe(self) -> dict[str, str]:
        """Return what is in use, line by line, as the first cell of every notebook shows it."""
        order = ", in a fixed random order" if self.shuffle else ""
        layers = self.model_settings.get("layers")
        corpus = {"sample": "packaged sample (synthetic)", "hub": "MASSIVE 1.1 from the Hub"}
        return {
            "recipe": self.name,
            "corpus": corpus.get(self.source, "MASSIVE files in NERLIB_MASSIVE_DIR"),
            "locale": self.locale,
            "rows": f"{self.train_split} to train, {self.validation_split} to validate{order}",
            "encoder": self.encoder + (f", its first {layers} layers" if layers else ""),
            "device": str(choose_compute(self.settings.device, self.settings.precision)),
            "switch": f"set NERLIB_RECIPE to one of {', '.join(RECIPES)}",
        }


_TABLES = tomllib.loads((Path(__file__).parents[1] / "data" / "recipes.toml").read_text("utf-8"))
RECIPES = {
    name: Recipe(name, **{**table, "settings": TrainConfig(**table["settings"])})
    for name, table in _TABLES.items()
}


@dataclass(frozen=True)
class Experiment:
    """A recipe made ready: datasets, tags, tokenizer and a model that is not yet trained."""

    recipe: Recipe
    tags: TagSet
    tokenizer: PreTrainedTokenizerFast
    model: NERClassifier
    train_set: NERDataset
    validation_set: NERDataset


def get_recipe(name: str | None = None) -> Recipe:
    """Return a recipe by name; without one, the one in NERLIB_RECIPE, else `offline`.

    Raises `RecipeError` with the nearest name for an unknown one.

    >>> get_recipe("offline").locale
    'en-US'
    """
    name = name or os.environ.get("NERLIB_RECIPE") or DEFAULT_RECIPE
    if name in RECIPES:
        return RECIPES[name]
    near = difflib.get_close_matches(name, RECIPES, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(RECIPES)}"
    raise RecipeError(f"unknown recipe {reprlib.repr(name)}: {hint}")


def prepare(recipe: Recipe, folder: str | Path = "build") -> Experiment:
    """Return a recipe's datasets and untrained model, the same at every call.

    `folder` takes what a recipe has to make first (the encoder of `offline-scratch`).
    """
    # Whoever only names a recipe need not wait for transformers' models, which are slow to import.
    from nerlib.addons.long_rows import read_whole
    from nerlib.dataset import NERDataset
    from nerlib.tools.small_bert import build_small_bert

    train_rows, validation_rows = map(recipe.corpus, (recipe.train_split, recipe.validation_split))
    encoder = recipe.encoder
    if encoder == SCRATCH:
        path = Path(folder) / "encoders" / recipe.name
        encoder = str(build_small_bert(train_rows["utt"], path, recipe.settings.seed))
    parser = recipe.parser()
    if "segmentation" not in recipe.model_settings:
        check_segmentation(parser, {*train_rows["locale"], *validation_rows["locale"]})
    settings = {**recipe.model_settings, "segmentation": parser.segmentation}
    tags = TagSet.from_corpus(train_rows, parser)
    model, tokenizer = recipe.untrained(encoder, tags, settings)
    tags = model.config.tags  # a model that goes on may know others, too
    # Written into config.json, so that the record can never belong to other weights.
    model.config.made_by = made_by(recipe)
    sets = [NERDataset(rows, tokenizer, tags, parser) for rows in (train_rows, validation_rows)]
    read_whole(sets[0], tokenizer)
    return Experiment(recipe, tags, tokenizer, model, *sets)


def check_segmentation(parser: Parser, locales: Collection[str]) -> None:
    """Raise `RecipeError` if a parser would split some of the locales into the wrong words."""
    locale = next((each for each in sorted(locales) if Parser.for_locale(each) != parser), None)
    if locale:
        words = {"spaces": "words between spaces", "characters": "every character for a word"}
        raise RecipeError(
            f"{locale} is written with{'out' if locale in CHARACTER_LOCALES else ''} spaces, and "
            f"the model has {words[parser.segmentation]}: use one for that locale alone "
            f"(--locale {locale}), or locales of one kind"
        )


def output_folder() -> Path:
    """Return where results go: NERLIB_OUTPUT, else `build` at the top of the project."""
    above = Path(".."), Path("../.."), Path("../../..")  # from a lesson, exercise, class copy
    project = next((path for path in above if (path / "pyproject.toml").is_file()), Path())
    return Path(os.environ.get("NERLIB_OUTPUT") or project / "build")


def trained_tagger(
    recipe: Recipe,
    folder: str | Path,
    rows: int | None = None,
    epochs: int | None = None,
    report: Callable[[str], None] = print,
) -> Tagger:
    """Return the tagger in `folder/model`; if there is none, train it and save it there first.

    `report` gets a line that says which of the two is done. `rows` (drawn from the whole training
    split, in a fixed random order) and `epochs` make a quick start of the recipe; without them a
    saved model of this recipe is taken however long it was trained. Raises `RecipeError` for a
    model of another recipe, or not trained as asked for: it is neither used nor overwritten.
    """
    from nerlib.addons.train import train
    from nerlib.saving import save_model
    from nerlib.tools.tagger import Tagger

    path, wanted = Path(folder) / "model", shortened(recipe, rows, epochs)
    shown = f"{path.parent.name}/{path.name}"
    if path.exists():
        record = check_made_by(path, wanted, rows, epochs)
        facts = ", ".join(f"{name} {record[name]}" for name in ("recipe", "rows", "epochs"))
        report(f"loading the model in {shown}, trained before: {facts}")
    else:
        report(f"there is no model in {shown} yet: training one")
        made = prepare(wanted, folder)
        history = train(made.model, made.train_set, made.validation_set, wanted.settings, report)
        if history.interrupted:  # half-trained, it must not pass for the recipe's model
            raise KeyboardInterrupt("stopped: no model was saved")
        save_model(made.model, made.tokenizer, path)
        report(f"saved in {shown}")
    return Tagger.from_pretrained(path, recipe.settings.device, recipe.settings.precision)


def shortened(recipe: Recipe, rows: int | None, epochs: int | None) -> Recipe:
    """Return the recipe with fewer training rows, or epochs, where they are given."""
    if epochs is not None:
        recipe = replace(recipe, settings=replace(recipe.settings, epochs=epochs))
    if rows is None:
        return recipe
    name = recipe.train_split.partition("[")[0]
    return replace(recipe, train_split=f"{name}[:{rows}]", shuffle=True)


def made_by(recipe: Recipe) -> dict[str, object]:
    """Return what a saved model remembers of its recipe, in its `config.json`."""
    rows, epochs = recipe.train_split, recipe.settings.epochs
    facts = {"recipe": recipe.name, "locale": recipe.locale, "encoder": recipe.encoder}
    return {**facts, "rows": rows, "epochs": epochs}


def record_of(config: PretrainedConfig) -> dict[str, Any]:
    """Return what a model remembers of its training; nothing if it was not made by a recipe."""
    return getattr(config, "made_by", None) or {}


def check_made_by(
    path: Path, recipe: Recipe, rows: int | None, epochs: int | None
) -> dict[str, object]:
    """Return what a saved model remembers of its recipe, if that is the one that is wanted.

    Raises `RecipeError` for another one, and for other rows or epochs where they are given.
    """
    from nerlib.untrusted import read_settings

    record = read_settings(str(path)).get("made_by")
    if not isinstance(record, dict):
        advice = "delete it, or give another folder"
        raise RecipeError(f"{path} does not say which recipe made it: {advice}")
    free = {name for name, wish in (("rows", rows), ("epochs", epochs)) if wish is None}
    different = [
        f"{name} {record.get(name)}, not {wish}"
        for name, wish in made_by(recipe).items()
        if name not in free and record.get(name) != wish
    ]
    if different:
        said = f"the model in {path} was made with {'; '.join(different)}"
        raise RecipeError(f"{said}: delete it to train anew, or give another folder")
    return record
