"""A small BERT that starts from nothing, for languages that no packaged encoder knows."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import BertWordPieceTokenizer
from tokenizers.normalizers import BertNormalizer
from transformers import BertConfig, BertModel, BertTokenizer

from nerlib.encoders import quiet_transformers


def build_small_bert(
    texts: Iterable[str], folder: str | Path, seed: int = 0, lowercase: bool = True
) -> Path:
    """Write a small BERT with random weights and a WordPiece vocabulary learnt from the texts.

    Four layers, hidden size 256, about 4 million parameters: a start without any pre-training, for
    languages no packaged encoder knows. `lowercase=False` makes a vocabulary that tells capitals
    from small letters. Returns the folder, which loads like any other encoder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = learn_word_pieces(list(texts), 4000, lowercase)
    tokenizer = BertTokenizer(
        vocabulary, do_lower_case=lowercase, strip_accents=False, model_max_length=128
    )
    size: Any = {"hidden_size": 256, "intermediate_size": 1024, "max_position_embeddings": 128}
    size |= {"vocab_size": len(vocabulary), "num_hidden_layers": 4, "num_attention_heads": 4}
    config = BertConfig(**size)
    with torch.random.fork_rng(), quiet_transformers():
        torch.manual_seed(seed)
        BertModel(config, add_pooling_layer=False).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def learn_word_pieces(texts: list[str], size: int, lowercase: bool = True) -> dict[str, int]:
    """Return a WordPiece vocabulary learnt from the texts, the same one every time."""
    learner = BertWordPieceTokenizer(lowercase=lowercase, strip_accents=False)
    # Not `learner.normalize`, which fails in some versions of tokenizers (0.22).
    normalize = BertNormalizer(lowercase=lowercase, strip_accents=False).normalize_str
    letters = sorted({letter for text in texts for letter in normalize(text)} - {" "})
    # The trainer numbers the `##` letters as it meets them, in random order, and breaks ties by
    # number. Numbered in advance, among the special tokens, they make its choice repeatable.
    reserved = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"##{c}" for c in letters)]
    learner.train_from_iterator(texts, size, special_tokens=reserved, show_progress=False)
    vocabulary: dict[str, int] = learner.get_vocab()
    return vocabulary
