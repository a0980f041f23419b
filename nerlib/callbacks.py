"""The hooks of the training loop: what one adds to it stands in a callback, not in the loop.

Built in notebook 05; `nerlib/addons/` has one file for each addition.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from nerlib.dataset import NERDataset
from nerlib.device import Compute
from nerlib.metrics import EpochRecord, History
from nerlib.model import NERClassifier
from nerlib.optimization import TrainConfig


@dataclass
class Loop:
    """A training run: its parts, and how far it is.

    `epoch` counts finished epochs, `step` the steps done in the next one, `total` is the sum of
    their losses (a scalar on the device). `rows` are the rows of each batch of that epoch, and
    `best` the weights of the best epoch, or those of the start.
    """

    model: NERClassifier
    train_set: NERDataset
    validation_set: NERDataset
    config: TrainConfig
    compute: Compute
    optimizer: Optimizer
    schedule: LambdaLR
    report: Callable[[str], None]
    total: Tensor
    best: dict[str, Tensor]
    rows: list[list[int]] = field(default_factory=list)
    history: History = field(default_factory=History)
    epoch: int = 0
    step: int = 0


class Callback:
    """Something added to the training loop; every hook of this class does nothing.

    A subclass overrides the hooks that it needs. `loop` says how far the run is (see `Loop`).

    >>> class Norms(Callback):
    ...     def on_step_end(self, loop, loss, norm):
    ...         print(loop.step, norm.item())
    """

    def around(self, model: NERClassifier, data: NERDataset) -> AbstractContextManager[object]:
        """Return the context in which the run takes place; the optimiser is made inside of it."""
        return nullcontext()

    def on_train_begin(self, loop: Loop) -> None:
        """Before the first epoch: the place to continue an earlier run."""

    def batches(self, loop: Loop, batches: list[list[int]]) -> list[list[int]]:
        """Return the rows to read for each batch of an epoch, given those of the whole batch."""
        return batches

    def on_backward_end(self, loop: Loop, loss: Tensor) -> None:
        """After the gradients are computed, and before they are clipped."""

    def on_step_end(self, loop: Loop, loss: Tensor, norm: Tensor) -> None:
        """After a step; `norm` is that of all gradients together, before clipping (a scalar)."""

    def on_evaluate(self, loop: Loop, record: EpochRecord) -> None:
        """After the validation of an epoch, before its record counts."""

    def on_epoch_end(self, loop: Loop) -> None:
        """After an epoch whose weights were kept if they are the best so far."""


class Callbacks(Callback):
    """Several callbacks as one: each hook calls theirs, in order."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._all = list(callbacks)

    @contextmanager
    def around(self, model: NERClassifier, data: NERDataset) -> Iterator[None]:
        """Enter the contexts of all, and leave them in the reverse order."""
        with ExitStack() as stack:
            for callback in self._all:
                stack.enter_context(callback.around(model, data))
            yield

    def on_train_begin(self, loop: Loop) -> None:
        """Call that of each."""
        for callback in self._all:
            callback.on_train_begin(loop)

    def batches(self, loop: Loop, batches: list[list[int]]) -> list[list[int]]:
        """Pass the rows through all."""
        for callback in self._all:
            batches = callback.batches(loop, batches)
        return batches

    def on_backward_end(self, loop: Loop, loss: Tensor) -> None:
        """Call that of each."""
        for callback in self._all:
            callback.on_backward_end(loop, loss)

    def on_step_end(self, loop: Loop, loss: Tensor, norm: Tensor) -> None:
        """Call that of each."""
        for callback in self._all:
            callback.on_step_end(loop, loss, norm)

    def on_evaluate(self, loop: Loop, record: EpochRecord) -> None:
        """Call that of each."""
        for callback in self._all:
            callback.on_evaluate(loop, record)

    def on_epoch_end(self, loop: Loop) -> None:
        """Call that of each."""
        for callback in self._all:
            callback.on_epoch_end(loop)
