"""Kill training again and again, go on each time, and compare the end with a run left in peace.

    python tests/torture.py --kills 200        (what `make torture` runs)

A server process prepares one tiny run and forks a child for every life of it. A child dies by
SIGKILL: at a chosen moment of a checkpoint's way to the disk (half of a file written, before and
after a flush, a renaming, a removal), after a chosen step, or after a random time. Whatever is
found on the disk then must be whole, and the run that got through must end with the same weights
and history as the one that nobody touched.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any, NoReturn

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from tiny_encoders import new_model, small_data, tokenizer_of

from nerlib import TrainConfig, atomic, save_model, train
from nerlib.addons import checkpoints
from nerlib.addons.checkpoints import CheckpointFolder
from nerlib.atomic import recover
from nerlib.callbacks import Callbacks

PLAIN = TrainConfig(
    epochs=3,
    batch_size=4,
    learning_rate=2e-3,
    device="cpu",
    precision="fp32",
    threads=1,
    progress=False,
    masked_subwords=0.1,
    checkpoint_steps=2,
)
CONFIGS = {
    "fp32": PLAIN,
    "bf16": replace(PLAIN, precision="bf16"),
    "workers": replace(PLAIN, workers=2),
}
STAGES = ("write", "flush", "rename", "remove")
TIMES = ("seconds", "utterances_per_second")
TRAIN, VALIDATION = small_data("bert", 24), small_data("bert", 12, seed=1)


def main() -> int:
    """Run the torture and print its result; exit status 1 if anything was lost or differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.perf_counter()
    dice, killed, damage = random.Random(options.seed), Counter[str](), list[str]()
    with tempfile.TemporaryDirectory(prefix="torture-") as home:
        expected = {name: in_peace(config, Path(home) / name) for name, config in CONFIGS.items()}
        ends = 0
        while killed.total() < options.kills or not ends:
            name = list(CONFIGS)[ends % len(CONFIGS)]
            folder, (wanted, seconds) = Path(home) / f"{ends}-{name}", expected[name]
            left = options.kills - killed.total()
            found = one_run(CONFIGS[name], folder, dice, killed, left, seconds, damage)
            if found != wanted:
                damage.append(f"run {ends} ({name}) ended with other numbers")
            ends += 1
        same = expected["fp32"][0] == expected["workers"][0]
        if not same or expected["fp32"][0] == expected["bf16"][0]:
            damage.append("workers must change nothing, and bf16 something")
        saves = torture_saving(Path(home) / "saving", damage)
    result = {"kills": killed.total(), "by": dict(killed), "runs": ends}
    result |= {"kills while saving": saves, "damage": damage}
    print(json.dumps(result))
    print(
        f"{killed.total()} kills in {ends} runs and {saves} while a model was saved over another: "
        f"{len(damage)} lost or different, "
        f"{time.perf_counter() - started:.0f} s"
    )
    return int(bool(damage))


def in_peace(config: TrainConfig, folder: Path) -> tuple[Any, float]:
    """Return what a run that nobody kills ends with, and how long it took."""
    started = time.perf_counter()
    code, result = live(config, folder, lambda: None)
    assert code == 0, "the undisturbed run failed"
    return result, time.perf_counter() - started


def one_run(
    config: TrainConfig,
    folder: Path,
    dice: random.Random,
    killed: Counter[str],
    left: int,
    seconds: float,
    damage: list[str],
) -> Any:
    """Live and die until the run has come to its end; return what it ended with."""
    had_one = False
    while True:
        kind = dice.choice((*STAGES, "step", "time")) if left > 0 else "none"
        patience = dice.uniform(0, seconds) if kind == "time" else None
        code, result = live(config, folder, death(kind, dice), patience)
        if code == 0:
            return result
        if code != -signal.SIGKILL:
            damage.append(f"a life ended with {code}: {result}")
            return None
        killed[kind] += 1
        left -= 1
        problems = inspect(folder, had_one)
        damage += [f"after a kill by {kind}: {problem}" for problem in problems]
        had_one = had_one or bool(CheckpointFolder(folder).steps())


def inspect(folder: Path, had_one: bool) -> list[str]:
    """Return what is wrong with the checkpoints that a kill left."""
    found, problems = CheckpointFolder(folder), []
    for step in found.steps():
        try:
            checkpoints._read(found.path(step))
        except Exception as error:
            problems.append(f"step {step}: {error!r}")
    if had_one and not found.steps():
        problems.append("the last checkpoint is gone")
    return problems


def live(
    config: TrainConfig, folder: Path, before: Callable[[], None], patience: float | None = None
) -> tuple[int, Any]:
    """Train in a forked child until it ends, dies, or has used up the parent's patience.

    Return its exit code (negative: the signal) and what it said in the end.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        train_and_tell(config, folder, before, writer)
    os.close(writer)
    if patience is not None:
        ready, _, _ = select.select([reader], [], [], patience)
        if not ready:
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    # Its workers outlive a killed child for a while and hold the pipe: it is read after success.
    text = os.read(reader, 65_536).decode() if code >= 0 else ""
    os.close(reader)
    return code, json.loads(text) if text else None


def train_and_tell(
    config: TrainConfig, folder: Path, before: Callable[[], None], writer: int
) -> NoReturn:
    """Train in the child, go on where there is a checkpoint, and write down the end."""
    code, lines = 0, list[str]()
    try:
        before()
        model = new_model("bert", TRAIN.tags)
        history = train(model, TRAIN, VALIDATION, config, lines.append, folder, resume=True)
        told: Any = outcome(model, history)
    except BaseException as error:
        code, told = 1, repr(error)
    if any("damaged" in line for line in lines):
        code, told = 1, lines
    os.write(writer, json.dumps(told).encode())
    os._exit(code)


def outcome(model: Any, history: Any) -> Any:
    """Return a hash of the weights, and the history without what a clock measured."""
    weights = [value.numpy().tobytes() for value in model.state_dict().values()]
    rows = [{k: v for k, v in asdict(record).items() if k not in TIMES} for record in history]
    return [hashlib.sha256(b"".join(weights)).hexdigest(), rows]


def torture_saving(home: Path, damage: list[str]) -> int:
    """Kill `save_model` at each of its moments, while it replaces an older model; count the kills.

    Whatever the moment: a folder that loads has the files of one of the two, never a mixture.
    """
    kills, old, new = 0, new_model("bert", seed=1), new_model("bert", seed=2, head_size=16)
    save_model(old, tokenizer_of("bert"), home / "old")
    save_model(new, tokenizer_of("bert"), home / "new")
    whole = [files_of(home / name) for name in ("old", "new")]
    for can_exchange, stage in product((True, False), ("flush", "rename", "remove")):
        for moment in range(1, 200):
            place, late = home / f"{can_exchange}-{stage}-{moment}", moment % 2 == 0
            shutil.copytree(home / "old", place)
            if save_and_die(new, place, stage, (moment + 1) // 2, late, can_exchange) == 0:
                break  # it had no such moment any more
            kills += 1
            there = place.is_dir()
            recover(place)
            if files_of(place) not in whole or (can_exchange and not there):
                damage.append(f"saving, {stage} {moment}: neither the old nor the new model")
            save_model(new, tokenizer_of("bert"), place)
            if files_of(place) != whole[1] or list(home.glob(".*")):
                damage.append(f"saving, {stage} {moment}: the next save left a mess")
    return kills


def save_and_die(
    model: Any, place: Path, stage: str, count: int, late: bool, can_exchange: bool
) -> int:
    """Save a model in a forked child that dies at a moment; return the child's exit code."""
    child = os.fork()
    if child == 0:
        if not can_exchange:
            atomic.exchange = lambda one, other: False
        die_at_stage(stage, count, 1.0, late)
        save_model(model, tokenizer_of("bert"), place)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def files_of(folder: Path) -> dict[str, bytes]:
    """Return a folder's files with their content."""
    return {path.name: path.read_bytes() for path in folder.glob("*")}


def death(kind: str, dice: random.Random) -> Callable[[], None]:
    """Return what a child does first, so that it dies at a moment drawn now."""
    count, share, late = dice.randint(1, 12), dice.random(), dice.random() < 0.5
    if kind == "step":
        return lambda: die_after_step(count)
    if kind in STAGES:
        return lambda: die_at_stage(kind, (count + 2) // 3, share, late)
    return lambda: None


def die_now() -> None:
    """Die as by the power switch: nothing is cleaned up or flushed."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_after_step(count: int) -> None:
    """Die when some steps are done, before or after the checkpoint that may follow."""
    done, real = [0], Callbacks.on_step_end

    def counted(*arguments: Any) -> None:
        done[0] += 1
        if done[0] == count:
            die_now()
        real(*arguments)

    Callbacks.on_step_end = counted  # type: ignore[method-assign]


def die_at_stage(stage: str, count: int, share: float, late: bool) -> None:
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

    if stage == "write":
        checkpoints.save_file = deadly(checkpoints.save_file, 1)  # type: ignore[attr-defined]
        checkpoints._write_json = deadly(checkpoints._write_json, 0)
    names = {"flush": ("fsync",), "rename": ("rename", "replace"), "remove": ("unlink", "rmdir")}
    for name in names.get(stage, ()):
        setattr(os, name, deadly(getattr(os, name), None))


if __name__ == "__main__":
    sys.exit(main())
