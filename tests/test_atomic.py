"""Folders appear whole or not at all, and a saved model is never a mixture of two."""

import os
from contextlib import suppress
from pathlib import Path
from unittest.mock import Mock

import pytest
from small_runs import files
from tiny_encoders import new_model, tokenizer_of

from nerlib import atomic, load_model, save_model
from nerlib.atomic import new_folder, recover, sweep


def listing(folder: Path) -> dict[str, str]:
    """Every file below a folder, hidden ones too, with its text."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in files}


def write(target: Path, **files: str) -> None:
    """Write some text files as a new folder."""
    with new_folder(target, replaces=("*.json",)) as folder:
        for name, text in files.items():
            (folder / f"{name}.json").write_text(text, encoding="utf-8")


def test_a_folder_takes_the_place_of_another_and_other_files_stay(tmp_path):
    target = tmp_path / "model"
    write(target, a="1", b="1")
    (target / "notes" / "deep").mkdir(parents=True)
    (target / "notes" / "deep" / "x.json").write_text("mine")
    (target / "README.md").write_text("mine too")
    (target / "link").symlink_to("README.md")
    target.chmod(0o750)
    write(target, b="2")
    mine = {"notes/deep/x.json": "mine", "README.md": "mine too", "link": "mine too"}
    assert listing(target) == {"b.json": "2", **mine}
    assert list(tmp_path.iterdir()) == [target]  # nothing temporary is left
    assert (target / "link").is_symlink()
    assert target.stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_error_leaves_everything_as_it_was(tmp_path, error):
    write(tmp_path / "model", a="1")
    with pytest.raises(error), new_folder(tmp_path / "model") as folder:  # noqa: PT012
        (folder / "a.json").write_text("2")
        raise error
    assert listing(tmp_path) == {"model/a.json": "1"}


def failing_write(target: Path) -> None:
    with suppress(ZeroDivisionError), new_folder(target):
        raise ZeroDivisionError


# The next write finds it as well, and does not sweep up the only copy.
@pytest.mark.parametrize(
    ("action", "left"), [(recover, "1"), (failing_write, "1"), (lambda f: write(f, a="2"), "2")]
)
def test_a_kill_between_two_renamings_is_made_good(action, left, tmp_path):
    write(tmp_path / "model", a="1")
    (tmp_path / "model").rename(tmp_path / ".model.previous")
    action(tmp_path / "model")
    assert listing(tmp_path) == {"model/a.json": left}


def test_leftovers_are_swept_and_only_they(tmp_path):
    for name in (".model.writing-1", ".model.writing-2", ".models.writing-1", "model.writing-1"):
        (tmp_path / name).mkdir()
    write(tmp_path / "model", a="1")
    left = {".models.writing-1", "model.writing-1", "model"}
    assert {path.name for path in tmp_path.iterdir()} == left
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == left - {".models.writing-1"}


def test_behind_a_link_the_linked_folder_changes(tmp_path):
    write(tmp_path / "real", a="1")
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", a="2")
    assert (tmp_path / "link").is_symlink()
    assert listing(tmp_path / "real") == {"a.json": "2"}


def test_the_current_folder_is_not_pulled_away(tmp_path, monkeypatch):
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    for target in (".", "..", tmp_path):
        with pytest.raises(ValueError, match="choose a folder of its own"):
            write(Path(target), a="1")
    assert listing(tmp_path) == {}


def test_everything_is_flushed_before_it_is_in_place(tmp_path, monkeypatch):
    events: list[str] = []
    real_sync, real_rename = atomic.sync, os.rename
    monkeypatch.setattr(atomic, "sync", lambda p: (events.append(f"sync {p.name}"), real_sync(p)))
    monkeypatch.setattr(
        os, "rename", lambda a, b: (events.append(f"rename to {Path(b).name}"), real_rename(a, b))
    )
    write(tmp_path / "model", a="1", b="1")
    assert sorted(events[:2]) == ["sync a.json", "sync b.json"]
    assert events[2].startswith("sync .model.writing-")
    assert events[3:] == ["rename to model", f"sync {tmp_path.name}"]


def test_everybody_may_read_a_model_who_may_read_a_new_file(tmp_path):
    (tmp_path / "new").touch()
    folder = save_model(new_model("bert"), tokenizer_of("bert"), tmp_path / "model")
    assert {path.stat().st_mode for path in folder.iterdir()} == {(tmp_path / "new").stat().st_mode}


def test_a_model_replaces_a_model_and_no_stale_weights_stay(tmp_path):
    target = tmp_path / "model"
    save_model(new_model("bert", seed=1), tokenizer_of("bert"), target)
    for name in ("model-00001-of-00002.safetensors", "model.safetensors.index.json", "vocab.txt"):
        (target / name).write_text("stale")
    (target / "README.md").write_text("a card")
    model = new_model("bert", seed=2)
    assert save_model(model, tokenizer_of("bert"), target) == target
    names = {path.name for path in target.iterdir()}
    assert "README.md" in names
    assert not names & {"vocab.txt", "model.safetensors.index.json"}
    loaded = load_model(target).state_dict()
    assert all((value == loaded[name]).all() for name, value in model.state_dict().items())


def test_a_model_whose_saving_fails_leaves_the_old_one(tmp_path, monkeypatch):
    target = tmp_path / "model"
    save_model(new_model("bert", seed=1), tokenizer_of("bert"), target)
    before = files(target)
    full = Mock(side_effect=OSError(28, "No space left on device"))
    monkeypatch.setattr("transformers.PreTrainedTokenizerFast.save_pretrained", full)
    with pytest.raises(OSError, match="No space left"):
        save_model(new_model("bert", seed=2), tokenizer_of("bert"), target)
    assert files(target) == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
