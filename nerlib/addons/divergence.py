"""Noticing a loss that is no number any more, at the batch that brought it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


class DivergenceError(ValueError):
    """A loss or gradient that is NaN or infinite: in which epoch and batch, and of which rows.

    `epoch` and `batch` count from 1, batch 0 is the validation after the epoch; `row_ids` are the
    batch's rows as the corpus names them.
    """

    def __init__(self, epoch: int, batch: int = 0, row_ids: Sequence[str] = ()) -> None:
        self.epoch, self.batch, self.row_ids = epoch, batch, list(row_ids)
        place, advice = "on the validation rows", "use a lower learning rate"
        if batch:
            place = f"in batch {batch}, row ids {', '.join(self.row_ids)}"
            advice = f"look at these rows, or {advice}"
        super().__init__(
            f"the loss or its gradient is no finite number: epoch {epoch}, {place}; {advice} "
            "(the model has the weights of its best epoch so far)"
        )


class LossWatch:
    """Looks at the loss and the gradient's norm of every batch of an epoch.

    `batches` are the epoch's rows by batch, `done` how many batches came before. On a GPU each look
    would wait for the device, so that `every` batches are looked at together, in order.

    >>> watch = LossWatch([[0, 1], [2]], ["a", "b", "c"], epoch=1)
    >>> watch.see(torch.tensor(0.5), torch.tensor(1.0))
    >>> watch.see(torch.tensor(float("nan")), torch.tensor(1.0))
    Traceback (most recent call last):
        ...
    nerlib.addons.divergence.DivergenceError: the loss or its gradient is no finite number: epoch \
1, in batch 2, row ids c; look at these rows, or use a lower learning rate \
(the model has the weights of its best epoch so far)
    """

    def __init__(
        self,
        batches: Sequence[Sequence[int]],
        row_ids: Sequence[str],
        epoch: int,
        done: int = 0,
        every: int = 1,
    ) -> None:
        self.batches, self.row_ids, self.epoch = batches, row_ids, epoch
        self.done, self.every = done, every
        self._unseen: list[Tensor] = []

    def see(self, loss: Tensor, norm: Tensor) -> None:
        """Take a batch's loss and norm, both scalars; raises `DivergenceError` when it looks."""
        self._unseen.append(torch.stack((loss.detach().float(), norm.detach().float())))
        if len(self._unseen) == self.every:
            self.look()

    def look(self) -> None:
        """Raise `DivergenceError` for the first batch not yet looked at that is not finite."""
        if not self._unseen:
            return
        finite = torch.stack(self._unseen).isfinite().all(dim=1).tolist()
        if not all(finite):
            batch = self.done + finite.index(False)
            rows = [self.row_ids[row] for row in self.batches[batch]]
            raise DivergenceError(self.epoch, batch + 1, rows)
        self.done += len(finite)
        self._unseen.clear()


def check_validation(loss: float, epoch: int) -> None:
    """Raise `DivergenceError` if the loss on the validation rows is no finite number.

    >>> check_validation(0.5, epoch=1)
    """
    if not math.isfinite(loss):
        raise DivergenceError(epoch)
