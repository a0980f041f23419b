"""A recipe whose corpus is a text file of one's own: a part of it trains, the rest validates."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerFast

from nerlib.corpus import CorpusError, Split, decode_lines
from nerlib.dataset import NERDataset
from nerlib.inference import PlainTagger
from nerlib.model import NERClassifier
from nerlib.parsing import Parser, Segmentation
from nerlib.tags import TagSet
from nerlib.tools.continuing import continued
from nerlib.tools.exchange.brackets import bracketed
from nerlib.tools.exchange.document import Reading, each, to_stderr
from nerlib.tools.exchange.formats import FORMATS, format_of, read_file
from nerlib.tools.own_checks import digest, segmentation_of, trained_on
from nerlib.tools.own_data import OwnDataError, corpus_from_lines
from nerlib.tools.recipes import Recipe, record_of
from nerlib.tools.temperature import set_temperature

NAME = "own"
VALIDATION_SHARE = 0.2
MOST_HASHES = 100_000  # more would not fit into a model's settings
EPOCHS, BATCH_SIZE = 20, 8  # a few dozen sentences are few steps: more rounds, smaller batches


@dataclass(frozen=True)
class OwnRecipe(Recipe):
    """A recipe's encoder and settings, with the sentences of a file, its `source`, as corpus."""

    rows: Dataset = None  # read once: the source may be a pipe
    start: PlainTagger | None = None  # whose model training begins with

    def corpus(self, split: str) -> Dataset:
        """Return the file's sentences for training, or those set aside for validation.

        Raises `CorpusError` if no sentence for training has an entity.
        """
        wanted = Split.parse(split)
        if wanted.partition == "test":
            raise CorpusError(f"{self.source} has no split 'test': score a file by evaluate --own")
        rows, aside = self.rows, set_aside(self.rows["utt"][:])
        for_validation = wanted.partition == "dev"
        chosen = [i for i, text in enumerate(rows["utt"]) if (text in aside) == for_validation]
        found = rows.select(chosen[wanted.start : wanted.stop])
        if not for_validation and len(found) and not any("[" in row for row in found["annot_utt"]):
            advice = "mark more, or write more sentences"
            raise CorpusError(f"no entity is marked in the sentences to train on: {advice}")
        return found

    def untrained(
        self, encoder: str, tags: TagSet, settings: Mapping[str, Any]
    ) -> tuple[NERClassifier, PreTrainedTokenizerFast]:
        """Return the model that training begins with: `start`'s, if there is one."""
        if self.start is None:
            return super().untrained(encoder, tags, settings)
        torch.manual_seed(self.settings.seed)  # for the head's rows of new types
        model = continued(self.start.model, tags)
        model.config.trained_on = settings.get("trained_on")
        model.config.learnt_from = settings["learnt_from"]
        return model, self.start.tokenizer

    def finish(self, model: NERClassifier, held_out: NERDataset) -> None:
        """Scale the model's scores on the sentences set aside."""
        set_temperature(model, held_out)

    def describe(self) -> dict[str, str]:
        """Return what is in use, line by line."""
        share = f"{1 - VALIDATION_SHARE:.0%} to train, {VALIDATION_SHARE:.0%} to validate"
        told = super().describe() | {"corpus": f"sentences in {self.source}", "rows": share}
        if self.parser().segmentation == "characters":
            told["words"] = "every character (--segmentation spaces: what stands between blanks)"
        if self.start is not None:
            told["encoder"] += ", of a model that was trained before"
        return {name: value for name, value in told.items() if name != "switch"}


def own_recipe(
    file: str,
    recipe: Recipe,
    segmentation: Segmentation | None = None,
    start: PlainTagger | None = None,
) -> OwnRecipe:
    """Return a recipe for the sentences of a file; encoder, locale and rates are the other's.

    Words are what stands between blanks, or every character where the script has none. With a
    `start`, its model is trained further, and words are what they are to it.
    """
    settings = replace(recipe.settings, epochs=EPOCHS, batch_size=BATCH_SIZE)
    rows = corpus_from_file(file, recipe.locale)
    of_locale = Parser.for_locale(recipe.locale).segmentation
    by_script = segmentation_of(rows["utt"]) if of_locale == "spaces" else of_locale
    model = {**recipe.model_settings, "segmentation": segmentation or by_script}
    spans = [one for line in rows["annot_utt"] for one in Parser().parse(line).spans]
    learnt_from, seen = Counter(span.type.upper() for span in spans), set[str]()
    if start is not None:
        old = start.model.config
        model, seen = {"segmentation": old.segmentation}, trained_on(old)
        learnt_from += Counter(getattr(old, "learnt_from", None) or {})
        recipe = replace(recipe, encoder=record_of(old).get("encoder", recipe.encoder))
    if len(hashes := sorted({digest(text) for text in rows["utt"]} | seen)) <= MOST_HASHES:
        model["trained_on"] = " ".join(hashes)  # those that are set aside, too
    kept = {name: getattr(recipe, name) for name in ("needs", "encoder", "locale")}
    model["learnt_from"] = learnt_from
    what = {"settings": settings, "model_settings": model, "rows": rows, "start": start}
    return OwnRecipe(NAME, "your own sentences", source=file, **kept, **what)


def set_aside(texts: list[str]) -> set[str]:
    """Return the sentences for validation: a fifth, at least one, always the same ones.

    They are chosen by a hash of the text, so a sentence that stands in a file twice is never in
    both parts. Raises `CorpusError` for fewer than two different sentences.
    """
    different = sorted(set(texts), key=lambda text: hashlib.sha256(text.encode()).digest())
    if len(different) < 2:
        advice = "write at least two, for one is set aside for validation"
        raise CorpusError(f"there is one sentence only: {advice}")
    return set(different[: max(1, round(VALIDATION_SHARE * len(different)))])


def corpus_from_file(path: str | Path, locale: str = "en-US") -> Dataset:
    """Return the sentences of a file, bracketed lines or another format's, as a corpus.

    What is left out is told on standard error. Raises `OwnDataError` with all broken lines, or if
    no entity is marked, `CorpusError` for what cannot be read, and `OSError`.
    """
    if not re.fullmatch(r"[a-z]{2,3}-[A-Z]{2}", locale):
        raise CorpusError(f"locale {locale!r}: give language and country, as en-US")
    path = Path(path)
    name = format_of(path) if path.is_file() else "brackets"  # a pipe cannot be read twice
    if name == "brackets":
        with open(path, "rb") as file:
            rows = corpus_from_lines(decode_lines(file, path.name, CorpusError), locale, NAME)
    else:
        documents = read_file(path, name, Reading(to_stderr))
        lines = list(each(bracketed, documents, f"{path.name}, text (of those kept)"))
        rows = corpus_from_lines(lines, locale, NAME)
    if not any("[" in line for line in rows["annot_utt"]):
        example, command = "[type : text]", "python -m nerlib convert FILE OUT.txt"
        what = f"no entity is marked in {path.name}: mark some as {example}, or, if another tool"
        raise OwnDataError(f"{what} wrote it, convert it: {command} --from {{{','.join(FORMATS)}}}")
    return rows
