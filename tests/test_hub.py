"""MASSIVE and encoders from the Hub: the real client against a stand-in on this machine."""

import errno
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import Mock

import pyarrow.parquet as pq
import pytest
import torch
from hub_encoders import MOVED, RUBERT
from hub_stand_in import (
    CONVERSION,
    MASSIVE,
    commit_of,
    learner_environment,
    massive_archive,
    massive_conversion,
    parquet,
    run_python,
    sha256,
)
from huggingface_hub import constants, snapshot_download
from safetensors.torch import load

from nerlib import CorpusError, EncoderError, load_corpus, load_tokenizer
from nerlib.corpus import LOCALES
from nerlib.encoders import resolve_encoder
from nerlib.model import load_encoder
from nerlib.tools import archive
from nerlib.tools.hub import cache_folder, encoder_files, fetch

pytest_plugins = ["hub_fixtures"]
RU_TRAIN = "ru-RU/train/0000.parquet"
ROWS = load_corpus("ru-RU", "train[:3]").to_list()
LOAD = """
import json, sys
from nerlib import load_corpus
for locale, split in json.loads(sys.argv[1]):
    print(json.dumps(load_corpus(locale, split, "hub").to_list()))
"""


@pytest.fixture
def offline(monkeypatch) -> Callable[[], None]:
    """A function that takes the network away, as HF_HUB_OFFLINE does."""
    return lambda: monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@pytest.fixture
def files(connected) -> dict[str, bytes]:
    """The files of MASSIVE's conversion, to be filled."""
    connected.repositories = {(MASSIVE, CONVERSION): (content := {})}
    return content


def error_of(locale: str = "ru-RU", split: str = "train", source: str = "hub") -> str:
    """Return the one line that a learner reads."""
    with pytest.raises(CorpusError) as caught:
        load_corpus(locale, split, source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def parquet_files() -> list[Path]:
    return [path for path in cache_folder().rglob("*.parquet") if path.is_file()]


def test_rows_equal_the_sample_in_a_process_in_which_nothing_is_patched(hub, tmp_path):
    wanted = [("ru-RU", "train[:100]"), ("ru-RU", "validation"), ("en-US", "test[10:20]")]
    expected = [load_corpus(*each).to_list() for each in wanted]
    environment = learner_environment(hub.url, tmp_path)
    done = run_python("-c", LOAD, json.dumps(wanted * 2), **environment)
    assert [json.loads(line) for line in done.stdout.splitlines()] == expected * 2, done.stderr
    parts = ("ru-RU/train", "ru-RU/validation", "en-US/test")
    assert hub.fetched() == [f"{part}/0000.parquet" for part in parts]
    commit = commit_of(hub.repositories[MASSIVE, CONVERSION])
    assert all(f"/resolve/{commit}/" in line for line in hub.requests if "HEAD" in line)


def test_a_second_call_asks_for_nothing_and_has_the_types_of_every_source(connected):
    load_corpus("ru-RU", "test", "hub")
    connected.requests.clear()
    found = load_corpus("ru-RU", "test[:20]", "hub", shuffle=True)
    sample = load_corpus("ru-RU", "test[:20]", shuffle=True)
    assert found.features == sample.features
    assert found.to_list() == sample.to_list()
    assert connected.requests == []


def test_all_locales_are_one_after_another_and_a_slice_fetches_only_what_it_needs(connected, files):
    assert len(LOCALES) == len(set(LOCALES)) == 52
    for locale in LOCALES:
        rows = [row | {"locale": locale} for row in ROWS]
        files[RU_TRAIN.replace("ru-RU", locale)] = parquet(rows, {})
    assert load_corpus("all", "train[2:5]", "hub")["locale"][:] == ["af-ZA", "am-ET", "am-ET"]
    assert len(connected.fetched()) == 2
    corpus = load_corpus("all", "train", "hub")
    assert corpus["locale"][:] == [locale for locale in LOCALES for _ in ROWS]
    mixed = load_corpus("all", "train[:20]", "hub", shuffle=True)
    assert len(set(mixed["locale"][:])) > 10
    assert mixed.to_list() == load_corpus("all", "train[:20]", "hub", shuffle=True).to_list()


class TestTheCommit:
    def test_the_first_one_found_is_kept_to(self, connected, conversion):
        load_corpus("ru-RU", "validation", "hub")
        connected.repositories = {
            (MASSIVE, "before"): conversion,  # still there under its commit
            (MASSIVE, CONVERSION): massive_conversion("ru-RU", rows=1),
        }
        assert len(load_corpus("ru-RU", "train", "hub")) == 1000

    def test_one_that_is_gone_is_given_up_and_that_is_said(self, connected, capsys):
        load_corpus("ru-RU", "validation", "hub")
        connected.repositories = {(MASSIVE, CONVERSION): massive_conversion("ru-RU", rows=7)}
        assert len(load_corpus("ru-RU", "train", "hub")) == 7
        assert "is gone" in capsys.readouterr().err
        assert len(load_corpus("ru-RU", "validation", "hub")) == 7  # never of two commits

    def test_another_revision_can_be_asked_for(self, connected, monkeypatch):
        load_corpus("ru-RU", "train", "hub")
        connected.repositories[MASSIVE, "mine"] = massive_conversion("ru-RU", rows=3)
        monkeypatch.setenv("NERLIB_MASSIVE_REVISION", "mine")
        assert len(load_corpus("ru-RU", "train", "hub")) == 3

    def test_no_name_leads_out_of_the_cache(self, connected):
        names = ["a/../../../../../x", "..", "../x", "/etc/x", "C:x", "fine/x"]
        connected.repositories[("a/b", "main")] = dict.fromkeys(names, b"x")
        assert fetch("a/b", list).names == ["fine/x"]
        (listing,) = cache_folder().rglob("listing.json")
        listing.write_text(listing.read_text().replace("fine/x", "../fine"))
        assert fetch("a/b", list).names == []


class TestTrouble:
    """Each is one line that says what to do."""

    @pytest.mark.parametrize(
        ("trouble", "said"),
        [
            ({"status": 503}, "HTTP 503"),
            ({"status": 429}, "hf auth login"),
            ({"silent": True}, "in time"),
        ],
    )
    def test_a_server_that_fails(self, trouble, said, connected, monkeypatch):
        monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.05)
        for name, value in trouble.items():
            monkeypatch.setattr(connected, name, value)
        assert said in error_of()
        assert not connected.fetched()  # not even the archive, in silence

    def test_nobody_answers(self, online, closed_url):
        online(closed_url)
        message = error_of()
        assert closed_url.removeprefix("http://") in message
        assert "cannot be reached" in message

    def test_offline_on_purpose(self, connected, offline):
        offline()
        assert "python -m nerlib prefetch" in error_of()
        assert connected.requests == []

    def test_a_cut_connection_goes_on_where_it_broke_off(self, connected, monkeypatch):
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)  # else these files are one
        connected.cut_after, connected.cuts = 40_000, 2
        assert len(load_corpus("ru-RU", "train", "hub")) == 1000
        assert connected.ranges == ["bytes=40000-", "bytes=80000-"]

    def test_a_full_disk(self, connected, monkeypatch):
        full = Mock(side_effect=OSError(errno.ENOSPC, "No space left on device"))
        monkeypatch.setattr("nerlib.tools.hub.hf_hub_download", full)
        assert re.search("No space left.*set NERLIB_CACHE", error_of())

    def test_a_cache_that_is_a_file(self, connected, monkeypatch, tmp_path):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("NERLIB_CACHE", str(tmp_path / "file" / "cache"))
        assert "set NERLIB_CACHE" in error_of()

    def test_a_wrong_file_is_removed(self, connected, monkeypatch):
        right = connected.blob
        monkeypatch.setattr(connected, "blob", lambda digest: bytes(len(right(digest) or b"")))
        assert RU_TRAIN in error_of()
        assert parquet_files() == []

    @pytest.mark.parametrize(
        ("locale", "split", "said"),
        [
            ("ru_RU", "train", "did you mean ru-RU?"),
            ("xx", "train", "known are af-ZA, am-ET"),
            ("ru-RU", "trian", "'trian'"),
            ("ru-RU", "train[:10%]", "'train[:10%]'"),
        ],
    )
    def test_a_slip_is_found_before_anything_is_asked(self, locale, split, said, connected):
        assert said in error_of(locale, split)
        assert connected.requests == []


class TestTheArchive:
    @pytest.fixture(autouse=True)
    def known(self, connected, monkeypatch) -> None:
        """The stand-in's archive is the published one."""
        monkeypatch.setattr(archive, "SHA256", sha256(massive_archive()))

    @pytest.mark.parametrize(
        "repositories",
        [
            {("datasets/someone/else", "main"): {"README.md": b"moved"}},
            {(MASSIVE, "main"): {"README.md": b"not converted"}},
            {(MASSIVE, CONVERSION): {"en-US/train/0000.parquet": b"another locale"}},
        ],
        ids=["no repository", "no conversion", "no such locale"],
    )
    def test_it_serves_when_the_conversion_is_gone_and_then_offline(
        self, repositories, hub, offline, capsys
    ):
        hub.repositories = repositories  # type: ignore[assignment]
        expected = load_corpus("ru-RU", "train[:30]").to_list()
        assert load_corpus("ru-RU", "train[:30]", "hub").to_list() == expected
        assert "archive instead" in capsys.readouterr().err
        offline()
        assert load_corpus("ru-RU", "train[:30]", "hub").to_list() == expected

    def test_it_can_be_asked_for_by_name(self, hub):
        for locale in ("ru-RU", "en-US"):
            expected = load_corpus(locale, "test").to_list()
            assert load_corpus(locale, "test", "archive").to_list() == expected
        ours, theirs = (
            load_corpus("all", "dev", source)["utt"] for source in ("sample", "archive")
        )
        assert sorted(theirs) == sorted(ours)
        assert len(hub.fetched()) == 1
        assert "data/de-DE.jsonl" in error_of("de-DE", source="archive")


class TestContent:
    CLASSES: ClassVar = {
        "scenario": ["alarm", "audio"],
        "intent": ["alarm_set", "audio_volume_mute"],
    }

    @pytest.mark.parametrize(
        ("without", "classes"),
        [
            ("", {}),
            ("", {**CLASSES, "partition": ["train", "dev", "test"]}),
            ("partition", CLASSES),
        ],
        ids=["plain strings", "a class as partition", "no partition"],
    )
    def test_what_may_differ(self, without, classes, files):
        rows = [{name: row[name] for name in row if name != without} for row in ROWS]
        files[RU_TRAIN] = parquet(rows[:2], classes)
        files[RU_TRAIN.replace("0000", "0001")] = parquet(rows[2:], classes)
        assert load_corpus("ru-RU", "train", "hub").to_list() == ROWS

    @pytest.mark.parametrize("column", ["utt", "annot_utt"])
    @pytest.mark.parametrize("value", [{}, {"utt": None, "annot_utt": None}])
    def test_no_value_may_be_missing(self, column, value, files):
        rows: list[Any] = [{name: row[name] for name in row if name != column} for row in ROWS]
        files[RU_TRAIN] = parquet([row | value for row in rows], self.CLASSES)
        assert " without " in error_of()

    def test_a_number_is_not_a_name(self, files):
        table = pq.read_table(io.BytesIO(parquet(ROWS, self.CLASSES)))
        bare = io.BytesIO()
        pq.write_table(table.replace_schema_metadata(None), bare)
        files[RU_TRAIN] = bare.getvalue()
        assert "as scenario" in error_of()

    @pytest.mark.parametrize("cut", [0, 100, -1])
    def test_a_damaged_file_is_named_and_removed(self, cut, files):
        files[RU_TRAIN] = parquet(ROWS, self.CLASSES)[:cut]
        assert error_of().startswith(str(cache_folder()))
        assert parquet_files() == []


@pytest.mark.usefixtures("connected")
class TestEncoders:
    def test_rubert_is_cased_and_comes_without_its_pickle(self, hub):
        tokenizer = load_tokenizer(RUBERT)
        assert tokenizer.tokenize("Разбуди") != tokenizer.tokenize("разбуди")
        assert "й" in "".join(tokenizer.tokenize("включи тихий"))  # and keeps its accents
        folder = Path(resolve_encoder(RUBERT))
        files = {path.name for path in folder.iterdir() if path.is_file()}
        assert files == {"config.json", "model.safetensors", "vocab.txt"}
        content = io.BytesIO(hub.repositories[RUBERT, "main"]["pytorch_model.bin"])
        original = torch.load(content, weights_only=True)
        hub.requests.clear()
        weights = load_encoder(RUBERT).state_dict()
        assert hub.requests == []
        for name in ("embeddings.word_embeddings.weight", "encoder.layer.1.output.dense.bias"):
            assert torch.equal(weights[name], original[f"bert.{name}"])

    @pytest.mark.parametrize("name", [*MOVED, *MOVED.values()])
    def test_googles_have_moved_and_bring_what_we_need_only(self, name, hub):
        tokenizer = load_tokenizer(name)
        assert (tokenizer.tokenize("Wake") != tokenizer.tokenize("wake")) == ("-cased" in name)
        weights = load_encoder(name).state_dict()
        assert set(hub.fetched()) == {
            *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
            "vocab.txt",
        }
        original = load(hub.repositories[MOVED.get(name, name), "main"]["model.safetensors"])
        scale = "weight" if "-cased" in name else "gamma"  # the uncased one has old names inside
        assert torch.equal(
            weights["embeddings.LayerNorm.weight"], original[f"bert.embeddings.LayerNorm.{scale}"]
        )

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("ai-forever/rubert-base", "did you mean ai-forever/ruBert-base?"),
            ("bert-base-uncase", "did you mean bert-base-uncased?"),
            ("somebody/something", "check http"),
            ("gated/encoder", "is gated"),
            ("a..b/--c", "owner/name"),
            ("google/canine-tiny", "tokenizer.json"),  # its tokenizer is a slow one
            ("evil/encoder", "pytorch_model.bin"),
        ],
    )
    def test_an_encoder_that_cannot_be_had(self, name, said, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(EncoderError) as caught:
            load_tokenizer(name)
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)
        assert not Path("unpickled").exists()
        assert not list(cache_folder().rglob("*.bin"))

    def test_offline_without_it(self, offline):
        offline()
        with pytest.raises(EncoderError, match="HF_HUB_OFFLINE"):
            load_tokenizer(RUBERT)

    def test_offline_what_another_program_fetched_is_used(self, offline, monkeypatch):
        name, place = MOVED["bert-base-uncased"], constants.HF_HUB_CACHE
        folder = snapshot_download(name, cache_dir=place)
        offline()
        monkeypatch.setattr("transformers.utils.hub.constants.HF_HUB_CACHE", place)
        assert resolve_encoder(name) == folder  # that of one commit


def test_which_files_make_an_encoder():
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    names = ["config.json", *shards, "model.safetensors.index.json", "pytorch_model.bin"]
    assert encoder_files(names) == names[:-1]
    assert encoder_files(["config.json", "pytorch_model.bin"])[-1] == "pytorch_model.bin"
    assert encoder_files(["tf_model.h5", "README.md", "onnx/model.safetensors"]) == []
