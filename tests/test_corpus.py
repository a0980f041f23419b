"""Loading a corpus: the same rows from every source, and errors that name file and line."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from datasets import Value
from tiny_encoders import make_row

from nerlib import CorpusError, load_corpus
from nerlib.corpus import COLUMNS, sample_folder

ROW = {**make_row(1, "wake me at [time : nine]"), "worker_id": "0"}
LINE = json.dumps(ROW).encode()
OTHER = json.dumps({**ROW, "id": "2"}).encode()


def row(**changes: Any) -> dict[str, Any]:
    return {**ROW, **changes}


def write_archive(path: Path, files: dict[str, bytes], mode: str = "w:gz") -> Path:
    """Write a small archive with these files."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def write_lines(path: Path, *lines: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


class TestSample:
    @pytest.mark.parametrize("locale", ["en-US", "ru-RU"])
    @pytest.mark.parametrize(
        ("split", "rows"), [("train", 1000), ("validation", 200), ("test", 300)]
    )
    def test_seven_string_columns(self, locale: str, split: str, rows: int) -> None:
        corpus = load_corpus(locale, split)
        assert corpus.num_rows == rows
        assert tuple(corpus.column_names) == COLUMNS
        assert corpus.features == {name: Value("string") for name in COLUMNS}
        assert set(corpus["locale"]) == {locale}

    def test_the_default_is_the_english_train_split(self) -> None:
        assert load_corpus().to_list() == load_corpus("en-US", "train", "sample").to_list()


class TestSplits:
    def test_dev_is_another_name_of_validation(self) -> None:
        assert load_corpus(split="dev").to_list() == load_corpus(split="validation").to_list()

    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("train[:100]", slice(100)),
            ("train[10:12]", slice(10, 12)),
            ("train[990:]", slice(990, None)),
            ("train[:]", slice(None)),
            ("train[ : 5 ]", slice(5)),
            ("train[:100000]", slice(100_000)),
        ],
    )
    def test_a_slice_takes_rows_by_their_place(self, text: str, wanted: slice) -> None:
        assert load_corpus(split=text).to_list() == load_corpus().to_list()[wanted]

    @pytest.mark.parametrize(
        "text",
        [
            "trian",
            "",
            "train[",
            "train[5]",
            "train[-5:]",
            "train[:50%]",
            "train[1:2:3]",
            "train+test",
        ],
    )
    def test_an_unknown_split_lists_what_there_is(self, text: str) -> None:
        with pytest.raises(CorpusError, match="unknown split"):
            load_corpus(split=text)


class TestShuffle:
    def test_the_same_rows_in_another_order_that_never_changes(self) -> None:
        plain, shuffled = (load_corpus(shuffle=shuffle).to_list() for shuffle in (False, True))
        assert shuffled != plain
        assert sorted(shuffled, key=lambda r: int(r["id"])) == plain
        assert shuffled == load_corpus(shuffle=True).to_list()
        # Fixed for ever: an experiment on "the first 100" must mean the same 100 next year.
        assert [row["id"] for row in shuffled[:3]] == ["1039", "886", "286"]

    def test_the_slice_is_taken_afterwards(self) -> None:
        whole = load_corpus(shuffle=True).to_list()
        assert load_corpus(split="train[5:9]", shuffle=True).to_list() == whole[5:9]

    def test_parallel_rows_stay_parallel(self) -> None:
        english, russian = (load_corpus(name, shuffle=True)["id"] for name in ("en-US", "ru-RU"))
        assert list(english) == list(russian)


class TestLocales:
    @pytest.mark.parametrize(
        ("wrong", "near"),
        [("en_US", "en-US"), ("en-us", "en-US"), ("ru", "ru-RU"), ("ru-ru", "ru-RU")],
    )
    def test_an_unknown_locale_gets_a_suggestion(self, wrong: str, near: str) -> None:
        with pytest.raises(CorpusError, match=f"unknown locale '{wrong}'.*did you mean {near}"):
            load_corpus(wrong)

    def test_without_anything_near_the_known_ones_are_listed(self) -> None:
        with pytest.raises(CorpusError, match=r"unknown locale '123'.*known are en-US, ru-RU"):
            load_corpus("123")

    @pytest.mark.parametrize("source", ["hub", "."])
    def test_other_sources_know_all_locales(self, source: str) -> None:
        with pytest.raises(CorpusError, match=r"unknown locale 'de_DE'.*did you mean de-DE"):
            load_corpus("de_DE", source=source)


class TestSources:
    @pytest.fixture(scope="class")
    def archive(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = sample_folder() / "1.1" / "data"
        files = {
            "1.1/LICENSE": b"a licence",
            "1.1/data/ru-RU.jsonl": (folder / "ru-RU.jsonl").read_bytes(),
            "1.1/data/en-US.jsonl": (folder / "en-US.jsonl").read_bytes(),
        }
        return write_archive(tmp_path_factory.mktemp("archive") / "massive.tar.gz", files)

    @pytest.mark.parametrize("locale", ["en-US", "ru-RU"])
    @pytest.mark.parametrize("split", ["train", "validation", "test[5:50]"])
    def test_all_sources_give_the_same_rows(self, locale: str, split: str, archive: Path) -> None:
        folder = sample_folder()
        data = folder / "1.1" / "data"
        expected = load_corpus(locale, split).to_list()
        for source in (folder, str(folder), data, data / f"{locale}.jsonl", archive, str(archive)):
            assert load_corpus(locale, split, source).to_list() == expected

    @pytest.mark.parametrize("inner", ["1.1/data", "1.0/data", "data", "."])
    def test_a_folder_is_searched_for_the_layout(self, inner: str, tmp_path: Path) -> None:
        write_lines(tmp_path / inner / "en-US.jsonl", LINE)
        assert load_corpus(source=tmp_path)["utt"] == ["wake me at nine"]

    def test_version_one_point_one_comes_first(self, tmp_path: Path) -> None:
        write_lines(tmp_path / "1.0" / "data" / "en-US.jsonl", json.dumps(row(utt="old")).encode())
        write_lines(tmp_path / "1.1" / "data" / "en-US.jsonl", json.dumps(row(utt="new")).encode())
        assert load_corpus(source=tmp_path)["utt"] == ["new"]

    def test_only_rows_of_the_locale_and_split_are_taken(self, tmp_path: Path) -> None:
        others = [row(locale="ru-RU"), row(partition="dev"), row(id="2")]
        path = write_lines(tmp_path / "all.jsonl", *(json.dumps(r).encode() for r in others))
        assert load_corpus(source=path)["id"] == ["2"]

    def test_fields_beyond_the_seven_are_left_out(self, tmp_path: Path) -> None:
        path = write_lines(tmp_path / "x.jsonl", json.dumps(row(judgments=[{"a": 1}])).encode())
        assert load_corpus(source=path).to_list() == [{name: ROW[name] for name in COLUMNS}]

    def test_massive_itself(self, massive_dir: Path) -> None:
        assert load_corpus("en-US", "train", massive_dir).num_rows == 11_514
        assert load_corpus("en-US", "validation", massive_dir).num_rows == 2_033


class TestWrongSources:
    def message(self, source: Path) -> str:
        """Return what a learner reads: one line."""
        with pytest.raises(CorpusError) as caught:
            load_corpus(source=source)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    @pytest.mark.parametrize(
        ("name", "content", "said"),
        [
            ("nowhere", None, "no corpus at"),
            ("rows.csv", b"id,utt", "neither a folder"),
            ("ru.jsonl", LINE.replace(b"en-US", b"ru-RU"), "no 'train' rows for en-US"),
            ("dev.jsonl", LINE.replace(b"train", b"dev"), "no 'train' rows"),
            ("m.tar.gz", b"this is no archive", "cannot be read"),
        ],
    )
    def test_it_is_named_with_what_is_wrong(
        self, name: str, content: bytes | None, said: str, tmp_path: Path
    ) -> None:
        path = tmp_path / name
        if content is not None:
            write_lines(path, content)
        message = self.message(path)
        assert str(path) in message
        assert said in message

    def test_a_folder_or_an_archive_without_the_locale(self, tmp_path: Path) -> None:
        path = write_archive(tmp_path / "m.tar.gz", {"1.1/data/ru-RU.jsonl": LINE})
        for source in (tmp_path, path):
            message = self.message(source)
            assert str(source) in message
            assert "en-US.jsonl" in message

    def test_an_archive_with_damage_inside(self, tmp_path: Path) -> None:
        other = (sample_folder() / "1.1" / "data" / "ru-RU.jsonl").read_bytes()
        files = {"1.1/data/ru-RU.jsonl": other, "1.1/data/en-US.jsonl": LINE}
        path = write_archive(tmp_path / "m.tar.gz", files)
        content = path.read_bytes()
        path.write_bytes(content[:20_000] + b"\xff" * 2000 + content[22_000:])
        assert f"{path} cannot be read" in self.message(path)

    @pytest.mark.parametrize(
        ("value", "kind"), [(7, "int"), (None, "NoneType"), (["x"], "list"), (True, "bool")]
    )
    @pytest.mark.parametrize("name", ["partition", "utt", "annot_utt"])
    def test_a_wrong_type_is_named(
        self, name: str, value: object, kind: str, tmp_path: Path
    ) -> None:
        path = write_lines(tmp_path / "rows.jsonl", json.dumps(row(**{name: value})).encode())
        expected = f"rows.jsonl, line 1 (row id '1'): {name} is of type {kind}"
        assert self.message(path).startswith(expected)

    def test_a_bad_line_in_an_archive_is_named(self, tmp_path: Path) -> None:
        files = {"1.1/data/en-US.jsonl": LINE + b"\n{"}
        path = write_archive(tmp_path / "m.tar.gz", files)
        assert self.message(path).startswith("1.1/data/en-US.jsonl, line 2: not JSON in UTF-8")
