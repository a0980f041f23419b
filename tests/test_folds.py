"""Answers out of fold: no model has seen the sentence; their score, and the page of doubts."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_encoders import encoder_folder

from nerlib import CorpusError, get_recipe
from nerlib import __main__ as cli
from nerlib.analysis.error_analysis import Outcome
from nerlib.parsing import Parser
from nerlib.tools import folds
from nerlib.tools.folds import fold_numbers, out_of_fold
from nerlib.tools.own_recipe import OwnRecipe, own_recipe
from nerlib.tools.review import write_review

PARTS = ("bell", "brake", "chain", "light", "pedal", "pump", "saddle", "spoke", "tube", "rim")
LINES = [f"the [BikePart : {part}] squeaks" for part in PARTS] + ["what do i owe you"]


def tiny(folder: Path) -> OwnRecipe:
    (folder / "sentences.txt").write_text("\n".join(LINES) + "\n", encoding="utf-8")
    recipe = own_recipe(str(folder / "sentences.txt"), get_recipe("offline"))
    model = {name: v for name, v in recipe.model_settings.items() if name != "layers"}
    settings = replace(recipe.settings, epochs=1)
    return replace(recipe, encoder=encoder_folder("bert"), model_settings=model, settings=settings)


def outcome(number: int, line: str, answer: str, losses: list[float]) -> Outcome:
    gold, said = Parser().parse(line), Parser().parse(answer)
    return Outcome(f"own-{number}", gold, said.tags, (0.75,) * len(losses), tuple(losses))


def test_folds_are_of_one_size_and_equal_sentences_share_one() -> None:
    numbers = fold_numbers([*LINES, *LINES[::-1]], 3)
    assert numbers == numbers[::-1]
    assert sorted(numbers.count(fold) for fold in range(3)) == [6, 8, 8]
    with pytest.raises(CorpusError, match="3 folds"):
        fold_numbers(["a", "b", "a"], 3)


def test_no_model_has_seen_what_it_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learnt: list[set[str]] = []
    train = folds.train

    def watched(model, train_set, validation_set, *rest):  # type: ignore[no-untyped-def]
        learnt.append({one.text for data in (train_set, validation_set) for one in data.utterances})
        return train(model, train_set, validation_set, *rest)

    monkeypatch.setattr(folds, "train", watched)
    found = out_of_fold(tiny(tmp_path), 3)
    answered = [{one.utterance.text for one in fold} for fold in found]
    every = {Parser().parse(line).text for line in LINES}
    assert [seen | asked for seen, asked in zip(learnt, answered, strict=True)] == [every] * 3
    assert sum(map(len, answered)) + sum(map(len, learnt)) == 3 * len(LINES)


def test_doubtful_labels_come_worst_first_with_line_and_reason(tmp_path: Path) -> None:
    script = "<script>alert(1)</script>"
    rows = [
        outcome(1, "at [date : nine]", "at [date : nine]", [0.1, 9.0]),
        outcome(2, f"at [time : {script}]", f"at {script}", [0.1, 1.0]),
        outcome(3, "at [time : nine]", "at [date : nine]", [0.1, 4.0]),
        outcome(5, "[KİŞİ : Ali] at nine", "Ali at [KİŞİ : nine]", [0.1, 0.2, 0.3]),
        outcome(4, "at [Prat : nine] am", "at [time : nine am]", [0.1, float("nan"), 0.2]),
    ]
    found = write_review(rows, script, tmp_path, script)
    assert [suspect.line for suspect in found] == [3, 4, 2, 5]
    assert found[3].answer == "Ali at [KİŞİ : nine]"
    assert found[1].quality == 0.25  # the type is unknown: what an answer of 0.75 leaves over
    assert (found[1].labels, found[1].answer) == ("at [Prat : nine] am", "at [time : nine am]")
    assert "'nine' as Prat" in found[1].reasons[0]
    assert "'nine am' as time" in found[1].reasons[0]
    lines = (tmp_path / "review.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["line"] for line in lines] == [3, 4, 2, 5]
    page = (tmp_path / "review.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "")
    write_review(rows, "tasks.json", tmp_path, "", "text")
    assert "<h2>Text 3" in (tmp_path / "review.html").read_text(encoding="utf-8")


def test_a_file_is_reviewed_and_scored_and_stays_as_it_is(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    says: Callable[..., str],
) -> None:
    recipe, folder = tiny(tmp_path), tmp_path / "out"
    monkeypatch.setattr("nerlib.tools.commands.choose_recipe", lambda _: recipe)
    file, before = recipe.source, Path(recipe.source).read_bytes()
    assert cli.main(["review", file, "--folds", "2", "--output", str(folder), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    # Before anything is trained.
    assert "is a file" in says("review", file, "--output", file, status=2)
    assert sorted(path.name for path in folder.iterdir()) == ["review.html", "review.jsonl"]
    scores = json.loads(says("crossvalidate", file, "--folds", 2, "--json"))
    assert json.loads(says("evaluate", "--own", file, "--folds", 2, "--json")) == scores
    assert set(scores["per_type"]) == {"BikePart"}
    assert len(scores["f1_by_fold"]) == 2
    assert scores["overall"]["gold"] == len(PARTS)
    assert Path(file).read_bytes() == before
    assert "99 folds" in says("crossvalidate", file, "--folds", 99, status=2)
    assert "--own" in says("evaluate", "--folds", 2, status=2)
