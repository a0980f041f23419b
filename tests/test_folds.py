"""Answers out of fold: no model has seen the sentence; their score, and the page of doubts."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from tiny_encoders import encoder_folder

from nerlib import CorpusError, evaluate_tags, get_recipe
from nerlib import __main__ as cli
from nerlib.analysis.error_analysis import Outcome
from nerlib.analysis.significance import bootstrap_f1, count_entities, f1_of_counts
from nerlib.parsing import Parser
from nerlib.tools import folds
from nerlib.tools.folds import cross_validation, fold_numbers, out_of_fold
from nerlib.tools.own_recipe import OwnRecipe, own_recipe
from nerlib.tools.review import suspects, write_review

PARTS = ("bell", "brake", "chain", "light", "pedal", "pump", "saddle", "spoke", "tube", "rim")
LINES = [f"the [BikePart : {part}] squeaks" for part in PARTS] + ["what do i owe you"]


def sentences(folder: Path) -> str:
    path = folder / "sentences.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return str(path)


def tiny(folder: Path) -> OwnRecipe:
    recipe = own_recipe(sentences(folder), get_recipe("offline"))
    model = {name: v for name, v in recipe.model_settings.items() if name != "layers"}
    settings = replace(recipe.settings, epochs=1)
    return replace(recipe, encoder=encoder_folder("bert"), model_settings=model, settings=settings)


def outcome(line: str, answer: str, losses: list[float], number: int = 1) -> Outcome:
    gold, said = Parser().parse(line), Parser().parse(answer)
    assert gold.text == said.text
    sure = (0.75,) * len(losses)
    return Outcome(f"own-{number}", gold, said.tags, sure, tuple(losses))


def test_equal_sentences_share_a_fold_and_folds_are_of_one_size() -> None:
    numbers = fold_numbers([*LINES, *LINES], 3)
    assert numbers[: len(LINES)] == numbers[len(LINES) :]
    assert sorted(numbers.count(fold) for fold in range(3)) == [6, 8, 8]
    again = dict(zip(LINES[::-1], fold_numbers(LINES[::-1], 3), strict=True))
    assert [again[line] for line in LINES] == numbers[: len(LINES)]


@pytest.mark.parametrize("number", [1, 3])
def test_folds_that_cannot_be_made_are_refused_in_one_line(number: int) -> None:
    with pytest.raises(CorpusError, match=f"{number} folds"):
        fold_numbers(["a", "b", "a"], number)


def test_no_model_has_seen_what_it_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learnt: list[set[str]] = []
    train = folds.train

    def watched(model, train_set, validation_set, *rest):  # type: ignore[no-untyped-def]
        learnt.append({one.text for data in (train_set, validation_set) for one in data.utterances})
        return train(model, train_set, validation_set, *rest)

    monkeypatch.setattr(folds, "train", watched)
    told: list[str] = []
    outcomes, numbers = out_of_fold(tiny(tmp_path), 3, told.append)
    texts = [one.utterance.text for one in outcomes]
    assert texts == [Parser().parse(line).text for line in LINES]
    for fold, seen in enumerate(learnt):
        assert seen == {text for text, number in zip(texts, numbers, strict=True) if number != fold}
    assert len(told) == len(learnt) == 3
    assert all("left" in line for line in told[1:])


def test_the_score_is_that_of_all_answers_together() -> None:
    right = outcome("at [time : nine]", "at [time : nine]", [0.1, 0.1])
    wrong = outcome("at [time : nine]", "at [date : nine]", [0.1, 3.0])
    found = cross_validation([right, right, wrong, right], [0, 0, 1, 1])
    gold, said = [("O", "B-TIME")] * 4, [right.predicted] * 2 + [wrong.predicted, right.predicted]
    counts = count_entities(gold, said)
    assert found.scores == evaluate_tags(gold, said)
    assert found.interval == bootstrap_f1(counts)
    assert found.fold_f1 == (f1_of_counts(counts[:2]), f1_of_counts(counts[2:]))


def test_doubtful_labels_come_worst_first_with_line_and_reason() -> None:
    nan = float("nan")
    rows = [
        outcome("at [time : nine]", "at [time : nine]", [0.1, 0.1], 1),
        outcome("at [time : nine]", "at nine", [0.1, 1.0], 2),
        outcome("at [time : nine]", "at [date : nine]", [0.1, 4.0], 3),
        outcome("at [Prat : nine] am", "at [time : nine am]", [0.1, nan, 0.2], 4),
    ]
    found = [suspect for suspect, _ in suspects(rows)]
    assert [suspect.line for suspect in found] == [3, 4, 2]
    assert all(a.quality <= b.quality for a, b in pairwise(found))
    assert found[1].quality == 0.25  # the type is unknown: what an answer of 0.75 leaves over
    assert (found[1].labels, found[1].answer) == ("at [Prat : nine] am", "at [time : nine am]")
    assert "'nine' as Prat" in found[1].reasons[0]
    assert "'nine am' as time" in found[1].reasons[0]


def test_text_on_the_page_is_text_and_the_page_asks_for_nothing(tmp_path: Path) -> None:
    script = "<script>alert(1)</script>"
    rows = [outcome(f"at [time : {script}]", f"at {script}", [0.1, 2.0], 7)]
    write_review(rows, script, tmp_path, script)
    page = (tmp_path / "review.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "")
    (line,) = (tmp_path / "review.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["line"] == 7


def test_a_file_is_reviewed_and_scored_and_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("nerlib.tools.commands.choose_recipe", lambda _: tiny(tmp_path))
    file, folder = sentences(tmp_path), tmp_path / "out"
    before = Path(file).read_bytes()
    assert cli.main(["review", file, "--folds", "2", "--output", str(folder)]) == 0
    assert str(folder / "review.html") in capsys.readouterr().out
    assert cli.main(["crossvalidate", file, "--folds", "2", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert cli.main(["evaluate", "--own", file, "--folds", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == scores
    assert set(scores["per_type"]) == {"BikePart"}
    assert len(scores["fold_f1"]) == 2
    assert scores["interval"]["low"] <= scores["overall"]["f1"] <= scores["interval"]["high"]
    assert Path(file).read_bytes() == before
    assert cli.main(["crossvalidate", file, "--folds", "99"]) == 2
    assert "99 folds" in capsys.readouterr().err
    assert cli.main(["evaluate", "--folds", "2"]) == 2
    assert "--own" in capsys.readouterr().err
