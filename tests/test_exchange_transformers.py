"""transformers' own loaders and `pipeline("ner", …)` take a nerlib model, and say what it says."""

import contextlib
import io
import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_encoders import (
    SENTENCES,
    encoder_folder,
    make_corpus,
    new_model,
    tokenizer_of,
)
from transformers import (
    AutoConfig,
    AutoModelForTokenClassification,
    AutoTokenizer,
    pipeline,
)
from transformers.pipelines.pt_utils import KeyDataset
from transformers.pipelines.token_classification import TokenClassificationPipeline

from nerlib import EncoderError, NERClassifier, NERConfig, Tagger, TagSet, load_model, save_model
from nerlib.dataset import NERDataset, collate
from nerlib.encoders import quiet_transformers
from nerlib.tools.exchange.ner_pipeline import NERPipeline
from nerlib.tools.publishing import model_card

TYPES = ("time", "date", "place_name")
TEXTS = [
    *SENTENCES,
    "",
    "   ",
    "nine \u200b am",  # a word without subwords
    " ".join([*SENTENCES] * 5),  # longer than the encoder reads at once
    "東京 hotel, e\u0301té 👩‍👩‍👧 [SEP]",
]
ODD = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(
            [" ", "\u200b", "\u00ad", "\n", "nine am", "девять", "שלום", "東京", "<s>"]
        ),
    ),
    max_size=10,
).map("".join)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model that finds many entities, of all types: its weights are random."""
    model = new_model("bert", TagSet.from_types(TYPES))
    return save_model(model, tokenizer_of("bert"), tmp_path_factory.mktemp("auto") / "model")


@pytest.fixture(scope="module")
def tagger(folder: Path) -> Tagger:
    return Tagger.from_pretrained(folder, "cpu", "fp32")


@pytest.fixture(scope="module")
def ner(folder: Path) -> NERPipeline:
    with quiet_transformers():
        return pipeline(
            "ner", model=str(folder), pipeline_class=NERPipeline, device="cpu", precision="fp32"
        )


def as_entities(rows: list[dict]) -> list[tuple]:
    return [
        (row["entity_group"], row["word"], row["start"], row["end"], pytest.approx(row["score"]))
        for row in rows
    ]


def found_by(tagger: Tagger, text: str) -> list[tuple]:
    return [(e.type, e.text, e.start, e.end, e.score) for e in tagger(text)]


class TestLoaders:
    def test_the_configuration_shows_the_labels(self, folder: Path) -> None:
        config = AutoConfig.from_pretrained(folder)
        assert type(config) is NERConfig
        assert config.id2label == dict(enumerate(TagSet.from_types(TYPES).labels))
        assert config.label2id == {label: number for number, label in config.id2label.items()}
        assert config.num_labels == 7

    def test_the_model_gives_the_same_logits(self, folder: Path) -> None:
        ours, theirs = load_model(folder), AutoModelForTokenClassification.from_pretrained(folder)
        assert type(theirs) is NERClassifier
        assert not theirs.training
        corpus = make_corpus(*SENTENCES)
        data = NERDataset(corpus, AutoTokenizer.from_pretrained(folder), ours.config.tags)
        batch = collate([data[row] for row in range(len(data))], data.pad_id)
        with torch.inference_mode():
            assert torch.equal(ours(**batch).logits, theirs(**batch).logits)

    @pytest.mark.parametrize("other", [{"num_labels": 3}, {"id2label": {0: "O", 1: "B-X"}}])
    def test_other_tags_than_those_of_the_head_are_refused(self, folder: Path, other: dict) -> None:
        with pytest.raises(ValueError, match="a model keeps its tags"):
            AutoModelForTokenClassification.from_pretrained(folder, **other)
        with pytest.raises(ValueError, match="a model keeps its tags"):
            NERClassifier.from_pretrained(folder, **other)

    @pytest.mark.parametrize("place", [{}, {"device_map": "cpu"}])
    def test_a_type_of_numbers_is_that_of_all_weights(self, folder: Path, place: dict) -> None:
        if place:
            pytest.importorskip("accelerate", reason="install the extra `scale`")
        wanted = {"dtype": torch.bfloat16, **place}
        model = AutoModelForTokenClassification.from_pretrained(folder, **wanted)
        assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}
        inputs, words = torch.tensor([[2, 7, 8, 3]]), torch.tensor([[-1, 0, 0, -1]])
        assert model(inputs, word_ids=words).logits.shape == (1, 1, 7)

    def test_pickled_weights_are_not_read(self, folder: Path, tmp_path: Path) -> None:
        stranger = Path(shutil.copytree(folder, tmp_path / "model"))
        (stranger / "model.safetensors").unlink()
        torch.save(load_model(folder).state_dict(), stranger / "pytorch_model.bin")
        with pytest.raises(OSError, match="safetensors"):
            AutoModelForTokenClassification.from_pretrained(stranger, use_safetensors=False)

    @pytest.mark.parametrize("key", ["_attn_implementation", "auto_map"])
    def test_an_encoder_that_asks_for_code_is_refused(
        self, folder: Path, tmp_path: Path, key: str
    ) -> None:
        stranger = Path(shutil.copytree(folder, tmp_path / "model"))
        config = json.loads((stranger / "config.json").read_text())
        config["encoder"][key] = "somebody/kernel"
        (stranger / "config.json").write_text(json.dumps(config))
        with pytest.raises(EncoderError, match="asks for code or files from elsewhere"):
            AutoModelForTokenClassification.from_pretrained(stranger)


class TestPipeline:
    @pytest.mark.parametrize("strategy", ["simple", "first", "average", "max"])
    def test_whole_entities_are_those_of_the_tagger(
        self, ner: NERPipeline, tagger: Tagger, strategy: str
    ) -> None:
        assert any(tagger(text) for text in TEXTS)
        for text in TEXTS:
            rows = ner(text, aggregation_strategy=strategy)
            assert as_entities(rows) == found_by(tagger, text)

    @settings(max_examples=60)
    @given(texts=st.lists(ODD, min_size=1, max_size=4), batch_size=st.integers(1, 3))
    def test_on_any_texts_in_any_batches(
        self, ner: NERPipeline, tagger: Tagger, texts: list[str], batch_size: int
    ) -> None:
        found = ner(texts, aggregation_strategy="simple", batch_size=batch_size)
        assert [as_entities(rows) for rows in found] == [found_by(tagger, text) for text in texts]

    def test_a_row_a_word_unless_asked_otherwise(self, ner: NERPipeline, tagger: Tagger) -> None:
        for text in TEXTS:
            rows = ner(text, ignore_labels=[])
            assert [(row["word"], row["entity"]) for row in rows] == tagger.tags(text)
            assert [row["index"] for row in rows] == list(range(len(rows)))
            assert all(text[row["start"] : row["end"]] == row["word"] for row in rows)
            assert ner(text) == [row for row in rows if row["entity"] != "O"]

    def test_labels_can_be_ignored(self, ner: NERPipeline) -> None:
        for names, expected in (([], {*TYPES}), (["TIME"], {"date", "place_name"})):
            rows = ner(TEXTS[11], aggregation_strategy="simple", ignore_labels=names)
            assert {row["entity_group"] for row in rows} == expected

    def test_types_are_spelled_as_in_training(self, ner: NERPipeline) -> None:
        config = ner.tagger.model.config
        config.spelled, text = ["Time"], TEXTS[11]
        try:
            found = ner(text, aggregation_strategy="simple")
            assert {row["entity_group"] for row in found} == {"Time", "date", "place_name"}
            assert not ner(text, aggregation_strategy="simple", ignore_labels=config.type_names)
        finally:
            config.spelled = None

    def test_lists_generators_and_datasets(self, ner: NERPipeline, tagger: Tagger) -> None:
        expected = [found_by(tagger, text) for text in TEXTS]
        wanted = {"aggregation_strategy": "simple"}
        corpus = make_corpus(*SENTENCES)
        assert [as_entities(rows) for rows in ner(TEXTS, **wanted)] == expected
        for size in (1, 4):
            texts = (text for text in TEXTS)
            stream = ner(texts, batch_size=size, **wanted)
            assert as_entities(next(iter(stream))) == expected[0]
            assert len(list(texts)) >= len(TEXTS) - 2 * size - 1  # no more was read than needed
            stream = ner((text for text in TEXTS), batch_size=size, **wanted)
            assert [as_entities(rows) for rows in stream] == expected
            stream = ner(KeyDataset(corpus, "utt"), batch_size=size, **wanted)
            assert [as_entities(rows) for rows in stream] == expected[: len(corpus)]

    def test_results_are_plain_json(self, ner: NERPipeline) -> None:
        rows = ner(TEXTS, aggregation_strategy="simple") + ner(TEXTS)
        assert json.loads(json.dumps(rows)) == rows

    def test_a_model_and_a_tokenizer_that_are_loaded_already(self, tagger: Tagger) -> None:
        made = pipeline(
            "token-classification", model=tagger.model, tokenizer=tagger.tokenizer, device="cpu",
            aggregation_strategy="simple", precision="fp32", pipeline_class=NERPipeline,
        )  # fmt: skip
        assert as_entities(made(TEXTS[0])) == found_by(tagger, TEXTS[0])

    @pytest.mark.parametrize(
        ("text", "options", "message"),
        [
            (7, {}, "At least one input|must be a string, not int"),
            (["a", None], {}, "must be a string, not NoneType"),
            (["a"], {"aggregation_strategy": "best"}, "BEST"),
            ([["at", "nine"]], {"is_split_into_words": True}, "is_split_into_words"),
        ],
    )
    def test_what_is_refused(
        self, ner: NERPipeline, text: object, options: dict, message: str
    ) -> None:
        with pytest.raises((ValueError, KeyError), match=message):
            ner(text, **options)

    def test_saving_writes_no_code(self, ner: NERPipeline, tagger: Tagger, tmp_path: Path) -> None:
        with quiet_transformers():
            ner.save_pretrained(tmp_path)
        assert not list(tmp_path.glob("*.py"))
        assert "custom_pipelines" not in (tmp_path / "config.json").read_text()
        again = Tagger.from_pretrained(tmp_path, "cpu", "fp32")
        assert again(TEXTS[0]) == tagger(TEXTS[0])


def test_other_models_get_the_pipeline_of_transformers(tmp_path: Path) -> None:
    model = AutoModelForTokenClassification.from_pretrained(encoder_folder("bert"), num_labels=3)
    made = pipeline("ner", model=model, tokenizer=tokenizer_of("bert"), device="cpu")
    assert type(made) is TokenClassificationPipeline
    alone = TokenClassificationPipeline(
        model=model, tokenizer=tokenizer_of("bert"), task="ner", device="cpu"
    )
    assert str(made(SENTENCES[0])) == str(alone(SENTENCES[0]))


def test_what_the_model_card_shows_runs(folder: Path, tagger: Tagger) -> None:
    card = model_card(tagger, "somebody/alarm-tagger")
    (snippet,) = re.findall(r"```python\n(from transformers.*?)```", card, re.DOTALL)
    snippet = snippet.replace("somebody/alarm-tagger", str(folder)).replace("…", TEXTS[0])
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), quiet_transformers():
        exec(snippet, {})
    lines = printed.getvalue().splitlines()
    assert len(lines) == len(tagger(TEXTS[0])) > 0
    for line, entity in zip(lines, tagger(TEXTS[0]), strict=True):
        assert line.startswith(f"{entity.type} {entity.text} {entity.start} ")
