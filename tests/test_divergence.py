"""A loss that is no number stops the run at its batch, and nothing broken is kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import STEPS, TINY, command, files, run, silent, use_tiny_encoder
from tiny_encoders import new_model, small_data

from nerlib import DivergenceError, LengthBucketSampler
from nerlib.addons.checkpoints import CheckpointFolder
from nerlib.addons.divergence import NaNWatch
from nerlib.training import copy_weights


def poisoned(at_step: int, value: float, where: str) -> Any:
    """Return a model whose loss, or whose gradient, becomes a given value at one training step."""
    model, done = new_model("bert", small_data("bert", 24).tags), [0]

    def poison(module: Any, _: Any, output: Any) -> None:
        done[0] += module.training
        if module.training and done[0] == at_step and where == "loss":
            output.loss = output.loss * value

    model.register_forward_hook(poison)
    if where == "gradient":
        bad = lambda gradient: gradient * (value if done[0] == at_step else 1)  # noqa: E731
        model.head[-1].bias.register_hook(bad)
    return model


def rows_of(epoch: int, batch: int) -> list[str]:
    """Return the row ids of a batch, both counted from 1."""
    data = small_data("bert", 24)
    sampler = LengthBucketSampler(data.lengths, TINY.batch_size, seed=TINY.seed)
    sampler.set_epoch(epoch - 1)
    return [data.row_ids[row] for row in list(sampler)[batch - 1]]


def where_it_diverges(**settings: Any) -> tuple[int, int, list[str]]:
    """Train, and return the epoch, batch and rows that the error names."""
    with pytest.raises(DivergenceError) as error:
        run(**settings)
    assert len(str(error.value).splitlines()) == 1
    assert ", ".join(error.value.row_ids) in str(error.value)
    return error.value.epoch, error.value.batch, error.value.row_ids


@pytest.mark.parametrize("where", ["loss", "gradient"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_the_batch_and_its_rows_are_named(tmp_path: Path, where: str, value: float) -> None:
    model = poisoned(STEPS + 4, value, where)
    assert where_it_diverges(folder=tmp_path, model=model) == (2, 4, rows_of(2, 4))
    assert CheckpointFolder(tmp_path).steps() == [STEPS, STEPS + 2]
    assert not model.training
    assert all(weights.isfinite().all() for weights in model.state_dict().values())
    snapshot = CheckpointFolder(tmp_path).newest(silent)
    assert snapshot is not None
    best = snapshot.tensors["best"]
    assert all(torch.equal(value, best[name]) for name, value in model.state_dict().items())
    before = files(tmp_path)
    again = poisoned(2, value, where)  # two steps of the epoch were done before
    assert where_it_diverges(folder=tmp_path, model=again) == (2, 4, rows_of(2, 4))
    assert files(tmp_path) == before


def test_looking_seldom_still_names_the_right_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU: several steps on, the first bad batch is named, and nothing bad was kept."""
    monkeypatch.setattr("nerlib.addons.train.NaNWatch", lambda: NaNWatch(every=50))
    model = poisoned(STEPS + 3, float("nan"), "loss")
    assert where_it_diverges(folder=tmp_path, model=model) == (2, 3, rows_of(2, 3))
    assert CheckpointFolder(tmp_path).steps() == [STEPS, STEPS + 2]
    model = poisoned(STEPS, float("nan"), "loss")
    start = copy_weights(model)
    assert where_it_diverges(model=model)[:2] == (1, STEPS)  # at the epoch's end at the latest
    assert all(torch.equal(value, start[name]) for name, value in model.state_dict().items())


def test_a_validation_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    model = new_model("bert", small_data("bert", 24).tags)

    def poison(module: Any, _: Any, output: Any) -> None:
        if not module.training:
            output.loss = output.loss * float("nan")

    model.register_forward_hook(poison)
    assert where_it_diverges(folder=tmp_path, model=model) == (1, 0, [])
    assert CheckpointFolder(tmp_path).steps() == [2, 4]


def test_on_the_command_line_it_is_one_line_and_exit_code_2(
    tmp_path: Path, says: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rate beyond all sense makes a real one."""
    use_tiny_encoder(monkeypatch)
    said = says(*command(tmp_path, "--learning-rate", "1e30"), status=2)
    assert "not finite: epoch 1" in said
    assert not (tmp_path / "model").exists()
