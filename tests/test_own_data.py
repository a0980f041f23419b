"""One's own bracketed sentences become a corpus, or an error that says where to look."""

import pickle
from pathlib import Path

import pytest

from nerlib import CorpusError, OwnDataError, corpus_from_lines
from nerlib.corpus import COLUMNS

LINES = """# a comment, and an empty line

the [part : chain] [problem : skips] on hills
  my [part : rear brake] squeaks
"""


def error_of(lines: object, **settings: str) -> OwnDataError:
    """The error that some lines raise."""
    with pytest.raises(OwnDataError) as caught:
        corpus_from_lines(lines, **settings)  # type: ignore[arg-type]
    return caught.value


def test_sentences_become_rows_of_the_seven_columns() -> None:
    corpus = corpus_from_lines(LINES, locale="en-GB", name="bicycle")
    assert tuple(corpus.column_names) == COLUMNS
    names = {"locale": "en-GB", "partition": "train", "scenario": "bicycle", "intent": "bicycle"}
    texts = {
        "utt": "the chain skips on hills",
        "annot_utt": "the [part : chain] [problem : skips] on hills",
    }
    assert corpus[0] == {"id": "bicycle-3", **names, **texts}
    assert corpus["utt"][1] == "my rear brake squeaks"


def test_text_list_and_open_file_say_the_same(tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    path.write_bytes(b"\xef\xbb\xbf" + LINES.replace("\n", "\r\n").encode())
    with path.open(encoding="utf-8", newline="") as file:
        from_file = corpus_from_lines(file)
    from_list, from_text = corpus_from_lines(LINES.split("\n")), corpus_from_lines(LINES)
    assert from_file.to_list() == from_list.to_list() == from_text.to_list()


def test_a_hash_begins_a_comment_only_before_a_blank() -> None:
    lines = ["# no", "#", "#yes", r"\# yes", r"\\#yes", r"\\# yes", "#[x : yes]"]
    assert corpus_from_lines(lines)["utt"][:] == ["#yes", "# yes", r"\#yes", r"\# yes", "#yes"]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    corpus = corpus_from_lines("one\u2028still one\n\ntwo")
    assert corpus["id"] == ["own-1", "own-3"]


def test_all_broken_lines_are_listed_at_once_with_number_and_place() -> None:
    error = error_of("the bell\n\nthe [part : chain skips\na [wheel] wobbles", name="bicycle")
    heading, *lines = str(error).splitlines()
    assert heading.startswith("2 of 3 ")
    assert [line.partition(":")[0] for line in lines[::3]] == [
        "line 3, character 4",
        "line 4, character 2",
    ]
    assert [(e.row_id, e.position) for e in error.errors] == [("bicycle-3", 4), ("bicycle-4", 2)]


@pytest.mark.parametrize("position", [0, 5, 59, 60, 61, 500])
def test_the_mark_stands_under_the_place_however_long_the_line(position: int) -> None:
    line = "x" * position + "[" + "y" * 300
    _, _, shown, mark = str(error_of([line])).splitlines()
    assert mark.strip() == "^"
    assert shown[mark.index("^")] == "["
    assert len(shown) < 100


@pytest.mark.parametrize("lines", ["", "\n  \n# only a comment\n", [], "\ufeff# a comment"])
def test_no_sentence_at_all_is_an_error_with_advice(lines: object) -> None:
    error = error_of(lines)
    assert "one a line" in str(error)
    assert error.errors == ()


def test_the_error_survives_a_process_boundary() -> None:
    error = error_of("the [part : chain skips")
    assert isinstance(error, CorpusError)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), [e.position for e in again.errors]) == (str(error), [4])
