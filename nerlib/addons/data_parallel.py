"""Data parallelism: each process reads its share of a batch, and all make the same step.

Adds: PyTorch's `DistributedDataParallel` around the forward pass. Costs: one exchange of all
gradients a step; every process validates all rows. Brings: what lesson 10 measures. A step of
several processes equals the step that one process would make with the whole batch: the mean is
over words, as in the loss, so a process whose share has more words weighs more.
"""

import json
from contextlib import AbstractContextManager

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from nerlib.addons.processes import Processes, all_alive
from nerlib.addons.resume import identity
from nerlib.callbacks import Callback, Loop
from nerlib.dataset import IGNORE, Batch, NERDataset
from nerlib.model import NERClassifier
from nerlib.training import ComputeLoss


class DataParallel(Callback):
    """Lets several processes share every batch of a run; give `fit` its `compute_loss`, too."""

    def __init__(self, processes: Processes, compute_loss: ComputeLoss) -> None:
        self.processes, self._plain_loss = processes, compute_loss

    def around(self, model: NERClassifier, data: NERDataset) -> AbstractContextManager[object]:
        """Raise `ProcessError` when the exchange of gradients fails."""
        return all_alive()

    def on_train_begin(self, loop: Loop) -> None:
        """Check that all processes do the same, and give each random numbers of its own."""
        self._loop = loop
        self._parallel = DistributedDataParallel(loop.model, broadcast_buffers=False)
        loop.report(f"every batch is shared by {self.processes.count} processes")
        self.processes.check_same("settings, model or rows", json.dumps(identity(loop)))
        # No two mask or drop alike; the first has the run's seed.
        torch.manual_seed(loop.config.seed + 1_000_003 * self.processes.rank)

    def batches(self, loop: Loop, batches: list[list[int]]) -> list[list[int]]:
        """Return this process's share of every batch."""
        return share(batches, self.processes)

    def compute_loss(self, model: NERClassifier, batch: Batch) -> Tensor:
        """Return a share's loss, scaled so that all gradients together are the whole batch's.

        `DistributedDataParallel` takes the mean of the processes' gradients. Each loss is a mean
        over its own words; multiplied by its part of all words and by the number of processes,
        that mean becomes the mean over all words. The value is the whole batch's mean loss.
        """
        loss = self._plain_loss(self._parallel, batch)  # type: ignore[arg-type]
        takes_part = self.processes.rank < len(self._loop.rows[self._loop.step])
        words = (batch["labels"] != IGNORE).sum() * takes_part
        sums = self.processes.sum(torch.stack((loss.detach().float() * words, words)))
        total = sums[1].clamp(min=1)
        scaled = loss * words * self.processes.count / total
        return scaled + (sums[0] / total - scaled).detach()


def share(batches: list[list[int]], processes: Processes) -> list[list[int]]:
    """Return this process's rows of every batch, which are sorted by length: every so many-th.

    A batch with fewer rows than there are processes leaves some of them without one. They read its
    first row, so that they take part in the exchange, and `compute_loss` gives it the weight 0.

    >>> [share([[0, 1, 2], [3]], Processes(rank, 2)) for rank in (0, 1)]
    [[[0, 2], [3]], [[1], [3]]]
    """
    return [rows[processes.rank :: processes.count] or rows[:1] for rows in batches]
