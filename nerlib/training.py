"""The training loop: batches, loss, gradients, steps; after each epoch, validation.

Built in notebook 05, whose loop by hand has the same lines. Everything that is not the algorithm
itself hooks in from outside: see `nerlib.callbacks` and `nerlib.addons`.
"""

import time
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from nerlib.callbacks import Callback, Callbacks, Loop
from nerlib.dataset import Batch, LengthBucketSampler, NERDataset
from nerlib.device import Compute, choose_compute, set_threads
from nerlib.evaluation import evaluate, make_loader, to_device
from nerlib.metrics import History, epoch_record
from nerlib.model import NERClassifier
from nerlib.optimization import TrainConfig, make_optimizer, make_schedule

ComputeLoss = Callable[[NERClassifier, Batch], Tensor]


class WorkerError(RuntimeError):
    """A process that makes batches has ended before its time."""


def mean_loss(model: NERClassifier, batch: Batch) -> Tensor:
    """Return the mean loss over the words of a batch, a scalar."""
    loss: Tensor = model(**batch).loss
    return loss


def fit(
    model: NERClassifier,
    train_set: NERDataset,
    validation_set: NERDataset,
    config: TrainConfig | None = None,
    report: Callable[[str], None] = print,
    callbacks: Sequence[Callback] = (),
    compute_loss: ComputeLoss = mean_loss,
) -> History:
    """Train the model in place and return the history; the best epoch's weights are kept.

    `report` gets the settings in use and one line an epoch. Best means: highest strict entity F1
    on the validation set. Raises `ValueError` for an empty dataset.
    """
    config, hooks, history = config or TrainConfig(), Callbacks(callbacks), History()
    compute = prepare(model, (train_set, validation_set), config)
    report(f"training on {compute}, seed {config.seed}, {len(train_set):,} utterances")
    with hooks.around(model, train_set):
        sampler = LengthBucketSampler(train_set.lengths, config.batch_size, seed=config.seed)
        optimizer = make_optimizer(model, config)
        schedule = make_schedule(optimizer, config, config.epochs * len(sampler))
        loop = Loop(
            *(model, train_set, validation_set, config, compute, optimizer, schedule, report),
            total=torch.zeros((), device=compute.device),
            best=copy_weights(model),
            history=history,
        )
        try:
            hooks.on_train_begin(loop)
            for epoch in range(loop.epoch, config.epochs):
                sampler.set_epoch(epoch)
                loop.rows = list(sampler)
                speed = train_epoch(loop, hooks, compute_loss)
                validate(loop, hooks, speed)
                hooks.on_epoch_end(loop)
        finally:
            if history:
                model.load_state_dict(loop.best)
            model.eval()
    return history


def train_epoch(
    loop: Loop, hooks: Callback, compute_loss: ComputeLoss = mean_loss
) -> tuple[int, float]:
    """Go once through the training rows; return how many were read, and in how many seconds."""
    model, optimizer, schedule, config = loop.model, loop.optimizer, loop.schedule, loop.config
    started, rows = time.perf_counter(), loop.rows[loop.step :]
    model.train()
    for batch in load_batches(loop, hooks):
        with loop.compute.autocast():
            loss = compute_loss(model, batch)
        optimizer.zero_grad()
        loss.backward()
        hooks.on_backward_end(loop, loss)
        norm = clip_grad_norm_(model.parameters(), config.max_gradient_norm)
        optimizer.step()
        schedule.step()
        loop.total += loss.detach()
        loop.step += 1
        hooks.on_step_end(loop, loss, norm)
    return sum(map(len, rows)), time.perf_counter() - started


def validate(loop: Loop, hooks: Callback, speed: tuple[int, float]) -> None:
    """Score the model after an epoch, and keep its weights if they are the best so far."""
    train_loss = loop.total.item() / len(loop.rows)
    evaluation, validation_loss = evaluate(loop.model, loop.validation_set, loop.compute)
    record = epoch_record(loop.epoch + 1, train_loss, validation_loss, evaluation, *speed)
    hooks.on_evaluate(loop, record)
    loop.history.append(record)
    loop.report(str(record))
    if loop.history.best is record:
        loop.best = copy_weights(loop.model)
    loop.epoch, loop.step, loop.total = loop.epoch + 1, 0, torch.zeros_like(loop.total)


def load_batches(loop: Loop, hooks: Callback) -> Iterator[Batch]:
    """Yield the batches of the epoch that are not done yet, on the device.

    Starting a loader draws a random number; in the middle of an epoch, after a resume, that has
    happened before. Raises `WorkerError` if a process that makes batches has ended.
    """
    rows = hooks.batches(loop, loop.rows)[loop.step :]
    with torch.random.fork_rng(devices=[], enabled=loop.step > 0):
        loader = iter(make_loader(loop.train_set, rows, loop.compute, loop.config.workers))
    while True:
        try:
            batch = next(loader)
        except StopIteration:
            return
        except RuntimeError as error:
            if not loop.config.workers:
                raise
            raise WorkerError(
                f"a process that makes batches has died ({' '.join(str(error).split())}); often "
                "there is too little memory: train again, or resume, with fewer workers (0 needs "
                "no process)"
            ) from error
        yield to_device(batch, loop.compute)


def prepare(
    model: NERClassifier, sets: tuple[NERDataset, NERDataset], config: TrainConfig
) -> Compute:
    """Move the model to its device and fix the seed; return what to compute with."""
    if not all(map(len, sets)):
        raise ValueError("training needs at least one utterance to train and one to validate on")
    set_threads(config.threads)
    compute = choose_compute(config.device, config.precision)
    torch.manual_seed(config.seed)
    nn.Module.to(model, compute.device)
    return compute


def copy_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return a copy of all weights, on the CPU."""
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
