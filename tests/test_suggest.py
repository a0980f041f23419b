"""Few labels: which sentences are suggested, in which form, and training that goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_encoders import SENTENCES, new_model, tokenizer_of

from nerlib import Tagger, TagSet, load_model
from nerlib import __main__ as cli
from nerlib.tools.continuing import continued
from nerlib.tools.exchange.document import Reading
from nerlib.tools.exchange.formats import read_file
from nerlib.tools.suggest import answers, k_centre, sentence_vectors, suggest

TIMES = TagSet.from_types(["time"])


@pytest.fixture
def tagger() -> Tagger:
    """A tagger whose random head marks something now and then."""
    return Tagger(new_model("bert", TIMES), tokenizer_of("bert"), "cpu")


@pytest.fixture
def model(tagger: Tagger, tmp_path: Path) -> str:
    """Its folder; it remembers that it was trained on the first sentence."""
    from nerlib.tools.own_checks import digest

    tagger.model.config.trained_on = digest(SENTENCES[0])
    tagger.save_pretrained(tmp_path / "model")
    return str(tmp_path / "model")


def pool(folder: Path, *lines: str) -> str:
    (folder / "pool.txt").write_text("\n".join(lines), encoding="utf-8")
    return str(folder / "pool.txt")


def test_an_answer_is_the_taggers_and_its_doubt_that_of_the_least_sure_word(tagger: Tagger) -> None:
    found = answers(tagger, [*SENTENCES, ""])
    for (document, doubt), text in zip(found, SENTENCES, strict=False):
        assert document.marked == [(e.type, e.text) for e in tagger(text)]
        assert document.scores == pytest.approx([e.score for e in tagger(text)])
        assert all(doubt >= 1 - score - 1e-6 for score in document.scores)
        assert 0 < doubt < 1
    assert any(document.spans for document, _ in found)
    assert found[-1].doubt == 0


def test_doubtful_sentences_come_first_and_the_same_one_never_twice(tagger: Tagger) -> None:
    doubts = {one.document.text: one.doubt for one in answers(tagger, SENTENCES)}
    found = suggest(tagger, SENTENCES, 3)
    assert len({one.document.text for one in found}) == 3
    assert found[0].doubt == max(doubts.values())
    assert [one.doubt for one in found] == sorted((one.doubt for one in found), reverse=True)
    (most,) = suggest(tagger, SENTENCES, 1)
    assert most.document.text == found[0].document.text
    assert len(suggest(tagger, SENTENCES, 100)) == len(SENTENCES)
    assert sentence_vectors(tagger, [one.document for one in found]).shape == (3, 32)


def test_centres_lie_far_apart_and_from_what_is_known() -> None:
    points = torch.tensor([[0.0], [0.1], [5.0], [9.0], [9.1]])
    assert k_centre(points, 2) == [0, 4]
    assert k_centre(points, 2, known=[4]) == [0, 2]
    assert sorted(k_centre(torch.zeros(3, 2), 9)) == [0, 1, 2]
    assert sorted(k_centre(torch.zeros(3, 2), 9, known=[1])) == [0, 2]


def test_suggestions_are_lines_to_correct_and_none_was_trained_on(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = pool(tmp_path, *SENTENCES, SENTENCES[1], "", "with [ a bracket")
    target = str(tmp_path / "next.txt")
    assert cli.main(["suggest", file, "--model", model, "--output", target]) == 0
    found = {document.text for document in read_file(Path(target))}
    assert found == set(SENTENCES[1:])
    assert "line 11 is" in capsys.readouterr().err
    assert cli.main(["suggest", file, "--model", model, "--count", "2"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert cli.main(["suggest", file, "--model", model, "--output", target]) == 2
    assert "there already" in capsys.readouterr().err
    for wrong in (["--count", "0"], ["--output", "x.conll", "--format", "tag"]):
        assert cli.main(["suggest", file, "--model", model, *wrong]) == 2
    assert cli.main(["suggest", pool(tmp_path, SENTENCES[0]), "--model", model]) == 2


@pytest.mark.parametrize("name", ["label-studio", "prodigy"])
def test_other_tools_get_them_as_a_models_and_not_as_a_persons(
    name: str, model: str, tagger: Tagger, tmp_path: Path
) -> None:
    target = tmp_path / "tasks.json"
    command = ["suggest", pool(tmp_path, *SENTENCES), "--model", model, "--format", name]
    assert cli.main([*command, "--output", str(target)]) == 0
    for document in read_file(target, name, Reading(predictions=True)):
        assert document.scores is not None
        assert document.marked == [(e.type, e.text) for e in tagger(document.text)]


@pytest.mark.parametrize("head", ["linear", "crf"])
def test_a_model_that_goes_on_answers_as_before_where_types_are_known(head: str) -> None:
    old = new_model("bert", TagSet.from_types(["time", "place"]), head=head).eval()
    if old.transitions is not None:
        torch.nn.init.normal_(old.transitions)
    new = continued(old, TagSet.from_types(["date", "person"])).eval()
    assert new.config.tags.types == ("DATE", "PERSON", "PLACE", "TIME")
    rows = [new.config.tags.get_id(label) for label in old.config.labels]
    inputs = {"input_ids": torch.tensor([[2, 7, 8, 3]])}
    inputs["word_ids"] = torch.tensor([[-1, 0, 1, -1]])
    assert torch.equal(new(**inputs).logits[..., rows], old(**inputs).logits)
    if old.transitions is not None:
        assert torch.equal(new.transitions[rows][:, rows], old.transitions)
    same = continued(old, TagSet.from_types(["time"]))
    assert all(torch.equal(same.state_dict()[name], v) for name, v in old.state_dict().items())


def test_training_goes_on_from_a_model_with_its_types_and_what_it_has_seen(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.txt"
    own.write_text("play [Song : hey jude]\nwake me at [time : nine]\nthe end\n", encoding="utf-8")
    command = ["train", "--own", str(own), "--from", model, "--epochs", "1"]
    assert cli.main([*command, "--output", str(tmp_path / "made")]) == 0
    config = load_model(tmp_path / "made" / "model").config
    assert config.type_names == {"SONG": "Song", "TIME": "time"}
    assert len(config.trained_on.split()) == 4
    assert config.encoder == load_model(model).config.encoder
    capsys.readouterr()
    for wrong in ([*command, "--encoder", "x"], ["train", "--from", model]):
        assert cli.main(wrong) == 2
        assert "--from" in capsys.readouterr().err
    assert cli.main([*command[:4], str(tmp_path / "none")]) == 2
