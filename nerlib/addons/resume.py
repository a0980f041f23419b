"""Continuing a training run that was cut off, to the same weights as if nothing had happened.

Adds: a checkpoint after each epoch and every so many steps, and the way back to it. Costs: the time
to write one (`python tests/torture.py` prints how often that is survived). Brings: a kill costs at
most `checkpoint_steps` steps. Lesson 10 kills a run and resumes it.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from nerlib.addons.checkpoints import CheckpointError, CheckpointFolder, Facts, Snapshot
from nerlib.addons.folder_lock import lock_folder
from nerlib.addons.processes import Processes
from nerlib.atomic import sweep
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

    def __init__(self, folder: str | Path, resume: bool, kept: int, processes: Processes) -> None:
        self.checkpoints = CheckpointFolder(folder, kept)
        self.resume, self.processes = resume, processes

    @contextmanager
    def around(self, model: NERClassifier, data: NERDataset) -> Iterator[None]:
        """Lock the folder; raises `CheckpointError` if it is taken."""
        with ExitStack() as end:
            self.processes.on_first(lambda: self._claim(end))
            yield

    def on_train_begin(self, loop: Loop) -> None:
        """Put the run where the newest checkpoint stands."""
        self.facts: Facts = {"compute": str(loop.compute), "identity": identity(loop)}
        self.facts["identity"]["settings"]["processes"] = self.processes.count
        newest, read = self.checkpoints.newest, list[Snapshot | None]()
        self.processes.on_first(lambda: read.append(newest(loop.report)))  # drops damaged ones
        snapshot = read[0] if read else newest(loop.report)
        if snapshot is not None:
            self._restore(loop, snapshot)
        elif self.resume:
            loop.report(f"there is no checkpoint in {self.checkpoints.folder} yet: starting anew")
        self.processes.check_same("checkpoints", f"{loop.epoch}, {loop.step}")
        self.processes.on_first(lambda: sweep(self.checkpoints.folder))

    def on_step_end(self, loop: Loop, loss: Tensor, norm: Tensor) -> None:
        """Write a checkpoint every so many steps, unless what it would keep is not finite."""
        due = loop.step % loop.config.checkpoint_steps == 0 and loop.step < len(loop.rows)
        if due and torch.isfinite(loop.total + norm.to(loop.total.device)):
            self._save(loop)

    def on_epoch_end(self, loop: Loop) -> None:
        """Write a checkpoint."""
        self._save(loop)

    def _claim(self, end: ExitStack) -> None:
        """Lock the folder, and leave its release to the end of the run."""
        folder = self.checkpoints.folder
        end.callback(lock_folder(folder, "its checkpoints", CheckpointError))
        if self.checkpoints.steps() and not self.resume:
            raise CheckpointError(
                f"{folder} holds checkpoints of an earlier run: resume it, choose another folder, "
                "or delete that one"
            )

    def _save(self, loop: Loop) -> None:
        """Write a checkpoint, in the first process, with the random states of all of them."""
        states = random_states(self.processes, loop.compute.device)
        step = loop.epoch * len(loop.rows) + loop.step
        self.processes.on_first(
            lambda: self.checkpoints.write(step, snapshot_of(loop, self.facts, states))
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
            message = f"the checkpoints in {folder} do not fit this code: {error}"
            raise CheckpointError(message.splitlines()[0]) from None
        done = f"epochs done: {loop.epoch}, steps of the next: {loop.step}"
        loop.report(f"resuming at step {step}: {done}")
        was, now = snapshot.facts["compute"], self.facts["compute"]
        if was != now:
            loop.report(f"so far it ran on {was}, now on {now}: the last digits may differ")


def snapshot_of(loop: Loop, facts: Facts, random: dict[str, Tensor]) -> Snapshot:
    """Return everything that makes the rest of a run what it is."""
    weights = copy_weights(loop.model)
    steps = loop.optimizer.state_dict()["state"].items()
    optimizer = {f"{n}.{name}": value.cpu() for n, state in steps for name, value in state.items()}
    tensors = {"model": weights, "optimizer": optimizer, "random": random}
    if loop.history and not all(torch.equal(loop.best[name], weights[name]) for name in weights):
        tensors["best"] = loop.best
    progress: Facts = {"epoch": loop.epoch, "step": loop.step, "total": loop.total.item()}
    progress["history"] = [asdict(record) for record in loop.history]
    progress["schedule"] = loop.schedule.state_dict()
    return Snapshot(tensors, progress | facts)


def restore(loop: Loop, snapshot: Snapshot, rank: int = 0) -> None:
    """Put a run where a snapshot stands. Random numbers come last: nothing may draw after them."""
    tensors, facts = snapshot
    loop.model.load_state_dict(tensors["model"])
    loop.best = tensors.get("best", tensors["model"])
    optimizer = loop.optimizer.state_dict()
    for key, value in tensors["optimizer"].items():
        number, name = key.split(".")
        optimizer["state"].setdefault(int(number), {})[name] = value
    loop.optimizer.load_state_dict(optimizer)
    loop.schedule.load_state_dict(facts["schedule"])
    for group, rate in zip(loop.optimizer.param_groups, loop.schedule.get_last_lr(), strict=True):
        group["lr"] = rate
    loop.history[:] = [EpochRecord(**record) for record in facts["history"]]
    loop.epoch, loop.step = facts["epoch"], facts["step"]
    loop.total.fill_(facts["total"])
    ending = f"-{rank}" if rank else ""
    device, random = loop.compute.device, tensors["random"]
    torch.set_rng_state(random[f"torch{ending}"])
    if device.type in ("cuda", "mps") and f"device{ending}" in random:
        torch.get_device_module(device).set_rng_state(random[f"device{ending}"])


def random_states(processes: Processes, device: torch.device) -> dict[str, Tensor]:
    """Return the states of torch's random number generators in all processes, by name and rank.

    Nothing else draws: masks, dropout and the order of rows are torch's.
    """
    states = {"torch": torch.get_rng_state()}
    if device.type in ("cuda", "mps"):
        states["device"] = torch.get_device_module(device).get_rng_state()
    return {
        f"{name}-{rank}" if rank else name: found
        for name, state in states.items()
        for rank, found in enumerate(processes.gather(state))
    }


def identity(loop: Loop) -> Facts:
    """Return what makes a run this one and no other: settings, tags, model, encoder and rows."""
    config, shape = loop.model.config, ("pooling", "head_size", "dropout", "segmentation")
    facts = {
        "settings": {name: v for name, v in asdict(loop.config).items() if name not in FREE},
        "tags": list(config.labels),
        "model": {name: getattr(config, name) for name in shape},
        "encoder": {name: value for name, value in config.encoder.items() if name not in ORIGIN},
        "training rows": fingerprint(loop.train_set),
        "validation rows": fingerprint(loop.validation_set),
    }
    return dict(json.loads(json.dumps(facts, default=str)))  # as a checkpoint brings it back


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

    >>> before, now = {"settings": {"epochs": 3}, "tags": ["O"]}, {"settings": {"epochs": 4}}
    >>> differences(before, now | {"tags": []})
    'other settings: epochs was 3, now 4; other tags'
    """
    found = []
    for part, new in now.items():
        old, details = before.get(part, {}), list[str]()
        if isinstance(new, dict) and "content" not in new:  # hashes say nothing to a reader
            pairs = ((name, old.get(name), new.get(name)) for name in {**old, **new})
            details = [f"{name} was {was}, now {is_}" for name, was, is_ in pairs if was != is_]
        if old != new:
            found.append(f"other {part}" + (f": {', '.join(details[:3])}" if details else ""))
    return "; ".join(found)
