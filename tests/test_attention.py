"""Short utterances that attend in one row give what each gives by itself."""

from pathlib import Path

import pytest
import torch
from tiny_encoders import new_model, small_data, tokenizer_of
from torch import Tensor, nn
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from nerlib import Tagger
from nerlib.addons.attention import attend_together, how_many_together, short_attention
from nerlib.dataset import collate


def parts(batch: int, subwords: int) -> list[Tensor]:
    torch.manual_seed(0)
    # As encoders hand them over: the heads are a view of what stands subword by subword.
    return [torch.randn(batch, subwords, 3, 8).transpose(1, 2) for _ in range(3)]


def mask_of(batch: int, subwords: int) -> Tensor:
    lengths = torch.arange(batch) % subwords + 1
    inside = torch.arange(subwords) < lengths.unsqueeze(1)
    return inside[:, None, None, :].expand(batch, 1, subwords, subwords)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("batch", "subwords"), [(1, 3), (8, 5), (12, 10), (7, 7), (64, 15)])
def test_it_is_transformers_own_attention(batch: int, subwords: int, masked: bool) -> None:
    module, given = nn.Module(), parts(batch, subwords)
    module.is_causal = False  # type: ignore[assignment]
    mask = mask_of(batch, subwords) if masked else None
    found, _ = short_attention(module, *given, mask, scaling=0.3)
    expected, _ = sdpa_attention_forward(module, *given, mask, scaling=0.3)
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert"])
def test_a_tagger_gives_the_same_logits(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = small_data(kind, rows=60)
    tagger = Tagger(new_model(kind, data.tags), tokenizer_of(kind), "cpu", "fp32", batch_size=12)
    words = [utterance.words for utterance in data.utterances]
    asked: list[int] = []

    def watched(batch: int, subwords: int) -> int:
        asked.append(how_many_together(batch, subwords))
        return asked[-1]

    monkeypatch.setattr("nerlib.addons.attention.how_many_together", watched)
    together = tagger.score_words(words)
    assert max(asked) > 1
    monkeypatch.setattr("nerlib.addons.attention.how_many_together", lambda batch, subwords: 1)
    alone = tagger.score_words(words)
    for (found, _), (expected, _) in zip(together, alone, strict=True):
        torch.testing.assert_close(found, expected)


def test_an_encoder_that_attends_in_another_way_is_left_alone() -> None:
    encoder = new_model("bert").encoder
    encoder.set_attn_implementation("eager")
    attend_together(encoder)
    assert encoder.config._attn_implementation == "eager"


def test_a_model_that_attends_together_trains_and_saves_as_before(tmp_path: Path) -> None:
    data = small_data("bert", rows=8)
    plain, together = new_model("bert", data.tags), new_model("bert", data.tags)
    attend_together(together.encoder)
    batch = collate([data[row] for row in range(8)], data.pad_id)
    for model in (plain, together):
        torch.manual_seed(0)
        model.train()(**batch).loss.backward()
        model.save_pretrained(tmp_path / str(model is plain))
    for one, other in zip(plain.parameters(), together.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)
    files = [(tmp_path / name / "config.json").read_bytes() for name in ("True", "False")]
    assert files[0] == files[1]
