"""`trained_tagger`: it trains or loads, says which, and never passes off another model."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from small_runs import TINY, silent
from tiny_encoders import encoder_folder, new_model, small_corpus, tokenizer_of

from nerlib import CorpusError, Recipe, RecipeError, get_recipe, prepare, save_model, trained_tagger
from nerlib.tools.recipes import made_by, shortened

TEXT = "wake me up at nine on friday"
Trained = tuple[Path, list[str]]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory) -> Recipe:
    """Return a recipe that trains in a moment, on a file in MASSIVE's layout."""
    path = tmp_path_factory.mktemp("corpus") / "en-US.jsonl"
    parts = enumerate(small_corpus(60))
    rows = [{**row, "partition": "train" if number % 5 else "dev"} for number, row in parts]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    encoder = str(encoder_folder("bert"))
    settings = replace(TINY, epochs=2)
    return Recipe("tiny", "a tiny encoder", "-", str(path), "en-US", encoder, settings=settings)


@pytest.fixture(scope="module")
def trained(recipe, tmp_path_factory) -> Trained:
    """Return a folder with a model of 20 rows and one epoch, and what was reported meanwhile."""
    folder, lines = tmp_path_factory.mktemp("trained") / "quick", []
    trained_tagger(recipe, folder, rows=20, epochs=1, report=lines.append)
    return folder, lines


def weights(folder: Path) -> bytes:
    return (folder / "model" / "model.safetensors").read_bytes()


def test_it_says_that_it_trains_and_remembers_recipe_rows_and_epochs(trained):
    folder, (begun, rows, epoch, saved) = trained
    assert re.search("quick/model.*training", begun)
    assert "20 utterances" in rows
    assert epoch.startswith("epoch")
    assert "quick/model" in saved
    config = json.loads((folder / "model" / "config.json").read_text(encoding="utf-8"))
    encoder, rows = str(encoder_folder("bert")), {"rows": "train[:20]", "epochs": 1}
    assert config["made_by"] == {"recipe": "tiny", "locale": "en-US", "encoder": encoder, **rows}


@pytest.mark.parametrize("wishes", [{"rows": 20, "epochs": 1}, {}], ids=["the same", "any"])
def test_the_second_time_it_loads_and_says_so(recipe, trained, capsys, wishes):
    before = weights(trained[0])
    tagger = trained_tagger(recipe, trained[0], **wishes)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("loading")
    assert "recipe tiny, rows train[:20], epochs 1" in line
    assert weights(trained[0]) == before
    assert len(tagger.tags(TEXT)) == len(TEXT.split())


@pytest.mark.parametrize(
    ("change", "wishes", "said"),
    [
        ({"locale": "ru-RU"}, {"rows": 20, "epochs": 1}, "not ru-RU"),
        ({"encoder": "bert-base-uncased"}, {}, "not bert-base-uncased"),
        ({}, {"rows": 30}, r"not train\[:30\]"),
        ({}, {"epochs": 3}, "not 3"),
        ({"name": "other"}, {}, "not other"),
    ],
)
def test_a_model_made_otherwise_is_neither_used_nor_overwritten(
    recipe, trained, change, wishes, said
):
    before, lines = weights(trained[0]), []
    with pytest.raises(RecipeError, match=said):
        trained_tagger(replace(recipe, **change), trained[0], report=lines.append, **wishes)
    assert lines == []
    assert weights(trained[0]) == before


def test_a_model_unfinished_or_of_unknown_origin_is_an_error_and_no_reason_to_train(
    recipe, tmp_path
):
    (tmp_path / "model").mkdir()
    with pytest.raises(RecipeError, match="delete it"):
        trained_tagger(recipe, tmp_path)
    save_model(new_model("bert"), tokenizer_of("bert"), tmp_path / "model")
    with pytest.raises(RecipeError, match="which recipe"):
        trained_tagger(recipe, tmp_path)


def test_a_model_saved_after_a_training_of_ones_own_is_known_too(recipe, tmp_path):
    experiment = prepare(recipe, tmp_path)  # notebook 05 saves its model like this
    save_model(experiment.model, experiment.tokenizer, tmp_path / "model")
    lines: list[str] = []
    trained_tagger(recipe, tmp_path, report=lines.append)
    assert len(lines) == 1
    assert "recipe tiny, rows train, epochs 2" in lines[0]


def test_loaded_it_tags_as_it_did_when_just_trained(recipe, tmp_path):
    first, again = (trained_tagger(recipe, tmp_path, epochs=8, report=silent) for _ in range(2))
    sentences = [row["utt"] for row in small_corpus(20)]
    assert [first.tags(text) for text in sentences] == [again.tags(text) for text in sentences]
    assert any(first(sentences))


def test_a_failed_training_leaves_no_model_behind(recipe, tmp_path):
    with pytest.raises(CorpusError):
        trained_tagger(replace(recipe, source=str(tmp_path / "none")), tmp_path / "out")
    assert not (tmp_path / "out" / "model").exists()


def test_shortened_changes_only_what_is_asked_for():
    tutorial = get_recipe("tutorial")
    assert shortened(tutorial, None, None) == tutorial
    shorter = replace(tutorial, settings=replace(tutorial.settings, epochs=2))
    assert shortened(tutorial, None, 2) == shorter
    rows = replace(shorter, train_split="train[:300]", shuffle=True)
    assert shortened(tutorial, 300, 2) == rows


@pytest.mark.parametrize("name", ["offline", "offline-ru", "massive-offline"])
def test_the_record_holds_no_path_of_this_machine(name):
    assert "/" not in "".join(map(str, made_by(get_recipe(name)).values()))
