"""From the published tutorial's entity F1 to this course's, one fault at a time, on the same rows.

python -m benchmarks.waterfall     # writes benchmarks/waterfall.json

The rows are MASSIVE's first 1,000 of training and of validation where NERLIB_MASSIVE_DIR is set,
else the packaged sample. The tutorial itself is run once, with the first seed; the other steps
with every seed. On two cores that takes about a quarter of an hour; scores are written after each
training, and a run that was stopped goes on from there.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerFast

from benchmarks.measured import RESULTS_FOLDER, about, measured_before, write_json
from benchmarks.tutorial_loop import train_tutorial
from nerlib.addons.train import train
from nerlib.course.broken import Bugs, break_rows, predict_items, train_with
from nerlib.course.tutorial_rebuilt import (
    TutorialClassifier,
    TutorialDataset,
    TutorialParser,
    encode,
    ner_inference,
)
from nerlib.dataset import Item, NERDataset
from nerlib.device import choose_compute
from nerlib.encoders import load_tokenizer
from nerlib.evaluation import evaluate
from nerlib.metrics import Evaluation, evaluate_tags
from nerlib.model import NERClassifier, load_encoder
from nerlib.optimization import TrainConfig
from nerlib.parsing import OUTSIDE, Parser, Word
from nerlib.tags import TagSet
from nerlib.tools.recipes import Recipe, get_recipe

RESULTS = RESULTS_FOLDER / "waterfall.json"
ROWS = 1_000  # of training and of validation, at most
EPOCHS = 6  # of all steps but the last
SEEDS = (0, 1)


@dataclass(frozen=True)
class Rows:
    """The same rows for every step, and what they are read with."""

    recipe: Recipe
    train: Dataset
    validation: Dataset
    tokenizer: PreTrainedTokenizerFast
    parser: Parser

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


def choose_rows() -> Rows:
    """Return the first rows of the corpus, in the order of the file."""
    recipe = get_recipe("massive-offline" if os.environ.get("NERLIB_MASSIVE_DIR") else "offline")
    recipe = replace(recipe, shuffle=False)
    train_rows, others = (recipe.corpus(f"{name}[:{ROWS}]") for name in ("train", "validation"))
    return Rows(recipe, train_rows, others, load_tokenizer(recipe.encoder), recipe.parser())


def the_tutorial(rows: Rows, seed: int, config: TrainConfig) -> list[Evaluation]:
    """Train as the tutorial does; score with its dropout on, and with dropout off."""
    torch.manual_seed(seed)
    parser = TutorialParser()
    train_set = TutorialDataset(rows.train, rows.tokenizer, parser)
    validation_set = TutorialDataset(rows.validation, rows.tokenizer, parser)
    model = TutorialClassifier(load_encoder(rows.recipe.encoder), len(parser.tag_to_id))
    train_tutorial(model, train_set, validation_set, config.epochs, fused=True)
    data, labels, scores = rows.data(rows.validation, rows.own_tags), [*parser.tag_to_id], []
    for dropout in (True, False):  # on, it takes part, as in the tutorial's validation
        model.train(dropout)
        with torch.no_grad():
            numbers = [ner_inference(u.text, model, rows.tokenizer) for u in data.utterances]
        answers = [[labels[number] for number in answer] for answer in numbers]
        scores.append(evaluate_tags(data.gold, for_our_words(answers, data, rows.tokenizer)))
    return scores


def for_our_words(
    answers: Sequence[Sequence[str]], data: NERDataset, tokenizer: PreTrainedTokenizerFast
) -> list[list[str]]:
    """Return each answer, a tag for each of the tokenizer's words, as tags of nerlib's words."""
    return [
        [
            OUTSIDE if at is None else answer[at]
            for at in places_of_words(row.text, row.words, tokenizer)
        ]
        for answer, row in zip(answers, data.utterances, strict=True)
    ]


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
        train_with(model, items, replace(config, seed=seed), data.pad_id, bugs)
        asked = break_rows(validation_set, bugs, training=False)
        answers = (predict_items(model, asked, data.pad_id, False, a) for a in (True, False))
        return [evaluate_tags(validation_set.gold, found) for found in answers]

    return job


def the_library(rows: Rows, seed: int, config: TrainConfig) -> list[Evaluation]:
    """Train with `nerlib.train` and the recipe's own settings."""
    settings = replace(rows.recipe.settings, seed=seed)
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
    model, data = rows.new_model(tags, seed, dropout=0.0), rows.data(rows.validation, tags)
    train_with(model, items, replace(config, seed=seed), data.pad_id, Bugs(file_order=True))
    texts = (utterance.text for utterance in data.utterances)
    asked = [as_item(encode(text, rows.tokenizer), tags, parser) for text in texts]
    answers = predict_items(model, asked, data.pad_id, each_word_alone=True)
    return [evaluate_tags(data.gold, for_our_words(answers, data, rows.tokenizer))]


def as_item(item: Item, tags: TagSet, parser: TutorialParser) -> Item:
    """Return an item of the tutorial in the form of nerlib's, with nerlib's tag numbers."""
    target = item.get("target", torch.zeros(len(item["subword_group"]), dtype=torch.long))
    numbers = [tags.get_id(list(parser.tag_to_id)[number]) for number in target.tolist()]
    flat = {name: item[name][0] for name in ("input_ids", "attention_mask")}
    return {**flat, "subword_group": item["subword_group"], "target": torch.tensor(numbers)}


# What is trained, in order, and the bars that it gives: kind by name.
JOBS: tuple[tuple[Job, dict[str, str]], ...] = (
    (the_tutorial, {"the tutorial": "start", "dropout off in validation": "bug"}),
    (batched_tutorial, {"batches of 32 and a rate that fits": "choice"}),
    (
        trained_with(own_tags=False, word_offsets=True, file_order=True),
        {"tags from spans, not from a dictionary": "bug"},
    ),
    (trained_with(own_tags=False, file_order=True), {"subwords counted in subwords": "bug"}),
    (trained_with(own_tags=True, file_order=True), {"tag set from training rows only": "bug"}),
    (
        trained_with(own_tags=True),
        {"rows shuffled": "bug", "the best sequence that BIO allows": "choice"},
    ),
    (the_library, {"nerlib's own training": "choice"}),
)


def as_step(name: str, kind: str, seed: int, scores: Evaluation) -> dict[str, Any]:
    """Return one bar of the waterfall: the scores with what was switched, and all before it.

    `kind` is "start", "bug" (a fault is off) or "choice" (another setting, no fault before).
    """
    total = scores.overall
    ratios = {"f1": total.f1, "precision": total.precision, "recall": total.recall}
    ratios["accuracy"] = scores.token_accuracy
    rounded = {name: round(ratio, 4) for name, ratio in ratios.items()}
    return {"name": name, "kind": kind, "seed": seed, **rounded}


def main() -> int:
    """Run all steps and write their scores after each; go on where an earlier run was stopped."""
    rows = choose_rows()
    own = rows.recipe.settings
    config = replace(own, epochs=EPOCHS, label_smoothing=0.0, masked_subwords=0.0)
    sizes = {"train_rows": len(rows.train), "validation_rows": len(rows.validation)}
    sizes |= {"epochs": EPOCHS, "epochs_of_the_last_step": own.epochs}
    facts = about("benchmarks.waterfall", rows.recipe, config, **sizes)
    steps = measured_before(RESULTS, facts, "steps") or []
    done = {(step["name"], step["seed"]) for step in steps}
    for number, seed in enumerate(SEEDS):
        for job, bars in JOBS[1 if number else 0 :]:
            if all((name, seed) in done for name in bars):
                continue
            for bar, scores in zip(bars.items(), job(rows, seed, config), strict=False):
                steps.append(as_step(*bar, seed, scores))
                print(steps[-1], flush=True)
            write_json(RESULTS, {**facts, "steps": steps})
    return 0


if __name__ == "__main__":
    sys.exit(main())
