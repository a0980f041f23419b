"""The training loop, written out: batches, loss, gradients, steps, validation, the best epoch.

Built in notebook 05.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from tqdm import tqdm
from transformers import PreTrainedModel

from nerlib.addons.averaging import WeightAverage
from nerlib.addons.clipping import clip_gradients
from nerlib.addons.data_parallel import evaluate_shares, mean_gradients, share
from nerlib.addons.divergence import DivergenceError, LossWatch, check_validation
from nerlib.addons.dropout import cheap_dropout
from nerlib.addons.interruption import WorkerError, how_a_worker_ended, how_to_go_on
from nerlib.addons.processes import Processes, join
from nerlib.addons.regularisation import training_loss
from nerlib.addons.run_state import Run, copy_weights, keep_checkpoints
from nerlib.addons.used_rows import training_used_rows
from nerlib.dataset import Batch, LengthBucketSampler, NERDataset, collate
from nerlib.decoding import best_tags, visible_words
from nerlib.device import Compute, Precision, choose_compute, set_threads
from nerlib.history import History, epoch_record
from nerlib.metrics import Evaluation, evaluate_tags
from nerlib.model import NERClassifier


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a training run. Rates are per step; shares lie between 0 and 1.

    `head_rate_factor` multiplies the encoder's rate for the head, which starts from nothing;
    `layer_decay` multiplies it once more for every layer of the encoder further down, so that 1
    gives all layers the same rate.
    `masked_subwords` is the share of subwords hidden behind the mask token in training.
    `weight_averaging` is the share of a running mean of the weights that each step keeps; the mean
    is what is validated and kept. 0 does without. `consistency` is the weight of the demand that
    two readings of an utterance agree (see `training_loss`), which makes a step slower.
    `progress=None` shows a bar on a terminal only. `workers` is the number of processes that make
    batches beside this one; it changes no number. With a folder for checkpoints, one is written at
    the end of every epoch and after every `checkpoint_steps` steps in it, and the last
    `checkpoints_kept` are kept. Raises `ValueError` for impossible settings.
    """

    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 1e-4
    head_rate_factor: float = 10.0
    layer_decay: float = 1.0
    weight_decay: float = 0.01
    warmup: float = 0.1
    max_gradient_norm: float = 1.0
    label_smoothing: float = 0.0
    masked_subwords: float = 0.0
    weight_averaging: float = 0.0
    consistency: float = 0.0
    seed: int = 0
    device: str = "auto"
    precision: Precision = "auto"
    threads: int | None = None
    progress: bool | None = None
    workers: int = 0
    checkpoint_steps: int = 200
    checkpoints_kept: int = 2

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1:
            raise ValueError("epochs and batch_size must be 1 or more")
        positive = (self.learning_rate, self.head_rate_factor, self.max_gradient_norm)
        if not all(value > 0 for value in positive):  # so written, NaN is refused as well
            raise ValueError("learning rates and max_gradient_norm must be above 0")
        if not 0 < self.layer_decay <= 1:
            raise ValueError("layer_decay must be above 0 and at most 1")
        if not self.consistency >= 0:
            raise ValueError("consistency must be 0 or more")
        if not self.weight_decay >= 0:
            raise ValueError("weight_decay must be 0 or more")
        for name in ("warmup", "label_smoothing", "masked_subwords", "weight_averaging"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is a share: from 0 to below 1")
        if self.workers < 0 or self.checkpoint_steps < 1 or self.checkpoints_kept < 1:
            raise ValueError("workers must be 0 or more, the counts of checkpoints 1 or more")


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

    `report` gets the settings in use and one line an epoch. Best means: highest strict entity F1
    on the validation set. Raises `ValueError` for an empty training set, `DivergenceError` for a
    loss that is NaN or infinite, `WorkerError` if one of the `workers` died. Built in notebook 05.

    Started several times by `accelerate launch` or `torchrun`, the processes share every batch and
    make the steps of one; the first of them reports and writes. Raises `ProcessError` if another
    one has ended. Built in notebook 10.

    With `checkpoint_dir`, a run that was cut off goes on with `resume=True` from its newest
    checkpoint to the very numbers that it would have had, the times aside (on the same machine, on
    a CPU). Raises `CheckpointError` if the folder cannot be written, or is another run's.
    Ctrl-C stops it in order: the model has its best weights so far, and the history says
    `interrupted`.
    """
    config = config or TrainConfig()
    if not len(train_set) or not len(validation_set):
        raise ValueError("training needs at least one utterance to train and one to validate on")
    processes = join()  # alone, unless something like `accelerate launch` started several
    set_threads(processes.threads(config.threads))
    compute = choose_compute(processes.device(config.device), config.precision)
    report = processes.speaker(report)
    report(f"training on {compute}, seed {config.seed}, {len(train_set):,} utterances{processes}")
    torch.manual_seed(processes.seed(config.seed))
    nn.Module.to(model, compute.device)
    processes.same_weights(model)
    history, sets = History(), (train_set, validation_set)
    try:
        with training_used_rows(model, train_set), cheap_dropout(model):
            _train_epochs(
                model, sets, config, compute, history, report, checkpoint_dir, resume, processes
            )
    finally:
        model.eval()
    return history


def _train_epochs(
    model: NERClassifier,
    sets: tuple[NERDataset, NERDataset],
    config: TrainConfig,
    compute: Compute,
    history: History,
    report: Callable[[str], None],
    checkpoint_dir: str | Path | None,
    resume: bool,
    processes: Processes,
) -> None:
    """Train epoch by epoch, fill the history, and leave the best epoch's weights in the model."""
    train_set, validation_set = sets
    sampler = LengthBucketSampler(train_set.lengths, config.batch_size, seed=config.seed)
    optimizer = make_optimizer(model, config)
    schedule = make_schedule(optimizer, config, total_steps=config.epochs * len(sampler))
    run = Run(model, optimizer, schedule, history, copy_weights(model), len(sampler))
    run.processes = processes
    if config.weight_averaging:
        run.average = WeightAverage(model, config.weight_averaging)
    try:
        keep_checkpoints(run, checkpoint_dir, resume, config, sets, compute, report)
        for epoch in range(run.epoch, config.epochs):
            sampler.set_epoch(epoch)
            run.start_clock()
            loss = train_epoch(model, train_set, sampler, optimizer, schedule, config, compute, run)
            seconds = run.elapsed()
            judge = evaluate if processes.alone else partial(evaluate_shares, processes)
            evaluation, validation_loss = judge(run.judged, validation_set, compute)
            check_validation(validation_loss, epoch + 1)
            history.append(
                epoch_record(epoch + 1, loss, validation_loss, evaluation, len(train_set), seconds)
            )
            report(str(history[-1]))
            if history.best is history[-1]:
                run.best = copy_weights(run.judged)
            run.epoch_done()
    except KeyboardInterrupt:
        history.interrupted = True
        report(how_to_go_on(history, checkpoint_dir))
    except DivergenceError:
        model.load_state_dict(run.best)  # without a finished epoch, those of the start
        raise
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise WorkerError(how_a_worker_ended(error, checkpoint_dir)) from error
    finally:
        run.unlock()
        if history:
            model.load_state_dict(run.best)


def train_epoch(
    model: NERClassifier,
    train_set: NERDataset,
    sampler: LengthBucketSampler,
    optimizer: Optimizer,
    schedule: LambdaLR,
    config: TrainConfig,
    compute: Compute,
    run: Run | None = None,
) -> float:
    """Go once through the training set, one step a batch; return the mean loss per batch.

    `run` counts the steps, and says how many were done before an interruption.
    """
    model.train()
    run = run or Run(model, optimizer, schedule)
    batches, done = list(sampler), run.step
    total = torch.tensor(run.loss, device=compute.device)
    # On a GPU, looking at every loss would make each step wait for the one before.
    every = 1 if compute.device.type == "cpu" else 50
    watch = LossWatch(batches, train_set.row_ids, sampler.epoch + 1, done, every)
    processes = run.processes
    loader = start_loader(train_set, share(batches, processes), done, config.workers, compute)
    hidden = not processes.first or (None if config.progress is None else not config.progress)
    bar = partial(tqdm, desc=f"epoch {sampler.epoch + 1}", leave=False, disable=hidden)
    for batch in bar(loader, total=len(batches), initial=done):
        batch = to_device(batch, compute)
        with compute.autocast():
            loss = training_loss(model, batch, train_set.mask_id, config)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        rows = len(batches[run.step])
        loss = mean_gradients(processes, model, loss, batch["labels"], rows)
        norm = clip_gradients(model, optimizer, config.max_gradient_norm)
        watch.see(loss, norm)
        optimizer.step()
        schedule.step()
        total += loss.detach()
        run.step_done(total, watch)
    watch.look()
    return total.item() / len(batches)


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
    model: NERClassifier,
    dataset: NERDataset,
    compute: Compute | None = None,
    batch_size: int = 64,
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


def start_loader(
    dataset: NERDataset,
    batches: Sequence[list[int]],
    done: int,
    workers: int,
    compute: Compute,
) -> Iterator[Batch]:
    """Return an iterator over the batches that are not done yet.

    Starting a loader draws a random number. In the middle of an epoch that has been drawn before.
    """
    with torch.random.fork_rng(devices=[], enabled=done > 0):
        return iter(make_loader(dataset, batches[done:], compute, workers))


def to_device(batch: Batch, compute: Compute) -> Batch:
    """Return the batch on the device, without waiting for the copy where that is possible."""
    return {name: value.to(compute.device, non_blocking=True) for name, value in batch.items()}


def make_optimizer(model: NERClassifier, config: TrainConfig) -> AdamW:
    """Return AdamW with a rate for the encoder and a higher one for the head.

    Weight decay leaves out biases and normalisation, the parameters with one dimension. Rates per
    layer, if `layer_decay` asks for them, are those of Howard & Ruder (2018), Universal Language
    Model Fine-tuning. Source: Loshchilov & Hutter (2019), Decoupled Weight Decay Regularization.
    """
    factors = {id(p): config.head_rate_factor for p in model.head.parameters()}
    for depth, layer in enumerate(layers_from_the_top(model.encoder)):
        factors |= {id(p): config.layer_decay**depth for p in layer}
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for parameter in (*model.encoder.parameters(), *model.head.parameters()):
        kind = factors[id(parameter)], parameter.ndim > 1
        groups.setdefault(kind, []).append(parameter)
    settings = [
        {
            "params": parameters,
            "lr": config.learning_rate * factor,
            "weight_decay": config.weight_decay if decay else 0.0,
        }
        for (factor, decay), parameters in groups.items()
    ]
    return AdamW(settings, fused=model.device.type in ("cpu", "cuda"))


def layers_from_the_top(encoder: PreTrainedModel) -> list[list[nn.Parameter]]:
    """Return the parameters of each layer, the last layer's first, the embeddings' at the end.

    An encoder that is built in another way counts as one layer.
    """
    depth = getattr(encoder.config, "num_hidden_layers", None)
    stacks = (part for part in encoder.modules() if isinstance(part, nn.ModuleList))
    blocks = next((list(stack) for stack in stacks if len(stack) == depth), [])
    layers = [list(block.parameters()) for block in reversed(blocks)]
    inside = {id(parameter) for layer in layers for parameter in layer}
    return [*layers, [p for p in encoder.parameters() if id(p) not in inside]]


def make_schedule(optimizer: Optimizer, config: TrainConfig, total_steps: int) -> LambdaLR:
    """Return a schedule that warms the rates up and then lowers them in a straight line to 0."""
    warmup_steps = max(1, round(config.warmup * total_steps))
    return LambdaLR(optimizer, partial(warmup_and_decay, warmup=warmup_steps, total=total_steps))


def warmup_and_decay(step: int, warmup: int, total: int) -> float:
    """Return the factor on the learning rate at a step.

    >>> [warmup_and_decay(step, warmup=2, total=6) for step in range(7)]
    [0.5, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]
    """
    if step < warmup:
        return (step + 1) / warmup
    return max(0.0, (total - step) / max(1, total - warmup))
