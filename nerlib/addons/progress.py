"""A progress bar for each epoch. Adds: tqdm. Costs and brings: nothing but patience."""

from torch import Tensor
from tqdm import tqdm

from nerlib.callbacks import Callback, Loop
from nerlib.metrics import EpochRecord


class ProgressBar(Callback):
    """Shows the steps of an epoch; with `progress=None` it does so on a terminal only."""

    def batches(self, loop: Loop, batches: list[list[int]]) -> list[list[int]]:
        """Start the bar of an epoch."""
        shown, name = loop.config.progress, f"epoch {loop.epoch + 1}"
        hidden = None if shown is None else not shown
        self._bar = tqdm(None, name, len(batches), leave=False, initial=loop.step, disable=hidden)
        return batches

    def on_step_end(self, loop: Loop, loss: Tensor, norm: Tensor) -> None:
        """Move the bar."""
        self._bar.update()

    def on_evaluate(self, loop: Loop, record: EpochRecord) -> None:
        """Remove the bar."""
        self._bar.close()
