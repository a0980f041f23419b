"""Downloads that break, lie and stall: what is kept, what is asked for again, what is told."""

# ruff: noqa: F811 (arguments have the names of imported fixtures)

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hub_fixtures import (  # noqa: F401 (fixtures)
    Online,
    closed_url,
    conversion,
    hub,
    learner_environment,
    online,
    waits,
)
from hub_stand_in import HubStandIn, git_hash, sha256
from huggingface_hub import constants

from nerlib.tools.download import DownloadError, download, file_digest, patiently

CONTENT = random.Random(0).randbytes(300_000)
RIGHT = {"size": len(CONTENT), "digest": sha256(CONTENT)}


@pytest.fixture
def served(hub: HubStandIn, online: Online) -> HubStandIn:
    online(hub.url)
    hub.downloads["file"] = CONTENT
    return hub


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "in" / "a folder" / "file"


def fetch(hub: HubStandIn, target: Path, **settings: Any) -> Path:
    return download(f"{hub.url}/file", target, **settings)


def error_of(hub: HubStandIn, target: Path, **settings: Any) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        fetch(hub, target, **settings)
    assert "\n" not in str(caught.value)
    assert not target.exists()
    return caught.value


def left_over(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


@pytest.mark.parametrize("settings", [{}, RIGHT, {"digest": git_hash(CONTENT)}])
def test_a_file_arrives_whole_and_alone(
    settings: dict[str, Any], served: HubStandIn, target: Path
) -> None:
    assert fetch(served, target, **settings).read_bytes() == CONTENT
    assert left_over(target) == ["file"]
    served.requests.clear()
    fetch(served, target, **settings)
    assert served.requests == []


def test_a_cut_connection_goes_on_where_it_broke_off(
    served: HubStandIn, target: Path, waits: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    served.cut_after, served.cuts = 65_536, 4  # more cuts than tries: each one brings us further
    assert fetch(served, target, **RIGHT).read_bytes() == CONTENT
    assert served.ranges == [f"bytes={65_536 * part}-" for part in (1, 2, 3, 4)]
    assert waits == [1, 1, 1, 1]
    assert "was cut; trying again in 1 s" in capsys.readouterr().err


def test_a_server_without_ranges_starts_anew(served: HubStandIn, target: Path) -> None:
    served.cut_after, served.cuts, served.without_ranges = 65_536, 1, True
    assert fetch(served, target, **RIGHT).read_bytes() == CONTENT


def test_a_connection_that_never_gets_further_is_given_up(
    served: HubStandIn, target: Path, waits: list[float]
) -> None:
    served.cut_after, served.cuts = 0, 100
    assert "was cut" in error_of(served, target, **RIGHT).reason
    assert waits == [1, 2, 4]


KILLED = """
import os, signal, sys
from pathlib import Path
from nerlib.tools import download as room

def killed(wait):
    os.kill(os.getpid(), signal.SIGKILL)

room.time.sleep = killed  # that is: while it waits for the second try
room.download(sys.argv[1], Path(sys.argv[2]))
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are different there")
def test_a_killed_program_leaves_a_part_and_the_next_one_goes_on(
    served: HubStandIn, target: Path, tmp_path: Path
) -> None:
    served.cut_after, served.cuts = 65_536, 1
    done = subprocess.run(
        [sys.executable, "-c", KILLED, f"{served.url}/file", str(target)],
        env=learner_environment(served.url, tmp_path),
        timeout=300,
    )
    assert done.returncode == -signal.SIGKILL
    assert not target.exists()
    assert target.with_name("file.part").stat().st_size == 65_536
    assert fetch(served, target, **RIGHT).read_bytes() == CONTENT
    assert served.ranges == ["bytes=65536-"]
    assert left_over(target) == ["file"]


@pytest.mark.parametrize("part", [CONTENT, CONTENT + b"more", b"another file"])
def test_a_part_may_be_whole_too_long_or_of_another_file(
    part: bytes, served: HubStandIn, target: Path
) -> None:
    target.parent.mkdir(parents=True)
    target.with_name("file.part").write_bytes(part)
    if part == b"another file":  # which only the hash can tell
        assert "is not the published one" in error_of(served, target, **RIGHT).reason
        assert left_over(target) == []
    assert fetch(served, target, **RIGHT).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"digest": "0" * 64}, "file is not the published one (SHA-256 hash) and was removed"),
        ({"digest": "0" * 40}, "file is not the published one (git hash) and was removed"),
        ({"size": 7}, "file has 300,000 bytes instead of 7 and was removed"),
    ],
)
def test_a_wrong_file_is_removed(
    settings: dict[str, Any], told: str, served: HubStandIn, target: Path
) -> None:
    assert error_of(served, target, **settings).reason == told
    assert left_over(target) == []


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_what_is_not_given_out_is_not_asked_for_again(
    status: int, served: HubStandIn, target: Path, waits: list[float]
) -> None:
    served.status = status
    error = error_of(served, target)
    assert (error.gone, error.status, waits) == (True, status, [])


def test_a_stalled_server(
    served: HubStandIn, target: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.05)
    served.silent = True
    assert "did not answer in time" in error_of(served, target).reason
    assert waits == [1, 2, 4]


def test_no_server(online: Online, closed_url: str, target: Path) -> None:
    online(closed_url)
    with pytest.raises(DownloadError, match="cannot be reached; check the connection"):
        download(f"{closed_url}/file", target)


def test_a_disk_that_fills_up_meanwhile_keeps_the_part(
    served: HubStandIn, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("nerlib.tools.download._append", full)
        error = error_of(served, target, **RIGHT)
    assert "is full (No space left on device)" in error.reason
    assert error.advice == "make room, or set NERLIB_CACHE to a folder on another disk"
    assert fetch(served, target, **RIGHT).read_bytes() == CONTENT


def test_other_errors_are_not_tried_again(waits: list[float]) -> None:
    def wrong() -> None:
        raise KeyError("a bug of ours")

    with pytest.raises(KeyError):
        patiently(wrong)
    assert waits == []


def test_git_names_files_as_git_does(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"hello\n")
    # `echo hello | git hash-object --stdin`
    assert file_digest(path, "0" * 40) == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert file_digest(path, "0" * 64) == sha256(b"hello\n")
