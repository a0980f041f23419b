"""Kill training again and again, go on each time, and compare the end with a run left in peace.

    python tests/torture.py --kills 200        (what `make torture` runs)

A server process prepares one tiny run and forks a child for every life of it. A child dies by
SIGKILL: at a chosen moment of a checkpoint's way to the disk (half of a file written, before and
after a flush, a renaming, a removal), after a chosen step, or after a random time. Whatever is
found on the disk then must be whole, and the run that got through must end with the same weights
and history as the one that nobody touched.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from small_runs import TINY, after_steps, files, outcome, run
from tiny_encoders import new_model, tokenizer_of

from nerlib import TrainConfig, atomic, save_model
from nerlib.addons import checkpoints
from nerlib.addons.checkpoints import CheckpointFolder

CONFIGS = {
    "fp32": TINY,
    "bf16": replace(TINY, precision="bf16"),
    "workers": replace(TINY, workers=2),
}
# What is done to the disk, by stage: the function, and which argument is a file that it fills.
STAGES: dict[str, list[tuple[Any, str, int | None]]] = {
    "write": [(checkpoints, "save_file", 1), (Path, "write_text", 0)],
    "flush": [(os, "fsync", None)],
    "rename": [(os, "rename", None), (os, "replace", None)],
    "remove": [(os, "unlink", None), (os, "rmdir", None)],
}
DICE = random.Random(0)


@dataclass
class Torture:
    """How often what killed a life so far, and what was lost or came out differently."""

    home: Path
    kills: int
    killed: Counter[str] = field(default_factory=Counter)
    damage: list[str] = field(default_factory=list)

    def train(self) -> int:
        """Kill runs until there were enough kills; return the number of runs."""
        wanted, seconds = {}, {}
        tokenizer_of("bert")  # made once, for all children
        for name, config in CONFIGS.items():
            started = time.perf_counter()
            code, wanted[name] = live(lambda c=config, n=name: train(c, self.home / n))
            assert code == 0, "the undisturbed run failed"
            seconds[name] = time.perf_counter() - started
        if wanted["fp32"] != wanted["workers"] or wanted["fp32"] == wanted["bf16"]:
            self.damage.append("workers must change nothing, and bf16 something")
        names, runs = cycle(CONFIGS), 0
        while not runs or self.killed.total() < self.kills:
            name, runs = next(names), runs + 1
            folder = self.home / f"{runs}-{name}"
            if self.one_run(CONFIGS[name], folder, seconds[name]) != wanted[name]:
                self.damage.append(f"run {runs} ({name}) ended with other numbers")
        return runs

    def one_run(self, config: TrainConfig, folder: Path, seconds: float) -> Any:
        """Live and die until the run has come to its end; return what it ended with."""
        had_one = False
        while True:
            enough = self.killed.total() >= self.kills
            kind = "none" if enough else DICE.choice((*STAGES, "step", "time"))
            patience = DICE.uniform(0, seconds) if kind == "time" else None
            end = death(kind)
            code, result = live(lambda end=end: train(config, folder, end), patience)
            if code != -signal.SIGKILL:
                return result
            self.killed[kind] += 1
            self.damage += [f"after {kind}: {lost}" for lost in problems(folder, had_one)]
            had_one = had_one or bool(CheckpointFolder(folder).steps())

    def save(self) -> int:
        """Kill `save_model` at each of its moments, as it replaces an older model; count the kills.

        Whatever the moment: a folder that loads has the files of one of the two, never a mixture.
        """
        kills, old, new = 0, new_model("bert", seed=1), new_model("bert", seed=2, head_size=16)
        home, tokenizer = self.home / "saving", tokenizer_of("bert")
        save_model(old, tokenizer, home / "old")
        save_model(new, tokenizer, home / "new")
        whole = [files(home / name) for name in ("old", "new")]
        for stage in ("flush", "rename", "remove"):
            for moment in range(2, 200):
                place = home / f"{stage}-{moment}"
                shutil.copytree(home / "old", place)
                end = dying(stage, moment // 2, late=moment % 2 == 1)
                if live(lambda p=place, e=end: save(new, p, e))[0] == 0:
                    break  # it had no such moment any more
                kills += 1
                atomic.recover(place)
                if files(place) not in whole:
                    self.damage.append(f"{place.name}: neither the old nor the new model")
                save_model(new, tokenizer, place)
                if files(place) != whole[1] or list(home.glob(".*")):
                    self.damage.append(f"{place.name}: the next save left a mess")
        return kills


def main() -> int:
    """Run the torture and print its result; exit status 1 if anything was lost or differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    options = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="torture-") as home:
        torture = Torture(Path(home), options.kills)
        result = {"runs": torture.train(), "kills while saving": torture.save()}
    result |= {"kills": torture.killed.total(), "seconds": round(time.perf_counter() - started)}
    print(json.dumps({**result, "by": torture.killed, "damage": torture.damage}))
    return int(bool(torture.damage))


def live(action: Callable[[], Any], patience: float | None = None) -> tuple[int | None, Any]:
    """Call a function in a forked child, which is killed when the parent's patience is used up.

    Return its exit code (negative: the signal) and what the function returned.
    """
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=lambda: there.send(action()))
    child.start()
    there.close()
    if patience is not None and not here.poll(patience):
        child.kill()
    child.join()
    # Its workers outlive a killed child for a while and hold the pipe: it is read after success.
    return child.exitcode, here.recv() if child.exitcode == 0 else None


def train(
    config: TrainConfig, folder: Path, end: AbstractContextManager[None] | None = None
) -> str:
    """Train, going on where there is a checkpoint; return a hash of weights and history."""
    lines: list[str] = []
    with end or nullcontext():
        result = outcome(*run(folder, config, report=lines.append))
    assert not any("damaged" in line for line in lines), lines
    return hashlib.sha256(repr(result).encode()).hexdigest()


def save(model: Any, place: Path, end: AbstractContextManager[None]) -> None:
    """Save a model over another one."""
    with end:
        save_model(model, tokenizer_of("bert"), place)


def problems(folder: Path, had_one: bool) -> list[str]:
    """Return what is wrong with the checkpoints that a kill left."""
    found, lost = CheckpointFolder(folder), []
    for step in found.steps():
        try:
            found.read(step)
        except Exception as error:
            lost.append(f"step {step}: {error!r}")
    return [*lost, "the last checkpoint is gone"] if had_one and not found.steps() else lost


def death(kind: str) -> AbstractContextManager[None]:
    """Return a block in which a child dies at a moment drawn now."""
    count, share, late = DICE.randint(1, 12), DICE.random(), DICE.random() < 0.5
    if kind == "step":
        return after_steps(count, die_now)
    return dying(kind, (count + 2) // 3, share, late) if kind in STAGES else nullcontext()


def die_now() -> None:
    """Die as by the power switch: nothing is cleaned up or flushed."""
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def dying(stage: str, count: int, share: float = 1.0, late: bool = False) -> Iterator[None]:
    """Die when something is done to the disk for the `count`-th time, before or after it.

    A file that is being written loses a share of its end first: what the disk may have had so far.
    Workers inherit this and remove files of their own, sockets for one: they are not the target.
    """
    seen, target = [0], os.getpid()

    def deadly(real: Callable[..., Any], path_at: int | None) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **settings: Any) -> Any:
            if os.getpid() != target:
                return real(*arguments, **settings)
            seen[0] += 1
            if seen[0] == count and not late:
                die_now()
            result = real(*arguments, **settings)
            if seen[0] == count:
                if path_at is not None:
                    path = arguments[path_at]
                    os.truncate(path, int(share * os.path.getsize(path)))
                die_now()
            return result

        return wrapped

    with pytest.MonkeyPatch.context() as patch:
        for place, name, path_at in STAGES[stage]:
            patch.setattr(place, name, deadly(getattr(place, name), path_at))
        yield


if __name__ == "__main__":
    sys.exit(main())
