"""MASSIVE from the Hub: the real client against a stand-in on this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import datasets
import pytest
from hub_stand_in import CONVERSION, MASSIVE, HubStandIn, massive_conversion, parquet
from huggingface_hub import close_session, constants

from nerlib import CorpusError, load_corpus

RU_TRAIN = "ru-RU/train/0000.parquet"
ELSE = "use source='sample' or a folder with MASSIVE's files"
LOAD = """
import json, sys
from nerlib import load_corpus
for locale, split in json.loads(sys.argv[1]):
    print(json.dumps(load_corpus(locale, split, "hub").to_list()))
"""


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return massive_conversion("ru-RU")


@pytest.fixture
def hub(files: dict[str, bytes]) -> Iterator[HubStandIn]:
    with HubStandIn({(MASSIVE, CONVERSION): files}) as server:
        yield server


@pytest.fixture
def closed_url() -> str:
    """Return an address at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def online(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function that points this process's client at an address, with an empty cache."""

    def use(url: str) -> None:
        template = url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)

    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "AGENT_HARNESSES_PATH", str(tmp_path / "x.json"), raising=False)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    close_session()
    yield use
    close_session()


def error_of(locale: str = "ru-RU", split: str = "train") -> str:
    """Return the one line that a learner reads."""
    with pytest.raises(CorpusError) as caught:
        load_corpus(locale, split, "hub")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def load_in_new_process(endpoint: str, home: Path, *wanted: tuple[str, str]) -> list[Any]:
    """Return the rows of each (locale, split), loaded as a learner does: nothing is patched."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "PYTHONUTF8": "1"}
    environment["NO_PROXY"] = "127.0.0.1,localhost"
    done = subprocess.run(
        [sys.executable, "-c", LOAD, json.dumps(wanted)],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=600,  # a guard: nothing here may wait for ever
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def files_asked_for(hub: HubStandIn) -> list[str]:
    return [request for request in hub.requests if "/resolve/" in request]


def test_rows_equal_the_sample_and_later_calls_need_no_hub(
    hub: HubStandIn, tmp_path: Path, closed_url: str
) -> None:
    wanted = [("ru-RU", "train[:100]"), ("ru-RU", "validation"), ("ru-RU", "test[10:20]")]
    expected = [load_corpus(*each).to_list() for each in wanted]
    assert load_in_new_process(hub.url, tmp_path, *wanted, *wanted) == expected * 2
    folder = f"/{MASSIVE}/resolve/refs%2Fconvert%2Fparquet/ru-RU"
    assert set(files_asked_for(hub)) == {
        f"HEAD {folder}/{part}/0000.parquet" for part in ("train", "validation", "test")
    }
    fetched = [request for request in hub.requests if request.startswith("GET /blobs/")]
    assert len(fetched) == len(set(fetched)) == 3
    assert load_in_new_process(closed_url, tmp_path, *wanted) == expected


def test_a_second_call_asks_for_nothing(hub: HubStandIn, online: Any) -> None:
    online(hub.url)
    first = load_corpus("ru-RU", "validation", "hub").to_list()
    hub.requests.clear()
    assert load_corpus("ru-RU", "dev", "hub").to_list() == first
    assert load_corpus("ru-RU", "dev[:5]", "hub").to_list() == first[:5]
    assert hub.requests == []


def test_a_locale_that_is_not_there(hub: HubStandIn, online: Any) -> None:
    online(hub.url)
    assert error_of("de-DE") == (
        "AmazonScience/massive on the Hub has no de-DE/train/0000.parquet at "
        f"refs/convert/parquet: {ELSE}"
    )


UNREACHABLE = (
    f"{RU_TRAIN} of AmazonScience/massive is not in the cache and the Hub cannot be reached: "
    f"connect to the internet once (without HF_HUB_OFFLINE), or {ELSE}"
)


def test_nobody_answers(online: Any, closed_url: str) -> None:
    online(closed_url)
    assert error_of() == UNREACHABLE


def test_offline_on_purpose(hub: HubStandIn, online: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    online(hub.url)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert error_of() == UNREACHABLE
    assert hub.requests == []


def test_a_hub_that_never_answers_is_asked_once_and_given_up(
    hub: HubStandIn, online: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    online(hub.url)
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.2)
    hub.silent = True
    assert error_of() == UNREACHABLE
    assert len(files_asked_for(hub)) == 1


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_hub_that_refuses_is_asked_once(status: int, hub: HubStandIn, online: Any) -> None:
    online(hub.url)
    hub.status = status
    assert error_of() == (
        f"the Hub refused {RU_TRAIN} of AmazonScience/massive (HTTP {status}): "
        f"try again later, or {ELSE}"
    )
    assert len(files_asked_for(hub)) == 1


@pytest.mark.parametrize(
    "key", [("datasets/someone/else", "main"), (MASSIVE, "main")], ids=["repository", "revision"]
)
def test_a_conversion_that_is_gone(key: tuple[str, str], online: Any) -> None:
    with HubStandIn({key: {"README.md": b"moved"}}) as empty:
        online(empty.url)
        assert f"the Hub refused {RU_TRAIN} of AmazonScience/massive (HTTP 404)" in error_of()


def test_a_download_that_fails_says_why(
    hub: HubStandIn, online: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    online(hub.url)
    monkeypatch.setattr("nerlib.hub.hf_hub_download", full)
    assert error_of() == (
        f"fetching {RU_TRAIN} of AmazonScience/massive failed ([Errno 28] No space left on "
        f"device): try again, or {ELSE}"
    )


class TestContent:
    ROWS: ClassVar = load_corpus("ru-RU", "train[:3]").to_list()
    CLASSES: ClassVar = {
        "scenario": ["alarm", "audio"],
        "intent": ["alarm_set", "audio_volume_mute"],
    }

    @pytest.fixture
    def serve(self, online: Any) -> Iterator[Any]:
        """Return a function that puts a file on the Hub."""
        content: dict[str, bytes] = {}
        with HubStandIn({(MASSIVE, CONVERSION): content}) as hub:
            online(hub.url)
            yield lambda data: content.update({RU_TRAIN: data})

    def test_the_partition_may_be_a_class_too(self, serve: Any) -> None:
        serve(parquet(self.ROWS, {**self.CLASSES, "partition": ["train", "dev", "test"]}))
        assert load_corpus("ru-RU", "train", "hub").to_list() == self.ROWS

    def test_names_may_be_plain_strings(self, serve: Any) -> None:
        serve(parquet(self.ROWS, {}))
        assert load_corpus("ru-RU", "train", "hub").to_list() == self.ROWS

    def test_the_partition_may_be_missing(self, serve: Any) -> None:
        rows = [{k: v for k, v in row.items() if k != "partition"} for row in self.ROWS]
        serve(parquet(rows, self.CLASSES))
        assert load_corpus("ru-RU", "train", "hub").to_list() == self.ROWS

    def test_no_other_column_may_be_missing(self, serve: Any) -> None:
        rows = [{k: v for k, v in row.items() if k != "utt"} for row in self.ROWS]
        serve(parquet(rows, self.CLASSES))
        assert error_of() == f"{RU_TRAIN} of AmazonScience/massive has rows without utt: {ELSE}"

    def test_no_value_may_be_missing(self, serve: Any) -> None:
        rows: list[Any] = [*self.ROWS, {**self.ROWS[0], "annot_utt": None}]
        serve(parquet(rows, self.CLASSES))
        assert "has rows without annot_utt" in error_of()

    @pytest.mark.parametrize("cut", [0, 100, -1])
    def test_a_damaged_file_is_named(self, cut: int, serve: Any, tmp_path: Path) -> None:
        serve(parquet(self.ROWS, self.CLASSES)[:cut])
        message = error_of()
        assert message.startswith(str(tmp_path))
        assert message.endswith("is not a whole Parquet file: delete it and try again")
