"""Sentences of one's own on the command line: checked, trained on, scored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nerlib import __main__ as cli
from nerlib import get_recipe
from nerlib.corpus import CorpusError
from nerlib.tools.own_recipe import OwnRecipe, corpus_from_file, own_recipe, set_aside

PARTS = ("bell", "brake", "chain", "light", "pedal", "pump", "saddle", "spoke")
LINES = [f"the [part : {part}] squeaks" for part in PARTS] + ["what do i owe you"]
BROKEN = ["the bell rings", "the [part : chain skips", "the [prat pedal] clicks"]


def sentences(folder: Path, lines: list[str], name: str = "sentences.txt") -> str:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def recipe_for(file: str) -> OwnRecipe:
    return own_recipe(file, get_recipe("offline"))


def test_every_sentence_is_in_one_part_and_in_one_only(tmp_path: Path) -> None:
    again = ["the bell squeaks", "the brake squeaks", "the chain [problem : squeaks]"]
    recipe = recipe_for(sentences(tmp_path, [*LINES, *again]))
    train, validation = (recipe.corpus(name)["utt"][:] for name in ("train", "validation"))
    assert len(train) + len(validation) == len(LINES) + len(again)
    assert train
    assert validation
    assert not set(train) & set(validation)


def test_the_same_sentences_are_set_aside_whatever_their_order() -> None:
    assert set_aside(LINES) == set_aside(LINES[::-1])


def test_a_split_may_be_sliced_and_there_is_none_for_the_test(tmp_path: Path) -> None:
    recipe = recipe_for(sentences(tmp_path, LINES))
    assert len(recipe.corpus("train[:3]")) == 3
    with pytest.raises(CorpusError, match="evaluate --own"):
        recipe.corpus("test")


def test_one_sentence_is_too_few(tmp_path: Path) -> None:
    recipe = recipe_for(sentences(tmp_path, LINES[:1] * 2))
    with pytest.raises(CorpusError, match="write at least two"):
        recipe.corpus("train")


def test_a_file_of_windows_is_read(tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    path.write_bytes(b"\xef\xbb\xbf# mine\r\nthe [part : bell] rings\r\n")
    assert corpus_from_file(path)["utt"][:] == ["the bell rings"]


def test_validate_counts_types_and_names_rare_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["validate", sentences(tmp_path, [*LINES, "a [prat : tyre]"])]) == 0
    told = capsys.readouterr().out.splitlines()
    lines, parts = len(LINES) + 1, len(PARTS) + 1
    assert told[0] == f"sentences that can be read: {lines}; entities marked: {parts}"
    assert told[1].split() == [str(len(PARTS)), "part"]
    assert "once only" in told[2]


@pytest.mark.parametrize("command", [["validate"], ["train", "--own"]])
def test_all_broken_lines_are_listed_with_a_mark(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*command, sentences(tmp_path, BROKEN)]) == 2
    told = capsys.readouterr().err
    assert told.startswith("nerlib: 2 of 3 sentences cannot be read:\nline 2, character 4: ")
    assert told.count("\n        ^") == 2
    assert "line 3" in told


def test_a_file_that_is_not_utf8_names_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.txt"
    path.write_bytes(b"fine\ncaf\xe9\n")
    assert cli.main(["validate", str(path)]) == 2
    assert capsys.readouterr().err == (
        "nerlib: own.txt, line 2: byte 3 is not UTF-8; save the file as UTF-8\n"
    )


def test_a_file_is_trained_on_scored_and_its_types_are_the_models(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, model = sentences(tmp_path, LINES), str(tmp_path / "made" / "model")
    arguments = ["train", "--own", file, "--epochs", "1", "--output", str(tmp_path / "made")]
    assert cli.main(arguments) == 0
    told = capsys.readouterr().out
    assert f"sentences in {file}" in told
    assert "packaged sample" not in told
    settings = json.loads(Path(model, "config.json").read_text(encoding="utf-8"))
    assert settings["made_by"]["recipe"] == "own"
    assert cli.main(["evaluate", "--own", file, "--model", model, "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert {name.lower() for name in scores["per_type"]} == {"part"}
    assert scores["overall"]["gold"] == len(PARTS)
    assert cli.main(["evaluate", "--model", model]) == 2  # never on the sample, in silence
    assert "trained on your own sentences: give some by --own" in capsys.readouterr().err


def test_a_model_of_ones_own_does_not_replace_that_of_the_lessons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs: list[Path] = []
    monkeypatch.setattr(cli, "train_and_save", lambda recipe, output, *rest: outputs.append(output))
    file = sentences(tmp_path, LINES)
    for arguments in (["--own", file], ["--recipe", "offline"], ["--own", file, "--output", "x"]):
        assert cli.main(["train", *arguments]) == 0
    assert outputs == [Path("build/own"), Path("build"), Path("x")]


def test_a_file_and_another_source_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["evaluate", "--own", "a.txt", "--source", "sample"])
    assert stop.value.code == 2
    assert "not allowed with" in capsys.readouterr().err
