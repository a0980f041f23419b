"""Fetched once, used for ever: `nerlib prefetch`, a stick, and a classroom without wifi."""

# ruff: noqa: F811 (arguments have the names of imported fixtures)

from __future__ import annotations

import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hub_encoders import RUBERT
from hub_fixtures import (  # noqa: F401 (fixtures)
    Online,
    conversion,
    hub,
    learner_environment,
    online,
    run_python,
    waits,
)
from hub_stand_in import HubStandIn, massive_archive, sha256
from huggingface_hub import constants

from nerlib import __main__ as cli
from nerlib import get_recipe, load_corpus, load_tokenizer, prepare
from nerlib.tools import archive
from nerlib.tools.prefetch import cache_in, prefetch

TUTORIAL = get_recipe("tutorial")
FILES = 8  # two listings, three splits, config, vocabulary, weights


@pytest.fixture
def connected(hub: HubStandIn, online: Online) -> HubStandIn:
    online(hub.url)
    return hub


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    return tmp_path / "a stick"


def run(stick: Path, recipe=TUTORIAL) -> list[str]:
    """Prefetch and return the lines that were told."""
    told: list[str] = []
    prefetch(recipe, stick, told.append)
    return told


def files_of(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_it_tells_what_it_fetched_and_how_large_it_is(
    connected: HubStandIn, stick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["prefetch", "tutorial", "--to", str(stick)]) == 0
    told = capsys.readouterr().out.splitlines()
    size = sum(map(len, files_of(stick).values())) / 1e6
    assert "MASSIVE 1.1 ru-RU, 1,000 train, 200 dev, 300 test; commit " in told[0]
    assert told[1].startswith(f"encoder: {RUBERT}, 3 files, ")
    assert told[2] == f"downloaded: {FILES} files, {size:.1f} MB"
    assert told[3] == f"in all: {FILES} files, {size:.1f} MB, verified, in {stick}"
    assert told[4] == f"offline: NERLIB_CACHE={stick} HF_HUB_OFFLINE=1 NERLIB_RECIPE=tutorial"


def test_the_second_time_nothing_is_downloaded_nor_asked_for(
    connected: HubStandIn, stick: Path
) -> None:
    run(stick)
    before = files_of(stick)
    connected.requests.clear()
    assert "downloaded: nothing" in run(stick)
    assert connected.requests == []
    assert files_of(stick) == before


def test_a_copy_without_links_and_write_protected_is_all_that_a_laptop_needs(
    connected: HubStandIn, stick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(stick)
    assert not [path for path in stick.rglob("*") if path.is_symlink()]
    # FAT keeps no such characters, and no two names that differ in case only.
    names = [path.relative_to(stick).as_posix() for path in stick.rglob("*")]
    assert not [name for name in names if set(name) & set('<>:"|?*\\')]
    assert len({name.lower() for name in names}) == len(names)
    copy = shutil.copytree(stick, tmp_path / "copy")
    shutil.rmtree(stick)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    before = files_of(copy)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("NERLIB_CACHE", str(copy))
    connected.requests.clear()
    small = replace(TUTORIAL, train_split="train[:20]", validation_split="validation[:5]")
    made = prepare(small)
    assert len(made.train_set) == 20
    assert len(load_corpus("ru-RU", "test", "hub")) == 300
    assert "downloaded: nothing" in run(copy)
    assert connected.requests == []
    assert files_of(copy) == before
    for path in [copy, *copy.rglob("*")]:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)


def test_a_download_that_was_cut_off_ends_whole(connected: HubStandIn, stick: Path) -> None:
    connected.cut_after, connected.cuts = 100_000, 1
    run(stick)
    assert connected.cuts == 0
    assert "downloaded: nothing" in run(stick)


@pytest.mark.parametrize("name", ["vocab.txt", "model.safetensors", "ru-RU/test/0000.parquet"])
def test_what_was_damaged_since_is_fetched_again(
    name: str, connected: HubStandIn, stick: Path
) -> None:
    run(stick)
    before = {path: c for path, c in files_of(stick).items() if ".cache" not in str(path)}
    (path,) = [path for path in stick.rglob(Path(name).name) if path.as_posix().endswith(name)]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF  # of the same size
    path.write_bytes(content)
    run(stick)
    after = files_of(stick)
    assert {path: after[path] for path in before} == before


def test_a_file_that_is_missing_is_fetched(connected: HubStandIn, stick: Path) -> None:
    run(stick)
    (path,) = stick.rglob("config.json")
    path.unlink()
    connected.requests.clear()
    assert "downloaded: 1 files" in "".join(run(stick))
    assert [line.rpartition("/")[2] for line in connected.fetched()] == ["config.json"]


def test_without_to_it_goes_where_everything_goes(
    connected: HubStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prefetch(TUTORIAL, report=lambda line: None) == tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    load_tokenizer(RUBERT)


def test_the_archive_serves_if_the_conversion_is_gone(
    connected: HubStandIn, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected.repositories = {
        key: files for key, files in connected.repositories.items() if "datasets" not in key[0]
    }
    monkeypatch.setattr(archive, "SHA256", sha256(massive_archive()))
    told = "\n".join(run(stick))
    assert "MASSIVE 1.1 ru-RU, 1,000 train, 200 dev, 300 test; the official archive" in told
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with cache_in(stick):
        expected = load_corpus("ru-RU", "test").to_list()
        assert load_corpus("ru-RU", "test", "hub").to_list() == expected


@pytest.mark.parametrize("name", ["offline", "offline-ru"])
def test_some_recipes_need_nothing(name: str, connected: HubStandIn, stick: Path) -> None:
    told = run(stick, get_recipe(name))
    assert "nothing to fetch" in told[0]
    assert "nothing to fetch" in told[1]
    assert "downloaded: nothing" in told
    assert connected.requests == []
    assert not stick.exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["tutorail"], "did you mean tutorial?"),
        (["tutorial", "--locale", "ru_RU"], "did you mean ru-RU?"),
        (["multilingual", "--locale", "de-DE"], "is not the published one"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str],
    told: str,
    connected: HubStandIn,
    stick: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["prefetch", *arguments, "--to", str(stick)]) == 2
    error = capsys.readouterr().err.splitlines()
    assert told in error[-1]
    assert error[-1].startswith("nerlib: ")


def test_recipes_are_listed_with_needs_downloads_and_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, detail in zip(lines[::2], lines[1::2], strict=True):
        assert get_recipe(name.split()[0]).summary in name
        assert all(word in detail for word in ("needs ", "downloads ", "takes "))
    (tutorial,) = [d for n, d in zip(lines[::2], lines[1::2], strict=True) if "tutorial " in n]
    assert "internet" in tutorial
    assert "0.7 GB" in tutorial
