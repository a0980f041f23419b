"""Few labels: which sentences are suggested, in which form, and training that goes on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tiny_encoders import SENTENCES, new_model, tokenizer_of

from nerlib import Tagger, TagSet, load_model
from nerlib import __main__ as cli
from nerlib.tools.continuing import continued
from nerlib.tools.exchange.document import Reading
from nerlib.tools.exchange.formats import read_file
from nerlib.tools.own_checks import digest
from nerlib.tools.suggest import answers, k_centre, suggest


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A folder with a tagger whose random head marks something; it has seen one sentence."""
    tagger = Tagger(new_model("bert", TagSet.from_types(["time"])), tokenizer_of("bert"), "cpu")
    tagger.model.config.trained_on = digest(SENTENCES[0])
    tagger.model.config.learnt_from = {"TIME": 2}
    tagger.save_pretrained(tmp_path / "model")
    return str(tmp_path / "model")


def test_the_most_doubtful_answers_come_first_and_the_same_never_twice(model: str) -> None:
    tagger = Tagger.from_pretrained(model, "cpu")
    found = answers(tagger, [*SENTENCES, ""])
    for (document, doubt), entities in zip(found, tagger([*SENTENCES, ""]), strict=True):
        assert document.marked == [(one.type, one.text) for one in entities]
        assert document.scores == pytest.approx([one.score for one in entities])
        assert all(doubt >= 1 - one.score - 1e-6 for one in entities)
    assert found[-1][1] == 0 < found[0][1]
    doubts = [doubt for _, doubt in suggest(tagger, SENTENCES, 3)]
    assert doubts == sorted(set(doubts), reverse=True)
    assert doubts[0] == max(doubt for _, doubt in found)
    assert len(suggest(tagger, SENTENCES, 100)) == len(SENTENCES)


def test_centres_lie_far_from_what_is_known_and_none_is_taken_twice() -> None:
    points = torch.tensor([[0.0], [0.1], [5.0], [9.0], [9.1]])
    assert k_centre(points, 2, known=[4]) == [0, 2]
    assert sorted(k_centre(torch.zeros(3, 2), 9, known=[1])) == [0, 2]


@pytest.mark.parametrize("name", ["next.txt", "next.json", "next.jsonl"])
def test_suggestions_are_a_models_answers_to_correct_and_none_was_trained_on(
    name: str,
    model: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    says: Callable[..., str],
) -> None:
    (tmp_path / "pool.txt").write_text("\n".join([*SENTENCES, SENTENCES[1], ""]), "utf-8")
    command = ["suggest", str(tmp_path / "pool.txt"), "--model", model]
    wanted = [*command, "--output", str(tmp_path / name)]
    assert cli.main(wanted) == 0
    found = read_file(tmp_path / name, reading=Reading(predictions=True))
    assert {document.text for document in found} == set(SENTENCES[1:])
    assert all((document.scores is None) == (name == "next.txt") for document in found)
    assert any(document.spans for document in found)
    lines = says(*command, "--count", 2).splitlines()
    rows = [json.loads(line) for line in says(*command, "--count", 2, "--json").splitlines()]
    assert [row["marked"] for row in rows] == lines
    assert 1 >= rows[0]["doubt"] >= rows[1]["doubt"] >= 0
    for wrong in (wanted, [*wanted, "--json"], [*command, "--count", 0]):
        assert says(*wrong, status=2)
    rows = [{"text": text} for text in ("press [x]", "", *SENTENCES)]  # that nobody has annotated
    (tmp_path / "pool.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    (tmp_path / "pool.json").write_text(json.dumps([{"data": row} for row in rows]), "utf-8")
    for pool in ("pool.jsonl", "pool.json"):
        asked = ["suggest", str(tmp_path / pool), *command[2:]]
        assert cli.main([*asked, "--count", "2"]) == 0
        told = capsys.readouterr()
        assert told.out.splitlines()[-2:] == lines
        assert "1 texts that brackets cannot hold" in told.err
        assert cli.main([*asked, "--output", str(tmp_path / f"{name}.{pool}")]) == 0
        assert "press [x]" in (tmp_path / f"{name}.{pool}").read_text("utf-8")
    (tmp_path / "pool.txt").write_text(SENTENCES[0], "utf-8")
    assert cli.main(command) == 2


def test_a_model_that_goes_on_answers_as_before_where_types_are_known() -> None:
    old = new_model("bert", TagSet.from_types(["time", "place"])).eval()
    new = continued(old, TagSet.from_types(["date", "person"])).eval()
    assert new.config.tags.types == ("DATE", "PERSON", "PLACE", "TIME")
    rows = [new.config.tags.get_id(label) for label in old.config.labels]
    inputs = {"input_ids": torch.tensor([[2, 7, 8]]), "word_ids": torch.tensor([[-1, 0, 1]])}
    assert torch.equal(new(**inputs).logits[..., rows], old(**inputs).logits)


def test_training_goes_on_from_a_model_with_its_types_and_what_it_has_seen(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], says: Callable[..., str]
) -> None:
    own = tmp_path / "own.txt"
    own.write_text("play [Song : hey jude]\nwake me at [time : nine]\nthe end\n", encoding="utf-8")
    command = ["train", "--own", str(own), "--from", model, "--epochs", "1"]
    german = [*command, "--locale", "de-DE"]  # no other encoder takes the place of the model's
    assert cli.main([*german, "--output", str(tmp_path / "made")]) == 0
    assert "takes the place" not in capsys.readouterr().err
    config = load_model(tmp_path / "made" / "model").config
    assert config.type_names == {"SONG": "Song", "TIME": "time"}
    assert len(config.trained_on.split()) == 4
    assert config.learnt_from == {"SONG": 1, "TIME": 3}
    for wrong in ([*command, "--encoder", "x"], ["train", "--from", model]):
        assert "--from" in says(*wrong, status=2)
    assert cli.main([*command[:4], str(tmp_path / "none")]) == 2
