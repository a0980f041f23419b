"""Noticing a loss that is NaN or infinite, at the batch that caused it.

Adds: a look at the loss and the gradients' norm of every step. Costs: on a GPU one wait for the
device in 50 steps, on a CPU nothing that `make bench` can see. Brings: the rows to look at, and a
model with its best weights instead of one full of NaN.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from nerlib.callbacks import Callback, Loop
from nerlib.metrics import EpochRecord


class DivergenceError(ValueError):
    """A loss or gradient that is NaN or infinite: in which epoch and batch, and of which rows.

    `epoch` and `batch` count from 1, batch 0 is the validation after the epoch; `row_ids` are the
    batch's rows as the corpus names them.

    >>> str(DivergenceError(epoch=3))[:50]
    'the loss or its gradient is not finite: epoch 3, o'
    """

    def __init__(self, epoch: int, batch: int = 0, row_ids: Sequence[str] = ()) -> None:
        self.epoch, self.batch, self.row_ids = epoch, batch, list(row_ids)
        where = "on the validation rows; "
        if batch:
            where = f"in batch {batch}, row ids {', '.join(row_ids)}; look at these rows, or "
        super().__init__(
            f"the loss or its gradient is not finite: epoch {epoch}, {where}use a lower learning "
            "rate (the model has the weights of its best epoch so far)"
        )


class NaNWatch(Callback):
    """Stops a run by `DivergenceError` at a loss or gradient that is not finite.

    The model gets its best weights back, or those of the start. On a GPU each look waits for the
    device, so that `every` steps are looked at together.
    """

    def __init__(self, every: int | None = None) -> None:
        self._every, self._unseen = every, list[Tensor]()

    def on_step_end(self, loop: Loop, loss: Tensor, norm: Tensor) -> None:
        """Look at loss and norm if it is time; raises `DivergenceError`."""
        self._unseen.append(torch.stack((loss.detach().float(), norm.detach().float())))
        every = self._every or (1 if loop.compute.device.type == "cpu" else 50)
        if len(self._unseen) < every and loop.step < len(loop.rows):
            return
        finite = torch.stack(self._unseen).isfinite().all(dim=1).tolist()
        self._unseen.clear()
        if not all(finite):
            batch = loop.step - len(finite) + finite.index(False)
            rows = [loop.train_set.row_ids[row] for row in loop.rows[batch]]
            loop.model.load_state_dict(loop.best)
            raise DivergenceError(loop.epoch + 1, batch + 1, rows)

    def on_evaluate(self, loop: Loop, record: EpochRecord) -> None:
        """Look at the loss on the validation rows; raises `DivergenceError`."""
        if not math.isfinite(record.validation_loss):
            loop.model.load_state_dict(loop.best)
            raise DivergenceError(record.epoch)
