"""Checkpoints on disk: each a folder of safetensors and JSON that is whole or not there at all.

    checkpoints/
        step-00000360/          360 steps into the run; the newest few are kept
            model.safetensors   the weights at this step
            best.safetensors    those of the best epoch, where they are others
            optimizer.safetensors, random.safetensors, state.json
            manifest.json       format and the SHA-256 of every file

A checkpoint that was damaged later on is recognised by its SHA-256, and the one before is used.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from nerlib.atomic import file_digest, new_folder

FORMAT = 2
MANIFEST, STATE = "manifest.json", "state.json"

Facts = dict[str, Any]


class CheckpointError(ValueError):
    """A checkpoint that cannot be written or used: which one, why, and what to do."""


class Damaged(Exception):
    """A checkpoint whose content is not what was written."""


class Snapshot(NamedTuple):
    """What a checkpoint holds: tensors by file and name, and facts that JSON can hold."""

    tensors: dict[str, dict[str, Tensor]]
    facts: Facts


class CheckpointFolder:
    """The checkpoints of one run, named by the number of steps done.

    >>> import tempfile, torch
    >>> folder = CheckpointFolder(tempfile.mkdtemp(), kept=1)
    >>> for step in (10, 20):
    ...     folder.write(step, Snapshot({"model": {"bias": torch.ones(2)}}, {"epoch": step // 10}))
    >>> folder.steps(), folder.newest(print).facts
    ([20], {'epoch': 2})
    """

    def __init__(self, folder: str | Path, kept: int = 2) -> None:
        self.folder, self.kept = Path(folder), kept

    def path(self, step: int) -> Path:
        """Return the folder of one checkpoint."""
        return self.folder / f"step-{step:08d}"

    def steps(self) -> list[int]:
        """Return the steps at which there is a checkpoint, damaged ones included, in order."""
        names = (path.name.removeprefix("step-") for path in self.folder.glob("step-*"))
        return sorted(int(name) for name in names if name.isdecimal())

    def write(self, step: int, snapshot: Snapshot) -> None:
        """Write a checkpoint, then remove the oldest ones.

        Raises `CheckpointError` if the disk takes no more; the earlier ones are untouched then.
        """
        try:
            with new_folder(self.path(step)) as folder:
                for name, tensors in snapshot.tensors.items():
                    save_file(tensors, folder / f"{name}.safetensors")
                # Numbers come back bit for bit: Python writes as many digits as it takes.
                (folder / STATE).write_text(json.dumps(snapshot.facts, indent=1, allow_nan=False))
                files = {path.name: file_digest(path) for path in sorted(folder.iterdir())}
                manifest: Facts = {"format": FORMAT, "files": files}
                manifest["checksum"] = _checksum(manifest)
                (folder / MANIFEST).write_text(json.dumps(manifest, indent=1))
        except (OSError, SafetensorError) as error:
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            left = [f"the one of step {earlier} is as it was" for earlier in self.steps()]
            raise CheckpointError(
                f"the checkpoint of step {step} cannot be written to {self.folder}: {reason}; "
                f"{left[-1] if left else 'there is none before it'}. "
                "Free some space, or choose another folder, and resume"
            ) from None
        self.discard(self.steps()[: -self.kept])

    def read(self, step: int) -> Snapshot:
        """Return a checkpoint; raises `Damaged` if it is not what its manifest says."""
        folder = self.path(step)
        manifest = _read_json(folder / MANIFEST)
        if manifest.pop("checksum", None) != _checksum(manifest):
            raise Damaged(f"{MANIFEST} has changed")
        if manifest["format"] != FORMAT:
            raise CheckpointError(
                f"{folder} was written by other code (format {manifest['format']}; this version of "
                f"nerlib reads {FORMAT}): use the version that wrote it, or another folder"
            )
        tensors = {}
        for name, digest in manifest["files"].items():
            path = folder / name
            if name != Path(name).name or not path.is_file():
                raise Damaged(f"{name} is missing")
            if file_digest(path) != digest:
                raise Damaged(f"{name} has changed")
            if path.suffix == ".safetensors":
                tensors[path.stem] = load_file(path)
        return Snapshot(tensors, _read_json(folder / STATE))

    def newest(self, report: Callable[[str], None]) -> Snapshot | None:
        """Return the newest checkpoint that is whole, or nothing if there never was one.

        `report` hears of damaged ones, which are removed as soon as an older one has been read.
        Raises `CheckpointError` for another format, and if all of them are damaged.
        """
        damaged: list[int] = []
        for step in reversed(self.steps()):
            try:
                snapshot = self.read(step)
            except Damaged as damage:
                report(f"checkpoint {self.path(step)} is damaged ({damage}): using one before it")
                damaged.append(step)
            else:
                self.discard(damaged)
                return snapshot
        if damaged:
            raise CheckpointError(
                f"all checkpoints in {self.folder} are damaged: delete that folder to start anew"
            )
        return None

    def discard(self, steps: list[int]) -> None:
        """Remove checkpoints; one that is half removed when a kill comes is swept up later."""
        for step in steps:
            trash = self.folder / f".{self.path(step).name}.writing-old"
            shutil.rmtree(trash, ignore_errors=True)
            with suppress(OSError):  # more on the disk than is needed does no harm
                shutil.rmtree(self.path(step).rename(trash))


def _checksum(content: Facts) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _read_json(path: Path) -> Facts:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError, RecursionError):
        raise Damaged(f"{path.name} cannot be read") from None
