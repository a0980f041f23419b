"""A run that was cut off ends as if nothing had happened; what cannot go on says so in one line."""

import errno
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import small_runs
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from several_processes import python_output
from small_runs import TINY, after_steps, command, files, outcome, run, use_tiny_encoder
from tiny_encoders import new_model, small_data

from nerlib import RECIPES, CheckpointError, TagSet, trained_tagger
from nerlib.addons import checkpoints
from nerlib.addons.checkpoints import CheckpointFolder, Damaged, Snapshot
from nerlib.addons.folder_lock import lock_folder
from nerlib.addons.resume import FREE
from nerlib.dataset import collate
from nerlib.tools import cli
from nerlib.training import copy_weights

posix = pytest.mark.skipif(os.name == "nt", reason="signals and limits are POSIX's")
STEPS = small_runs.STEPS
LAST = f"step-{STEPS + 4:08d}"  # the newest checkpoint of the fixture `folder`
FILES = ("model", "best", "optimizer", "random")


@pytest.fixture(scope="module")
def in_peace() -> tuple[Any, ...]:
    """What a run ends with that nobody disturbed, and that writes no checkpoints."""
    return outcome(*run())


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoints of a run that ended in its second epoch: to be copied, never written to."""
    folder = tmp_path_factory.mktemp("run") / "checkpoints"
    with after_steps(STEPS + 5, RuntimeError), pytest.raises(RuntimeError):
        run(folder)
    assert CheckpointFolder(folder).steps() == [STEPS + 2, STEPS + 4]
    return folder


@pytest.fixture
def folder(cut_off: Path, tmp_path: Path) -> Path:
    """A copy of those checkpoints, to go on from."""
    return Path(shutil.copytree(cut_off, tmp_path / "checkpoints"))


@posix
def test_thirty_kills_at_random_moments_lose_nothing() -> None:
    script = Path(__file__).parents[1] / "torture.py"
    said = python_output(script, "--kills", 30, OMP_NUM_THREADS="1")
    result = json.loads(said.splitlines()[0])
    assert result["damage"] == []
    assert result["kills"] >= 30
    assert set(result["by"]) == {"write", "flush", "rename", "remove", "step", "time"}
    assert result["kills while saving"] >= 20


@pytest.mark.parametrize("steps", [1, 2, 5, STEPS, STEPS + 3, 2 * STEPS, 3 * STEPS - 1])
def test_a_run_that_goes_on_ends_as_if_nothing_had_happened(
    in_peace: tuple[Any, ...], steps: int, tmp_path: Path
) -> None:
    with after_steps(steps, RuntimeError), pytest.raises(RuntimeError):
        run(tmp_path)
    lines: list[str] = []
    torch.manual_seed(99)  # where the random numbers stand must not matter
    assert outcome(*run(tmp_path, report=lines.append)) == in_peace
    assert lines[1].startswith("resuming" if steps > 1 else "there is no checkpoint")


@pytest.mark.parametrize("workers", [1, 2])
def test_the_number_of_workers_changes_no_number(in_peace: tuple[Any, ...], workers: int) -> None:
    assert outcome(*run(config=replace(TINY, workers=workers))) == in_peace


def test_a_finished_run_only_brings_its_result_back(
    in_peace: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path)
    before = files(tmp_path)
    monkeypatch.setattr("nerlib.training.train_epoch", None)  # must not be called
    assert outcome(*run(tmp_path)) == in_peace
    assert files(tmp_path) == before


def has_weights(model: Any, file: Path) -> bool:
    """Return whether a model has the weights in a file."""
    weights = model.state_dict()
    return all(torch.equal(value, weights[name]) for name, value in load_file(file).items())


@pytest.mark.parametrize("kept", [1, 3])
def test_the_last_few_are_kept_and_the_best_always(
    kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_runs.pretend_scores(monkeypatch, 0.2, 0.9, 0.5, 0.9, 0.1)
    config = replace(TINY, epochs=5, checkpoint_steps=100, checkpoints_kept=kept)
    model, history = run(tmp_path, config)
    assert history.best.epoch == 2
    assert CheckpointFolder(tmp_path).steps() == [STEPS * e for e in range(6 - kept, 6)]
    newest = tmp_path / f"step-{5 * STEPS:08d}"
    assert has_weights(model, newest / "best.safetensors")
    assert not has_weights(model, newest / "model.safetensors")
    again, _ = run(tmp_path, config)  # the best comes back from the disk
    assert has_weights(again, newest / "best.safetensors")


@pytest.mark.parametrize("how", ["changed", "cut", "missing"])
@pytest.mark.parametrize("name", [*(f"{n}.safetensors" for n in FILES), "state.json"])
def test_a_damaged_file_is_noticed_and_the_checkpoint_before_is_used(
    folder: Path, name: str, how: str
) -> None:
    path, lines = folder / LAST / name, list[str]()
    assert len(list(path.parent.iterdir())) == len(FILES) + 2  # no other formats
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content[: len(content) // 2] if how == "cut" else content)
    if how == "missing":
        path.unlink()
    snapshot = CheckpointFolder(folder).newest(lines.append)
    assert snapshot is not None
    assert (snapshot.facts["epoch"], snapshot.facts["step"]) == (1, 2)
    (line,) = lines
    assert f"({name} {'is missing' if how == 'missing' else 'has changed'})" in line


def damage(folder: Path) -> None:
    (folder / LAST / "optimizer.safetensors").write_bytes(b"")


def move_to_another_machine(folder: Path) -> None:
    store = CheckpointFolder(folder)
    snapshot = store.read(STEPS + 4)
    store.write(STEPS + 4, snapshot._replace(facts=snapshot.facts | {"compute": "a toaster"}))


def leave_half_a_write(folder: Path) -> None:
    for name in (".step-00000099.writing-1a2b3c4d", ".step-00000001.writing-old"):
        (folder / name).mkdir()
        (folder / name / "model.safetensors").write_bytes(b"half")


@pytest.mark.parametrize(
    ("change", "said", "settings"),
    [
        (damage, [f"{LAST} is damaged", f"resuming at step {STEPS + 2}:"], {}),
        (move_to_another_machine, ["resuming", "ran on a toaster, now on CPU"], {}),
        (leave_half_a_write, [f"resuming at step {STEPS + 4}:"], {}),
        (
            lambda _: None,
            ["resuming"],
            {"workers": 2, "checkpoint_steps": 3, "checkpoints_kept": 1},
        ),
    ],
)
def test_a_run_goes_on_whatever_has_changed_meanwhile(
    in_peace: tuple[Any, ...], folder: Path, change: Any, said: list[str], settings: dict[str, Any]
) -> None:
    change(folder)
    lines: list[str] = []
    assert outcome(*run(folder, replace(TINY, **settings), report=lines.append)) == in_peace
    assert all(part in line for part, line in zip(said, lines[1:], strict=False))
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == [".lock"]


def test_every_changed_byte_of_a_manifest_is_noticed(folder: Path) -> None:
    path, store = folder / LAST / "manifest.json", CheckpointFolder(folder)
    content = path.read_bytes()
    for place in range(0, len(content) - 1, 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(Damaged):
            store.read(STEPS + 4)
    path.unlink()
    with pytest.raises(Damaged):
        store.read(STEPS + 4)


def refused(folder: Path, message: str, **changed: Any) -> None:
    """Assert that going on is refused in one line, and that no file was touched."""
    before = files(folder)
    with pytest.raises(CheckpointError, match=message) as error:
        run(folder, **changed)
    assert len(str(error.value).splitlines()) == 1
    assert files(folder) == before


def test_when_all_are_damaged_that_is_said(folder: Path) -> None:
    for path in folder.glob("*/state.json"):
        path.write_bytes(b"{}")
    refused(folder, "all checkpoints in .* damaged")


def test_checkpoints_are_neither_overwritten_nor_looked_for_without_resume(folder: Path) -> None:
    refused(folder, "of an earlier run", resume=False)
    with pytest.raises(CheckpointError, match="needs checkpoint_dir"):
        small_runs.train(None, [], [], TINY, resume=True)  # type: ignore[arg-type]


def test_two_runs_never_share_a_folder(folder: Path, in_peace: tuple[Any, ...]) -> None:
    release = lock_folder(folder, "its checkpoints", CheckpointError)
    refused(folder, "another run is writing")
    release()
    assert outcome(*run(folder)) == in_peace
    # The end of a run frees the folder, and so does its death: torture.py.
    lock_folder(folder, "", ValueError)()


@posix
def test_a_killed_worker_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: Callable[..., str]
) -> None:
    def suicidal(*arguments: Any, **options: Any) -> Any:
        if multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return collate(*arguments, **options)

    use_tiny_encoder(monkeypatch)
    monkeypatch.setattr("nerlib.evaluation.collate", suicidal)
    said = says(*command(tmp_path, "--resume", "--workers", "1"), status=2)
    assert said.startswith("nerlib: a process that makes batches has died (DataLoader worker (pid")
    says(*command(tmp_path, "--resume"))


SETTINGS: dict[str, Any] = {"epochs": 4, "batch_size": 3, "learning_rate": 1e-3, "warmup": 0.2}
SETTINGS |= {"head_rate_factor": 2.0, "weight_decay": 0.0, "max_gradient_norm": 2.0, "seed": 1}
SETTINGS |= {"label_smoothing": 0.1, "masked_subwords": 0.0, "consistency": 1.0}
SETTINGS |= {"precision": "bf16"}


def test_every_setting_is_either_compared_or_free() -> None:
    assert {*SETTINGS, *FREE} == set(asdict(TINY))


def model(family: str = "bert", tags: Any = None, **settings: Any) -> Any:
    """Return the model of the run, or another one."""
    return new_model(family, tags or small_data("bert").tags, **settings)


def turned(name: str) -> Any:
    """Return the rows of the run with one of their lists in the reverse order."""
    data = small_data("bert", 24)
    getattr(data, name).reverse()
    return data


@pytest.mark.parametrize(
    ("what", "part", "make"),
    [
        ("tags", "model", lambda: model(tags=TagSet.from_types(["time", "date", "song"]))),
        ("encoder: model_type was bert", "model", lambda: model("electra")),
        ("model: pooling was", "model", lambda: model(pooling="max")),
        ("model: head_size was", "model", lambda: model(head_size=16)),
        ("model: dropout was", "model", lambda: model(dropout=0.2)),
        ("training rows", "train_set", lambda: small_data("bert", 23)),
        ("validation rows", "validation_set", lambda: small_data("bert", 13, 1)),
        ("training rows", "train_set", lambda: turned("row_ids")),
        ("training rows", "train_set", lambda: turned("items")),
    ],
)
def test_another_run_is_refused(folder: Path, what: str, part: str, make: Any) -> None:
    refused(folder, f"another run .other {what}", **{part: make()})


@pytest.mark.parametrize("name", SETTINGS)
def test_another_setting_is_refused(folder: Path, name: str) -> None:
    said = f"another run .other settings: {name} was {getattr(TINY, name)}, now {SETTINGS[name]}"
    refused(folder, said, config=replace(TINY, **{name: SETTINGS[name]}))


@pytest.mark.parametrize("change", ["schedule", "model"])
def test_a_checkpoint_of_other_code_is_refused(
    folder: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are whole, but a name is missing in them, or a shape or the format is another."""
    store = CheckpointFolder(folder)
    snapshot = store.read(STEPS + 4)
    facts = {name: value for name, value in snapshot.facts.items() if name != change}
    if change == "model":
        snapshot.tensors["model"]["head.1.bias"] = torch.zeros(3)
    store.write(STEPS + 5, Snapshot(snapshot.tensors, facts))
    refused(folder, "do not fit this code: ")
    monkeypatch.setattr(checkpoints, "FORMAT", 7)
    refused(folder, r"\(format 2; this version of nerlib reads 7\)")


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "full"), OSError(errno.EROFS, "full"), SafetensorError("full\n2")],
)
def test_a_disk_that_takes_no_more_leaves_the_old_checkpoints(
    folder: Path, error: Exception, monkeypatch: pytest.MonkeyPatch, in_peace: tuple[Any, ...]
) -> None:
    def half(tensors: dict[str, torch.Tensor], path: Path) -> None:
        path.write_bytes(b"half")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save_file", half)
        refused(folder, f"step {2 * STEPS} cannot .*: full; the one of step {STEPS + 4} is")
    assert outcome(*run(folder)) == in_peace  # with room again


def test_a_place_where_nothing_can_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(CheckpointError, match=r"written to .*; there is none before it"):
        run(tmp_path / "file" / "checkpoints")


def test_ctrl_c_leaves_the_best_model_and_its_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_runs.pretend_scores(monkeypatch, 0.9, 0.1)
    lines: list[str] = []
    with after_steps(2 * STEPS + 3, KeyboardInterrupt):
        model, history = run(tmp_path, report=lines.append)
    assert history.interrupted
    assert len(history) == 2
    assert not model.training
    assert has_weights(model, tmp_path / f"step-{2 * STEPS + 2:08d}" / "best.safetensors")
    assert "of epoch 1" in lines[-1]
    assert f"checkpoint_dir={str(tmp_path)!r}, resume=True" in lines[-1]


@pytest.mark.parametrize("stored", [True, False])
def test_ctrl_c_in_the_first_epoch_leaves_the_latest_weights(
    stored: bool, tmp_path: Path, in_peace: tuple[Any, ...]
) -> None:
    lines, stopped = list[str](), model()
    start = copy_weights(stopped)
    with after_steps(3, KeyboardInterrupt):
        _, history = run(tmp_path if stored else None, report=lines.append, model=stopped)
    assert history == []
    assert history.interrupted
    assert not stopped.training
    assert any(not torch.equal(value, start[n]) for n, value in stopped.state_dict().items())
    assert "are the latest" in lines[-1]
    if stored:  # as in a notebook: the cell once more, with the same model and resume=True
        assert outcome(*run(tmp_path, model=stopped)) == in_peace


def test_a_quick_start_that_is_stopped_saves_no_half_trained_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_tiny_encoder(monkeypatch)
    settings = replace(RECIPES["offline"].settings, threads=1, progress=False)
    recipe = replace(RECIPES["offline"], settings=settings, validation_split="validation[:12]")
    stopped = pytest.raises(KeyboardInterrupt, match="no model was saved")
    with after_steps(1, KeyboardInterrupt), stopped:
        trained_tagger(recipe, tmp_path, rows=24, epochs=1)
    assert not (tmp_path / "model").exists()


def test_the_command_line_goes_on_after_ctrl_c(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_tiny_encoder(monkeypatch)
    whole, halves, store = tmp_path / "whole", tmp_path / "halves", tmp_path / "halves" / "c"
    again = command(halves, "--checkpoint-dir", str(store))
    with after_steps(1, KeyboardInterrupt):
        assert cli.main(command(whole)) == 130
    assert "give --checkpoint-dir" in capsys.readouterr().err
    assert cli.main(command(whole)) == 0
    with after_steps(5, KeyboardInterrupt):
        assert cli.main(again) == 130
    assert f"with --resume --checkpoint-dir {store}\n" in capsys.readouterr().err
    assert not (halves / "model").exists()
    assert cli.main(again) == 2  # without --resume
    assert "of an earlier run" in capsys.readouterr().err
    assert cli.main([*again, "--resume"]) == 0
    assert "resuming at step 5" in capsys.readouterr().out
    assert files(whole / "model") == files(halves / "model")


@posix
def test_a_real_ctrl_c_on_the_command_line(tmp_path: Path) -> None:
    arguments = command(tmp_path, "--resume", "--epochs", "500", "--workers", "1")
    child = subprocess.Popen(
        [sys.executable, "-u", small_runs.__file__, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    for line in child.stdout:
        if line.strip().startswith("epoch  1"):
            child.send_signal(signal.SIGINT)
            break
    rest, error = child.communicate()
    assert child.returncode == 130, error
    assert f"with --resume --checkpoint-dir {tmp_path / 'checkpoints'}\n" in error
    assert len(error.splitlines()) == 1
    assert "stopped: the model's weights" in rest
    assert CheckpointFolder(tmp_path / "checkpoints").steps()
