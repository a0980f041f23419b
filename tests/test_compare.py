"""Scores in words: intervals, which of two models is better, and what to annotate next."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from small_runs import trained_model
from tiny_encoders import new_model, small_corpus, tokenizer_of

from nerlib import TagSet
from nerlib.analysis.significance import bootstrap_f1, count_entities
from nerlib.metrics import Score, evaluate_tags
from nerlib.saving import save_model
from nerlib.tools.compare import TOTAL, advice, intervals


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, one of which knows nothing, and an exam."""
    folder = tmp_path_factory.mktemp("compare")
    tags = TagSet.from_corpus(small_corpus())
    for name, model in (("good", trained_model()), ("bad", new_model("bert", tags))):
        save_model(model, tokenizer_of("bert"), folder / name)
    (folder / "exam.txt").write_text("\n".join(small_corpus(30, seed=5)["annot_utt"]), "utf-8")
    return folder


def test_every_type_has_an_interval_of_its_own_entities() -> None:
    gold = [["B-A", "O"], ["B-A", "B-B"], ["O", "B-B"]]
    found = [["B-A", "B-B"], ["O", "B-B"], ["O", "B-A"]]
    sure, scores = intervals(gold, found), evaluate_tags(gold, found)
    assert set(sure) == {"A", "B", TOTAL}
    for name, score in {**scores.per_type, TOTAL: scores.overall}.items():
        assert sure[name].low <= sure[name].value == score.f1 <= sure[name].high
    assert sure[TOTAL] == bootstrap_f1(count_entities(gold, found))
    only = [["B-A", "O"], ["B-A", "O"], ["O", "O"]], [["B-A", "O"], ["O", "O"], ["O", "B-A"]]
    assert sure["A"] == bootstrap_f1(count_entities(*only))


ADVICE = {
    "few in training": ({"A": Score(20, 20, 10)}, {"A": 8}, "annotate more"),
    "many in training": ({"A": Score(20, 20, 10)}, {"A": 800}, "--report"),
    "few here": ({"A": Score(3, 3, 1)}, {}, "a longer exam"),
    "all good": ({"A": Score(20, 20, 20)}, {"A": 8}, "no type needs"),
    "invented only": ({"A": Score(0, 3, 0)}, {"A": 8}, "nothing to advise"),
    "the weakest": ({"A": Score(9, 9, 9), "B": Score(9, 9, 1)}, {"B": 5}, "b is weakest"),
}


@pytest.mark.parametrize(("scores", "learnt", "said"), ADVICE.values(), ids=ADVICE)
def test_what_to_do_next_follows_from_the_numbers(
    scores: dict[str, Score], learnt: dict[str, int], said: str
) -> None:
    assert said in advice(scores, {}, learnt)


@pytest.mark.parametrize(("pair", "better"), [(("good", "bad"), "A"), (("bad", "good"), "B")])
def test_the_better_model_is_named(
    pair: tuple[str, str], better: str, folder: Path, says: Callable[..., str]
) -> None:
    models = [str(folder / name) for name in pair]
    command = ["compare", *models, "--own", str(folder / "exam.txt")]
    *lines, said = says(*command).splitlines()
    assert said.startswith(f"{better} is better")
    assert all(model in line for model, line in zip(models, lines, strict=True))
    record = json.loads(says(*command, "--json"))
    assert record["says"] == said
    gain = record["B"]["f1"]["value"] - record["A"]["f1"]["value"]
    assert record["difference"]["value"] == pytest.approx(gain)
    scores = json.loads(says("evaluate", "--model", models[0], *command[3:], "--json"))
    low, high = scores["overall"]["f1_interval"]
    assert [low, high] == [record["A"]["f1"]["low"], record["A"]["f1"]["high"]]
    assert low <= scores["overall"]["f1"] <= high
    assert scores["advice"]


def test_a_model_is_not_better_than_itself(folder: Path, says: Callable[..., str]) -> None:
    said = says("compare", *[folder / "good"] * 2, "--own", folder / "exam.txt")
    assert "do not tell" in said.splitlines()[-1]
