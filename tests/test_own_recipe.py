"""Sentences of one's own on the command line: checked, trained on, scored."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from tiny_encoders import encoder_folder, new_model, tokenizer_of

from nerlib import PACKAGED, CorpusError, NERDataset, TagSet, corpus_from_lines, get_recipe
from nerlib import __main__ as cli
from nerlib.encoders import MULTILINGUAL
from nerlib.inference import Entity
from nerlib.metrics import evaluate_tags
from nerlib.parsing import AnnotationError, Parser
from nerlib.tools.exchange.formats import FORMATS, read_file
from nerlib.tools.own_checks import remarks
from nerlib.tools.own_recipe import (
    OwnRecipe,
    corpus_from_file,
    own_recipe,
    set_aside,
)
from nerlib.tools.tagger import tag_plain_text

PARTS = ("bell", "brake", "chain", "light", "pedal", "pump", "saddle", "spoke")
LINES = [f"the [part : {part}] squeaks" for part in PARTS] + ["what do i owe you"]
Says = Callable[..., str]
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


def test_validate_counts_types_and_names_rare_ones(tmp_path: Path, says: Says) -> None:
    said = says("validate", sentences(tmp_path, [*LINES, "a [prat : tyre]"]))
    totals, parts, slip = said.splitlines()
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


@pytest.mark.parametrize("name", ["conll", "label-studio", "prodigy", "doccano", "parquet"])
def test_files_of_other_tools_are_read(name: str, tmp_path: Path) -> None:
    documents = read_file(Path(sentences(tmp_path, LINES)))
    path = tmp_path / f"file{(*FORMATS[name].suffixes, '.jsonl')[0]}"
    FORMATS[name].write(documents, path)
    assert corpus_from_file(path)["annot_utt"][:] == LINES
    if name in ("conll", "prodigy", "label-studio"):  # known by what is in it
        assert corpus_from_file(path.rename(tmp_path / "file.txt"))["annot_utt"][:] == LINES


UNMARKED = {
    "plain.txt": b"the bell\nthe chain squeaks\n",
    "plain.conll": b"the O\nbell O\n\nthe O\n",
    "rows.json": b'[\n{"a": 1},\n{"a": 2}\n]\n',
    "rows.jsonl": b'{"utt": "the bell"}\n',
    "rows.csv": b"word,tag\nbell,B-part\n",
    "hidden.txt": b'{"text": "[1]"}\n{"text": "]"}\n',
}


@pytest.mark.parametrize("command", [["validate"], ["train", "--own"]])
@pytest.mark.parametrize("name", UNMARKED)
def test_files_without_marks_are_refused_in_one_line(
    name: str, command: list[str], tmp_path: Path, says: Says
) -> None:
    (tmp_path / name).write_bytes(UNMARKED[name])
    assert name in says(*command, tmp_path / name, status=2)


def test_marks_that_are_all_set_aside_are_too_few(tmp_path: Path) -> None:
    texts = [Parser().parse(line).text for line in LINES[:4]]
    lines = [f"[part : {text}]" if text in set_aside(texts) else text for text in texts]
    with pytest.raises(CorpusError, match="sentences to train on"):
        recipe_for(tmp_path, lines).corpus("train")


@pytest.mark.parametrize("locale", ["xx", "en_US", "EN-us", ""])
def test_a_locale_that_is_none_is_refused(locale: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="as en-US"):
        corpus_from_file(sentences(tmp_path, LINES), locale)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_text, args=["\n".join(LINES)], daemon=True)
    writer.start()
    recipe = own_recipe(str(pipe), get_recipe("offline"))
    assert len(recipe.corpus("train")) + len(recipe.corpus("validation")) == len(LINES)


def test_scripts_without_blanks_are_cut_into_characters(tmp_path: Path) -> None:
    lines = ["ปลุก[time : ฉันตอน]เก้าโมง", "[time : เก้า]โมง and a word"]
    recipe = recipe_for(tmp_path, lines)
    assert recipe.parser().segmentation == "characters"
    assert "words" in recipe.describe()
    file = sentences(tmp_path, lines)
    assert own_recipe(file, get_recipe("offline"), "spaces").parser().segmentation == "spaces"
    assert recipe_for(tmp_path, LINES).parser().segmentation == "spaces"


REMARKS = {
    "case": (["[Date : a]", "[DATE : b]"], "'DATE' (1), 'Date' (1)"),
    "other code points": (["[\u00e9 : a]", "[e\u0301 : b]"], r"'e\u0301' (1), '\xe9' (1)"),
    "tags": (["[B-PER : a]"], "write PER"),
    "outside": (["[O : a]"], "'O'"),
    "repeats": (["[x : a] b", "[x : a] b"], "1 texts occur again with the same marks, as 'a b'"),
    "contradictions": (["[x : a] b", "a b"], "1 texts occur again with other marks, as 'a b'"),
    "inside a word": (["#[x : Berlin]2024", "[x : Berlin]-based"], "2 entities begin or end"),
}


@pytest.mark.parametrize(("lines", "said"), REMARKS.values(), ids=REMARKS)
def test_what_is_worth_a_look_is_told(lines: list[str], said: str) -> None:
    (remark,) = remarks(lines, Parser())
    assert said in remark


def test_good_sentences_bring_no_remark() -> None:
    assert not list(remarks(LINES, Parser()))


def test_texts_that_only_look_the_same_are_shown_apart() -> None:
    row = dict(corpus_from_lines("[x : caf\u00e9]")[0], utt="cafe\u0301")
    with pytest.raises(AnnotationError, match=r"'\\xe9' instead of 'e\\u0301'"):
        NERDataset([row], tokenizer_of("bert"), TagSet.from_types(["x"]))


def test_scores_are_those_of_plain_text() -> None:
    corpus = corpus_from_lines(["#[x : Berlin]2024 in [x : Rome]"])
    data = NERDataset(corpus, tokenizer_of("bert"), TagSet.from_corpus(corpus))

    def tagger(texts: list[str]) -> list[list[Entity]]:
        words = (Parser().split_words(text) for text in texts)
        return [[Entity("x", w.text, w.start, w.end, 1.0) for w in row[1::2]] for row in words]

    scores = evaluate_tags(data.gold, tag_plain_text(tagger, data)).overall  # type: ignore[arg-type]
    assert (scores.gold, scores.predicted, scores.correct) == (2, 2, 1)


def test_a_file_is_trained_on_scored_and_its_types_are_the_models(
    tmp_path: Path, says: Says
) -> None:
    lines = [line.replace("part", "BikePart") for line in LINES]
    file, model = sentences(tmp_path, lines), str(tmp_path / "made" / "model")
    train = ["train", "--own", file, "--output", tmp_path / "made", "--epochs"]
    shown = says(*train, 2)
    assert file in shown
    assert "packaged sample" not in shown
    assert "in place of" not in shown
    settings = json.loads(Path(model, "config.json").read_text(encoding="utf-8"))
    assert settings["made_by"]["recipe"] == "own"

    exam = tmp_path / "exam.txt"
    exam.write_text("\n".join([*lines[:3], "a [Wheel : rim]", "a new [BikePart : bell]s"]))
    scores = json.loads(says("evaluate", "--own", exam, "--model", model, "--json"))
    assert set(scores["per_type"]) == {"BikePart", "Wheel"}
    assert scores["unknown_types"] == {"Wheel": 1}
    assert scores["overall"]["gold"] == 5
    assert scores["sentences_that_were_trained_on"] == 3
    assert scores["entities_that_end_inside_words"] == 1
    table = says("evaluate", "--own", exam, "--model", model)
    assert "3 of 5" in table
    assert "missed: Wheel (1)" in table
    assert "BikePart " in table
    exam.write_text("the [BikePart : bell] " + "rings " * 600)
    table = says("evaluate", "--own", exam, "--model", model)
    assert "maximum length" not in table  # it is tagged in windows

    plain_text = tmp_path / "plain.txt"
    plain_text.write_text("the bell squeaks\n" * 2)
    rows = [json.loads(row) for row in says("tag", plain_text, "--model", model).splitlines()]
    assert {one["type"] for row in rows for one in row["entities"]} == {"BikePart"}
    assert "plain.txt" in says("evaluate", "--own", plain_text, "--model", model, status=2)
    # Never on the sample, in silence.
    assert "--own" in says("evaluate", "--model", model, status=2)
    assert "in place of" in says(*train, 1, "--segmentation", "characters")
    settings = json.loads(Path(model, "config.json").read_text(encoding="utf-8"))
    assert settings["segmentation"] == "characters"


def test_another_encoder_is_taken_and_one_that_does_not_know_the_language_is_told(
    tmp_path: Path, says: Says
) -> None:
    file = sentences(tmp_path, [line.replace("squeaks", "qwzxjqwzxj") for line in LINES])
    made, encoder = str(tmp_path / "made"), encoder_folder("bert")
    command = ["train", "--own", file, "--epochs", "1", "--output", made, "--encoder"]
    assert "subwords a word" in says(*command, encoder)
    settings = json.loads(Path(made, "model", "config.json").read_text(encoding="utf-8"))
    assert settings["encoder"]["hidden_size"] == new_model("bert").encoder.config.hidden_size
    assert settings["learnt_from"] == {"PART": len(PARTS)}
    assert settings["score_temperature"] > 0
    assert "nowhere" in says(*command, tmp_path / "nowhere", status=2)
    card, exam = tmp_path / "card", sentences(tmp_path, LINES[:3])
    push = ["push", "me/parts", "--model", f"{made}/model", "--dry-run", str(card)]
    assert cli.main([*push, "--own", exam]) == 0
    page = (card / "README.md").read_text(encoding="utf-8")
    assert "3 utterances, `sentences.txt`" in page
    assert "does not say which corpus" not in page


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
    for more in (["--source", "sample"], ["--split", "test"]):
        assert cli.main(["evaluate", "--own", file, *more]) == 2


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
