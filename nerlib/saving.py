"""A model in a folder: written whole or not at all, and read only when it is whole and harmless.

Built in notebook 06.
"""

from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from transformers import PretrainedConfig, PreTrainedTokenizerFast

from nerlib.atomic import new_folder, recover
from nerlib.encoders import EncoderError, loading, quiet_transformers, read_tokenizer
from nerlib.model import NERClassifier, NERConfig
from nerlib.untrusted import HUB_NAME, check_fits, check_model, check_vocabulary, read_settings

# What a model folder holds: a new model takes the place of all of it.
MODEL_FILES = (
    *("config.json", "*.safetensors", "*.safetensors.index.json", "tokenizer*.json", "vocab.*"),
    *("special_tokens_map.json", "added_tokens.json", "merges.txt", "*.model"),
    *("onnx", "openvino", "static"),  # exports of the model that was there before
)
MANY = 100_000  # subwords: a table of many languages, of which few are trained, is saved in fp16


def save_model(model: NERClassifier, tokenizer: PreTrainedTokenizerFast, path: str | Path) -> Path:
    """Write model and tokenizer to a folder that `Tagger.from_pretrained` reads; return it.

    Whole or not at all: a model that was there before stays until the new one is whole,
    and files of other names stay where they are. Raises `OSError` if the disk takes no more.
    """
    with new_folder(path, replaces=MODEL_FILES) as folder, quiet_transformers():
        whole = model.state_dict().items()
        weights = {n: w.half() if w.ndim == 2 and len(w) >= MANY else w for n, w in whole}
        model.save_pretrained(folder, state_dict=weights)
        tokenizer.save_pretrained(folder)
    return Path(path)


def load_model(path: str | Path) -> NERClassifier:
    """Return the model saved in a folder or on the Hub, in evaluation mode.

    Raises `EncoderError` if it is not there, is no model of this library, or is damaged: weights
    that are missing or left over are never replaced by random ones in silence. Nothing of a
    stranger's runs, and no memory is taken on their word: see `nerlib.untrusted`.
    """
    folder = folder_of(path)
    with loading("no model can be loaded from", folder, shown=str(path)):
        settings = read_settings(folder)
        if settings.get("model_type") != NERConfig.model_type:
            kind = settings.get("model_type")
            found = f"a model of type {kind}" if kind else "no config.json of a model"
            advice = "name the folder of a nerlib model, as build/model"
            raise EncoderError(f"{str(path)!r} holds {found}: {advice}")
        check_model(folder, NERClassifier.__name__)
        config = NERConfig.from_dict(settings)
        with torch.device("meta"):  # shapes only, no memory
            described = NERClassifier(config)
        check_fits(folder, described)
        loaded: Any = NERClassifier.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,  # whatever its file holds
            ignore_mismatched_sizes=True,  # they are an error below, with their names
            output_loading_info=True,
        )
    model: NERClassifier = loaded[0]
    kinds = ("missing_keys", "unexpected_keys", "mismatched_keys")
    # Mismatched ones come as (name, shape, shape), the others as names.
    wrong = [n if isinstance(n, str) else n[0] for kind in kinds for n in loaded[1][kind]]
    if wrong:
        raise EncoderError(f"the weights in {str(path)!r} do not fit its config.json: {wrong[:3]}")
    model.eval()
    return model


def load_saved_tokenizer(path: str | Path, encoder: PretrainedConfig) -> PreTrainedTokenizerFast:
    """Return the tokenizer saved with a model whose encoder has these settings.

    Raises `EncoderError` if it is not there, or does not belong to the encoder.
    """
    folder = folder_of(path)
    with loading("no tokenizer can be loaded from", folder, shown=str(path)):
        tokenizer = read_tokenizer(folder)
    check_vocabulary(tokenizer, encoder)
    return tokenizer


def folder_of(path: str | Path) -> str:
    """Return a model's folder; of one on the Hub, its files are fetched, all of one commit.

    What is checked is then what is loaded, whoever changes the model in between. Raises
    `EncoderError` if it cannot be had.
    """
    recover(path)
    with loading("no model can be loaded from", path):
        if Path(path).exists() or not HUB_NAME.fullmatch(str(path)):
            return str(path)
        return str(snapshot_download(str(path), allow_patterns=list(MODEL_FILES)))
