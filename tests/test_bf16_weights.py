"""Weights that are rounded to bf16 once give the answers of weights rounded for every batch."""

from __future__ import annotations

import pytest
import torch
from tiny_encoders import new_model, small_data, tokenizer_of

from nerlib import NERClassifier, Tagger, TrainConfig, train
from nerlib.bf16_weights import WeightCopy, with_bf16_linears
from nerlib.device import choose_compute
from nerlib.parsing import Word

KINDS = ("bert", "roberta", "distilbert")


def utterances(kind: str) -> list[tuple[Word, ...]]:
    return [utterance.words for utterance in small_data(kind, rows=30).utterances]


def tagger_of(kind: str) -> Tagger:
    return Tagger(new_model(kind, small_data(kind).tags), tokenizer_of(kind), "cpu", "bf16")


class Plain:
    """The plain path: the model as it is, rounded by autocast at every call."""

    def __init__(self, model: NERClassifier) -> None:
        self.model = model


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_the_plain_path_to_the_last_bit(kind: str) -> None:
    fast, plain = tagger_of(kind), tagger_of(kind)
    plain.model.load_state_dict(fast.model.state_dict())
    plain._weights = Plain(plain.model)  # type: ignore[assignment]
    pairs = zip(
        fast.score_words(utterances(kind)), plain.score_words(utterances(kind)), strict=True
    )
    for (found, _), (expected, _) in pairs:
        assert torch.equal(found, expected)


def test_a_tagger_sees_what_its_model_learns_afterwards() -> None:
    tagger = tagger_of("bert")
    before = tagger.score_words(utterances("bert"))[0][0]
    settings = TrainConfig(epochs=1, device="cpu", precision="fp32", progress=False)
    data = small_data("bert")
    train(tagger.model, data, data, settings, report=lambda line: None)
    after = tagger.score_words(utterances("bert"))[0][0]
    fresh = Tagger(tagger.model, tagger.tokenizer, "cpu", "bf16")
    assert not torch.equal(before, after)
    assert torch.equal(after, fresh.score_words(utterances("bert"))[0][0])


def test_only_linear_layers_are_copied_and_the_model_stays_fp32() -> None:
    model = new_model("bert", small_data("bert").tags)
    copy = with_bf16_linears(model)
    originals = dict(model.named_parameters())
    for name, values in copy.named_parameters():
        shared = values is originals[name]
        assert shared == (values.dtype == torch.float32), name
        assert originals[name].dtype == torch.float32, name
    assert any(values.dtype == torch.bfloat16 for values in copy.parameters())
    assert copy.get_input_embeddings().weight is model.get_input_embeddings().weight


def test_fp32_computes_with_the_model_itself() -> None:
    model = new_model("bert", small_data("bert").tags)
    assert WeightCopy(model, choose_compute("cpu", "fp32")).model is model


def test_the_copy_is_made_once() -> None:
    copy = WeightCopy(new_model("bert"), choose_compute("cpu", "bf16"))
    assert copy.model is copy.model
