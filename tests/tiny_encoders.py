"""Tiny random encoders of six families, each with a matching fast tokenizer.

Every encoder is written once a test session to a temporary folder, in the form in which encoders
lie on the Hub: `config.json`, `model.safetensors`, `tokenizer.json`, `tokenizer_config.json`.
"""

import json
import random
import tempfile
from functools import cache
from pathlib import Path

import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

from nerlib import NERClassifier, NERDataset, Parser, TagSet, load_tokenizer
from nerlib.corpus import rows_to_dataset
from nerlib.encoders import quiet_transformers
from nerlib.tools.small_bert import learn_word_pieces

MAX_SUBWORDS = 48
SENTENCES = (
    "wake me up at nine am on friday",
    "play some quiet jazz by miles davis in the kitchen, please",
    "what's the weather like in new york tomorrow?",
    "remind me to call anna at half past seven",
    "Turn the lights off and the heating down!",
    "разбуди меня в девять утра в пятницу",
    "включи тихий джаз на кухне",
    "какая завтра погода в Нью-Йорке?",
)
# Transformers' own classes rebuild the tokenizer from its vocabulary, as they do on the Hub.
_CLASSES = {
    "bert": "BertTokenizer",
    "distilbert": "DistilBertTokenizer",
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "electra": "ElectraTokenizer",
    "deberta-v2": "DebertaV2Tokenizer",
}
FAMILIES = tuple(_CLASSES)
# In the order of their numbers.
_BRACKETED = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
_ANGLED = {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "<unk>", "mask": "<mask>"}
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": MAX_SUBWORDS,
}
_HOME = tempfile.TemporaryDirectory(prefix="tiny-encoders-")  # removed when the session ends


def special_tokens(family: str) -> dict[str, str]:
    """Return what a family calls its special subwords, by their roles."""
    return _ANGLED if family in ("roberta", "xlm-roberta") else _BRACKETED


@cache
def encoder_folder(family: str) -> Path:
    """Return the folder of a family's tiny encoder and tokenizer, made at the first call."""
    folder = Path(_HOME.name) / family
    folder.mkdir()
    tokenizer = _train_tokenizer(family)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {f"{role}_token": token for role, token in special_tokens(family).items()}
    settings |= {"tokenizer_class": _CLASSES[family], "model_max_length": MAX_SUBWORDS}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    with quiet_transformers(), torch.random.fork_rng():
        torch.manual_seed(1)
        AutoModel.from_config(_config(family, tokenizer)).save_pretrained(folder)
    return folder


@cache
def tokenizer_of(family: str) -> PreTrainedTokenizerFast:
    """Return a family's tokenizer, loaded as the library loads it."""
    return load_tokenizer(str(encoder_folder(family)))


def new_model(family: str, tags: TagSet | None = None, seed: int = 0, **settings: object):
    """Return an untrained classifier on a family's tiny encoder, in evaluation mode."""
    torch.manual_seed(seed)
    tags = tags or TagSet.from_types(["time", "date", "place_name"])
    settings = {"head_size": 32, **settings}
    return NERClassifier.from_encoder(str(encoder_folder(family)), tags, **settings).eval()


def make_row(number: int, annotated: str, text: str | None = None) -> dict[str, str]:
    """Return a corpus row for one bracketed utterance; `text` overrides its plain text."""
    plain = Parser().parse(annotated).text if text is None else text
    fixed = {"locale": "en-US", "partition": "train", "scenario": "alarm", "intent": "alarm_set"}
    return {"id": str(number), **fixed, "utt": plain, "annot_utt": annotated}


def make_corpus(*annotated: str) -> Dataset:
    """Return a corpus of bracketed utterances."""
    return rows_to_dataset([make_row(number, text) for number, text in enumerate(annotated)])


@cache
def small_corpus(rows: int = 40, seed: int = 0) -> Dataset:
    """Return utterances with times, dates and places that a tiny encoder can learn."""
    pick = random.Random(seed).choice
    times = ("nine", "nine am", "half past seven", "seven")
    dates = ("friday", "tomorrow", "next friday")
    places = ("new york", "kitchen", "miles")
    forms = (
        "wake me up at [time : {t}] on [date : {d}]",
        "what's the weather like in [place_name : {p}] [date : {d}]?",
        "remind me to call anna",
        "play some quiet jazz in [place_name : {p}], please",
        "call me at [time : {t}]",
    )
    texts = [pick(forms).format(t=pick(times), d=pick(dates), p=pick(places)) for _ in range(rows)]
    return make_corpus(*texts)


def small_data(family: str, rows: int = 40, seed: int = 0) -> NERDataset:
    """Return the small corpus as a dataset for one family."""
    corpus = small_corpus(rows, seed)
    return NERDataset(corpus, tokenizer_of(family), TagSet.from_corpus(small_corpus()))


def _train_tokenizer(family: str) -> Tokenizer:
    """Return a tokenizer of the family's kind, learnt from a few sentences."""
    special = special_tokens(family)
    settings = {"special_tokens": list(special.values()), "show_progress": False}
    if family == "roberta":
        tokenizer = Tokenizer(models.BPE())
        # As in RoBERTa's own file: the space in front of the first word has to be asked for.
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        settings |= {"initial_alphabet": pre_tokenizers.ByteLevel.alphabet(), "vocab_size": 340}
        tokenizer.train_from_iterator(SENTENCES, trainers.BpeTrainer(**settings))
    elif family in ("xlm-roberta", "deberta-v2"):
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.NFKC()
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        settings |= {"unk_token": special["unk"], "vocab_size": 150}
        tokenizer.train_from_iterator(SENTENCES, trainers.UnigramTrainer(**settings))
    else:
        pieces = learn_word_pieces(list(SENTENCES), 150)
        tokenizer = Tokenizer(models.WordPiece(pieces, unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def _config(family: str, tokenizer: Tokenizer):
    """Return a tiny configuration of the family."""
    special = special_tokens(family)
    settings = dict(SIZES)
    if family == "distilbert":
        settings = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}
        settings["max_position_embeddings"] = MAX_SUBWORDS
    if family in ("roberta", "xlm-roberta"):
        # These count positions from behind the padding's number; in the real ones that is 1.
        settings["max_position_embeddings"] += tokenizer.token_to_id(special["pad"]) + 1
    if family == "electra":
        settings["embedding_size"] = 16
    if family == "deberta-v2":
        settings |= {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]}
        settings |= {"position_biased_input": False, "type_vocab_size": 0}
    return AutoConfig.for_model(
        family,
        vocab_size=tokenizer.get_vocab_size(),
        pad_token_id=tokenizer.token_to_id(special["pad"]),
        **settings,
    )
