"""Other ways on the same rows: each one learns, all are scored alike, and the page shows it."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from small_runs import tiny_recipe
from tiny_encoders import small_corpus

from benchmarks import standing
from benchmarks.measured import OURS, TRAINER
from benchmarks.standing import Outcome, table
from nerlib.parsing import Parser, Span
from nerlib.tools.recipes import Experiment, Recipe, prepare
from tools import readme

pytest.importorskip("sklearn_crfsuite", reason="install the extra `bench`")
pytest.importorskip("spacy", reason="install the extra `exchange`")
pytest.importorskip("accelerate", reason="install the extra `scale`")
from benchmarks.bench import ner_contenders

ROWS = 24


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """Few rows, of which validation has the same, so that whoever learns gets them right."""
    monkeypatch.setattr(Recipe, "corpus", lambda self, split: small_corpus(ROWS))
    monkeypatch.setattr(ner_contenders, "EVERY", 20)
    monkeypatch.setattr(ner_contenders, "MOST", 60)
    recipe = tiny_recipe()
    config = replace(
        *(recipe.settings,), epochs=20, batch_size=4, learning_rate=5e-3, masked_subwords=0.0,
        label_smoothing=0.0, threads=1, device="cpu", precision="fp32", progress=False,
    )  # fmt: skip
    return prepare(replace(recipe, settings=config))


# `test_serving.py` tries the other engines.
@pytest.mark.parametrize("name", [*[*ner_contenders.CONTENDERS][:6], "… static"])
def test_everyone_finds_what_it_was_trained_on(name: str, made: Experiment, tmp_path: Path) -> None:
    if name.startswith("…"):  # another engine, for the tagger beside it
        (trained := tmp_path / OURS).mkdir()
        ner_contenders.this_course(made, trained)
    (folder := tmp_path / name).mkdir()
    find = ner_contenders.CONTENDERS[name](made, folder)
    assert ner_contenders.score(made, find).overall.f1 > 0.7
    assert any(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    text = 'call me at "nine am", please'
    starts, ends = zip(*((w.start, w.end) for w in Parser().split_words(text)), strict=True)
    assert all(span.start in starts and span.end in ends for span in find([text])[0])


def test_the_score_is_that_of_the_entities_found(made: Experiment) -> None:
    gold = [list(row.spans) for row in made.validation_set.utterances]
    assert ner_contenders.score(made, lambda texts: gold).overall.f1 == 1
    assert ner_contenders.score(made, lambda texts: [[] for _ in texts]).overall.f1 == 0
    short = [[Span(s.type, s.start, s.end) for s in spans[:1]] for spans in gold]
    assert 0 < ner_contenders.score(made, lambda texts: short).overall.f1 < 1


def test_a_crf_sees_a_word_and_its_neighbours() -> None:
    first, second = ner_contenders.features(Parser().split_words("At 9"))
    assert (first["word"], first["+1"], first["-1"], first["title"]) == ("at", "9", "", True)
    assert (second["-1"], second["+2"], second["digit"], second["title"]) == ("at", "", True, False)


OUTCOMES = (
    Outcome("list", 0.3, 0.31, 0.01, 0.1, 9_000.0, 90_000.0),
    Outcome(TRAINER, 0.6, 0.61, 91.0, 70.0, 100.0, 1_000.0),
    Outcome(OURS, 0.58, 0.6, 91.4, 60.0, 250.0, 2_500.0),
    Outcome("ours, static", 0.5, 0.5, 1.0, 70.0, 8_000.0, 80_000.0),
)


def facts(**more: Any) -> dict[str, Any]:
    names = "corpus locale machine compute torch others"
    rows = {"train_rows": 1_000, "validation_rows": 200}
    return {**dict.fromkeys(names.split(), "x"), **rows, **more}


def test_the_table_says_who_is_ahead_also_if_it_is_another() -> None:
    shown = table(facts(outcomes=[asdict(one) for one in OUTCOMES]))
    assert f"| {TRAINER} | 0.600 | 0.610 | 100 | 1,000 | 91.00 | 70.0 s |" in shown
    assert f"highest strict F1 has: {TRAINER}" in shown
    assert "list, 36.0 times as many" in shown
    assert "-0.020 strict F1 and 2.5 times" in shown


def test_the_command_writes_what_the_page_shows(
    made: Experiment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any
) -> None:
    quick = {TRAINER: ner_contenders.known_values, OURS: ner_contenders.crf}
    monkeypatch.setattr(ner_contenders, "CONTENDERS", quick)
    monkeypatch.setattr(standing, "prepare", lambda recipe: made)
    (tmp_path / "benchmarks").mkdir()
    path = tmp_path / "benchmarks" / "standing.json"
    monkeypatch.setattr(standing, "RESULTS", path)
    assert standing.main([]) == 0
    written = json.loads(path.read_text(encoding="utf-8"))
    assert {outcome["name"] for outcome in written["outcomes"]} == {*quick}
    for outcome in written["outcomes"]:
        assert outcome["words"] > outcome["texts"] > 0
        assert outcome["megabytes"] > 0
        assert outcome["f1"] > 0.7
    assert written["train_rows"] == written["validation_rows"] == ROWS
    assert readme.measured("standing", table, tmp_path) in capsys.readouterr().out
