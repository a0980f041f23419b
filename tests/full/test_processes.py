"""Training with several processes: the numbers of one, whatever dies; nobody is left hanging."""

import os
import signal
from copy import copy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import small_runs
import torch
from several_processes import FORK, in_processes, python_output
from small_runs import TINY, after_steps, command, files, outcome, silent
from tiny_encoders import new_model, small_data

from nerlib import CheckpointError, TrainConfig, train
from nerlib.addons.checkpoints import CheckpointFolder
from nerlib.addons.data_parallel import DataParallel
from nerlib.addons.processes import ProcessError, join
from nerlib.addons.regularisation import regularised_loss
from nerlib.callbacks import Callback
from nerlib.dataset import collate
from nerlib.tools import cli
from nerlib.training import fit

pytestmark = pytest.mark.skipif(not FORK, reason="the processes are forked")

# 25 rows in batches of 8: the last batch has a single row, fewer than there are processes.
ROWS, STEPS = 25, 4
PLAIN = replace(TINY, epochs=2, batch_size=8, learning_rate=1e-3, masked_subwords=0.0)
RANDOM = replace(PLAIN, masked_subwords=0.2)


def parts(dropout: bool = False) -> dict[str, Any]:
    """A tiny model with two datasets; without dropout, nothing in it is random."""
    data = small_data("bert", ROWS)
    model = new_model("bert", data.tags)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout) and not dropout:
            module.p = 0.0
    return {"model": model, "train_set": data, "validation_set": small_data("bert", 13, seed=1)}


def run(config: TrainConfig = PLAIN) -> tuple[Any, ...]:
    """Train; return history, answers on some rows, report lines, and whether it made all steps."""
    pieces, lines, ends = parts(), list[str](), list[str]()
    with after_steps(config.epochs * STEPS, lambda: ends.append("last step")):
        history = train(**pieces, config=config, report=lines.append)
    with torch.inference_mode():
        logits = pieces["model"](**collate(pieces["train_set"].items[:8])).logits
    return [asdict(record) for record in history], logits.numpy(), lines, ends


def weights_after(config: TrainConfig, **more: Any) -> tuple[Any, ...]:
    """Train with everything random, and return weights and history bit by bit."""
    pieces = parts(dropout=True)
    return outcome(pieces["model"], train(**pieces, config=config, report=silent, **more))


@pytest.fixture(scope="module")
def random_run() -> tuple[Any, ...]:
    """What two processes end with that nobody disturbed."""
    first, second = in_processes(2, weights_after, RANDOM)
    assert first[0] == second[0]  # both have the same weights
    return first


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("settings", [{}, {"consistency": 1.0}])
def test_several_processes_get_the_numbers_of_one(count: int, settings: dict[str, float]) -> None:
    config = replace(PLAIN, label_smoothing=0.1, **settings)
    alone, logits, *_ = run(config)
    for rank, (history, theirs, lines, ends) in enumerate(in_processes(count, run, config)):
        assert ends == ["last step"]
        torch.testing.assert_close(torch.tensor(theirs), torch.tensor(logits), rtol=0, atol=1e-4)
        for mine, record in zip(alone, history, strict=True):
            for name in ("train_loss", "validation_loss"):
                assert record[name] == pytest.approx(mine[name], abs=1e-5)
            assert record["f1"] == mine["f1"]
        assert bool(lines) == (rank == 0)  # one process speaks


def one_step(config: TrainConfig, unlabelled: bool = False) -> list[Any]:
    """Return the loss and the gradients of one step with five rows, however many processes."""
    pieces, found = parts(), list[Any]()
    data = copy(pieces["train_set"])
    data.items, data.utterances = data.items[:5], data.utterances[:5]
    if unlabelled:
        data.items = [{**item} for item in data.items]
        for item in data.items[1::2]:
            item["target"] = torch.full_like(item["target"], -100)

    class Keep(Callback):
        def on_backward_end(self, loop: Any, loss: torch.Tensor) -> None:
            gradients = [p.grad for p in loop.model.parameters() if p.grad is not None]
            found.extend([loss.item(), *(gradient.numpy().copy() for gradient in gradients)])

    processes, loss = join(), regularised_loss(config, data.mask_id)
    callbacks: list[Callback] = [Keep()]
    if not processes.alone:
        parallel = DataParallel(processes, loss)
        callbacks, loss = [parallel, *callbacks], parallel.compute_loss
    fit(pieces["model"], data, data, config, silent, callbacks, loss)
    return found


@pytest.mark.parametrize("unlabelled", [False, True])
@pytest.mark.parametrize("consistency", [0.0, 1.0])
def test_gradients_are_averaged_by_words(consistency: float, unlabelled: bool) -> None:
    """A mean of the processes' means would be another number; a share may have no word at all."""
    config = replace(PLAIN, epochs=1, consistency=consistency)
    whole = one_step(config, unlabelled)
    for theirs in in_processes(2, one_step, config, unlabelled):
        assert theirs[0] == pytest.approx(whole[0], abs=1e-6)
        for one, other in zip(theirs[1:], whole[1:], strict=True):
            torch.testing.assert_close(torch.tensor(one), torch.tensor(other), rtol=1e-4, atol=1e-6)


def test_every_process_has_random_numbers_of_its_own_that_the_seed_fixes(
    random_run: tuple[Any, ...],
) -> None:
    assert in_processes(2, weights_after, RANDOM)[0] == random_run
    assert in_processes(2, weights_after, replace(RANDOM, seed=1))[0] != random_run
    first, second = in_processes(2, lambda: (run(RANDOM), torch.initial_seed())[1])
    assert first != second


def killed(folder: Path, victim: int, after: int) -> tuple[Any, ...]:
    """Train; one process, or with -1 none, kills itself after some steps."""

    def kill() -> None:
        if int(os.environ["RANK"]) == victim:
            os.kill(os.getpid(), signal.SIGKILL)

    with after_steps(after, kill):
        return weights_after(RANDOM, checkpoint_dir=folder, resume=True)


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_ends_the_others_and_the_run_goes_on_later(
    victim: int, tmp_path: Path, random_run: tuple[Any, ...]
) -> None:
    ends = in_processes(2, killed, tmp_path, victim, STEPS + 3)
    assert ends[victim] == -signal.SIGKILL
    kind, message = ends[1 - victim]
    assert kind == "ProcessError"
    assert "\n" not in message
    assert CheckpointFolder(tmp_path).steps() == [STEPS, STEPS + 2]
    assert in_processes(2, killed, tmp_path, -1, 1) == [random_run] * 2


def test_a_folder_of_another_run_ends_all(tmp_path: Path) -> None:
    in_processes(2, killed, tmp_path, 1, 3)
    before = files(tmp_path)
    with pytest.raises(CheckpointError, match="settings: processes was 2, now 1"):
        weights_after(RANDOM, checkpoint_dir=tmp_path, resume=True)
    assert files(tmp_path) == before
    first, second = in_processes(2, lambda: weights_after(RANDOM, checkpoint_dir=tmp_path))
    assert "of an earlier run" in first[1]
    assert second[0] == "FirstProcessError"


def disk_full(folder: Path) -> Any:
    refuse = Mock(side_effect=CheckpointError("no space left"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CheckpointFolder, "write", refuse)
        return weights_after(RANDOM, checkpoint_dir=folder)


@pytest.mark.parametrize(
    ("function", "kinds", "message"),
    [
        (disk_full, ["CheckpointError", "FirstProcessError"], "no space left"),
        (lambda _: run(replace(PLAIN, learning_rate=1e30)), ["DivergenceError"] * 2, "in batch"),
        (
            lambda _: run(replace(PLAIN, seed=int(os.environ["RANK"]))),
            ["ProcessError"] * 3,
            "process 1 has settings, model or rows",
        ),
    ],
)
def test_what_ends_one_process_ends_all(
    function: Any, kinds: list[str], message: str, tmp_path: Path
) -> None:
    ends = in_processes(len(kinds), function, tmp_path)
    assert [kind for kind, _ in ends] == kinds
    assert message in ends[0][1]
    assert len(set(ends)) == len(set(kinds))  # the same batch, for one


def test_a_launcher_that_starts_one_process_for_two_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    with pytest.raises(ProcessError, match="use accelerate launch --multi_gpu"):
        join()
    assert cli.main(["train", "--output", os.devnull + "-not"]) == 2


def test_accelerate_launch_trains_with_two_processes(tmp_path: Path) -> None:
    pytest.importorskip("accelerate")
    start = ["--multi_gpu", "--num_processes", "2", "--num_machines", "1", "--main_process_port"]
    script = [small_runs.__file__, *command(tmp_path, "--epochs", "1")]
    launcher = ["-m", "accelerate.commands.launch", *start, "0"]
    said = python_output(*launcher, *script, OMP_NUM_THREADS="1")
    assert "shared by 2 processes" in said
    assert said.count("epoch  1") == 1
    assert (tmp_path / "model" / "model.safetensors").is_file()
