"""A model's predictions for a dataset, and their scores.

Built in notebook 05.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch.utils.data import DataLoader

from nerlib.dataset import Batch, LengthBucketSampler, NERDataset, collate
from nerlib.decoding import best_tags, visible_words
from nerlib.device import Compute
from nerlib.metrics import Evaluation, evaluate_tags
from nerlib.model import NERClassifier


def evaluate(
    model: NERClassifier, dataset: NERDataset, compute: Compute | None = None
) -> tuple[Evaluation, float]:
    """Return all scores on a dataset and the mean loss per word. Dropout is off.

    A word that the encoder does not see counts as tagged `O`; an entity of a type that the model
    does not know counts as missed.
    """
    predicted, loss = predict_tags(model, dataset, compute)
    return evaluate_tags(dataset.gold, predicted), loss


def predict_tags(
    model: NERClassifier, dataset: NERDataset, compute: Compute | None = None, batch_size: int = 64
) -> tuple[list[list[str]], float]:
    """Return the predicted tags of every utterance, in order, and the mean loss per word."""
    labels = model.config.labels
    predicted: list[list[str]] = [[] for _ in range(len(dataset))]
    loss, words = 0.0, 0
    for rows, batch, output in predict_batches(model, dataset, compute, batch_size):
        known = int((batch["labels"] >= 0).sum())
        loss, words = loss + output.loss.item() * known, words + known
        visible = visible_words(batch["word_ids"], batch["labels"].shape[1])
        numbers, _ = best_tags(output.logits.cpu(), visible)
        for row, tags in zip(rows, numbers.tolist(), strict=True):
            predicted[row] = [labels[tag] for tag in tags[: len(dataset[row]["target"])]]
    return predicted, loss / max(1, words)


@torch.inference_mode()
def predict_batches(
    model: NERClassifier, dataset: NERDataset, compute: Compute | None, batch_size: int = 64
) -> Iterator[tuple[list[int], Batch, Any]]:
    """Yield the rows, the batch on the CPU and the model's output, for all of a dataset.

    Dropout is off, no gradients are kept, and batches come by length, not in the rows' order.
    """
    compute = compute or Compute(model.device, "fp32")
    was_training = model.training
    model.eval()
    sampler = LengthBucketSampler(dataset.lengths, batch_size, shuffle=False)
    try:
        for rows, batch in zip(sampler, make_loader(dataset, sampler, compute), strict=True):
            with compute.autocast():
                output = model(**to_device(batch, compute))
            yield rows, batch, output
    finally:
        model.train(was_training)


def make_loader(
    dataset: NERDataset,
    batches: LengthBucketSampler | Sequence[list[int]],
    compute: Compute,
    workers: int = 0,
) -> DataLoader[Any]:
    """Return the loader that makes the batches; pinned memory speeds up GPU copies."""
    return DataLoader(
        dataset,
        batch_sampler=batches,
        collate_fn=partial(collate, pad_id=dataset.pad_id),
        pin_memory=compute.device.type == "cuda",
        num_workers=workers,
    )


def to_device(batch: Batch, compute: Compute) -> Batch:
    """Return the batch on the device, without waiting for the copy where that is possible."""
    return {name: value.to(compute.device, non_blocking=True) for name, value in batch.items()}
