"""Loading a corpus: the same rows from every source, and errors that name file and line."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from datasets import Value
from hub_stand_in import massive_archive
from tiny_encoders import make_row

from nerlib import CorpusError, load_corpus
from nerlib.corpus import COLUMNS, sample_folder

ROW = {**make_row(1, "wake me at [time : nine]"), "worker_id": "0"}
LINE = json.dumps(ROW).encode()


def line(**changes: Any) -> bytes:
    return json.dumps({**ROW, **changes}).encode()


def write_archive(path: Path, files: dict[str, bytes]) -> Path:
    """Write a small archive with these files."""
    with tarfile.open(path, "w:gz") as archive:
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
    def test_seven_string_columns(self, locale, split, rows):
        corpus = load_corpus(locale, split)
        assert corpus.num_rows == rows
        assert tuple(corpus.column_names) == COLUMNS
        assert corpus.features == {name: Value("string") for name in COLUMNS}
        assert set(corpus["locale"]) == {locale}

    def test_the_default_is_the_english_train_split_and_dev_is_validation(self):
        assert load_corpus().to_list() == load_corpus("en-US", "train", "sample").to_list()
        assert load_corpus(split="dev").to_list() == load_corpus(split="validation").to_list()


class TestSplits:
    @pytest.mark.parametrize("rows", [":100", "10:12", "990:", ":", " : 5 ", ":100000"])
    def test_a_slice_takes_rows_by_their_place(self, rows):
        start, end = (int(place) if place.strip() else None for place in rows.split(":"))
        assert load_corpus(split=f"train[{rows}]").to_list() == load_corpus().to_list()[start:end]

    @pytest.mark.parametrize("end", ["s", "[", "[5]", "[-5:]", "[:50%]", "[1:2:3]", "+test"])
    def test_an_unknown_split_lists_what_there_is(self, end):
        with pytest.raises(CorpusError, match="unknown split"):
            load_corpus(split=f"train{end}")


class TestShuffle:
    def test_the_same_rows_in_another_order_that_never_changes(self):
        plain, shuffled = (load_corpus(shuffle=shuffle).to_list() for shuffle in (False, True))
        assert shuffled != plain
        assert sorted(shuffled, key=lambda r: int(r["id"])) == plain
        assert shuffled == load_corpus(shuffle=True).to_list()
        assert load_corpus(split="train[5:9]", shuffle=True).to_list() == shuffled[5:9]
        # Fixed for ever: an experiment on "the first 100" must mean the same 100 next year.
        assert [row["id"] for row in shuffled[:3]] == ["1039", "286", "1467"]

    def test_parallel_rows_stay_parallel(self):
        english, russian = (load_corpus(name, shuffle=True)["id"] for name in ("en-US", "ru-RU"))
        assert list(english) == list(russian)


class TestLocales:
    @pytest.mark.parametrize(
        ("wrong", "source", "said"),
        [
            ("en_US", "sample", "did you mean en-US"),
            ("ru", "sample", "did you mean ru-RU"),
            ("ru-ru", "sample", "did you mean ru-RU"),
            ("123", "sample", "known are en-US, ru-RU"),
            ("de_DE", "hub", "did you mean de-DE"),  # other sources know all locales
            ("de_DE", ".", "did you mean de-DE"),
        ],
    )
    def test_an_unknown_locale_gets_a_suggestion(self, wrong, source, said):
        with pytest.raises(CorpusError, match=f"unknown locale '{wrong}'.*{said}"):
            load_corpus(wrong, source=source)


class TestSources:
    @pytest.fixture(scope="class")
    def archive(self, tmp_path_factory) -> Path:
        path = tmp_path_factory.mktemp("archive") / "massive.tar.gz"
        path.write_bytes(massive_archive())
        return path

    @pytest.mark.parametrize("locale", ["en-US", "ru-RU"])
    @pytest.mark.parametrize("split", ["train", "validation", "test[5:50]"])
    def test_all_sources_give_the_same_rows(self, locale, split, archive):
        folder = sample_folder()
        data = folder / "1.1" / "data"
        expected = load_corpus(locale, split).to_list()
        for source in (folder, str(folder), data, data / f"{locale}.jsonl", archive, str(archive)):
            assert load_corpus(locale, split, source).to_list() == expected

    def test_a_folder_is_searched_for_the_newest_layout(self, tmp_path):
        for inner in (".", "data", "1.0/data", "1.1/data"):
            write_lines(tmp_path / inner / "en-US.jsonl", line(utt=inner))
            assert load_corpus(source=tmp_path)["utt"] == [inner]

    def test_only_rows_of_the_locale_and_split_are_taken_without_other_fields(self, tmp_path):
        rows = line(locale="ru-RU"), line(partition="dev"), line(id="2", judgments=[{"a": 1}])
        (found,) = load_corpus(source=write_lines(tmp_path / "all.jsonl", *rows))
        assert found == {name: ROW[name] for name in COLUMNS} | {"id": "2"}


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
    def test_it_is_named_with_what_is_wrong(self, name, content, said, tmp_path):
        path = tmp_path / name
        if content is not None:
            write_lines(path, content)
        message = self.message(path)
        assert str(path) in message
        assert said in message

    def test_a_folder_or_an_archive_without_the_locale(self, tmp_path):
        path = write_archive(tmp_path / "m.tar.gz", {"1.1/data/ru-RU.jsonl": LINE})
        for source in (tmp_path, path):
            message = self.message(source)
            assert str(source) in message
            assert "en-US.jsonl" in message

    def test_an_archive_with_damage_inside(self, tmp_path):
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
    def test_a_wrong_type_is_named(self, name, value, kind, tmp_path):
        path = write_lines(tmp_path / "rows.jsonl", line(**{name: value}))
        expected = f"rows.jsonl, line 1 (row id '1'): {name} is of type {kind}"
        assert self.message(path).startswith(expected)

    def test_a_bad_line_in_an_archive_is_named(self, tmp_path):
        files = {"1.1/data/en-US.jsonl": LINE + b"\n{"}
        path = write_archive(tmp_path / "m.tar.gz", files)
        assert self.message(path).startswith("1.1/data/en-US.jsonl, line 2: not JSON in UTF-8")
