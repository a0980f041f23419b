"""Publishing a tagger: a card that says what was measured, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hub_stand_in import HubStandIn, Online, learner_environment, run_python
from huggingface_hub import ModelCard, constants
from tiny_encoders import encoder_folder, new_model, small_corpus, tokenizer_of

from nerlib import RecipeError, Tagger, TagSet, get_recipe, load_corpus
from nerlib.corpus import rows_to_dataset
from nerlib.saving import save_model
from nerlib.tools.publishing import PublishError, measure, model_card
from nerlib.tools.recipes import made_by
from nerlib.untrusted import check_model

pytest_plugins = ["hub_fixtures"]
NAME = "somebody/alarm-tagger"
TOKEN = "hf_" + "x" * 30
FILES = {
    *("README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
}


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return tagger_of("offline")


@pytest.fixture(scope="module")
def measured(tagger: Tagger):
    rows = load_corpus("en-US", "validation[:60]")
    return measure(tagger, rows, "sample", "en-US", "validation[:60]")


@pytest.fixture(scope="module")
def model_folder(tagger: Tagger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tagger.model, tagger.tokenizer, tmp_path_factory.mktemp("model"))


def tagger_of(recipe: str | None) -> Tagger:
    """A tagger whose model says that a recipe made it."""
    model = new_model("bert", TagSet.from_corpus(load_corpus("en-US", "train")))
    if recipe:
        model.config.made_by = made_by(get_recipe(recipe))
    return Tagger(model, tokenizer_of("bert"), device="cpu", precision="fp32")


def test_the_card_says_what_was_measured(tagger: Tagger, measured) -> None:
    card = model_card(tagger, NAME, measured, "mit")
    overall = measured.scores.overall
    results = ModelCard(card, ignore_metadata_errors=False).data.eval_results
    assert {result.metric_type: result.metric_value for result in results} == {
        name: round(getattr(overall, name), 4) for name in ("precision", "recall", "f1")
    }
    assert f"| entity F1 | {overall.f1:.3f} |" in card
    assert f"| slot F1 by MASSIVE's own metric | {measured.scores.massive_f1:.3f} |" in card
    assert "60 utterances, `validation[:60]`" in card
    assert f"{overall.gold - overall.correct} of {overall.gold} entities" in card
    for name, score in measured.scores.per_type.items():
        assert f"| `{name.lower()}` | {score.gold} | {score.predicted} |" in card
    for name in tagger.model.config.tags.types:
        assert f"`{name.lower()}`" in card
    for heading in ("Use", "Intended use", "Training data", "Scores", "Labels", "Limits"):
        assert card.count(f"\n\n## {heading}\n\n") == 1
    assert f'Tagger.from_pretrained("{NAME}")' in card


@pytest.mark.parametrize(
    ("recipe", "facts", "says", "hides"),
    [
        (
            "offline",
            {"language": "en", "base_model": "sentence-transformers/all-MiniLM-L6-v2"},
            ("synthetic", "rows `train`"),
            ("CC BY 4.0",),
        ),
        (
            "offline-ru",
            {"language": "ru", "base_model": "intfloat/multilingual-e5-small"},
            ("synthetic",),
            ("random weights",),
        ),
        (
            "tutorial",
            {
                "language": "ru",
                "base_model": "ai-forever/ruBert-base",
                "datasets": ["AmazonScience/massive"],
            },
            ("CC BY 4.0", "rows `train[:1000]`"),
            ("synthetic",),
        ),
        (None, {}, ("the author's own",), ("MASSIVE", "base_model", "synthetic")),
    ],
)
def test_the_card_says_where_a_model_comes_from(
    recipe: str | None, facts: dict, says: tuple[str, ...], hides: tuple[str, ...]
) -> None:
    card = model_card(tagger_of(recipe), NAME)
    found = yaml.safe_load(card.split("---")[1])
    assert (facts | {"pipeline_tag": "token-classification"}).items() <= found.items()
    assert all(text in card for text in says)
    not_measured = ("F1", "model-index", "license", str(encoder_folder("bert")))
    assert not [text for text in (*hides, *not_measured) if text in card]


def test_measuring_asks_for_the_same_kind_of_words(tagger: Tagger) -> None:
    rows = rows_to_dataset([{**small_corpus()[0], "locale": "ja-JP"}])
    with pytest.raises(RecipeError, match="ja-JP"):
        measure(tagger, rows, "sample", "ja-JP", "train")


def test_a_dry_run_is_a_folder_that_loads(
    model_folder: Path, tmp_path: Path, says: Callable[..., str]
) -> None:
    arguments = ["push", NAME, "--model", model_folder, "--split", "validation[:40]"]
    target = tmp_path / "dry"
    for _ in range(2):  # the second time over the first
        assert "nothing was sent" in says(*arguments, "--dry-run", target)
    assert {path.name for path in target.iterdir()} == FILES
    assert "40 utterances" in (target / "README.md").read_text(encoding="utf-8")
    text = "wake me up at nine"
    assert Tagger.from_pretrained(target)(text) == Tagger.from_pretrained(model_folder)(text)
    assert str(encoder_folder("bert")) not in (target / "config.json").read_text()


def test_nothing_else_is_published(tmp_path: Path, tagger: Tagger) -> None:
    (tmp_path / "secret.txt").write_text("mine")
    with pytest.raises(PublishError, match=str(tmp_path)):
        tagger.push_to_hub(NAME, dry_run=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["secret.txt"]


class TestTheHub:
    @pytest.fixture(autouse=True)
    def token(self, connected: HubStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_TOKEN", TOKEN)

    def test_all_files_arrive(self, hub: HubStandIn, tagger: Tagger, measured) -> None:
        assert tagger.push_to_hub(NAME, measured=measured).endswith(NAME)
        files = hub.published[NAME]
        assert set(files) == FILES
        assert files["README.md"].decode() == model_card(tagger, NAME, measured)
        assert json.loads(files["config.json"])["model_type"] == "nerlib"

    def test_whoever_has_the_name_can_use_it(
        self, hub: HubStandIn, tagger: Tagger, tmp_path: Path
    ) -> None:
        tagger.push_to_hub(NAME)
        hub.repositories[NAME, "main"] = hub.published[NAME]
        code = f"import nerlib; print(nerlib.Tagger.from_pretrained({NAME!r}).tags('wake me'))"
        done = run_python("-c", code, **learner_environment(hub.url, tmp_path))
        assert done.stdout.strip() == str(tagger.tags("wake me")), done.stderr

    def test_what_was_looked_at_is_what_is_loaded(
        self, hub: HubStandIn, tagger: Tagger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tagger.push_to_hub(NAME)
        files = hub.repositories[NAME, "main"] = hub.published[NAME]

        def then_it_changes(name: str, model_class: str) -> None:
            check_model(name, model_class)
            changed = dict.fromkeys(files, b"another")
            hub.repositories[NAME, "main"] = changed

        monkeypatch.setattr("nerlib.saving.check_model", then_it_changes)
        loaded = Tagger.from_pretrained(NAME, "cpu", "fp32")
        assert hub.repositories[NAME, "main"]["config.json"] == b"another"
        assert loaded.tags("wake me") == tagger.tags("wake me")

    @pytest.mark.parametrize(
        ("status", "advice"), [(401, "hf auth login"), (403, "hf auth login"), (500, "later")]
    )
    def test_a_refusal(self, status: int, advice: str, hub: HubStandIn, tagger: Tagger) -> None:
        hub.status = status
        with pytest.raises(PublishError, match=rf"HTTP {status}.*{advice}"):
            tagger.push_to_hub(NAME)
        assert hub.published == {}

    def test_no_token(
        self, hub: HubStandIn, tagger: Tagger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.delenv("HF_TOKEN")
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
        with pytest.raises(PublishError, match="log"):
            tagger.push_to_hub(NAME)

    def test_no_network(self, online: Online, closed_url: str, tagger: Tagger) -> None:
        online(closed_url)
        with pytest.raises(PublishError, match="reached"):
            tagger.push_to_hub(NAME)


@pytest.mark.parametrize("name", ["alarm-tagger", "a/b/c", "somebody/", "some body/x"])
def test_a_name_must_be_one(name: str, tagger: Tagger, tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="owner/name"):
        tagger.push_to_hub(name, dry_run=tmp_path / "x")
