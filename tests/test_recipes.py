"""The named experiments: found by name, the same at every call, and never swapped in silence."""

import importlib.metadata
from dataclasses import replace

import pytest
import torch
from tiny_encoders import one_thread  # noqa: F401 (a fixture)

from nerlib import (
    PACKAGED,
    RECIPES,
    CorpusError,
    EncoderError,
    RecipeError,
    TagSet,
    get_recipe,
    load_corpus,
    prepare,
)

NAMES = ["offline", "offline-ru", "tutorial", "multilingual", "english", "massive-offline"]


def small(name):
    """Return a recipe that uses only a few rows."""
    return replace(RECIPES[name], train_split="train[:40]", validation_split="validation[:10]")


def test_the_names():
    assert list(RECIPES) == NAMES
    assert all(RECIPES[name].name == name for name in NAMES)


@pytest.mark.parametrize(
    ("name", "source", "locale", "encoder", "splits"),
    [
        ("offline", "sample", "en-US", PACKAGED, ("train", "validation")),
        ("offline-ru", "sample", "ru-RU", "scratch:small-bert", ("train", "validation")),
        (
            "tutorial",
            "hub",
            "ru-RU",
            "ai-forever/ruBert-base",
            ("train[:1000]", "validation[:1000]"),
        ),
        ("multilingual", "hub", "ru-RU", "bert-base-multilingual-cased", ("train", "validation")),
        ("english", "hub", "en-US", "bert-base-uncased", ("train", "validation")),
        ("massive-offline", "massive", "en-US", PACKAGED, ("train", "validation")),
    ],
)
def test_what_each_name_stands_for(name, source, locale, encoder, splits):
    recipe = get_recipe(name)
    assert (recipe.source, recipe.locale, recipe.encoder) == (source, locale, encoder)
    assert (recipe.train_split, recipe.validation_split) == splits


def test_the_environment_chooses_and_an_argument_wins(monkeypatch):
    monkeypatch.delenv("NERLIB_RECIPE", raising=False)
    assert get_recipe().name == "offline"
    monkeypatch.setenv("NERLIB_RECIPE", "offline-ru")
    assert get_recipe().name == "offline-ru"
    assert get_recipe("english").name == "english"
    monkeypatch.setenv("NERLIB_RECIPE", "")
    assert get_recipe().name == "offline"


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("ofline", "did you mean offline?"),
        ("massive", "did you mean massive-offline?"),
        ("Tutorial", "did you mean tutorial?"),
        ("xyz", "known are offline, offline-ru, tutorial"),
    ],
)
def test_an_unknown_name_raises_with_a_hint(wrong, hint, monkeypatch):
    monkeypatch.setenv("NERLIB_RECIPE", wrong)
    for ask in (lambda: get_recipe(wrong), get_recipe):
        with pytest.raises(RecipeError, match=f"unknown recipe '{wrong}'") as error:
            ask()
        assert hint in str(error.value)
        assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["offline", "offline-ru"])
def test_prepare_gives_the_same_model_twice(name, tmp_path):
    first = prepare(small(name), tmp_path / "a")
    torch.rand(7)  # whatever random numbers were drawn before
    second = prepare(small(name), tmp_path / "b")
    assert first.tokenizer.get_vocab() == second.tokenizer.get_vocab()
    assert first.tags == second.tags
    one, other = first.model.state_dict(), second.model.state_dict()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[weight], other[weight]) for weight in one)
    for left, right in zip(first.train_set, second.train_set, strict=True):
        assert all(torch.equal(left[field], right[field]) for field in left)


def test_what_prepare_makes_is_what_the_recipe_says(tmp_path):
    recipe = small("offline")
    made = prepare(recipe, tmp_path)
    rows = load_corpus("en-US", "train[:40]")
    assert made.recipe is recipe
    assert made.train_set.row_ids == rows["id"][:]
    assert len(made.validation_set) == 10
    assert made.tags == TagSet.from_corpus(rows) == made.model.config.tags
    assert made.model.encoder.config.hidden_size == 384
    assert list(tmp_path.iterdir()) == []  # nothing had to be made


def test_the_small_bert_learns_its_vocabulary_from_the_training_rows(tmp_path):
    made = prepare(small("offline-ru"), tmp_path)
    assert (tmp_path / "encoders" / "offline-ru" / "model.safetensors").is_file()
    assert made.model.encoder.config.hidden_size == 256
    unknown = made.tokenizer.unk_token_id
    assert not any((item["input_ids"] == unknown).any() for item in made.train_set)


def test_another_seed_gives_another_head(tmp_path):
    recipe = small("offline")
    other = replace(recipe, settings=replace(recipe.settings, seed=1))
    first, second = (prepare(r, tmp_path).model.head[1].weight for r in (recipe, other))
    assert not torch.equal(first, second)


def test_without_the_folder_of_massive_there_is_an_error(monkeypatch, tmp_path):
    for value, message in (("", "set NERLIB_MASSIVE_DIR"), (str(tmp_path / "no"), "no corpus at")):
        monkeypatch.setenv("NERLIB_MASSIVE_DIR", value)
        with pytest.raises(CorpusError, match=message):
            prepare(RECIPES["massive-offline"], tmp_path)


@pytest.mark.parametrize("name", ["tutorial", "multilingual", "english"])
def test_without_the_hub_there_is_an_error(name, monkeypatch, tmp_path):
    def nothing(locale, partition):
        raise CorpusError(f"the Hub has no {locale} today")

    monkeypatch.setattr("nerlib.tools.massive.hub_rows", nothing)
    with pytest.raises(CorpusError, match=f"the Hub has no {RECIPES[name].locale} today"):
        prepare(RECIPES[name], tmp_path)


@pytest.mark.parametrize("name", ["offline"])
def test_without_the_packaged_encoder_there_is_an_error(name, monkeypatch, tmp_path):
    def missing(package):
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(importlib.metadata, "files", missing)
    with pytest.raises(EncoderError, match="not installed"):
        prepare(small(name), tmp_path)


def test_the_description_says_what_is_in_use():
    offline, tutorial = RECIPES["offline"].describe(), RECIPES["tutorial"].describe()
    assert "synthetic" in offline["corpus"]
    assert offline["encoder"] == PACKAGED
    assert "Hub" in tutorial["corpus"]
    assert tutorial["locale"] == "ru-RU"
    assert tutorial["encoder"] == "ai-forever/ruBert-base"
    assert "train[:1000]" in tutorial["rows"]
    for name in NAMES:
        described = RECIPES[name].describe()
        assert described["recipe"] == name
        assert described["device"]
        assert all(other in described["switch"] for other in ("NERLIB_RECIPE", *NAMES))
