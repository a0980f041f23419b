"""Sentences of one's own on the command line: checked, trained on, scored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nerlib import PACKAGED, CorpusError, get_recipe
from nerlib import __main__ as cli
from nerlib.encoders import MULTILINGUAL
from nerlib.tools.own_recipe import OwnRecipe, own_recipe, set_aside

PARTS = ("bell", "brake", "chain", "light", "pedal", "pump", "saddle", "spoke")
LINES = [f"the [part : {part}] squeaks" for part in PARTS] + ["what do i owe you"]
BROKEN = ["the bell rings", "the [part : chain skips", "the [prat pedal] clicks"]


def sentences(folder: Path, lines: list[str]) -> str:
    path = folder / "sentences.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def recipe_for(folder: Path, lines: list[str]) -> OwnRecipe:
    return own_recipe(sentences(folder, lines), get_recipe("offline"))


def test_every_sentence_is_in_one_part_and_in_one_only(tmp_path: Path) -> None:
    again = ["the bell squeaks", "the brake squeaks", "the chain [problem : squeaks]"]
    recipe = recipe_for(tmp_path, [*LINES, *again])
    train, validation = (recipe.corpus(name)["utt"][:] for name in ("train", "validation"))
    assert len(train) + len(validation) == len(LINES) + len(again)
    assert train
    assert validation
    assert not set(train) & set(validation)
    assert recipe.corpus("train[:3]")["utt"][:] == train[:3]
    assert set_aside(LINES) == set_aside(LINES[::-1])


def test_there_is_no_split_for_the_test_and_one_sentence_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="evaluate --own"):
        recipe_for(tmp_path, LINES).corpus("test")
    with pytest.raises(CorpusError, match="at least two"):
        recipe_for(tmp_path, LINES[:1] * 2).corpus("train")


def test_validate_counts_types_and_names_rare_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["validate", sentences(tmp_path, [*LINES, "a [prat : tyre]"])]) == 0
    totals, parts, slip = capsys.readouterr().out.splitlines()
    assert str(len(LINES) + 1) in totals
    assert str(len(PARTS) + 1) in totals
    assert parts.split() == [str(len(PARTS)), "part"]
    assert "once only" in slip


@pytest.mark.parametrize("command", [["validate"], ["train", "--own"]])
def test_all_broken_lines_are_listed_with_a_mark(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*command, sentences(tmp_path, BROKEN)]) == 2
    heading, *lines = capsys.readouterr().err.splitlines()
    assert heading.startswith("nerlib: 2 of 3 ")
    assert [line.partition(",")[0] for line in lines[::3]] == ["line 2", "line 3"]


def test_a_file_is_trained_on_scored_and_its_types_are_the_models(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, model = sentences(tmp_path, LINES), str(tmp_path / "made" / "model")
    arguments = ["train", "--own", file, "--epochs", "1", "--output", str(tmp_path / "made")]
    assert cli.main(arguments) == 0
    shown = capsys.readouterr().out
    assert file in shown
    assert "packaged sample" not in shown
    settings = json.loads(Path(model, "config.json").read_text(encoding="utf-8"))
    assert settings["made_by"]["recipe"] == "own"
    assert cli.main(["evaluate", "--own", file, "--model", model, "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert {name.lower() for name in scores["per_type"]} == {"part"}
    assert scores["overall"]["gold"] == len(PARTS)
    assert cli.main(["evaluate", "--model", model]) == 2  # never on the sample, in silence
    assert "--own" in capsys.readouterr().err


def test_a_model_of_ones_own_does_not_replace_that_of_the_lessons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs: list[Path] = []
    place = "nerlib.tools.tour.train_and_save"
    monkeypatch.setattr(place, lambda recipe, output, *rest: outputs.append(output))
    file = sentences(tmp_path, LINES)
    for arguments in (["--own", file], ["--recipe", "offline"], ["--own", file, "--output", "x"]):
        assert cli.main(["train", *arguments]) == 0
    assert outputs == [Path("build/own"), Path("build"), Path("x")]
    assert cli.main(["evaluate", "--own", file, "--source", "sample"]) == 2


def test_sentences_in_another_language_get_an_encoder_that_knows_it_and_a_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NERLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    command = ["train", "--own", sentences(tmp_path, LINES), "--locale"]
    assert cli.main([*command, "de-DE"]) == 2
    chosen, missing = capsys.readouterr().err.splitlines()
    assert chosen.index("de-DE") < chosen.index(MULTILINGUAL) < chosen.index(PACKAGED)
    assert MULTILINGUAL in missing
