"""The named experiments: found by name, the same at every call, and never swapped in silence."""

import importlib.metadata
import json
from dataclasses import replace
from unittest.mock import Mock

import pytest
import torch

from nerlib import (
    PACKAGED,
    RECIPES,
    CorpusError,
    EncoderError,
    Recipe,
    RecipeError,
    TagSet,
    get_recipe,
    load_corpus,
    prepare,
)
from nerlib.encoders import MULTILINGUAL

KNOWN = {
    "offline": ("sample", "en-US", PACKAGED),
    "offline-ru": ("sample", "ru-RU", MULTILINGUAL),
    "offline-multilingual": ("sample", "en-US", MULTILINGUAL),
    "offline-scratch": ("sample", "ru-RU", "scratch:small-bert"),
    "tutorial": ("hub", "ru-RU", "ai-forever/ruBert-base"),
    "multilingual": ("hub", "ru-RU", "bert-base-multilingual-cased"),
    "english": ("hub", "en-US", "bert-base-uncased"),
    "massive-offline": ("massive", "en-US", PACKAGED),
}


def small(name: str) -> Recipe:
    """Return a recipe that uses only a few rows."""
    return replace(RECIPES[name], train_split="train[:40]", validation_split="validation[:10]")


def test_what_each_name_stands_for():
    assert {r.name: (r.source, r.locale, r.encoder) for r in RECIPES.values()} == KNOWN
    assert list(RECIPES) == list(KNOWN)
    splits = (RECIPES["tutorial"].train_split, RECIPES["tutorial"].validation_split)
    assert splits == ("train[:1000]", "validation[:1000]")
    for name, (_, locale, encoder) in KNOWN.items():
        described = RECIPES[name].describe()
        assert (described["recipe"], described["locale"]) == (name, locale)
        assert described["encoder"].startswith(encoder)
        assert RECIPES[name].train_split in described["rows"]
        assert all(other in described["switch"] for other in ("NERLIB_RECIPE", *KNOWN))


def test_the_environment_chooses_and_an_argument_wins(monkeypatch):
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
        ("xyz", "known are offline"),
    ],
)
def test_an_unknown_name_raises_with_a_hint(wrong, hint, monkeypatch):
    monkeypatch.setenv("NERLIB_RECIPE", wrong)
    for name in (wrong, None):
        with pytest.raises(RecipeError, match=f"'{wrong}'.*{hint.replace('?', '.')}") as error:
            get_recipe(name)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["offline", "offline-scratch"])
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
    other = prepare(replace(recipe, settings=replace(recipe.settings, seed=1)), tmp_path)
    assert not torch.equal(made.model.head[1].weight, other.model.head[1].weight)


@pytest.mark.parametrize(
    ("name", "folder", "said"),
    [
        ("massive-offline", "", "NERLIB_MASSIVE_DIR"),
        ("massive-offline", "no-such-folder", "no-such-folder"),
        ("tutorial", "", "MASSIVE ru-RU"),
        ("multilingual", "", "MASSIVE ru-RU"),
        ("english", "", "MASSIVE en-US"),
    ],
)
def test_without_its_corpus_there_is_an_error(name, folder, said, monkeypatch, tmp_path):
    monkeypatch.setenv("NERLIB_MASSIVE_DIR", folder)
    monkeypatch.setenv("NERLIB_CACHE", str(tmp_path))
    with pytest.raises(CorpusError, match=said):
        prepare(RECIPES[name], tmp_path)


def test_without_the_packaged_encoder_there_is_an_error(monkeypatch, tmp_path):
    missing = Mock(side_effect=importlib.metadata.PackageNotFoundError)
    monkeypatch.setattr(importlib.metadata, "files", missing)
    with pytest.raises(EncoderError, match="not installed"):
        prepare(small("offline"), tmp_path)


def test_another_locale_gets_the_packaged_encoder_that_knows_it():
    multilingual = get_recipe("offline-multilingual")
    german = get_recipe("massive-offline").in_locale("de-DE")
    assert (german.source, german.locale, german.encoder) == ("massive", "de-DE", MULTILINGUAL)
    assert german.model_settings == multilingual.model_settings
    assert german.downloads == multilingual.downloads
    english = get_recipe("massive-offline").in_locale("en-US")
    assert english == get_recipe("massive-offline")
    tutorial = get_recipe("tutorial")  # whoever names an encoder gets it
    assert tutorial.in_locale("de-DE") == replace(tutorial, locale="de-DE")


def test_one_model_has_one_kind_of_words(monkeypatch, tmp_path):
    for locale in ("en-US", "ja-JP"):
        texts = dict.fromkeys(("scenario", "intent", "utt", "annot_utt"), "a") | {"locale": locale}
        rows = [texts | {"id": part, "partition": part} for part in ("train", "dev")]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{locale}.jsonl").write_text(lines, encoding="utf-8")
    monkeypatch.setenv("NERLIB_MASSIVE_DIR", str(tmp_path))
    with pytest.raises(RecipeError, match="--locale ja-JP"):
        prepare(replace(RECIPES["massive-offline"], locale="all"))
