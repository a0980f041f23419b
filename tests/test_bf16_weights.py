"""A copy of the model in bf16 is as close to fp32 as autocast is, and follows its model."""

import pytest
import torch
from tiny_encoders import new_model, small_data, tokenizer_of
from torch import Tensor

from nerlib import NERClassifier, Tagger
from nerlib.addons.bf16_weights import WeightCopy
from nerlib.device import Precision, choose_compute
from nerlib.parsing import Word


def utterances(kind: str) -> list[tuple[Word, ...]]:
    return [utterance.words for utterance in small_data(kind, rows=30).utterances]


def logits_of(model: NERClassifier, kind: str, precision: Precision) -> Tensor:
    tagger = Tagger(model, tokenizer_of(kind), "cpu", precision)
    return torch.cat([logits for logits, _ in tagger.score_words(utterances(kind))])


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert"])
def test_it_is_as_close_to_fp32_as_autocast_is(kind: str) -> None:
    model = new_model(kind, small_data(kind).tags)
    exact = logits_of(model, kind, "fp32")
    rounded = logits_of(model, kind, "bf16")
    plain = Tagger(model, tokenizer_of(kind), "cpu", "fp32")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scored = plain.score_words(utterances(kind))
    by_autocast = torch.cat([logits for logits, _ in scored])
    size = exact.abs().mean()
    assert 0 < (rounded - exact).abs().mean() < size / 50
    assert (rounded - exact).abs().mean() < 3 * (by_autocast - exact).abs().mean()
    margin = exact.topk(2).values.diff().abs().squeeze(-1)
    clear = margin > 8 * (rounded - exact).abs().max()
    assert clear.any()
    assert torch.equal(rounded.argmax(-1)[clear], exact.argmax(-1)[clear])


def test_a_tagger_sees_what_its_model_learns_afterwards() -> None:
    tagger = Tagger(new_model("bert", small_data("bert").tags), tokenizer_of("bert"), "cpu", "bf16")
    before = tagger.score_words(utterances("bert"))[0][0]
    optimizer = torch.optim.AdamW(tagger.model.parameters(), fused=True)
    for weights in tagger.model.parameters():
        weights.grad = torch.ones_like(weights)
    optimizer.step()
    after = tagger.score_words(utterances("bert"))[0][0]
    fresh = Tagger(tagger.model, tagger.tokenizer, "cpu", "bf16")
    assert not torch.equal(before, after)
    assert torch.equal(after, fresh.score_words(utterances("bert"))[0][0])


@pytest.mark.parametrize(("precision", "kind"), [("bf16", torch.bfloat16), ("fp32", torch.float32)])
def test_one_copy_is_made_where_one_is_needed(precision: Precision, kind: torch.dtype) -> None:
    model = new_model("bert")
    copy = WeightCopy(model, choose_compute("cpu", precision))
    assert (copy.model is model) == (precision == "fp32")
    assert {values.dtype for values in copy.model.parameters()} == {kind}
    assert {values.dtype for values in model.parameters()} == {torch.float32}
