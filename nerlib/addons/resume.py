"""Continuing a training run that was cut off, to the same weights as if nothing had happened.

Adds: a checkpoint after each epoch and every so many steps, and the way back to it. Costs: the time
to write one (`python tests/torture.py` prints how often that is survived). Brings: a kill costs at
most `checkpoint_steps` steps. Lesson 10 kills a run and resumes it.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor
from torch.optim import Optimizer

from nerlib.addons.checkpoints import CheckpointError, CheckpointFolder, Facts, Snapshot
from nerlib.addons.folder_lock import FolderInUse, lock_folder
from nerlib.addons.processes import Processes
from nerlib.callbacks import Callback, Loop
from nerlib.dataset import NERDataset
from nerlib.metrics import EpochRecord
from nerlib.model import NERClassifier
from nerlib.training import copy_weights

# Settings that may differ when a run is resumed: they do not say what is learnt.
FREE = ("device", "threads", "progress", "workers", "checkpoint_steps", "checkpoints_kept")
# Parts of an encoder's configuration that say where it came from, not what it is.
ORIGIN = ("_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version")


class Checkpoints(Callback):
    """Writes checkpoints to a folder, and resumes from the newest one.

    The folder is locked until the run ends. Raises `CheckpointError` if it belongs to another run,
    if one uses it now, if it holds checkpoints and `resume` is not set, or if nothing can be
    written there.
    """

    def __init__(
        self, folder: str | Path, resume: bool, kept: int, processes: Processes | None = None
    ) -> None:
        self.checkpoints = CheckpointFolder(folder, kept)
        self.resume, self.processes = resume, processes or Processes()

    @contextmanager
    def around(self, model: NERClassifier, data: NERDataset) -> Iterator[None]:
        """Lock the folder; raises `CheckpointError` if it is taken."""
        self._release = lambda: None
        try:
            self.processes.on_first(self._claim)
            yield
        finally:
            self._release()

    def on_train_begin(self, loop: Loop) -> None:
        """Put the run where the newest checkpoint stands."""
        self.facts: Facts = {"compute": str(loop.compute), "identity": identity(loop)}
        self.facts["identity"]["settings"]["processes"] = self.processes.count
        self.processes.on_first(lambda: self.checkpoints.newest(loop.report))  # drops damaged ones
        snapshot = self.checkpoints.newest(loop.report)
        if snapshot is not None:
            self._restore(loop, snapshot)
        elif self.resume:
            loop.report(f"there is no checkpoint in {self.checkpoints.folder} yet: starting anew")
        self.processes.check_same("checkpoints", f"{loop.epoch}, {loop.step}")
        self.processes.on_first(self.checkpoints.sweep)

    def on_step_end(self, loop: Loop, loss: Tensor, norm: Tensor) -> None:
        """Write a checkpoint every so many steps, unless what it would keep is not finite."""
        due = loop.step % loop.config.checkpoint_steps == 0 and loop.step < len(loop.rows)
        if due and torch.isfinite(loop.total + norm.to(loop.total.device)):
            self._save(loop, loop.epoch * len(loop.rows) + loop.step)

    def on_epoch_end(self, loop: Loop) -> None:
        """Write a checkpoint."""
        self._save(loop, loop.epoch * len(loop.rows))

    def _claim(self) -> None:
        folder = self.checkpoints.folder
        try:
            self._release = lock_folder(folder)  # type: ignore[assignment]
        except FolderInUse:
            raise CheckpointError(
                f"another run is writing its checkpoints to {folder}: wait for its end, stop it, "
                "or choose another folder"
            ) from None
        if self.checkpoints.steps() and not self.resume:
            raise CheckpointError(
                f"{folder} holds checkpoints of an earlier run: resume it, choose another folder, "
                "or delete that one"
            )

    def _save(self, loop: Loop, step: int) -> None:
        """Write a checkpoint, in the first process, with the random numbers of all of them."""
        elsewhere = self.processes.gather_random_states(loop.compute.device)
        self.processes.on_first(
            lambda: self.checkpoints.write(step, snapshot_of(loop, self.facts, elsewhere))
        )

    def _restore(self, loop: Loop, snapshot: Snapshot) -> None:
        """Put the run where a snapshot stands; raises `CheckpointError` if it is another run's."""
        folder, step = self.checkpoints.folder, self.checkpoints.steps()[-1]
        different = differences(snapshot.facts["identity"], self.facts["identity"])
        if different:
            raise CheckpointError(
                f"the checkpoints in {folder} belong to another run ({different}): use what it was "
                "started with, or another folder"
            )
        try:
            restore(loop, snapshot, self.processes.rank)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise CheckpointError(
                f"the checkpoints in {folder} do not fit this code: {reason}"
            ) from None
        done = f"epochs done: {loop.epoch}, steps of the next: {loop.step}"
        loop.report(f"resuming at step {step}: {done}")
        was, now = snapshot.facts["compute"], self.facts["compute"]
        if was != now:
            loop.report(f"so far it ran on {was}, now on {now}: the last digits may differ")


def snapshot_of(loop: Loop, facts: Facts, elsewhere: dict[str, Tensor] | None = None) -> Snapshot:
    """Return everything that makes the rest of a run what it is.

    `elsewhere` holds the states of the random number generators of the other processes.
    """
    weights = copy_weights(loop.model)
    tensors = {"model": weights, "optimizer": _optimizer_tensors(loop.optimizer)}
    if loop.history and not all(torch.equal(loop.best[name], weights[name]) for name in weights):
        tensors["best"] = loop.best
    tensors["random"], generators = _random_states(loop.compute.device)
    tensors["random"] |= elsewhere or {}
    schedule = loop.schedule.state_dict()
    schedule.pop("lr_lambdas")  # a function: made again from the settings
    return Snapshot(
        tensors,
        {
            "epoch": loop.epoch,
            "step": loop.step,
            "total": loop.total.item(),
            "history": [asdict(record) for record in loop.history],
            "rates": [group["lr"] for group in loop.optimizer.param_groups],
            "schedule": schedule,
            "random": generators,
            **facts,
        },
    )


def restore(loop: Loop, snapshot: Snapshot, rank: int = 0) -> None:
    """Put a run where a snapshot stands. Random numbers come last: nothing may draw after them."""
    facts, tensors = snapshot.facts, snapshot.tensors
    loop.model.load_state_dict(tensors["model"])
    loop.best = tensors.get("best", tensors["model"])
    _restore_optimizer(loop.optimizer, tensors["optimizer"], facts["rates"])
    loop.schedule.load_state_dict({**loop.schedule.state_dict(), **facts["schedule"]})
    loop.history[:] = [EpochRecord(**record) for record in facts["history"]]
    loop.epoch, loop.step = facts["epoch"], facts["step"]
    loop.total.fill_(facts["total"])
    own = {n: tensors["random"].get(f"{n}-{rank}", t) for n, t in tensors["random"].items()}
    _restore_random(own, facts["random"], loop.compute.device)


def identity(loop: Loop) -> Facts:
    """Return what makes a run this one and no other: settings, tags, model, encoder and rows."""
    config = loop.model.config
    settings = {name: value for name, value in asdict(loop.config).items() if name not in FREE}
    shape = ("pooling", "head_size", "dropout", "segmentation")
    facts = {
        "settings": settings,
        "tags": list(config.labels),
        "model": {name: getattr(config, name) for name in shape},
        "encoder": {name: value for name, value in config.encoder.items() if name not in ORIGIN},
        "training rows": fingerprint(loop.train_set),
        "validation rows": fingerprint(loop.validation_set),
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


def _random_states(device: torch.device) -> tuple[dict[str, Tensor], Facts]:
    """Return the states of all random number generators."""
    name, keys, *numpy_rest = numpy.random.get_state(legacy=True)
    version, numbers, gauss = random.getstate()
    tensors = {"torch": torch.get_rng_state(), "numpy": torch.from_numpy(numpy.array(keys))}
    if device.type in ("cuda", "mps"):
        tensors["device"] = torch.get_device_module(device).get_rng_state()
    return tensors, {"numpy": [name, *numpy_rest], "python": [version, list(numbers), gauss]}


def _restore_random(tensors: dict[str, Tensor], facts: Facts, device: torch.device) -> None:
    """Put all random number generators where they stood."""
    name, *rest = facts["numpy"]
    numpy.random.set_state((name, tensors["numpy"].numpy(), *rest))
    version, numbers, gauss = facts["python"]
    random.setstate((version, tuple(numbers), gauss))
    torch.set_rng_state(tensors["torch"])
    if "device" in tensors and device.type in ("cuda", "mps"):
        torch.get_device_module(device).set_rng_state(tensors["device"])
