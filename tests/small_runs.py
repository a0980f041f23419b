"""A training run of a few seconds, and ways to cut it off; as a script, `nerlib` on a tiny encoder.

python tests/small_runs.py train --epochs 2
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tiny_encoders import encoder_folder, new_model, small_data

from nerlib import RECIPES, NERClassifier, TrainConfig, train
from nerlib.callbacks import Callbacks
from nerlib.evaluation import evaluate
from nerlib.tools import cli
from nerlib.tools.recipes import Recipe

STEPS = 6  # an epoch: 24 rows in batches of 4
TINY = TrainConfig(
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


def silent(_: str) -> None:
    """Take a report line and do nothing."""


def run(
    folder: Path | None = None,
    config: TrainConfig = TINY,
    resume: bool = True,
    report: Callable[[str], None] = silent,
    **changed: Any,
) -> tuple[Any, Any]:
    """Train a tiny model, going on where there is a checkpoint; return it with its history."""
    parts = {"train_set": small_data("bert", 24), "validation_set": small_data("bert", 12, seed=1)}
    parts |= {"model": new_model("bert", parts["train_set"].tags), **changed}
    resume = resume and folder is not None
    history = train(**parts, config=config, report=report, checkpoint_dir=folder, resume=resume)
    return parts["model"], history


@cache
def trained_model() -> NERClassifier:
    """Return a model that gets some entities right and some wrong; nobody may change it."""
    parts = {"train_set": small_data("bert"), "validation_set": small_data("bert", seed=1)}
    config = replace(TINY, epochs=4, batch_size=8, learning_rate=5e-3, masked_subwords=0.0)
    model: NERClassifier = run(None, config, **parts)[0]
    return model


def outcome(model: Any, history: Any) -> tuple[Any, ...]:
    """Return the weights bit by bit, and the history without what a clock measured."""
    weights = {name: value.numpy().tobytes() for name, value in model.state_dict().items()}
    clock = {"seconds": 0.0, "utterances_per_second": 0.0}
    return weights, [asdict(record) | clock for record in history]


def files(folder: Path) -> dict[str, bytes]:
    """Return everything below a folder, hidden files too."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@contextmanager
def after_steps(count: int, action: Callable[[], object]) -> Iterator[None]:
    """Within the block, do something after some steps and the checkpoint that may follow, once.

    An exception, given by its class, is raised.
    """
    real, done = Callbacks.on_step_end, [0]

    def counted(*arguments: Any) -> None:
        real(*arguments)
        done[0] += 1
        result = action() if done[0] == count else None
        if isinstance(result, BaseException):
            raise result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Callbacks, "on_step_end", counted)
        yield


def pretend_scores(
    monkeypatch: pytest.MonkeyPatch, *scores: float, watch: Callable[[Any], object] = id
) -> None:
    """Give the epochs these F1 scores; `watch` is called with the model before each."""
    waiting = iter(scores)

    def pretend(model: Any, *arguments: Any) -> tuple[Any, float]:
        watch(model)
        result, loss = evaluate(model, *arguments)
        total = replace(result.overall, gold=100, predicted=100, correct=int(100 * next(waiting)))
        return replace(result, overall=total), loss

    monkeypatch.setattr("nerlib.training.evaluate", pretend)


def command(output: Path, *more: str) -> list[str]:
    """Return a training on the command line that takes a few seconds."""
    rows = ["--train", "train[:24]", "--validation", "validation[:12]"]
    size = ["--epochs", "2", "--batch-size", "8", "--threads", "1", "--device", "cpu"]
    return ["train", *rows, *size, "--checkpoint-steps", "1", "--output", str(output), *more]


def tiny_recipe() -> Recipe:
    """The recipe `offline` with a tiny encoder, of which all layers are kept."""
    encoder = str(encoder_folder("bert"))
    return replace(RECIPES["offline"], encoder=encoder, model_settings={})


def use_tiny_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the recipe `offline` use a tiny encoder, so that its checkpoints are small."""
    monkeypatch.setitem(RECIPES, "offline", tiny_recipe())


if __name__ == "__main__":
    use_tiny_encoder(pytest.MonkeyPatch())
    sys.exit(cli.main(sys.argv[1:]))
