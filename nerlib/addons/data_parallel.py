"""Data parallelism: each process reads its share of a batch, and all make the same step.

A step of several processes equals the step that one process would make with the whole batch. For
that the gradients are averaged by words, as the loss is: a process whose share has more words
weighs more. Built in notebook 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from nerlib.addons.processes import Processes
from nerlib.dataset import IGNORE, NERDataset
from nerlib.metrics import Evaluation, evaluate_tags

if TYPE_CHECKING:
    from nerlib.device import Compute
    from nerlib.model import NERClassifier


def share(batches: Sequence[list[int]], processes: Processes) -> list[list[int]]:
    """Return this process's rows of every batch, which are sorted by length: every so many-th.

    A batch with fewer rows than there are processes gives some of them nothing to do. They read its
    first row, so that they have a gradient to send, and `mean_gradients` gives it the weight 0.

    >>> [share([[0, 1, 2], [3]], Processes(rank, 2)) for rank in (0, 1)]
    [[[0, 2], [3]], [[1], [3]]]
    """
    return [rows[processes.rank :: processes.count] or rows[:1] for rows in batches]


def mean_gradients(
    processes: Processes, model: nn.Module, loss: Tensor, labels: Tensor, rows: int
) -> Tensor:
    """Give a model the gradient of the whole batch, and return the whole batch's loss, a scalar.

    `loss` is the mean over this share's words, `labels` (share, words) says how many these are,
    `rows` counts the whole batch. First all processes learn how many words they have together;
    then each weighs its gradients by its part of them, and they are added up.
    """
    if processes.alone:
        return loss
    words = (labels != IGNORE).sum() * (processes.rank < rows)
    total_loss, total_words = processes.sum(torch.stack((loss.detach().float() * words, words)))
    total_words.clamp_(min=1)
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    torch._foreach_mul_(gradients, words / total_words)
    processes.sum_each(gradients)
    mean: Tensor = total_loss / total_words
    return mean


def evaluate_shares(
    processes: Processes, model: NERClassifier, dataset: NERDataset, compute: Compute
) -> tuple[Evaluation, float]:
    """Return what `nerlib.evaluate` returns, each process having read a share of the rows."""
    from nerlib.training import predict_tags  # which imports this room

    mine = copy(dataset)
    mine.items = dataset.items[processes.rank :: processes.count]
    predicted, loss = predict_tags(model, mine, compute)
    words = sum(int((item["target"] != IGNORE).sum()) for item in mine.items)
    sums = processes.sum(torch.tensor([loss * words, words], dtype=torch.float64))
    lengths = [len(item["target"]) for item in dataset.items]
    tags = torch.zeros(sum(lengths), dtype=torch.int32)
    places = tags.split(lengths)  # views: one for each row
    number = model.config.tags.tag_to_id
    for row, found in zip(places[processes.rank :: processes.count], predicted, strict=True):
        row.copy_(torch.tensor([number[tag] for tag in found], dtype=torch.int32))
    processes.sum(tags)  # every row is zero in all processes but one
    labels = model.config.labels
    every = [[labels[tag] for tag in row.tolist()] for row in places]
    return evaluate_tags(dataset.gold, every), (sums[0] / sums[1].clamp(min=1)).item()


def random_states(processes: Processes, device: torch.device) -> dict[str, Tensor]:
    """Return where the random numbers of the processes 1, 2, … stand, by generator and rank."""
    if processes.alone:
        return {}
    states = {"torch": torch.get_rng_state()}
    if device.type == "cuda":
        states["device"] = torch.cuda.get_rng_state(device)
    return {
        f"{name}-{rank}": found
        for name, state in states.items()
        for rank, found in enumerate(processes.gather(state))
        if rank
    }


def own_random_state(processes: Processes, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the random numbers of a checkpoint as this process needs them.

    >>> states = {"torch": torch.tensor([1]), "torch-1": torch.tensor([2])}
    >>> own_random_state(Processes(1, 2), states)["torch"].item()
    2
    """
    return {name: tensors.get(f"{name}-{processes.rank}", value) for name, value in tensors.items()}
