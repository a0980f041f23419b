"""What all contenders work on: the same rows, encoder, batch size and number of threads."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from datasets import Dataset
from torch.optim import AdamW
from transformers import PreTrainedModel, PreTrainedTokenizerFast
from transformers.utils import logging

from nerlib.dataset import NERDataset
from nerlib.device import Compute, Precision, choose_compute
from nerlib.encoders import load_tokenizer
from nerlib.model import NERClassifier, load_encoder
from nerlib.optimization import TrainConfig
from nerlib.parsing import Parser
from nerlib.tags import TagSet
from nerlib.tools.recipes import Recipe, get_recipe


@dataclass(frozen=True)
class Material:
    """The rows and the settings of a run. `rows` are trained on, `texts` are tagged."""

    recipe: Recipe
    locale: Dataset
    rows: Dataset
    texts: list[str]
    tokenizer: PreTrainedTokenizerFast
    tags: TagSet
    parser: Parser
    config: TrainConfig

    @cached_property
    def data(self) -> NERDataset:
        """The rows to train on."""
        return NERDataset(self.rows, self.tokenizer, self.tags, self.parser)

    @cached_property
    def whole(self) -> NERDataset:
        """All training rows of the locale."""
        return NERDataset(self.locale, self.tokenizer, self.tags, self.parser)

    def compute(self, precision: Precision) -> Compute:
        """Return the device with a precision."""
        return choose_compute(self.config.device, precision)

    def encoder(self) -> PreTrainedModel:
        """Return the encoder with its published weights."""
        return load_encoder(self.recipe.encoder)

    def model(self) -> NERClassifier:
        """Return our model, the head untrained; all layers of the encoder, as the others have."""
        torch.manual_seed(self.config.seed)
        settings = {**self.recipe.model_settings, "layers": None}
        return NERClassifier.from_encoder(self.recipe.encoder, self.tags, **settings)

    def optimizer(self, parameters: Iterator[torch.nn.Parameter]) -> AdamW:
        """Return the optimiser that every contender but the tutorial uses."""
        return AdamW(parameters, lr=self.config.learning_rate, fused=True)


def gather(rows: int, texts: int, device: str = "auto") -> Material:
    """Return the material: MASSIVE en-US where NERLIB_MASSIVE_DIR is set, else the sample.

    Every contender reads each utterance once: `consistency`, which reads it twice, is off.
    """
    recipe = get_recipe("massive-offline" if os.environ.get("NERLIB_MASSIVE_DIR") else "offline")
    parser = Parser.for_locale(recipe.locale)
    locale = recipe.corpus("train")
    utterances = list(recipe.corpus("validation")["utt"])
    return Material(
        recipe,
        locale,
        locale.select(range(min(rows, len(locale)))),
        (utterances * -(-texts // len(utterances)))[:texts],
        load_tokenizer(recipe.encoder),
        TagSet.from_corpus(locale, parser),
        parser,
        replace(recipe.settings, device=device, epochs=1, consistency=0.0, progress=False),
    )


def silence() -> None:
    """Let transformers say nothing: its bars and tables cost time as well."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
