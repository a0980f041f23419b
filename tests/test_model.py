"""The network: pooling, weights in and out, settings that raise."""

import pytest
import torch
from safetensors.torch import load_file
from tiny_encoders import FAMILIES, encoder_folder, new_model, small_data, tokenizer_of
from transformers import AutoModel

from nerlib import (
    NERClassifier,
    NERConfig,
    TagSet,
    collate,
    load_model,
    pool_words,
    save_model,
)
from nerlib.encoders import quiet_transformers

TAGS = TagSet.from_types(["time", "date", "place_name"])


def test_max_pooling_needs_no_memory_per_pair_of_word_and_subword():
    # (words × subwords × hidden) floats would be 17 GB here.
    hidden = torch.randn(8, 512, 256)
    word_ids = torch.arange(512).expand(8, 512)
    assert torch.equal(pool_words(hidden, word_ids, 512, "max"), hidden)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_of_32_equals_one_by_one(family):
    model, data = new_model(family), small_data(family, rows=32)
    with torch.inference_mode():
        together = model(**collate(data, data.pad_id)).logits
        for row, logits in zip(data, together, strict=True):
            alone = model(**collate([row], data.pad_id)).logits[0]
            assert torch.allclose(alone, logits[: len(alone)], rtol=0, atol=1e-5)
    assert len({len(item["input_ids"]) for item in data}) > 3  # so there was padding


@pytest.mark.parametrize("family", FAMILIES)
def test_from_encoder_takes_the_encoders_weights_without_the_pooler(family):
    with quiet_transformers():
        published = AutoModel.from_pretrained(encoder_folder(family)).state_dict()
    wanted = {name: value for name, value in published.items() if not name.startswith("pooler.")}
    model = new_model(family, seed=7)
    taken = model.encoder.state_dict()
    assert taken.keys() == wanted.keys()
    assert all(torch.equal(taken[name], wanted[name]) for name in wanted)
    assert not [name for name in model.state_dict() if "pooler" in name]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_first_layers_alone_can_be_kept(family):
    folder = str(encoder_folder(family))
    whole, cut = (NERClassifier.from_encoder(folder, TAGS, layers=n) for n in (None, 1))
    kept = cut.encoder.state_dict()
    assert all(torch.equal(kept[name], whole.encoder.state_dict()[name]) for name in kept)
    assert 0 < len(kept) < len(whole.encoder.state_dict())
    assert cut.config.encoder_config().num_hidden_layers == 1
    for layers in (0, 3):
        with pytest.raises(ValueError, match="1 to 2"):
            NERClassifier.from_encoder(folder, TAGS, layers=layers)


SETTINGS = {"pooling": "max", "segmentation": "characters", "dropout": 0.3, "head_size": 20}


@pytest.mark.parametrize("family", FAMILIES)
def test_save_and_load_restore_everything(family, tmp_path):
    model, data = new_model(family, **SETTINGS), small_data(family, rows=8)
    save_model(model, tokenizer_of(family), tmp_path)
    with quiet_transformers():
        loaded = NERClassifier.from_pretrained(tmp_path).eval()
    batch = collate(data, data.pad_id)
    with torch.inference_mode():
        assert torch.equal(model(**batch).logits, loaded(**batch).logits)
    assert loaded.config.tags == TAGS
    assert loaded.config.parser.segmentation == "characters"
    assert loaded.head[0].p == 0.3
    assert {name: getattr(loaded.config, name) for name in SETTINGS} == SETTINGS
    assert loaded.config.id2label == TAGS.id_to_tag
    assert {file.suffix for file in tmp_path.iterdir()} <= {".json", ".safetensors", ".txt"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pooling": "median"}, "unknown pooling 'median'"),
        ({"head_size": 0}, "head_size"),
        ({"dropout": 1.0}, "dropout"),
        ({"dropout": -0.1}, "dropout"),
        ({"segmentation": "letters"}, "unknown segmentation"),
        ({"labels": ["B-TIME", "I-TIME"]}, "labels must be"),
        ({"labels": ["O", "B-TIME"]}, "labels must be"),
        ({"labels": ["O", "I-TIME", "B-TIME"]}, "labels must be"),
    ],
)
def test_bad_settings_raise(settings, message):
    with pytest.raises(ValueError, match=message):
        NERConfig(**settings)


def test_forward_needs_to_know_the_words():
    with pytest.raises(ValueError, match="word_ids is needed"):
        new_model("bert")(torch.tensor([[2, 3]]))


def test_weights_of_half_precision_are_loaded_as_fp32(tmp_path):
    save_model(new_model("bert").half(), tokenizer_of("bert"), tmp_path)
    assert {value.dtype for value in load_model(tmp_path).parameters()} == {torch.float32}


def test_a_table_of_many_languages_takes_half_and_the_rest_is_kept_to_the_last_bit(tmp_path):
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    encoder = {"model_type": "bert", "vocab_size": 100_000, "intermediate_size": 8, **sizes}
    model = NERClassifier(NERConfig(encoder=encoder, labels=TAGS.labels))
    save_model(model, tokenizer_of("bert"), tmp_path)
    table = "encoder.embeddings.word_embeddings.weight"
    stored, loaded = load_file(tmp_path / "model.safetensors"), load_model(tmp_path).state_dict()
    for name, value in model.state_dict().items():
        assert stored[name].dtype == (torch.float16 if name == table else torch.float32)
        assert loaded[name].dtype == torch.float32
        rounding = {"rtol": 2**-11, "atol": 2**-25} if name == table else {"rtol": 0, "atol": 0}
        torch.testing.assert_close(loaded[name], value, **rounding)
