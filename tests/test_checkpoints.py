"""A run that was cut off ends as if nothing had happened; what cannot go on says so in one line."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from safetensors.torch import load_file
from tiny_encoders import (
    encoder_folder,
    make_corpus,
    new_model,
    one_thread,  # noqa: F401 (a fixture)
    small_data,
    tokenizer_of,
)
from torture import PLAIN as TINY
from torture import TIMES

from nerlib import (
    RECIPES,
    CheckpointError,
    NERDataset,
    TagSet,
    TrainConfig,
    train,
    trained_tagger,
)
from nerlib.addons import checkpoints
from nerlib.addons.checkpoints import CheckpointFolder, Snapshot
from nerlib.addons.resume import FREE, restore, snapshot_of
from nerlib.callbacks import Callback, Callbacks, Loop
from nerlib.dataset import collate
from nerlib.evaluation import evaluate
from nerlib.metrics import Evaluation
from nerlib.tools import cli
from nerlib.training import fit

STEPS = 6  # 24 rows in batches of 4


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


def outcome(model: Any, history: Any) -> tuple[Any, ...]:
    """Return the weights bit by bit, and the history without what a clock measured."""
    weights = {name: value.numpy().tobytes() for name, value in model.state_dict().items()}
    rows = [{k: v for k, v in asdict(record).items() if k not in TIMES} for record in history]
    return weights, rows


@pytest.fixture(scope="module")
def in_peace() -> tuple[Any, ...]:
    """What a run ends with that nobody disturbed, and that writes no checkpoints."""
    return outcome(*run())


def stop_after(monkeypatch: pytest.MonkeyPatch, steps: int, error: type[BaseException]) -> None:
    """Raise an error after some steps (and the checkpoint that may follow), once."""
    real, done = Callbacks.on_step_end, [0]

    def counted(*arguments: Any) -> None:
        real(*arguments)
        done[0] += 1
        if done[0] == steps:
            raise error

    monkeypatch.setattr(Callbacks, "on_step_end", counted)


def files(folder: Path) -> dict[str, bytes]:
    """Return everything below a folder, hidden files too."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoints of a run that ended in its second epoch: to be copied, never written to."""
    folder = tmp_path_factory.mktemp("run") / "checkpoints"
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, STEPS + 5, RuntimeError)
        with pytest.raises(RuntimeError):
            run(folder)
    assert CheckpointFolder(folder).steps() == [STEPS + 2, STEPS + 4]
    return folder


@pytest.fixture
def folder(cut_off: Path, tmp_path: Path) -> Path:
    """A copy of those checkpoints, to go on from."""
    return Path(shutil.copytree(cut_off, tmp_path / "checkpoints"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the torture forks")
def test_thirty_kills_at_random_moments_lose_nothing() -> None:
    script = Path(__file__).with_name("torture.py")
    done = subprocess.run(
        [sys.executable, str(script), "--kills", "30"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout.splitlines()[0])
    assert result["damage"] == []
    assert result["kills"] >= 30
    assert set(result["by"]) == {"write", "flush", "rename", "remove", "step", "time"}
    assert result["kills while saving"] >= 20


@pytest.mark.parametrize("steps", [1, 2, 5, STEPS, STEPS + 3, 2 * STEPS, 3 * STEPS - 1])
def test_a_run_that_goes_on_ends_as_if_nothing_had_happened(
    in_peace: tuple[Any, ...], steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):  # noqa: PT012
        stop_after(patch, steps, RuntimeError)
        run(tmp_path)
    lines: list[str] = []
    torch.manual_seed(99)  # where the random numbers stand must not matter
    assert outcome(*run(tmp_path, report=lines.append)) == in_peace
    before = "resuming at step" if steps > 1 else "there is no checkpoint in"
    assert lines[1].startswith(before)


def test_checkpoints_change_no_number(in_peace: tuple[Any, ...], tmp_path: Path) -> None:
    assert outcome(*run(tmp_path)) == in_peace


@pytest.mark.parametrize("workers", [1, 2])
def test_the_number_of_workers_changes_no_number(in_peace: tuple[Any, ...], workers: int) -> None:
    assert outcome(*run(config=replace(TINY, workers=workers))) == in_peace


def test_a_run_may_go_on_with_other_workers(in_peace: tuple[Any, ...], folder: Path) -> None:
    other = replace(TINY, workers=2, checkpoint_steps=3, checkpoints_kept=1, progress=None)
    assert outcome(*run(folder, other)) == in_peace


def test_a_finished_run_only_brings_its_result_back(
    in_peace: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path)
    before = files(tmp_path)
    monkeypatch.setattr("nerlib.training.train_epoch", None)  # must not be called
    assert outcome(*run(tmp_path)) == in_peace
    assert files(tmp_path) == before


def test_going_on_with_the_same_model_object(in_peace: tuple[Any, ...], tmp_path: Path) -> None:
    """As in a notebook: Ctrl-C, then the cell once more with resume=True."""
    model = new_model("bert", small_data("bert", 24).tags)
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, STEPS + 3, KeyboardInterrupt)
        assert run(tmp_path, model=model)[1].interrupted
    _, history = run(tmp_path, model=model)
    assert not history.interrupted
    assert outcome(model, history) == in_peace


def pretend_scores(monkeypatch: pytest.MonkeyPatch, *scores: float) -> None:
    """Give the epochs these F1 scores."""
    waiting = iter(scores)

    def pretend(*arguments: Any) -> tuple[Evaluation, float]:
        result, loss = evaluate(*arguments)
        total = replace(result.overall, gold=100, predicted=100, correct=int(100 * next(waiting)))
        return replace(result, overall=total), loss

    monkeypatch.setattr("nerlib.training.evaluate", pretend)


@pytest.mark.parametrize("kept", [1, 3])
def test_the_last_few_are_kept_and_the_best_always(
    kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_scores(monkeypatch, 0.2, 0.9, 0.5, 0.9, 0.1)
    config = replace(TINY, epochs=5, checkpoint_steps=100, checkpoints_kept=kept)
    model, history = run(tmp_path, config)
    assert history.best.epoch == 2
    assert CheckpointFolder(tmp_path).steps() == [STEPS * e for e in range(6 - kept, 6)]
    newest = tmp_path / f"step-{5 * STEPS:08d}"
    best, last = (load_file(newest / f"{name}.safetensors") for name in ("best", "model"))
    weights = model.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in best.items())
    assert not all(torch.equal(value, weights[name]) for name, value in last.items())
    monkeypatch.undo()
    again, _ = run(tmp_path, config)  # the best comes back from the disk
    assert all(torch.equal(value, weights[name]) for name, value in again.state_dict().items())


def test_only_safetensors_and_json_are_written(folder: Path) -> None:
    names = {path.name for path in (folder / f"step-{STEPS + 4:08d}").iterdir()}
    assert names == {
        *("model.safetensors", "best.safetensors", "optimizer.safetensors", "random.safetensors"),
        *("state.json", "manifest.json"),
    }


FILES = ("model", "best", "optimizer", "random")


@pytest.mark.parametrize("name", [*(f"{n}.safetensors" for n in FILES), *("state.json",) * 1])
@pytest.mark.parametrize("how", ["flipped", "cut", "gone"])
def test_a_damaged_file_is_noticed_and_the_checkpoint_before_is_used(
    folder: Path, name: str, how: str
) -> None:
    path, lines = folder / f"step-{STEPS + 4:08d}" / name, list[str]()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(content if how == "flipped" else content[: len(content) // 2])
    snapshot = CheckpointFolder(folder).newest(lines.append)
    assert snapshot is not None
    assert (snapshot.facts["epoch"], snapshot.facts["step"]) == (1, 2)
    state = "missing" if how == "gone" else "changed"
    assert len(lines) == 1
    assert f"is damaged ({name} " in lines[0]
    assert state in lines[0]


def test_a_run_goes_on_from_the_checkpoint_before_a_damaged_one(
    in_peace: tuple[Any, ...], folder: Path
) -> None:
    (folder / f"step-{STEPS + 4:08d}" / "optimizer.safetensors").write_bytes(b"")
    lines: list[str] = []
    assert outcome(*run(folder, report=lines.append)) == in_peace
    assert "is damaged" in lines[1]
    assert lines[2] == f"resuming at step {STEPS + 2}: epochs done: 1, steps of the next: 2"


def test_every_changed_byte_of_a_manifest_is_noticed(folder: Path) -> None:
    path = folder / f"step-{STEPS + 4:08d}" / "manifest.json"
    content = path.read_bytes()
    for place in range(0, len(content) - 1, 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(checkpoints._Damaged):
            checkpoints._read(path.parent)
    path.unlink()
    with pytest.raises(checkpoints._Damaged):
        checkpoints._read(path.parent)


def refused(folder: Path, message: str, config: TrainConfig = TINY, **changed: Any) -> None:
    """Assert that going on is refused in one line, and that no file was touched."""
    before, resume = files(folder), changed.pop("resume", True)
    with pytest.raises(CheckpointError, match=message) as error:
        run(folder, config, resume, **changed)
    assert len(str(error.value).splitlines()) == 1
    assert files(folder) == before


def test_when_all_are_damaged_that_is_said(folder: Path) -> None:
    for path in folder.glob("*/state.json"):
        path.write_bytes(b"{}")
    refused(folder, "all checkpoints in .* are damaged: delete that folder")


def test_another_run_does_not_write_over_the_checkpoints(folder: Path) -> None:
    refused(folder, "holds checkpoints of an earlier run", resume=False)


HOLDS = """
import sys
from nerlib.addons.folder_lock import lock_folder
unlock = lock_folder(sys.argv[1])
print("locked", flush=True)
sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    """Another process that uses a folder until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def test_two_runs_never_share_a_folder(folder: Path, in_peace: tuple[Any, ...]) -> None:
    other, before = holder(folder), files(folder)
    refused(folder, "another run is writing its checkpoints to .*: wait for its end, stop it, or")
    assert files(folder) == before
    other.kill()
    other.wait()
    assert outcome(*run(folder)) == in_peace  # its death frees the folder


def test_a_run_frees_its_folder_however_it_ends(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error in (RuntimeError, None):
        with monkeypatch.context() as patch:
            if error:
                stop_after(patch, 1, error)
                with pytest.raises(error):
                    run(folder)
            else:
                run(folder)
        other = holder(folder)
        other.kill()
        other.wait()


def test_two_commands_never_share_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_tiny_encoder(monkeypatch)
    other = holder(tmp_path / "checkpoints")
    assert cli.main(command(tmp_path, "--resume")) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("nerlib: another run is writing its checkpoints to ")
    other.kill()
    other.wait()


@pytest.mark.skipif(os.name == "nt", reason="sends SIGKILL")
def test_a_killed_worker_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def suicidal(*arguments: Any, **options: Any) -> Any:
        if multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return collate(*arguments, **options)

    use_tiny_encoder(monkeypatch)
    monkeypatch.setattr("nerlib.evaluation.collate", suicidal)
    assert cli.main(command(tmp_path, "--resume", "--workers", "1")) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("nerlib: a process that makes batches has died (DataLoader worker (pid")
    assert cli.main(command(tmp_path, "--resume")) == 0


def test_resume_needs_a_folder() -> None:
    data = small_data("bert", 8)
    with pytest.raises(CheckpointError, match="resume needs checkpoint_dir"):
        train(new_model("bert", data.tags), data, data, TINY, silent, resume=True)


SETTINGS = {
    "epochs": 4,
    "batch_size": 3,
    "learning_rate": 1e-3,
    "head_rate_factor": 2.0,
    "weight_decay": 0.0,
    "warmup": 0.2,
    "max_gradient_norm": 2.0,
    "label_smoothing": 0.1,
    "masked_subwords": 0.0,
    "consistency": 1.0,
    "seed": 1,
    "precision": "bf16",
}


def test_every_setting_is_either_compared_or_free() -> None:
    assert {*SETTINGS, *FREE} == set(asdict(TINY))


@pytest.mark.parametrize("name", SETTINGS)
def test_other_settings_are_refused(folder: Path, name: str) -> None:
    changed = replace(TINY, **{name: SETTINGS[name]})
    was, now = getattr(TINY, name), SETTINGS[name]
    refused(folder, f"another run .other settings: {name} was {was}, now {now}.: use", changed)


def other_data(*annotated: str, family: str = "bert", tags: TagSet | None = None) -> NERDataset:
    """Return a dataset of other rows."""
    return NERDataset(
        make_corpus(*annotated), tokenizer_of(family), tags or small_data("bert").tags
    )


def test_another_model_is_refused(folder: Path) -> None:
    tags = TagSet.from_types(["time", "date", "place_name", "song"])
    data = small_data("bert", 24)
    refused(folder, "other tags", model=new_model("bert", tags))
    refused(folder, "other encoder: model_type was bert", model=new_model("electra", data.tags))
    for name, value in {"pooling": "max", "head_size": 16, "dropout": 0.2}.items():
        model = new_model("bert", data.tags, **{name: value})
        refused(folder, f"other model: {name} was", model=model)


def test_other_rows_are_refused(folder: Path) -> None:
    shorter, again = small_data("bert", 23), small_data("bert", 24)
    refused(folder, "other training rows", train_set=shorter)
    refused(folder, "other validation rows", validation_set=small_data("bert", 13, seed=1))
    again.row_ids[3] = "x"
    refused(folder, "other training rows", train_set=again)
    tokens = small_data("bert", 24)
    tokens.items[5]["input_ids"][1] += 1  # another tokenizer, the same rows
    refused(folder, "other training rows", train_set=tokens)


def test_a_checkpoint_of_other_code_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "FORMAT", 7)
    refused(folder, r"written by other code \(format 2; this version of nerlib reads 7\)")


def test_facts_of_other_code_are_refused(folder: Path) -> None:
    """The files are whole, but a name is missing in them, or a shape is another."""
    store = CheckpointFolder(folder)
    snapshot = store.newest(silent)
    assert snapshot is not None
    no_rates = {name: value for name, value in snapshot.facts.items() if name != "rates"}
    weights = {**snapshot.tensors["model"], "head.1.bias": torch.zeros(3)}
    for facts, tensors in (
        (no_rates, snapshot.tensors),
        (snapshot.facts, {**snapshot.tensors, "model": weights}),
    ):
        store.write(STEPS + 5, Snapshot(tensors, facts))
        refused(folder, "do not fit this code: ")


def test_another_machine_is_mentioned(folder: Path, in_peace: tuple[Any, ...]) -> None:
    store, lines = CheckpointFolder(folder), list[str]()
    snapshot = store.newest(silent)
    assert snapshot is not None
    store.write(STEPS + 4, Snapshot(snapshot.tensors, {**snapshot.facts, "compute": "a toaster"}))
    assert outcome(*run(folder, report=lines.append)) == in_peace
    assert "so far it ran on a toaster, now on CPU" in lines[2]


def fail_with(number: int) -> Callable[..., None]:
    """Return a function that writes half a file and then fails as a disk does."""

    def fail(tensors: dict[str, torch.Tensor], path: Path) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_disk_that_takes_no_more_leaves_the_old_checkpoints(
    folder: Path, number: int, monkeypatch: pytest.MonkeyPatch, in_peace: tuple[Any, ...]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save_file", fail_with(number))
        refused(
            folder,
            f"step {2 * STEPS} cannot be written to .*: {os.strerror(number)}; the one of step "
            f"{STEPS + 4} is as it was",
        )
    assert outcome(*run(folder)) == in_peace  # with room again


LIMITED = """
import resource, signal, sys
sys.path.insert(0, sys.argv[1])
import test_checkpoints as t
from pathlib import Path
t.small_data("bert", 24)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    t.run(Path(sys.argv[2]))
except t.CheckpointError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="file size limits are POSIX's")
def test_a_real_failure_of_the_disk_is_one_line(folder: Path) -> None:
    """The system itself refuses to write more than 20 kB into one file."""
    before = files(folder)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, os.path.dirname(__file__), str(folder)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert "File too large" in done.stdout
    assert files(folder) == before


def test_a_place_where_nothing_can_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(CheckpointError, match=r"written to .*; there is none before it"):
        run(tmp_path / "file" / "checkpoints")


def test_leftovers_of_killed_writes_are_swept(folder: Path, in_peace: tuple[Any, ...]) -> None:
    for name in (".step-00000099.writing-1a2b3c4d", ".step-00000001.writing-old"):
        (folder / name).mkdir()
        (folder / name / "model.safetensors").write_bytes(b"half")
    assert outcome(*run(folder)) == in_peace
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == [".lock"]


def test_all_random_numbers_come_back() -> None:
    loops: list[Any] = []

    class Keep(Callback):
        def on_train_begin(self, loop: Loop) -> None:
            loops.append(loop)

    data, draws = small_data("bert", 8), []
    fit(new_model("bert", data.tags), data, data, TINY, silent, [Keep()])
    snapshot = snapshot_of(loops[0], {})
    facts = json.loads(json.dumps(snapshot.facts))  # as from the disk
    for _ in range(2):
        restore(loops[0], Snapshot(snapshot.tensors, facts))
        draws.append((torch.rand(3).tolist(), random.random(), numpy.random.rand(3).tolist()))
    assert draws[0] == draws[1]


def test_ctrl_c_leaves_the_best_model_and_its_history(
    in_peace: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_scores(monkeypatch, 0.9, 0.1)
    stop_after(monkeypatch, 2 * STEPS + 3, KeyboardInterrupt)
    lines: list[str] = []
    model, history = run(tmp_path, report=lines.append)
    assert history.interrupted
    assert len(history) == 2
    assert not model.training
    best = load_file(tmp_path / f"step-{2 * STEPS + 2:08d}" / "best.safetensors")
    assert all(torch.equal(value, best[name]) for name, value in model.state_dict().items())
    assert lines[-1] == (
        "stopped: the model's weights are those of epoch 1, the best; to resume, train again with "
        f"checkpoint_dir={str(tmp_path)!r}, resume=True"
    )


def test_ctrl_c_in_the_first_epoch_leaves_the_latest_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop_after(monkeypatch, 3, KeyboardInterrupt)
    lines: list[str] = []
    start = new_model("bert", small_data("bert", 24).tags)
    model, history = run(report=lines.append)
    assert history == []
    assert history.interrupted
    assert not model.training
    moved = [not torch.equal(a, b) for a, b in zip(model.parameters(), start.parameters())]  # noqa: B905
    assert any(moved)
    assert "weights are the latest; with checkpoint_dir=FOLDER" in lines[-1]


def test_a_quick_start_that_is_stopped_saves_no_half_trained_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_tiny_encoder(monkeypatch)
    stop_after(monkeypatch, 1, KeyboardInterrupt)
    settings = replace(RECIPES["offline"].settings, threads=1, progress=False)
    recipe = replace(RECIPES["offline"], settings=settings, validation_split="validation[:12]")
    with pytest.raises(KeyboardInterrupt, match="no model was saved"):
        trained_tagger(recipe, tmp_path, rows=24, epochs=1, report=silent)
    assert not (tmp_path / "model").exists()


def command(output: Path, *more: str) -> list[str]:
    """Return a training on the command line that takes a few seconds."""
    rows = ["--train", "train[:24]", "--validation", "validation[:12]"]
    size = ["--epochs", "2", "--batch-size", "8", "--threads", "1", "--device", "cpu"]
    return ["train", *rows, *size, "--checkpoint-steps", "1", "--output", str(output), *more]


def use_tiny_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the recipe `offline` use a tiny encoder, so that its checkpoints are small."""
    tiny = replace(RECIPES["offline"], encoder=str(encoder_folder("bert")))
    monkeypatch.setitem(RECIPES, "offline", tiny)


def test_the_command_line_goes_on_after_ctrl_c(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_tiny_encoder(monkeypatch)
    whole, halves, store = tmp_path / "whole", tmp_path / "halves", tmp_path / "halves" / "c"
    assert cli.main(command(whole)) == 0
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, 5, KeyboardInterrupt)
        assert cli.main(command(halves, "--checkpoint-dir", str(store))) == 130
    error = capsys.readouterr().err
    assert error == (
        f"nerlib: stopped, no model saved: go on with --resume --checkpoint-dir {store}\n"
    )
    assert not (halves / "model").exists()
    assert cli.main(command(halves, "--checkpoint-dir", str(store))) == 2  # without --resume
    assert "holds checkpoints of an earlier run" in capsys.readouterr().err
    assert cli.main(command(halves, "--checkpoint-dir", str(store), "--resume")) == 0
    assert "resuming at step 5" in capsys.readouterr().out
    same = (whole / "model", halves / "model")
    assert files(same[0]) == files(same[1])


def test_ctrl_c_without_checkpoints_names_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_tiny_encoder(monkeypatch)
    stop_after(monkeypatch, 1, KeyboardInterrupt)
    assert cli.main(command(tmp_path)) == 130
    error = capsys.readouterr().err
    assert error == (
        "nerlib: stopped, no model saved: give --checkpoint-dir, and a stopped run can go on with "
        "--resume\n"
    )


COMMAND_LINE = """
import sys
sys.path.insert(0, sys.argv.pop(1))
import pytest
from nerlib.tools import cli
from test_checkpoints import use_tiny_encoder
use_tiny_encoder(pytest.MonkeyPatch())
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_a_real_ctrl_c_on_the_command_line(tmp_path: Path) -> None:
    arguments = command(tmp_path, "--resume", "--epochs", "500", "--workers", "1")
    child = subprocess.Popen(
        [sys.executable, "-u", "-c", COMMAND_LINE, os.path.dirname(__file__), *arguments],
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
    assert error == (
        "nerlib: stopped, no model saved: go on with --resume --checkpoint-dir "
        f"{tmp_path / 'checkpoints'}\n"
    )
    assert "stopped: the model's weights are those of epoch" in rest
    assert CheckpointFolder(tmp_path / "checkpoints").steps()
