"""Everything about a training run that changes from step to step: taken down, and put back.

A run that goes on from a checkpoint must not be able to tell: the same weights, the same moments
of the optimiser, the same random numbers, the same place in the same epoch.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy
import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from nerlib.addons.averaging import EVERY, WeightAverage
from nerlib.addons.checkpoints import CheckpointError, CheckpointFolder, Facts, Snapshot
from nerlib.addons.data_parallel import own_random_state, random_states
from nerlib.addons.folder_lock import FolderInUse, lock_folder
from nerlib.addons.processes import Processes
from nerlib.dataset import NERDataset
from nerlib.device import Compute
from nerlib.history import EpochRecord

if TYPE_CHECKING:  # `training` imports this room
    from nerlib.addons.divergence import LossWatch
    from nerlib.model import NERClassifier
    from nerlib.training import TrainConfig

# Settings that may differ when a run goes on: they do not say what is learnt.
FREE = ("device", "threads", "progress", "workers", "checkpoint_steps", "checkpoints_kept")
# Parts of an encoder's configuration that say where it came from, not what it is.
ORIGIN = ("_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version")
SCHEDULE = ("last_epoch", "_step_count", "_last_lr")


@dataclass
class Run:
    """A training run: its parts, and where it stands.

    `epoch` counts finished epochs, `step` the steps done in the next one, `loss` is the sum of
    their losses and `seconds` the time they took. `best` holds the weights of the best epoch,
    `average` the running mean of the weights, if there is one.
    """

    model: NERClassifier
    optimizer: Optimizer
    schedule: LambdaLR
    history: list[EpochRecord] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    steps_per_epoch: int = 0
    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    seconds: float = 0.0
    keep: Callable[[], None] | None = None  # writes a checkpoint
    every: int = 0  # steps between checkpoints inside of an epoch
    average: WeightAverage | None = None
    unlock: Callable[[], object] = lambda: None  # lets other runs use the folder
    processes: Processes = field(default_factory=Processes)  # this one, and how many take part
    _started: float = 0.0

    def start_clock(self) -> None:
        """Start to measure an epoch; time before an interruption counts."""
        self._started = time.perf_counter() - self.seconds

    def elapsed(self) -> float:
        """Return the seconds of this epoch's training so far."""
        return time.perf_counter() - self._started

    @property
    def judged(self) -> NERClassifier:
        """The model to validate and keep: the one with the mean weights, if there is one."""
        return self.model if self.average is None else cast("NERClassifier", self.average.model)

    def step_done(self, total: Tensor, watch: LossWatch) -> None:
        """Count a step, and write a checkpoint if it is time for one."""
        self.step += 1
        steps, last = self.epoch * self.steps_per_epoch + self.step, self.steps_per_epoch
        if self.average and (steps % EVERY == 0 or self.step == last):  # validation comes next
            self.average.update()
        if self.keep and self.step % self.every == 0 and self.step < self.steps_per_epoch:
            watch.look()  # never keep what is broken
            self.loss, self.seconds = total.item(), self.elapsed()
            self.keep()

    def epoch_done(self) -> None:
        """Count an epoch, and write a checkpoint."""
        self.epoch, self.step, self.loss, self.seconds = self.epoch + 1, 0, 0.0, 0.0
        if self.keep:
            self.keep()


def copy_weights(model: torch.nn.Module) -> dict[str, Tensor]:
    """Return a copy of all weights, on the CPU."""
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}


def keep_checkpoints(
    run: Run,
    folder: str | Path | None,
    resume: bool,
    config: TrainConfig,
    sets: tuple[NERDataset, NERDataset],
    compute: Compute,
    report: Callable[[str], None],
) -> None:
    """Let a run write checkpoints into a folder, and put it where the newest one stands.

    Without a folder nothing happens. Until `run.unlock` is called no other process can use it.
    Raises `CheckpointError` if the folder belongs to another run, or one uses it now, if it holds
    checkpoints and `resume` is not set, or if nothing can be written there.
    """
    processes = run.processes
    if folder is None and resume:
        raise CheckpointError("resume needs checkpoint_dir: the folder with the checkpoints")
    if folder is None and processes.alone:
        return
    known: Facts = {"compute": str(compute), "identity": identity(run.model, config, *sets)}
    processes.check_same("settings, model or rows", json.dumps(known["identity"]))
    known["identity"]["settings"]["processes"] = processes.count
    if folder is None:
        return
    checkpoints = CheckpointFolder(folder, config.checkpoints_kept)
    processes.on_first(lambda: claim(run, checkpoints, resume, report))
    snapshot = checkpoints.newest(report)
    if snapshot is not None:
        go_on(run, snapshot, known, checkpoints, report)
    elif resume:
        report(f"there is no checkpoint in {folder} yet: starting at the beginning")
    processes.check_same("checkpoints", f"{run.epoch}, {run.step}")
    processes.on_first(checkpoints.sweep)
    run.every = config.checkpoint_steps
    run.keep = lambda: keep(run, checkpoints, known)


def claim(
    run: Run, checkpoints: CheckpointFolder, resume: bool, report: Callable[[str], None]
) -> None:
    """Lock the folder of the checkpoints for this run; raises `CheckpointError` if it is taken."""
    folder = checkpoints.folder
    try:
        run.unlock = lock_folder(folder)
    except FolderInUse:
        raise CheckpointError(
            f"another run is writing its checkpoints to {folder}: wait for its end, stop it, or "
            "choose another folder"
        ) from None
    if checkpoints.steps() and not resume:
        raise CheckpointError(
            f"{folder} holds checkpoints of an earlier run: go on with it by resume, choose "
            "another folder, or delete that one"
        )
    if not run.processes.alone:
        checkpoints.newest(report)  # removes damaged ones, before the other processes look


def keep(run: Run, checkpoints: CheckpointFolder, known: Facts) -> None:
    """Write a checkpoint, in the first process, with the random numbers of all of them."""
    states = random_states(run.processes, run.model.device)
    step = run.epoch * run.steps_per_epoch + run.step
    run.processes.on_first(lambda: checkpoints.write(step, take(run, known, states)))


def go_on(
    run: Run,
    snapshot: Snapshot,
    known: Facts,
    checkpoints: CheckpointFolder,
    report: Callable[[str], None],
) -> None:
    """Put a run where a snapshot stands; raises `CheckpointError` if that is another run's."""
    snapshot.facts["identity"]["settings"].setdefault("processes", 1)  # not always written down
    different = differences(snapshot.facts["identity"], known["identity"])
    if different:
        raise CheckpointError(
            f"the checkpoints in {checkpoints.folder} belong to another run ({different}): use "
            "what it was started with, or another folder"
        )
    try:
        restore(run, snapshot)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"the checkpoints in {checkpoints.folder} do not fit this code: {reason}"
        ) from None
    was, step = snapshot.facts["compute"], checkpoints.steps()[-1]
    report(f"going on from step {step}: epochs done: {run.epoch}, steps of the next: {run.step}")
    if was != known["compute"]:
        report(f"so far it ran on {was}, now on {known['compute']}: the last digits may differ")


def take(run: Run, known: Facts, random_elsewhere: Mapping[str, Tensor] | None = None) -> Snapshot:
    """Return everything that makes the rest of a run what it is.

    `random_elsewhere` says where the random numbers of the other processes stand.
    """
    weights = copy_weights(run.model)
    tensors = {"model": weights, "optimizer": _optimizer_tensors(run.optimizer)}
    if run.history and not _same(run.best, weights):
        tensors["best"] = run.best
    if run.average:
        tensors["average"] = copy_weights(run.average.model)
    tensors["random"], random_facts = _take_random(run.model.device)
    tensors["random"] |= random_elsewhere or {}
    schedule = run.schedule.state_dict()
    facts = {
        **{name: getattr(run, name) for name in ("epoch", "step", "loss", "seconds")},
        "history": [asdict(record) for record in run.history],
        "rates": [group["lr"] for group in run.optimizer.param_groups],
        "schedule": {name: schedule[name] for name in SCHEDULE},
        "random": random_facts,
        "averaged": run.average.updates if run.average else 0,
        **known,
    }
    return Snapshot(tensors, facts)


def restore(run: Run, snapshot: Snapshot) -> None:
    """Put a run where a snapshot stands. Random numbers come last: nothing may draw after them."""
    facts, tensors = snapshot.facts, snapshot.tensors
    run.model.load_state_dict(tensors["model"])
    run.best = tensors.get("best", tensors["model"])
    if run.average:
        run.average.model.load_state_dict(tensors["average"])
        run.average.updates = facts["averaged"]
    _restore_optimizer(run.optimizer, tensors["optimizer"], facts["rates"])
    schedule = {name: facts["schedule"][name] for name in SCHEDULE}
    run.schedule.load_state_dict({**run.schedule.state_dict(), **schedule})
    run.history[:] = [EpochRecord(**record) for record in facts["history"]]
    for name in ("epoch", "step", "loss", "seconds"):
        setattr(run, name, facts[name])
    own = own_random_state(run.processes, tensors["random"])
    _restore_random(own, facts["random"], run.model.device)


def identity(
    model: NERClassifier, config: TrainConfig, train_set: NERDataset, validation_set: NERDataset
) -> Facts:
    """Return what makes a run this one and no other: settings, tags, model, encoder and rows."""
    settings = {name: value for name, value in asdict(config).items() if name not in FREE}
    shape = ("pooling", "head_size", "dropout", "segmentation", "sentence_vector")
    encoder = {name: value for name, value in model.config.encoder.items() if name not in ORIGIN}
    facts = {
        "settings": settings,
        "tags": list(model.config.labels),
        "model": {name: getattr(model.config, name) for name in shape},
        "encoder": encoder,
        "training rows": fingerprint(train_set),
        "validation rows": fingerprint(validation_set),
    }
    read_back: Facts = json.loads(json.dumps(facts, default=str))
    return read_back


def fingerprint(dataset: NERDataset) -> Facts:
    """Return the number of rows, a hash of their ids, and one of what the model gets to see."""
    seen = hashlib.sha256()
    for item in dataset.items:
        for name in ("input_ids", "target"):
            seen.update(item[name].numpy().tobytes())
    ids = hashlib.sha256("\n".join(dataset.row_ids).encode("utf-8", "replace"))
    return {"count": len(dataset), "ids": ids.hexdigest(), "content": seen.hexdigest()}


def differences(before: Facts, now: Facts) -> str:
    """Return in words where two identities differ, or nothing.

    >>> differences({"settings": {"epochs": 3}, "tags": ["O"]}, {"settings": {"epochs": 4}})
    'other settings: epochs was 3, now 4; other tags'
    """
    found = []
    for part in before:
        if before[part] == now.get(part):
            continue
        details = []
        if part in ("settings", "model", "encoder") and isinstance(now.get(part), dict):
            details = _details(before[part], now[part])
        found.append(f"other {part}" + (f": {', '.join(details[:3])}" if details else ""))
    return "; ".join(found)


def _details(before: Facts, now: Facts) -> list[str]:
    """Return which values of two dictionaries differ, in words."""
    pairs = [(name, before.get(name), now.get(name)) for name in {**before, **now}]
    return [f"{name} was {old}, now {new}" for name, old, new in pairs if old != new]


def _same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


def _optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """Return the optimiser's tensors, named by the parameter's number and their own name."""
    state: dict[int, dict[str, Tensor]] = optimizer.state_dict()["state"]
    return {
        f"{number}.{name}": value.detach().cpu().clone()
        for number, values in state.items()
        for name, value in values.items()
    }


def _restore_optimizer(
    optimizer: Optimizer, tensors: dict[str, Tensor], rates: list[float]
) -> None:
    """Put the optimiser's tensors and rates back."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = value
    groups: list[dict[str, Any]] = optimizer.state_dict()["param_groups"]
    for group, rate in zip(groups, rates, strict=True):
        group["lr"] = rate
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _take_random(device: torch.device) -> tuple[dict[str, Tensor], Facts]:
    """Return where all random number generators stand."""
    name, keys, *numpy_rest = numpy.random.get_state(legacy=True)
    version, numbers, gauss = random.getstate()
    tensors = {"torch": torch.get_rng_state(), "numpy": torch.from_numpy(numpy.array(keys))}
    if device.type == "cuda":
        tensors["device"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        tensors["device"] = torch.mps.get_rng_state()
    return tensors, {"numpy": [name, *numpy_rest], "python": [version, list(numbers), gauss]}


def _restore_random(tensors: dict[str, Tensor], facts: Facts, device: torch.device) -> None:
    """Put all random number generators where they stood."""
    name, *rest = facts["numpy"]
    numpy.random.set_state((name, tensors["numpy"].numpy(), *rest))
    version, numbers, gauss = facts["python"]
    random.setstate((version, tuple(numbers), gauss))
    torch.set_rng_state(tensors["torch"])
    if "device" in tensors and device.type == "cuda":
        torch.cuda.set_rng_state(tensors["device"], device)
    elif "device" in tensors and device.type == "mps":
        torch.mps.set_rng_state(tensors["device"])
