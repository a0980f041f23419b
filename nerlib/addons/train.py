"""`nerlib.train`: the plain loop with everything that is added to it as a rule."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nerlib.addons.checkpoints import CheckpointError
from nerlib.addons.data_parallel import DataParallel
from nerlib.addons.divergence import NaNWatch
from nerlib.addons.dropout import cheap_dropout
from nerlib.addons.processes import join
from nerlib.addons.progress import ProgressBar
from nerlib.addons.regularisation import regularised_loss
from nerlib.addons.resume import Checkpoints
from nerlib.addons.used_rows import training_used_rows
from nerlib.callbacks import Callback, Loop
from nerlib.dataset import NERDataset
from nerlib.metrics import History
from nerlib.model import NERClassifier
from nerlib.optimization import TrainConfig
from nerlib.training import fit


def train(
    model: NERClassifier,
    train_set: NERDataset,
    validation_set: NERDataset,
    config: TrainConfig | None = None,
    report: Callable[[str], None] = print,
    checkpoint_dir: str | Path | None = None,
    resume: bool = False,
) -> History:
    """Train the model in place and return the history; the best epoch's weights are kept.

    This is `nerlib.training.fit` with the standard callbacks. `report` gets the settings in use and
    one line an epoch. Raises `ValueError` for an empty training set, `DivergenceError` for a loss
    that is NaN or infinite, `WorkerError` if one of the `workers` died. Built in notebook 05.

    Started several times by `accelerate launch` or `torchrun`, the processes share every batch and
    make the steps of one; the first of them reports and writes. Raises `ProcessError` if another
    one has ended. Built in notebook 10.

    With `checkpoint_dir`, a run that was cut off is continued by `resume=True` from its newest
    checkpoint, to the very numbers that it would have had, the times aside (on the same machine, on
    a CPU). Raises `CheckpointError` if the folder cannot be written, or is another run's. Ctrl-C
    stops it in order: the model has its best weights so far, and the history says `interrupted`.
    """
    config = config or TrainConfig()
    if checkpoint_dir is None and resume:
        raise CheckpointError("resume needs checkpoint_dir: the folder with the checkpoints")
    processes = join()  # alone, unless something like `accelerate launch` started several
    report = report if processes.first else lambda line: None
    compute_loss = regularised_loss(config, train_set.mask_id)
    callbacks: list[Callback] = [Surroundings(report, checkpoint_dir), NaNWatch()]
    if not processes.alone:
        parallel = DataParallel(processes, compute_loss)
        callbacks.append(parallel)
        compute_loss = parallel.compute_loss
    if processes.first:
        callbacks.append(ProgressBar())
    if checkpoint_dir is not None:
        callbacks.append(Checkpoints(checkpoint_dir, resume, config.checkpoints_kept, processes))
    config = processes.own(config)
    return fit(model, train_set, validation_set, config, report, callbacks, compute_loss)


class Surroundings(Callback):
    """Lets a run make cheaper steps; ends it in order at Ctrl-C, and says what is left."""

    def __init__(self, report: Callable[[str], None], checkpoint_dir: str | Path | None) -> None:
        self._report, self._history = report, History()
        self._advice = "with checkpoint_dir=FOLDER, a stopped run can be resumed later"
        if checkpoint_dir is not None:
            again = f"checkpoint_dir={str(checkpoint_dir)!r}, resume=True"
            self._advice = f"to resume, train again with {again}"

    @contextmanager
    def around(self, model: NERClassifier, data: NERDataset) -> Iterator[None]:
        """Train used rows only, with cheap dropout; turn Ctrl-C into a line of the report."""
        try:
            with training_used_rows(model, data), cheap_dropout(model):
                yield
        except KeyboardInterrupt:
            self._history.interrupted = True
            best = self._history.best.epoch if self._history else 0
            left = f"those of epoch {best}, the best" if best else "the latest"
            self._report(f"stopped: the model's weights are {left}; {self._advice}")

    def on_train_begin(self, loop: Loop) -> None:
        """Remember the history to mark."""
        self._history = loop.history
