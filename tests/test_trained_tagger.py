"""`trained_tagger`: it trains or loads, says which, and never passes off another model."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_encoders import encoder_folder, small_corpus

from nerlib import (
    CorpusError,
    Recipe,
    RecipeError,
    TrainConfig,
    get_recipe,
    prepare,
    save_model,
    trained_tagger,
)
from nerlib.encoders import EncoderError
from nerlib.tools.recipes import made_by, shortened

TEXT = "wake me up at nine on friday"


@pytest.fixture(scope="module")
def corpus_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of a few utterances in MASSIVE's layout."""
    path = tmp_path_factory.mktemp("corpus") / "en-US.jsonl"
    rows = [dict(row) for row in small_corpus(60)]
    for number, row in enumerate(rows):
        row["partition"] = "dev" if number % 5 == 0 else "train"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def recipe(corpus_file: Path) -> Recipe:
    """Return a recipe that trains in a moment."""
    settings = TrainConfig(
        epochs=2, batch_size=4, learning_rate=3e-3, device="cpu", precision="fp32"
    )
    return Recipe(
        "tiny",
        "a tiny encoder",
        "nothing",
        str(corpus_file),
        "en-US",
        str(encoder_folder("bert")),
        settings=replace(settings, device="cpu", precision="fp32"),
    )


@pytest.fixture(scope="module")
def trained(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Return a folder with a model of 20 rows and one epoch, and what was said meanwhile."""
    folder, said = tmp_path_factory.mktemp("trained") / "quick", []
    trained_tagger(recipe, folder, rows=20, epochs=1, report=said.append)
    return folder, said


def weights(folder: Path) -> bytes:
    return (folder / "model" / "model.safetensors").read_bytes()


def test_it_says_that_it_trains(trained: tuple[Path, list[str]]) -> None:
    folder, said = trained
    assert said[0] == "there is no model in quick/model yet: training one"
    assert "20 utterances" in said[1]
    assert [line for line in said if line.startswith("epoch")] == [said[2]]
    assert said[-1] == "saved in quick/model"
    assert (folder / "model" / "tokenizer.json").is_file()


def test_the_folder_remembers_recipe_rows_and_epochs(trained: tuple[Path, list[str]]) -> None:
    config = json.loads((trained[0] / "model" / "config.json").read_text(encoding="utf-8"))
    assert config["made_by"] == {
        "recipe": "tiny",
        "locale": "en-US",
        "encoder": str(encoder_folder("bert")),
        "rows": "train[:20]",
        "epochs": 1,
    }


def test_the_second_time_it_loads_and_says_so(
    recipe: Recipe, trained: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, said = weights(trained[0]), []
    monkeypatch.setattr("nerlib.tools.recipes.train", None)  # a training would be a TypeError
    tagger = trained_tagger(recipe, trained[0], rows=20, epochs=1, report=said.append)
    assert said == [
        "loading the model in quick/model, trained before: recipe tiny, rows train[:20], epochs 1"
    ]
    assert weights(trained[0]) == before
    assert len(tagger.tags(TEXT)) == len(TEXT.split())


def test_without_wishes_any_training_of_the_recipe_will_do(
    recipe: Recipe, trained: tuple[Path, list[str]]
) -> None:
    said: list[str] = []
    trained_tagger(recipe, trained[0], report=said.append)
    assert "rows train[:20], epochs 1" in said[0]


def test_it_prints_by_default(
    recipe: Recipe, trained: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    trained_tagger(recipe, trained[0])
    assert capsys.readouterr().out.startswith("loading the model in quick/model")


@pytest.mark.parametrize(
    ("change", "rows", "epochs", "message"),
    [
        ({"name": "other"}, 20, 1, "recipe tiny, not other"),
        ({"locale": "ru-RU"}, 20, 1, "locale en-US, not ru-RU"),
        ({"encoder": "bert-base-uncased"}, 20, 1, "not bert-base-uncased"),
        ({}, 30, 1, r"rows train\[:20\], not train\[:30\]"),
        ({}, None, 3, "epochs 1, not 3"),
        ({"name": "other"}, None, None, "recipe tiny, not other"),
    ],
)
def test_a_model_made_otherwise_is_neither_used_nor_overwritten(
    recipe: Recipe,
    trained: tuple[Path, list[str]],
    change: dict[str, str],
    rows: int | None,
    epochs: int | None,
    message: str,
) -> None:
    before, said = weights(trained[0]), []
    with pytest.raises(RecipeError, match=message) as caught:
        trained_tagger(replace(recipe, **change), trained[0], rows, epochs, said.append)
    assert "delete it to train anew, or give another folder" in str(caught.value)
    assert said == []
    assert weights(trained[0]) == before


def test_a_model_of_unknown_origin_is_refused(
    recipe: Recipe, trained: tuple[Path, list[str]], tmp_path: Path
) -> None:
    shutil.copytree(trained[0] / "model", tmp_path / "model")
    config = tmp_path / "model" / "config.json"
    settings = json.loads(config.read_text(encoding="utf-8"))
    del settings["made_by"]
    config.write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(RecipeError, match="does not say which recipe made it"):
        trained_tagger(recipe, tmp_path)


def test_an_unfinished_model_is_an_error_and_no_reason_to_train(
    recipe: Recipe, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(EncoderError, match=r"config\.json"):
        trained_tagger(recipe, tmp_path)


def test_a_model_saved_after_a_training_of_ones_own_is_known_too(
    recipe: Recipe, tmp_path: Path
) -> None:
    experiment = prepare(recipe, tmp_path)  # notebook 05 saves its model like this
    save_model(experiment.model, experiment.tokenizer, tmp_path / "model")
    said: list[str] = []
    trained_tagger(recipe, tmp_path, report=said.append)
    assert said == [
        f"loading the model in {tmp_path.name}/model, trained before: "
        "recipe tiny, rows train, epochs 2"
    ]


def test_loaded_it_tags_as_it_did_when_just_trained(recipe: Recipe, tmp_path: Path) -> None:
    first = trained_tagger(recipe, tmp_path, epochs=8, report=lambda line: None)
    again = trained_tagger(recipe, tmp_path, epochs=8, report=lambda line: None)
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
    rows = shortened(tutorial, 300, None)
    assert (rows.train_split, rows.shuffle, rows.validation_split) == (
        "train[:300]",
        True,
        tutorial.validation_split,
    )
    assert rows.settings == tutorial.settings
    epochs = shortened(tutorial, None, 2)
    assert epochs == replace(tutorial, settings=replace(tutorial.settings, epochs=2))


def test_the_record_holds_no_path_of_this_machine() -> None:
    for name in ("offline", "offline-ru", "massive-offline"):
        assert "/" not in "".join(map(str, made_by(get_recipe(name)).values()))
