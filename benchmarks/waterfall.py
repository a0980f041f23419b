"""From the published tutorial's entity F1 to this course's, one fault at a time, on the same rows.

python -m benchmarks.waterfall     # writes benchmarks/waterfall.json

The rows are MASSIVE's first 1,000 of training and of validation where NERLIB_MASSIVE_DIR is set,
else the packaged sample. The tutorial itself is run once, with the first seed; the other steps
with every seed. On two cores that takes about a quarter of an hour; scores are written after each
training, and a run that was stopped goes on from there.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerFast

from benchmarks.measured import RESULTS_FOLDER, about, measured_before, write_json
from nerlib.addons.train import train
from nerlib.course.broken import Bugs, break_rows, predict_items, train_with
from nerlib.course.tutorial_rebuilt import (
    TutorialClassifier,
    TutorialDataset,
    TutorialParser,
    encode,
    ner_inference,
    train_tutorial,
)
from nerlib.dataset import Item, NERDataset
from nerlib.device import choose_compute, set_threads
from nerlib.encoders import load_tokenizer
from nerlib.evaluation import evaluate
from nerlib.metrics import Evaluation, evaluate_tags
from nerlib.model import NERClassifier, load_encoder
from nerlib.optimization import TrainConfig
from nerlib.parsing import OUTSIDE, Parser, Word
from nerlib.tags import TagSet
from nerlib.tools.recipes import Recipe, get_recipe

RESULTS = RESULTS_FOLDER / "waterfall.json"


@dataclass(frozen=True)
class Step:
    """One bar of the waterfall: what was switched, and the scores with it and all before it.

    `kind` is "start", "bug" (a fault is off) or "choice" (another setting, no fault before).
    """

    name: str
    kind: str
    seed: int
    f1: float
    precision: float
    recall: float
    accuracy: float


@dataclass(frozen=True)
class Rows:
    """The same rows for every step, and what they are read with."""

    recipe: Recipe
    train: Dataset
    validation: Dataset
    tokenizer: PreTrainedTokenizerFast
    parser: Parser

    @property
    def pad_id(self) -> int:
        """The number of the padding subword."""
        return int(self.tokenizer.pad_token_id or 0)

    @property
    def own_tags(self) -> TagSet:
        """The tag set of the training rows."""
        return TagSet.from_corpus(self.train, self.parser)

    @property
    def grown_tags(self) -> TagSet:
        """The tag set of training and validation rows together."""
        return TagSet.from_corpus([*self.train, *self.validation], self.parser)

    def data(self, corpus: Dataset, tags: TagSet) -> NERDataset:
        """Return a corpus as nerlib's dataset."""
        return NERDataset(corpus, self.tokenizer, tags, self.parser)

    def new_model(self, tags: TagSet, seed: int, **settings: Any) -> NERClassifier:
        """Return an untrained classifier; the seed decides its head's first weights."""
        torch.manual_seed(seed)
        return NERClassifier.from_encoder(self.recipe.encoder, tags, **settings)


Job = Callable[[Rows, int, TrainConfig], list[Evaluation]]


def choose_rows(rows: int) -> Rows:
    """Return the first rows of the corpus, in the order of the file."""
    recipe = get_recipe("massive-offline" if os.environ.get("NERLIB_MASSIVE_DIR") else "offline")
    recipe = replace(recipe, shuffle=False)
    train_rows, validation_rows = (
        recipe.corpus(f"{split}[:{rows}]") for split in ("train", "validation")
    )
    tokenizer, parser = load_tokenizer(recipe.encoder), Parser.for_locale(recipe.locale)
    return Rows(recipe, train_rows, validation_rows, tokenizer, parser)


def the_tutorial(rows: Rows, seed: int, config: TrainConfig) -> list[Evaluation]:
    """Train as the tutorial does; score with its dropout on, and with dropout off."""
    torch.manual_seed(seed)
    parser = TutorialParser()
    train_set = TutorialDataset(rows.train, rows.tokenizer, parser)
    validation_set = TutorialDataset(rows.validation, rows.tokenizer, parser)
    model = TutorialClassifier(load_encoder(rows.recipe.encoder), len(parser.tag_to_id))
    train_tutorial(model, train_set, validation_set, config.epochs, fused=True)
    utterances = rows.data(rows.validation, TagSet.from_corpus(rows.train)).utterances
    scores = []
    for dropout in (True, False):
        model.train(dropout)
        answers = [
            tags_for_words(u.text, u.words, model, rows.tokenizer, parser) for u in utterances
        ]
        scores.append(evaluate_tags([u.tags for u in utterances], answers))
    return scores


@torch.no_grad()
def tags_for_words(
    text: str,
    words: Sequence[Word],
    model: TutorialClassifier,
    tokenizer: PreTrainedTokenizerFast,
    parser: TutorialParser,
) -> list[str]:
    """Return the tutorial's tag for each of nerlib's words.

    The model is left in its mode: in training mode dropout takes part, as in the tutorial's
    validation.
    """
    numbers = ner_inference(text, model, tokenizer)
    places = places_of_words(text, words, tokenizer)
    labels = list(parser.tag_to_id)
    return [OUTSIDE if at is None else labels[numbers[at]] for at in places]


def places_of_words(
    text: str, words: Sequence[Word], tokenizer: PreTrainedTokenizerFast
) -> list[int | None]:
    """Return, for each of nerlib's words, which of the tokenizer's words holds its first character.

    The count is of those that have a subword, as in `encode`; None if there is none.
    """
    encoding = tokenizer(text, verbose=False)
    known = [word for word, _ in groupby(encoding.word_ids()) if word is not None]
    found = [encoding.char_to_word(word.start) for word in words]
    return [None if word is None else known.index(word) for word in found]


def trained_with(own_tags: bool, **faults: bool) -> Job:
    """Return the job that trains on nerlib's words and tags, with some faults.

    It gives the scores of each word's best tag, and of the best sequence that BIO allows.
    """

    def job(rows: Rows, seed: int, config: TrainConfig) -> list[Evaluation]:
        bugs, tags = Bugs(**faults), rows.own_tags if own_tags else rows.grown_tags
        data, validation_set = rows.data(rows.train, tags), rows.data(rows.validation, tags)
        model = rows.new_model(tags, seed, dropout=0.0)  # the tutorial's head has none
        items = break_rows(data, bugs, training=True)
        train_with(model, items, replace(config, seed=seed), rows.pad_id, bugs)
        asked = break_rows(validation_set, bugs, training=False)
        answers = (predict_items(model, asked, rows.pad_id, False, a) for a in (True, False))
        return [evaluate_tags(validation_set.gold, found) for found in answers]

    return job


def the_library(rows: Rows, seed: int, config: TrainConfig) -> list[Evaluation]:
    """Train with `nerlib.train` and the recipe's own settings."""
    settings = replace(rows.recipe.settings, seed=seed, threads=config.threads)
    model = rows.new_model(rows.own_tags, seed)
    validation_set = rows.data(rows.validation, rows.own_tags)
    train(model, rows.data(rows.train, rows.own_tags), validation_set, settings)
    compute = choose_compute(settings.device, settings.precision)
    return [evaluate(model, validation_set, compute)[0]]


def batched_tutorial(rows: Rows, seed: int, config: TrainConfig) -> list[Evaluation]:
    """Train on the tutorial's own items, faults and all, but in batches and at another rate."""
    parser, tags = TutorialParser(), rows.grown_tags
    train_set = TutorialDataset(rows.train, rows.tokenizer, parser)
    items = [as_item(item, tags, parser) for item in train_set.items]
    model = rows.new_model(tags, seed, dropout=0.0)
    train_with(model, items, replace(config, seed=seed), rows.pad_id, Bugs(file_order=True))
    utterances = rows.data(rows.validation, tags).utterances
    asked = [as_item(encode(u.text, rows.tokenizer), tags, parser) for u in utterances]
    tokenizer_words = predict_items(model, asked, rows.pad_id, each_word_alone=True)
    answers = [
        [
            OUTSIDE if at is None else answer[at]
            for at in places_of_words(u.text, u.words, rows.tokenizer)
        ]
        for u, answer in zip(utterances, tokenizer_words, strict=True)
    ]
    return [evaluate_tags([u.tags for u in utterances], answers)]


def as_item(item: Item, tags: TagSet, parser: TutorialParser) -> Item:
    """Return an item of the tutorial in the form of nerlib's, with nerlib's tag numbers."""
    target = item.get("target", torch.zeros(len(item["subword_group"]), dtype=torch.long))
    numbers = [tags.get_id(list(parser.tag_to_id)[number]) for number in target.tolist()]
    flat = {name: item[name][0] for name in ("input_ids", "attention_mask")}
    return {**flat, "subword_group": item["subword_group"], "target": torch.tensor(numbers)}


# What is trained, in order, and the bars that it gives: (name, kind).
JOBS: tuple[tuple[Job, tuple[tuple[str, str], ...]], ...] = (
    (the_tutorial, (("the tutorial", "start"), ("dropout off in validation", "bug"))),
    (batched_tutorial, (("batches of 32 and a rate that fits", "choice"),)),
    (
        trained_with(own_tags=False, word_offsets=True, file_order=True),
        (("tags from spans, not from a dictionary", "bug"),),
    ),
    (
        trained_with(own_tags=False, file_order=True),
        (("subwords counted in subwords", "bug"),),
    ),
    (
        trained_with(own_tags=True, file_order=True),
        (("tag set from training rows only", "bug"),),
    ),
    (
        trained_with(own_tags=True),
        (("rows shuffled", "bug"), ("the best sequence that BIO allows", "choice")),
    ),
    (the_library, (("nerlib's own training", "choice"),)),
)


def run_job(
    job: Job, bars: Sequence[tuple[str, str]], seed: int, rows: Rows, config: TrainConfig
) -> list[Step]:
    """Do one training and return its bars, printed as well."""
    steps = []
    for (name, kind), result in zip(bars, job(rows, seed, config), strict=False):
        total = result.overall
        ratios = (total.f1, total.precision, total.recall, result.token_accuracy)
        steps.append(Step(name, kind, seed, *(round(ratio, 4) for ratio in ratios)))
        print(f"seed {seed}  {total.f1:.3f}  {name}", flush=True)
    return steps


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all steps and write their scores after each; go on where an earlier run was stopped."""
    parser = argparse.ArgumentParser(prog="benchmarks.waterfall", description=__doc__)
    parser.add_argument("--rows", type=int, default=1000, help="of training and of validation")
    parser.add_argument("--epochs", type=int, default=6, help="of all steps but the last")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--threads", type=int, help="CPU threads (one a core)")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    set_threads(options.threads)
    rows = choose_rows(options.rows)
    settings = rows.recipe.settings
    config = replace(settings, epochs=options.epochs, threads=options.threads)
    config = replace(config, label_smoothing=0.0, masked_subwords=0.0)
    facts = about(
        "benchmarks.waterfall",
        rows.recipe,
        config,
        train_rows=len(rows.train),
        validation_rows=len(rows.validation),
        epochs=config.epochs,
        epochs_of_the_last_step=settings.epochs,
    )
    before = measured_before(options.output, facts, "steps") or []
    steps = [Step(**step) for step in before]
    for number, seed in enumerate(options.seeds):
        for job, bars in JOBS[1 if number else 0 :]:
            if not {(name, seed) for name, _ in bars} <= {(s.name, s.seed) for s in steps}:
                steps += run_job(job, bars, seed, rows, config)
                write_json(options.output, {**facts, "steps": [asdict(step) for step in steps]})
    print(f"wrote {options.output.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
