"""Who trains: the tutorial's loop, Hugging Face's Trainer, this course's loop, the bare encoder."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.optim import Adam
from transformers import (
    AutoModelForTokenClassification,
    DataCollatorForTokenClassification,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)

from benchmarks.bench.material import Material
from benchmarks.bench.ratios import Contender
from benchmarks.measured import OURS
from benchmarks.tutorial_loop import RATE, run_through
from nerlib.addons.divergence import NaNWatch
from nerlib.addons.dropout import cheap_dropout
from nerlib.addons.regularisation import regularised_loss
from nerlib.addons.used_rows import training_used_rows
from nerlib.course.tutorial_rebuilt import (
    TutorialClassifier,
    TutorialDataset,
    TutorialParser,
)
from nerlib.dataset import IGNORE, LengthBucketSampler, NERDataset, collate
from nerlib.device import Precision, choose_compute
from nerlib.encoders import resolve_encoder
from nerlib.optimization import TrainConfig
from nerlib.tools.recipes import Experiment
from nerlib.training import fit

TUTORIAL, BARE = "tutorial's loop", "bare encoder"
TRAINER, GROUPED = "Trainer, defaults", "Trainer, grouped by length"


@contextmanager
def trainers(material: Material, precision: Precision, rows: int) -> Iterator[dict[str, Contender]]:
    """Yield all that train, by name. The tutorial's loop, which is slow, gets `rows` rows only;
    it computes in fp32, as it is written."""
    with training_ours(material, precision) as ours:
        yield {
            TUTORIAL: tutorial_loop(material, rows),
            TRAINER: trainer(material, precision, "random"),
            GROUPED: trainer(material, precision, "group_by_length"),
            OURS: ours,
            BARE: bare_encoder(material, precision),
        }


@contextmanager
def training_ours(material: Material, precision: Precision) -> Iterator[Contender]:
    """Yield an epoch of `nerlib.train`, with the embedding rows that the whole locale uses."""
    model, config = material.model(), material.config
    config = replace(config, precision=precision)
    one_row = NERDataset(
        material.rows.select([0]), material.tokenizer, material.tags, material.parser
    )
    loss = regularised_loss(config, material.data.mask_id)
    with training_used_rows(model, material.whole), cheap_dropout(model):

        def run() -> float:
            history = fit(
                *(model, material.data, one_row, config, lambda line: None, [NaNWatch()], loss)
            )
            return history[0].utterances_per_second

        yield run


def bare_encoder(material: Material, precision: Precision) -> Contender:
    """Return the limit: the encoder's forward, backward and step on our batches, nothing else."""
    compute, encoder = material.compute(precision), material.encoder()
    nn.Module.to(encoder, compute.device).train()
    optimizer = material.optimizer(encoder.parameters())
    sampler = LengthBucketSampler(material.data.lengths, material.config.batch_size)
    names = ("input_ids", "attention_mask")
    batches = [collate([material.data[row] for row in rows]) for rows in sampler]
    inputs = [{name: batch[name].to(compute.device) for name in names} for batch in batches]

    def run() -> float:
        started = time.perf_counter()
        for batch in inputs:
            with compute.autocast():
                hidden = encoder(**batch)[0]
            optimizer.zero_grad(set_to_none=True)
            hidden.float().mean().backward()
            optimizer.step()
        if compute.device.type == "cuda":
            torch.cuda.synchronize()
        return len(material.data) / (time.perf_counter() - started)

    return run


def tutorial_loop(material: Material, rows: int) -> Contender:
    """Return the tutorial's loop: one utterance a step, a Python loop over its words."""
    parser = TutorialParser()
    few = material.rows.select(range(rows))
    data = TutorialDataset(few, material.tokenizer, parser)
    model = TutorialClassifier(material.encoder(), len(parser.tag_to_id)).train()
    nn.Module.to(model, material.compute("fp32").device)
    optimizer = Adam(model.parameters(), lr=RATE)

    def run() -> float:
        started = time.perf_counter()
        run_through(model, data, optimizer)
        return len(data.items) / (time.perf_counter() - started)

    return run


def trainer(material: Material, precision: Precision, order: str) -> Contender:
    """Return an epoch of Trainer, with its own model, collator and optimiser (also AdamW, fused).

    `order` is its `train_sampling_strategy`. It saves and reports nothing: that is not compared.
    """
    rows = [first_subword_labels(item) for item in material.data.items]
    config = replace(material.config, precision=precision)
    options = {"train_sampling_strategy": order, "save_strategy": "no"}

    def run() -> float:
        with tempfile.TemporaryDirectory() as folder:
            done = make_trainer(material, config, rows, folder, options).train()
        return float(done.metrics["train_samples_per_second"])

    return run


def make_trainer(
    made: Material | Experiment,
    config: TrainConfig,
    rows: Sequence[dict[str, list[int]]],
    folder: str,
    options: dict[str, Any],
    **more: Any,
) -> Trainer:
    """Return Trainer with a model that is new, `options` for its arguments, and `more` for itself.

    Epochs, batch size, learning rate, seed and precision are ours; the rest are its defaults.
    """
    compute, labels = choose_compute(config.device, config.precision), made.tags.labels
    torch.manual_seed(config.seed)  # the head's first weights
    model = AutoModelForTokenClassification.from_pretrained(
        resolve_encoder(made.recipe.encoder), id2label=dict(enumerate(labels)), dtype=torch.float32
    )
    arguments = TrainingArguments(
        folder,
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        seed=config.seed,
        bf16=compute.precision == "bf16",
        use_cpu=compute.device.type == "cpu",
        report_to="none",
        disable_tqdm=True,
        **options,
    )
    collator = DataCollatorForTokenClassification(made.tokenizer)
    loop = Trainer(model, arguments, collator, rows, **more)
    loop.remove_callback(PrinterCallback)
    return loop


def first_subword_labels(item: dict[str, torch.Tensor]) -> dict[str, list[int]]:
    """Return a row as Hugging Face's course labels it: a word's tag on its first subword.

    >>> row = {"input_ids": torch.tensor([2, 7, 8, 3]), "attention_mask": torch.ones(4).long(),
    ...        "subword_group": torch.tensor([[1, 2]]), "target": torch.tensor([5])}
    >>> first_subword_labels(row)["labels"]
    [-100, 5, -100, -100]
    """
    labels = [IGNORE] * len(item["input_ids"])
    for (first, count), tag in zip(
        item["subword_group"].tolist(), item["target"].tolist(), strict=True
    ):
        if count:
            labels[first] = tag
    return {
        "input_ids": item["input_ids"].tolist(),
        "attention_mask": item["attention_mask"].tolist(),
        "labels": labels,
    }
