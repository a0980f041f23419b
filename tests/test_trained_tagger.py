"""`trained_tagger`: it trains or loads, says which, and never passes off another model."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from small_runs import TINY, silent
from tiny_encoders import encoder_folder, small_corpus

from nerlib import CorpusError, Recipe, RecipeError, get_recipe, prepare, save_model, trained_tagger
from nerlib.tools.recipes import made_by, shortened

TEXT = "wake me up at nine on friday"
Trained = tuple[Path, list[str]]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """Return a recipe that trains in a moment, on a file in MASSIVE's layout."""
    path = tmp_path_factory.mktemp("corpus") / "en-US.jsonl"
    parts = enumerate(small_corpus(60))
    rows = [{**row, "partition": "train" if number % 5 else "dev"} for number, row in parts]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    encoder = str(encoder_folder("bert"))
    settings = replace(TINY, epochs=2)
    return Recipe("tiny", "a tiny encoder", "-", str(path), "en-US", encoder, settings=settings)


@pytest.fixture(scope="module")
def trained(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Return a folder with a model of 20 rows and one epoch, and what was reported meanwhile."""
    folder, lines = tmp_path_factory.mktemp("trained") / "quick", []
    trained_tagger(recipe, folder, rows=20, epochs=1, report=lines.append)
    return folder, lines


def weights(folder: Path) -> bytes:
    return (folder / "model" / "model.safetensors").read_bytes()


def test_it_says_that_it_trains_and_where_it_saves(trained: Trained) -> None:
    folder, lines = trained
    assert "quick/model" in lines[0]
    assert "training" in lines[0]
    assert "20 utterances" in lines[1]
    assert sum(line.startswith("epoch") for line in lines) == 1
    assert "quick/model" in lines[-1]
    assert (folder / "model" / "tokenizer.json").is_file()


def test_the_folder_remembers_recipe_rows_and_epochs(trained: Trained) -> None:
    config = json.loads((trained[0] / "model" / "config.json").read_text(encoding="utf-8"))
    encoder, rows = str(encoder_folder("bert")), {"rows": "train[:20]", "epochs": 1}
    assert config["made_by"] == {"recipe": "tiny", "locale": "en-US", "encoder": encoder, **rows}


@pytest.mark.parametrize("wishes", [{"rows": 20, "epochs": 1}, {}], ids=["the same", "any"])
def test_the_second_time_it_loads_and_says_so(
    recipe: Recipe, trained: Trained, capsys: pytest.CaptureFixture[str], wishes: dict[str, int]
) -> None:
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
    recipe: Recipe, trained: Trained, change: dict[str, str], wishes: dict[str, int], said: str
) -> None:
    before, lines = weights(trained[0]), []
    with pytest.raises(RecipeError, match=said):
        trained_tagger(replace(recipe, **change), trained[0], report=lines.append, **wishes)
    assert lines == []
    assert weights(trained[0]) == before


def test_a_model_of_unknown_origin_is_refused(
    recipe: Recipe, trained: Trained, tmp_path: Path
) -> None:
    shutil.copytree(trained[0] / "model", tmp_path / "model")
    config = tmp_path / "model" / "config.json"
    settings = json.loads(config.read_text(encoding="utf-8"))
    del settings["made_by"]
    config.write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(RecipeError, match="which recipe"):
        trained_tagger(recipe, tmp_path)


def test_an_unfinished_model_is_an_error_and_no_reason_to_train(
    recipe: Recipe, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(RecipeError, match="delete it"):
        trained_tagger(recipe, tmp_path)


def test_a_model_saved_after_a_training_of_ones_own_is_known_too(
    recipe: Recipe, tmp_path: Path
) -> None:
    experiment = prepare(recipe, tmp_path)  # notebook 05 saves its model like this
    save_model(experiment.model, experiment.tokenizer, tmp_path / "model")
    lines: list[str] = []
    trained_tagger(recipe, tmp_path, report=lines.append)
    assert len(lines) == 1
    assert "recipe tiny, rows train, epochs 2" in lines[0]


def test_loaded_it_tags_as_it_did_when_just_trained(recipe: Recipe, tmp_path: Path) -> None:
    first, again = (trained_tagger(recipe, tmp_path, epochs=8, report=silent) for _ in range(2))
    sentences = [row["utt"] for row in small_corpus(20)]
    assert [first.tags(text) for text in sentences] == [again.tags(text) for text in sentences]
    assert any(first(sentences))


def test_a_failed_training_leaves_no_model_behind(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(CorpusError):
        trained_tagger(replace(recipe, source=str(tmp_path / "none")), tmp_path / "out")
    assert not (tmp_path / "out" / "model").exists()


def test_shortened_changes_only_what_is_asked_for() -> None:
    tutorial = get_recipe("tutorial")
    assert shortened(tutorial, None, None) == tutorial
    rows = replace(tutorial, train_split="train[:300]", shuffle=True)
    assert shortened(tutorial, 300, None) == rows
    epochs = replace(tutorial.settings, epochs=2)
    assert shortened(tutorial, None, 2) == replace(tutorial, settings=epochs)


@pytest.mark.parametrize("name", ["offline", "offline-ru", "massive-offline"])
def test_the_record_holds_no_path_of_this_machine(name: str) -> None:
    assert "/" not in "".join(map(str, made_by(get_recipe(name)).values()))
