"""Tiny encoders with the quirks of the real repositories on the Hub.

`ai-forever/ruBert-base`: a mixed-case vocabulary, no word about case, no tokenizer settings at all,
weights in PyTorch's old format, under a prefix, with a head for another task. The two of Google's:
moved to an owner since, weights for other frameworks next to the ones we want; the uncased one with
the names that layer norms had long ago.
"""

import io
import json
import os
import pickle
from functools import cache

import torch
from safetensors.torch import save
from tiny_encoders import SIZES
from tokenizers import BertWordPieceTokenizer
from transformers import BertConfig, BertForMaskedLM

from nerlib import load_corpus
from nerlib.encoders import quiet_transformers

RUBERT = "ai-forever/ruBert-base"
MOVED = {
    "bert-base-multilingual-cased": "google-bert/bert-base-multilingual-cased",
    "bert-base-uncased": "google-bert/bert-base-uncased",
}
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@cache
def repositories() -> dict[tuple[str, str], dict[str, bytes]]:
    """Return the repositories as `HubStandIn` takes them."""
    multilingual, uncased = MOVED.values()
    return {
        (RUBERT, "main"): _rubert(),
        (multilingual, "main"): _googles(("en-US", "ru-RU"), lowercase=False, seed=2),
        (uncased, "main"): _googles(("en-US",), lowercase=True, seed=3),
        ("evil/encoder", "main"): {**_rubert(), "pytorch_model.bin": pickle.dumps(_Evil())},
        ("gated/encoder", "main"): _rubert(),
        ("google/canine-tiny", "main"): _slow(),
    }


def _rubert() -> dict[str, bytes]:
    vocabulary = _vocabulary(("ru-RU",), lowercase=False)
    config, weights = _masked_language_model(len(vocabulary), seed=1)
    content = io.BytesIO()
    torch.save(weights, content)
    return {
        "README.md": b"# ruBert-base\n",
        "config.json": _json(config),
        "pytorch_model.bin": content.getvalue(),
        "vocab.txt": "\n".join(vocabulary).encode(),
    }


def _googles(locales: tuple[str, ...], lowercase: bool, seed: int) -> dict[str, bytes]:
    vocabulary = _vocabulary(locales, lowercase)
    numbered = {piece: number for number, piece in enumerate(vocabulary)}
    tokenizer = BertWordPieceTokenizer(numbered, lowercase=lowercase, strip_accents=lowercase)
    config, weights = _masked_language_model(len(vocabulary), seed)
    if lowercase:
        for new, old in (("Norm.weight", "Norm.gamma"), ("Norm.bias", "Norm.beta")):
            weights = {key.replace(new, old): value for key, value in weights.items()}
    return {
        "README.md": b"# BERT\n",
        "config.json": _json(config),
        "flax_model.msgpack": b"flax",
        "model.safetensors": save(weights, {"format": "pt"}),
        "pytorch_model.bin": b"not for us",
        "tf_model.h5": b"tensorflow",
        "tokenizer.json": tokenizer._tokenizer.to_str().encode(),
        "tokenizer_config.json": _json({"do_lower_case": lowercase, "model_max_length": 512}),
        "vocab.txt": "\n".join(vocabulary).encode(),
    }


def _slow() -> dict[str, bytes]:
    """CANINE reads characters, and its tokenizer has no fast version."""
    config = {"model_type": "canine", "hidden_size": 32, "architectures": ["CanineModel"]}
    return {
        "config.json": _json(config),
        "model.safetensors": save({"x": torch.zeros(1)}),
        "tokenizer_config.json": _json({"tokenizer_class": "CanineTokenizer"}),
    }


class _Evil:
    """Unpickled by an ordinary reader, this runs a command."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch unpickled",)


def _vocabulary(locales: tuple[str, ...], lowercase: bool) -> list[str]:
    """Return a WordPiece vocabulary learnt from the sample, in the order of its numbers."""
    texts = [text for locale in locales for text in load_corpus(locale, "train")["utt"]]
    if not lowercase:  # the sample has few capitals: some sentences begin with one
        texts += [text[:1].upper() + text[1:] for text in texts[:300]]
    learner = BertWordPieceTokenizer(lowercase=lowercase, strip_accents=lowercase)
    learner.train_from_iterator(texts, 800, special_tokens=_SPECIAL, show_progress=False)
    pieces: dict[str, int] = learner.get_vocab()
    return sorted(pieces, key=pieces.__getitem__)


def _masked_language_model(
    size: int, seed: int
) -> tuple[dict[str, object], dict[str, torch.Tensor]]:
    """Return settings and weights as BERT was published: with the head it was trained with."""
    shape = {**SIZES, "vocab_size": size, "max_position_embeddings": 128}
    # So that, untrained and tiny, it sees the context at all.
    config = BertConfig(**shape, initializer_range=0.5)
    with torch.random.fork_rng(), quiet_transformers():
        torch.manual_seed(seed)
        model = BertForMaskedLM(config)
    kind = {"architectures": ["BertForMaskedLM"], "model_type": "bert", "type_vocab_size": 2}
    weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
    return {**kind, **shape, "pad_token_id": 0}, weights


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2).encode()
