"""Files of lines that are not what they should be: read exactly, or refused with row and line.

What a single field may hold is tested in `test_corpus.py`; here it is whole files, as the command
line meets them.
"""

import io
import json
from typing import Any

import pytest
from tiny_encoders import make_row

from nerlib import CorpusError
from nerlib.corpus import MOST_BYTES, read_rows, short_lines

ROW = make_row(1, "wake me at [time : nine]")
BOM = b"\xef\xbb\xbf"


def line(**changes: Any) -> bytes:
    """A row as a line; a change to None takes the field away."""
    row = {name: value for name, value in {**ROW, **changes}.items() if value is not None}
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


LONG = "x" * 10_000_000
LATIN = line(id="2", utt="caf#").replace(b"#", b"\xe9")
BAD: dict[str, tuple[bytes, str]] = {
    "wrong type": (line(id="2", utt=7), "line 2 (row id '2'): utt is of type int, not a string"),
    "missing field": (line(id="2", intent=None), "line 2 (row id '2'): intent is missing"),
    "missing id": (line(id=None), "line 2 (row id 'unknown'): id is missing"),
    "id of a wrong type": (line(id=2), "line 2 (row id 2): id is of type int, not a string"),
    "not utf-8": (
        LATIN,
        f"line 2: not JSON in UTF-8 (byte {LATIN.index(0xE9)} is not UTF-8; save the file as",
    ),
    "not JSON": (b"wake me at nine\n", "line 2: not JSON in UTF-8 (Expecting value: line 1 col"),
    "no object": (b'["id"]\n', "line 2: a row must be a JSON object, not list"),
    "too deep": (b"[" * 200_000 + b"\n", "line 2: not JSON in UTF-8 (maximum recursion"),
    "half a character": (
        json.dumps({**ROW, "id": "2", "utt": "\ud83d"}).encode() + b"\n",
        "line 2 (row id '2'): utt is half a character",
    ),
    "cut off": (line(id="2")[:40], "line 2: not JSON in UTF-8 (Unterminated string starting at"),
    "twice the same id": (line(utt="else"), "line 2 (row id '1'): line 1 has the same id; change"),
    "10 MB of no JSON": (LONG.encode() + b"\n", "line 2: not JSON in UTF-8 (Expecting value: li"),
    "10 MB in a wrong field": (
        line(id=LONG, utt=None),
        "line 2 (row id 'xxxxxxxxxxxx...xxxxxxxxxxxxx'): utt is missing",
    ),
}


def message(lines: bytes) -> str:
    """What is said about a file with these bytes."""
    with pytest.raises(CorpusError) as caught:
        list(read_rows(short_lines(io.BytesIO(lines)), "rows.jsonl"))
    return str(caught.value)


class TestRows:
    @pytest.mark.parametrize("name", BAD)
    def test_line_ends_marks_and_empty_lines_change_no_line_number(self, name):
        bad, expected = BAD[name]
        if name == "twice the same id":
            bad, expected = line(id="1"), expected.replace("line 1 ", "line 2 ")
        said = message(BOM + b"\r\n" + line().replace(b"\n", b"\r\n") + bad)
        assert said.startswith(f"rows.jsonl, {expected.replace('line 2', 'line 3', 1)}")

    @pytest.mark.parametrize("text", [b"", BOM, b"\n", b"\r\n \t\r\n", BOM + b"\r\n"], ids=ascii)
    def test_a_file_without_rows(self, text):
        assert message(text) == "rows.jsonl is empty: it has no row at all"

    @pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
    def test_another_encoding_is_never_read_as_something_else(self, encoding):
        said = message(("\ufeff" + line().decode()).encode(encoding))
        assert "line 1: not JSON in UTF-8 (the file is UTF-16; save it as UTF-8)" in said

    def test_the_same_id_in_two_locales_is_two_rows(self):
        lines = io.BytesIO(line() + line(locale="ru-RU"))
        assert len(list(read_rows(short_lines(lines), "rows.jsonl"))) == 2

    def test_a_row_of_10_mb_is_read_whole(self):
        text = line(utt=LONG, annot_utt=LONG)
        (row,) = read_rows(short_lines(io.BytesIO(text)), "rows.jsonl")
        assert row["utt"] == row["annot_utt"] == LONG


class Endless:
    """A file of one letter without any line end; it counts what is read of it."""

    taken = 0

    def readline(self, size: int) -> bytes:
        assert size > 0, "it would never end"
        self.taken += size
        return b"x" * size


def test_a_file_without_line_ends_is_refused_before_it_fills_the_memory():
    endless = Endless()
    with pytest.raises(CorpusError, match=r"rows.jsonl, line 1: .*longer than 64 MiB"):
        list(read_rows(short_lines(endless), "rows.jsonl"))  # type: ignore[arg-type]
    assert endless.taken == MOST_BYTES + 1


@pytest.mark.parametrize("name", BAD)
def test_the_command_line_says_it_in_one_line(name, tmp_path, monkeypatch, says):
    bad, expected = BAD[name]
    (tmp_path / "en-US.jsonl").write_bytes(line() + bad)
    monkeypatch.setenv("NERLIB_MASSIVE_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    said = says("train", "--recipe", "massive-offline", status=2)
    assert said.startswith(f"nerlib: en-US.jsonl, {expected}")
    assert len(said) < 200
    assert said.isprintable()
    assert not (tmp_path / "build" / "model").exists()
