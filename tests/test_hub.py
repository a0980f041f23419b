"""MASSIVE and encoders from the Hub: the real client against a stand-in on this machine."""

# ruff: noqa: F811 (arguments have the names of imported fixtures)

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from hub_encoders import MOVED, RUBERT
from hub_fixtures import (  # noqa: F401 (fixtures)
    Online,
    closed_url,
    conversion,
    hub,
    learner_environment,
    online,
    run_python,
    waits,
)
from hub_stand_in import (
    CONVERSION,
    MASSIVE,
    HubStandIn,
    commit_of,
    massive_archive,
    massive_conversion,
    parquet,
    sha256,
)
from huggingface_hub import constants, snapshot_download

from nerlib import (
    CorpusError,
    EncoderError,
    NERClassifier,
    RecipeError,
    TagSet,
    get_recipe,
    load_corpus,
    load_tokenizer,
    prepare,
)
from nerlib.corpus import LOCALES
from nerlib.hub import cache_folder, encoder_files, fetch
from nerlib.model import load_encoder
from nerlib.tools import archive

RU_TRAIN = "ru-RU/train/0000.parquet"
ELSE = "or use source='sample' or a folder with MASSIVE's files"
LOAD = """
import json, sys
from nerlib import load_corpus
for locale, split in json.loads(sys.argv[1]):
    print(json.dumps(load_corpus(locale, split, "hub").to_list()))
"""


def error_of(locale: str = "ru-RU", split: str = "train", source: str = "hub") -> str:
    """Return the one line that a learner reads."""
    with pytest.raises(CorpusError) as caught:
        load_corpus(locale, split, source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def encoder_error(name: str) -> str:
    with pytest.raises(EncoderError) as caught:
        load_tokenizer(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def host(hub: HubStandIn) -> str:
    return hub.url.removeprefix("http://")


def test_rows_equal_the_sample_in_a_process_in_which_nothing_is_patched(
    hub: HubStandIn, tmp_path: Path
) -> None:
    wanted = [("ru-RU", "train[:100]"), ("ru-RU", "validation"), ("en-US", "test[10:20]")]
    expected = [load_corpus(*each).to_list() for each in wanted]

    def load(endpoint: str, *wanted: tuple[str, str]) -> list[Any]:
        environment = learner_environment(endpoint, tmp_path)
        done = run_python("-c", LOAD, json.dumps(wanted), **environment)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    assert load(hub.url, *wanted, *wanted) == expected * 2
    commit = commit_of(hub.repositories[MASSIVE, CONVERSION])
    asked = [line for line in hub.requests if "/resolve/" in line]
    assert asked == [
        f"HEAD /{MASSIVE}/resolve/{commit}/{locale}/{part}/0000.parquet"
        for locale, part in (("ru-RU", "train"), ("ru-RU", "validation"), ("en-US", "test"))
    ]


def test_a_second_call_asks_for_nothing(hub: HubStandIn, online: Online) -> None:
    online(hub.url)
    first = load_corpus("ru-RU", "validation", "hub").to_list()
    hub.requests.clear()
    assert load_corpus("ru-RU", "dev", "hub").to_list() == first
    assert load_corpus("ru-RU", "dev[:5]", "hub").to_list() == first[:5]
    assert hub.requests == []


def test_seven_columns_of_strings_like_every_other_source(hub: HubStandIn, online: Online) -> None:
    online(hub.url)
    found, sample = load_corpus("ru-RU", "test", "hub"), load_corpus("ru-RU", "test")
    assert found.features == sample.features
    assert found.to_list() == sample.to_list()
    shuffled = load_corpus("ru-RU", "test[:20]", "hub", shuffle=True)
    assert shuffled.to_list() == load_corpus("ru-RU", "test[:20]", shuffle=True).to_list()


class TestAllLocales:
    ROWS: ClassVar = load_corpus("en-US", "train[:3]").to_list()

    @pytest.fixture
    def everywhere(self, online: Online) -> Iterator[HubStandIn]:
        """A Hub that has three rows in each of the 52 locales."""
        classes = {name: sorted({r[name] for r in self.ROWS}) for name in ("scenario", "intent")}
        files = {
            f"{locale}/train/0000.parquet": parquet(
                [{**row, "locale": locale} for row in self.ROWS], classes
            )
            for locale in LOCALES
        }
        with HubStandIn({(MASSIVE, CONVERSION): files}) as server:
            online(server.url)
            yield server

    def test_all_is_every_one_after_another(self, everywhere: HubStandIn) -> None:
        assert len(LOCALES) == len(set(LOCALES)) == 52
        corpus = load_corpus("all", "train", "hub")
        assert corpus["locale"][:] == [locale for locale in LOCALES for _ in self.ROWS]
        assert corpus["utt"][:3] == [row["utt"] for row in self.ROWS]
        for locale in LOCALES:
            assert load_corpus(locale, "train[1:2]", "hub")["locale"][:] == [locale]
        mixed = load_corpus("all", "train[:20]", "hub", shuffle=True)
        assert len(set(mixed["locale"][:])) > 10
        assert mixed.to_list() == load_corpus("all", "train[:20]", "hub", shuffle=True).to_list()

    def test_a_slice_fetches_only_what_it_needs(self, everywhere: HubStandIn) -> None:
        assert load_corpus("all", "train[2:5]", "hub")["locale"][:] == ["af-ZA", "am-ET", "am-ET"]
        assert len([line for line in everywhere.requests if "/resolve/" in line]) == 2

    def test_one_model_has_one_kind_of_words(
        self, everywhere: HubStandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("nerlib.corpus.LOCALES", ("en-US", "ja-JP"))
        recipe = get_recipe("multilingual")
        mixed = replace(recipe, locale="all", validation_split="train", encoder="unused")
        with pytest.raises(RecipeError, match=r"ja-JP is written without spaces.*--locale ja-JP"):
            prepare(mixed)

    def test_all_of_the_sample_and_of_a_folder(self, massive_copy: Path) -> None:
        sample = load_corpus("all", "validation")
        assert set(sample["locale"][:]) == {"en-US", "ru-RU"}
        assert load_corpus("all", "validation", massive_copy).to_list() == sample.to_list()

    @pytest.fixture
    def massive_copy(self, tmp_path: Path) -> Path:
        path = tmp_path / "massive.tar.gz"
        path.write_bytes(massive_archive())
        return path


class TestTheCommit:
    def test_the_first_one_found_is_kept_to(
        self, hub: HubStandIn, online: Online, conversion: dict[str, bytes]
    ) -> None:
        online(hub.url)
        first = commit_of(conversion)
        load_corpus("ru-RU", "validation", "hub")
        hub.repositories = {
            (MASSIVE, "before"): conversion,  # still to be had under its commit
            (MASSIVE, CONVERSION): massive_conversion("ru-RU", rows=1),
        }
        assert len(load_corpus("ru-RU", "train", "hub")) == 1000
        saved = json.loads((_cache() / "listing.json").read_text())
        assert (saved["commit"], saved["revision"]) == (first, CONVERSION)

    def test_one_that_is_gone_is_given_up_and_that_is_said(
        self, hub: HubStandIn, online: Online, capsys: pytest.CaptureFixture[str]
    ) -> None:
        online(hub.url)
        load_corpus("ru-RU", "validation", "hub")
        hub.repositories = {(MASSIVE, CONVERSION): massive_conversion("ru-RU", rows=7)}
        assert len(load_corpus("ru-RU", "train", "hub")) == 7
        assert (
            "is gone from the Hub: taking what refs/convert/parquet holds now"
            in capsys.readouterr().err
        )
        assert len(load_corpus("ru-RU", "validation", "hub")) == 7  # never of two commits

    def test_another_revision_can_be_asked_for(
        self, hub: HubStandIn, online: Online, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        online(hub.url)
        assert len(load_corpus("ru-RU", "train", "hub")) == 1000
        hub.repositories[MASSIVE, "mine"] = massive_conversion("ru-RU", rows=3)
        monkeypatch.setenv("NERLIB_MASSIVE_REVISION", "mine")
        assert len(load_corpus("ru-RU", "train", "hub")) == 3

    def test_no_name_leads_out_of_the_cache(self, online: Online, tmp_path: Path) -> None:
        files = {"ru-RU/train/../../../../../x.parquet": b"x", "..": b"x", "/etc/x": b"x"}
        with HubStandIn({(MASSIVE, CONVERSION): files}) as server:
            online(server.url)
            assert fetch("AmazonScience/massive", list, "dataset", CONVERSION).names == []


def _cache() -> Path:
    return cache_folder() / "hub" / "datasets--AmazonScience--massive"


class TestTrouble:
    def test_nobody_answers(self, online: Online, closed_url: str) -> None:
        online(closed_url)
        where = closed_url.removeprefix("http://")
        assert error_of() == (
            f"MASSIVE ru-RU cannot be had: {where} cannot be reached; check the connection to "
            f"the internet and try again, {ELSE}"
        )

    def test_offline_on_purpose(
        self, hub: HubStandIn, online: Online, monkeypatch: pytest.MonkeyPatch, waits: list[float]
    ) -> None:
        online(hub.url)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        message = error_of()
        assert "HF_HUB_OFFLINE is set; unset it, or fetch this once" in message
        assert "python -m nerlib prefetch RECIPE --to FOLDER" in message
        assert waits == hub.requests == []

    def test_a_hub_that_never_answers_is_given_up(
        self, hub: HubStandIn, online: Online, monkeypatch: pytest.MonkeyPatch, waits: list[float]
    ) -> None:
        online(hub.url)
        monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.05)
        hub.silent = True
        assert f"{host(hub)} did not answer in time" in error_of()

    @pytest.mark.parametrize("status", [500, 502, 503])
    def test_a_hub_in_trouble_is_one_line_and_serves_later(
        self, status: int, hub: HubStandIn, online: Online, waits: list[float]
    ) -> None:
        online(hub.url)
        hub.status = status
        assert f"{host(hub)} is in trouble (HTTP {status}); try again later" in error_of()
        hub.status = 0
        assert len(load_corpus("ru-RU", "train", "hub")) == 1000

    def test_but_not_for_an_hour(self, hub: HubStandIn, online: Online, waits: list[float]) -> None:
        online(hub.url)
        hub.status, hub.retry_after = 429, "3600"
        assert "wait some minutes, or log in (hf auth login), and try again" in error_of()
        assert waits == []

    def test_a_cache_that_is_a_file(
        self, hub: HubStandIn, online: Online, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        online(hub.url)
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("NERLIB_CACHE", str(tmp_path / "file" / "cache"))
        assert "Not a directory); set NERLIB_CACHE" in error_of()

    def test_a_file_that_is_not_the_listed_one(
        self, hub: HubStandIn, online: Online, conversion: dict[str, bytes]
    ) -> None:
        online(hub.url)
        right = hub.blob
        hub.blob = lambda digest: bytes(len(right(digest) or b""))  # type: ignore[method-assign]
        assert "0000.parquet is not the published one" in error_of()
        assert list(_cache().rglob("*.parquet")) == []

    @pytest.mark.parametrize(
        ("locale", "split", "told"),
        [
            ("ru_RU", "train", "did you mean ru-RU?"),
            ("xx", "train", "known are af-ZA, am-ET"),
            ("ru-RU", "trian", "unknown split 'trian'"),
            ("ru-RU", "train[:10%]", "unknown split 'train[:10%]'"),
        ],
    )
    def test_a_slip_is_told_before_anything_is_asked(
        self, locale: str, split: str, told: str, hub: HubStandIn, online: Online
    ) -> None:
        online(hub.url)
        assert told in error_of(locale, split)
        assert hub.requests == []


class TestTheArchive:
    @pytest.fixture(autouse=True)
    def known(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The stand-in's archive is the published one."""
        monkeypatch.setattr(archive, "SHA256", sha256(massive_archive()))

    @pytest.mark.parametrize("key", [("datasets/someone/else", "main"), (MASSIVE, "main")])
    def test_it_serves_when_the_conversion_is_gone(
        self,
        key: tuple[str, str],
        hub: HubStandIn,
        online: Online,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        online(hub.url)
        hub.repositories = {key: {"README.md": b"moved"}}
        expected = load_corpus("ru-RU", "train[:30]").to_list()
        assert load_corpus("ru-RU", "train[:30]", "hub").to_list() == expected
        assert "using the official archive instead" in capsys.readouterr().err

    def test_it_serves_when_a_locale_is_not_converted(
        self, hub: HubStandIn, online: Online, capsys: pytest.CaptureFixture[str]
    ) -> None:
        online(hub.url)
        hub.repositories[MASSIVE, CONVERSION] = massive_conversion("en-US", rows=2)
        assert len(load_corpus("ru-RU", "train", "hub")) == 1000
        assert "has no ru-RU/train/*.parquet" in capsys.readouterr().err

    def test_what_was_taken_from_it_serves_offline(
        self, hub: HubStandIn, online: Online, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        online(hub.url)
        hub.repositories = {}
        load_corpus("ru-RU", "train", "hub")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        assert len(load_corpus("ru-RU", "train", "hub")) == 1000

    def test_it_does_not_serve_in_silence_for_a_hub_that_is_down(
        self, hub: HubStandIn, online: Online
    ) -> None:
        online(hub.url)
        hub.answers = [503] * 4
        assert "in trouble (HTTP 503)" in error_of()
        assert not [line for line in hub.requests if line.endswith(".tar.gz")]

    def test_it_can_be_asked_for_by_name(self, hub: HubStandIn, online: Online) -> None:
        online(hub.url)
        for locale in ("ru-RU", "en-US"):
            expected = load_corpus(locale, "test").to_list()
            assert load_corpus(locale, "test", "archive").to_list() == expected
        assert hub.fetched() == ["GET /amazon-massive-dataset-1.1.tar.gz"]  # once
        assert error_of("de-DE", source="archive").endswith("has no file data/de-DE.jsonl")

    def test_another_archive_is_removed(
        self, hub: HubStandIn, online: Online, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        online(hub.url)
        monkeypatch.setattr(archive, "SHA256", "0" * 64)
        message = error_of(source="archive")
        assert "amazon-massive-dataset-1.1.tar.gz is not the published one (SHA-256" in message
        assert not archive.archive_path().exists()


def archive_sample() -> Path:
    from nerlib.corpus import sample_folder

    return sample_folder() / "1.1" / "data"


class TestContent:
    ROWS: ClassVar = load_corpus("ru-RU", "train[:3]").to_list()
    CLASSES: ClassVar = {
        "scenario": ["alarm", "audio"],
        "intent": ["alarm_set", "audio_volume_mute"],
    }

    @pytest.fixture
    def serve(self, online: Online) -> Iterator[Any]:
        """Return a function that puts a file on the Hub."""
        content: dict[str, bytes] = {}
        with HubStandIn({(MASSIVE, CONVERSION): content}) as hub:
            online(hub.url)
            yield lambda data, name=RU_TRAIN: content.update({name: data})

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

    def test_it_may_come_in_several_files(self, serve: Any) -> None:
        serve(parquet(self.ROWS[:2], self.CLASSES))
        serve(parquet(self.ROWS[2:], self.CLASSES), RU_TRAIN.replace("0000", "0001"))
        assert load_corpus("ru-RU", "train", "hub").to_list() == self.ROWS

    def test_no_other_column_may_be_missing(self, serve: Any) -> None:
        rows = [{k: v for k, v in row.items() if k != "utt"} for row in self.ROWS]
        serve(parquet(rows, self.CLASSES))
        assert error_of().endswith(f"0000.parquet has rows without utt: {ELSE[3:]}")

    def test_no_value_may_be_missing(self, serve: Any) -> None:
        rows: list[Any] = [*self.ROWS, {**self.ROWS[0], "annot_utt": None}]
        serve(parquet(rows, self.CLASSES))
        assert "has rows without annot_utt" in error_of()

    def test_a_number_is_no_name(self, serve: Any) -> None:
        data = parquet(self.ROWS, self.CLASSES)
        for name in (b'"names"', b'"ClassLabel"'):
            assert name in data
        import io

        import pyarrow.parquet as pq

        table = pq.read_table(io.BytesIO(data)).replace_schema_metadata(None)
        bare = io.BytesIO()
        pq.write_table(table, bare)
        serve(bare.getvalue())
        assert "has numbers without names as scenario" in error_of()

    @pytest.mark.parametrize("cut", [0, 100, -1])
    def test_a_damaged_file_is_named_and_removed(
        self, cut: int, serve: Any, tmp_path: Path
    ) -> None:
        serve(parquet(self.ROWS, self.CLASSES)[:cut])
        message = error_of()
        assert message.startswith(str(tmp_path))
        assert message.endswith(
            "was not a whole Parquet file and was removed: try again with a network"
        )
        assert list(_cache().rglob("*.parquet")) == []


class TestEncoders:
    @pytest.fixture(autouse=True)
    def connected(self, hub: HubStandIn, online: Online) -> None:
        online(hub.url)

    def test_rubert_is_cased_and_comes_without_its_pickle(
        self, hub: HubStandIn, capsys: pytest.CaptureFixture[str]
    ) -> None:
        tokenizer = load_tokenizer(RUBERT)
        assert tokenizer.tokenize("Разбуди") != tokenizer.tokenize("разбуди")
        assert "й" in "".join(tokenizer.tokenize("включи тихий"))  # and keeps its accents
        assert "pytorch_model.bin is a pickle: rewriting" in capsys.readouterr().err
        folder = next((cache_folder() / "hub" / f"models--{RUBERT.replace('/', '--')}").glob("*/"))
        names = {path.name for path in folder.iterdir() if path.is_file()}
        assert names == {"config.json", "model.safetensors", "vocab.txt"}
        original = torch.load(
            _content(hub, RUBERT, "pytorch_model.bin", folder.parent), weights_only=True
        )
        weights = load_encoder(RUBERT).state_dict()
        for name in ("embeddings.word_embeddings.weight", "encoder.layer.1.output.dense.bias"):
            assert torch.equal(weights[name], original[f"bert.{name}"])
        hub.requests.clear()
        NERClassifier.from_encoder(RUBERT, TagSet.from_types(["time"]))
        assert hub.requests == []

    def test_the_multilingual_one_is_cased_and_has_moved(self, hub: HubStandIn) -> None:
        tokenizer = load_tokenizer("bert-base-multilingual-cased")
        assert tokenizer.tokenize("Wake") != tokenizer.tokenize("wake")
        load_encoder("bert-base-multilingual-cased")
        fetched = {line.rpartition("/")[2] for line in hub.fetched() if "/resolve/" in line}
        assert fetched == {
            "config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"
        }  # fmt: skip

    def test_the_uncased_one_is_not_and_has_old_names_inside(self, hub: HubStandIn) -> None:
        tokenizer = load_tokenizer("bert-base-uncased")
        assert tokenizer.tokenize("Wake") == tokenizer.tokenize("wake")
        from safetensors.torch import load

        moved = hub.repositories[MOVED["bert-base-uncased"], "main"]
        original = load(moved["model.safetensors"])
        weights = load_encoder("bert-base-uncased").state_dict()
        assert torch.equal(
            weights["embeddings.LayerNorm.weight"], original["bert.embeddings.LayerNorm.gamma"]
        )

    def test_the_names_as_they_are_today_work_as_well(self) -> None:
        for name in MOVED.values():
            load_encoder(name)
            cased = "-cased" in name
            tokenizer = load_tokenizer(name)
            assert (tokenizer.tokenize("Wake") != tokenizer.tokenize("wake")) == cased

    def test_a_folder(self, tmp_path: Path, hub: HubStandIn) -> None:
        for name, content in hub.repositories[MOVED["bert-base-uncased"], "main"].items():
            (tmp_path / name).write_bytes(content)
        load_tokenizer(str(tmp_path))
        load_encoder(str(tmp_path))
        assert hub.requests == []

    def test_a_slow_tokenizer(self) -> None:
        message = encoder_error("google/canine-tiny")
        assert "the tokenizer of 'google/canine-tiny' is a slow one without word_ids" in message
        assert "choose an encoder that ships a tokenizer.json" in message

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("ai-forever/rubert-base", "did you mean ai-forever/ruBert-base?"),
            ("bert-base-uncase", "did you mean bert-base-uncased?"),
            ("somebody/something", "check http"),
            ("gated/encoder", "it is gated; accept its conditions at http"),
            ("a..b/--c", "check the name (owner/name)"),
        ],
    )
    def test_an_encoder_that_cannot_be_had(self, name: str, told: str, waits: list[float]) -> None:
        assert told in encoder_error(name)
        assert waits == []

    def test_a_pickle_that_runs_something_does_not(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        message = encoder_error("evil/encoder")
        assert "holds other things than weights" in message
        assert not (tmp_path / "unpickled").exists()
        assert list((cache_folder() / "hub" / "models--evil--encoder").rglob("*.bin")) == []

    def test_offline_without_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        message = encoder_error(RUBERT)
        assert "HF_HUB_OFFLINE is set; unset it, or fetch this once" in message

    def test_offline_what_another_program_fetched_is_used(
        self, hub: HubStandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = MOVED["bert-base-uncased"]
        folder = snapshot_download(name, cache_dir=constants.HF_HUB_CACHE)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr("transformers.utils.hub.constants.HF_HUB_CACHE", constants.HF_HUB_CACHE)
        from nerlib.encoders import resolve_encoder

        assert resolve_encoder(name) == folder  # that of one commit


def test_which_files_make_an_encoder() -> None:
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    names = ["config.json", "model.safetensors.index.json", *shards, "pytorch_model.bin"]
    assert sorted(encoder_files(names)) == sorted([*names[:2], *shards])
    assert encoder_files(["config.json", "pytorch_model.bin"])[-1] == "pytorch_model.bin"
    assert encoder_files(["tf_model.h5", "README.md", "onnx/model.onnx"]) == []


def _content(hub: HubStandIn, repository: str, name: str, folder: Path) -> Path:
    """Write a file of the stand-in next to what was fetched, for comparison."""
    path = folder / "original"
    path.write_bytes(hub.repositories[repository, "main"][name])
    return path
