"""A recipe whose corpus is a text file of one's own: a part of it trains, the rest validates."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from datasets import Dataset

from nerlib.corpus import CorpusError, Split, decode_lines
from nerlib.tools.own_data import corpus_from_lines
from nerlib.tools.recipes import Recipe

NAME = "own"
VALIDATION_SHARE = 0.2
EPOCHS, BATCH_SIZE = 20, 8  # a few dozen sentences are few steps: more rounds, smaller batches


class OwnRecipe(Recipe):
    """A recipe's encoder and settings, with the sentences of a file, its `source`, as corpus."""

    def corpus(self, split: str) -> Dataset:
        """Return the file's sentences for training, or those set aside for validation."""
        wanted = Split.parse(split)
        if wanted.partition == "test":
            raise CorpusError(f"{self.source} has no split 'test': score a file by evaluate --own")
        rows = corpus_from_file(self.source, self.locale)
        aside = set_aside(rows["utt"][:])
        for_validation = wanted.partition == "dev"
        chosen = [i for i, text in enumerate(rows["utt"]) if (text in aside) == for_validation]
        return rows.select(chosen[wanted.start : wanted.stop])

    def describe(self) -> dict[str, str]:
        """Return what is in use, line by line."""
        share = f"{1 - VALIDATION_SHARE:.0%} to train, {VALIDATION_SHARE:.0%} to validate"
        told = super().describe() | {"corpus": f"sentences in {self.source}", "rows": share}
        return {name: value for name, value in told.items() if name != "switch"}


def own_recipe(file: str, recipe: Recipe) -> OwnRecipe:
    """Return a recipe for the sentences of a file; encoder, locale and rates are the other's."""
    settings = replace(recipe.settings, epochs=EPOCHS, batch_size=BATCH_SIZE)
    kept = {name: getattr(recipe, name) for name in ("needs", "encoder", "model_settings")}
    return OwnRecipe(
        NAME, "your own sentences", source=file, locale=recipe.locale, settings=settings, **kept
    )


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
    """Return the bracketed sentences of a text file, one a line, as a corpus.

    Raises `OwnDataError` with all broken lines, `CorpusError` for a line that is no UTF-8, and
    `OSError` if the file cannot be read.
    """
    with open(path, "rb") as file:
        return corpus_from_lines(decode_lines(file, Path(path).name, CorpusError), locale, NAME)
