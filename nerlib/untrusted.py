"""Untrusted model folders: what is checked before anything in them is loaded.

Nothing here runs code from a folder, or allocates memory because a file says so: settings are plain
JSON within limits, weights are safetensors whose header is checked, and the model that the settings
describe must not be larger than the weights that came with it. All functions named `check_…` raise
`EncoderError` in one line.
"""

import json
import re
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import nn
from transformers import PretrainedConfig, PreTrainedTokenizerFast
from transformers.models.auto.modeling_auto import MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES
from transformers.models.auto.tokenization_auto import tokenizer_class_from_name

# Encoders that transformers itself can tag words with.
FAMILIES = frozenset(MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES)
PICKLED = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "*.ckpt", "*.h5", "*.msgpack")
LARGEST_SETTINGS = 4_000_000  # bytes
LARGEST_TOKENIZER = 200_000_000
LARGEST_NUMBER = 2_000_000  # no vocabulary is larger
MOST_LAYERS = 1_024
LARGEST_TABLE = 2**28  # numbers in a table of positions
MOST_LABELS = 20_001
MOST_GROWTH = 64  # of a text by a tokenizer's replacements
# Settings that make transformers load code or files from somewhere else.
FORBIDDEN = ("auto_map", "custom_pipelines", "quantization_config", "transformers_weights")
ATTENTION = (None, "eager", "sdpa")
# Written by old versions of transformers, read by none.
UNUSED_FILES = ("special_tokens_map_file",)
HUB_NAME = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?")
_PLAIN_NAME = re.compile(r"[\w-][\w.-]*")


class EncoderError(ValueError):
    """An encoder or tokenizer that cannot be used: what was wrong and what to do."""


def check_model(folder: str, model_class: str) -> None:
    """Check the folder of a saved tagger."""
    settings = read_settings(folder)
    check_settings(settings, folder)
    found = settings.get("architectures", [model_class])
    if found != [model_class]:
        what = f"names a class of another kind, {found}: only {model_class} is loaded"
        raise EncoderError(f"{folder!r} {what}")
    labels = settings.get("labels", [])
    texts = isinstance(labels, list) and all(isinstance(label, str) for label in labels)
    if not texts or len(labels) > MOST_LABELS:
        raise EncoderError(f"{folder!r}: labels must be a list of at most {MOST_LABELS:,} tags")
    encoder = settings.get("encoder")
    if not isinstance(encoder, dict):
        raise EncoderError(f"{folder!r}: its config.json says nothing about an encoder")
    check_family(encoder, folder)


def check_encoder(folder: str) -> None:
    """Check the folder of an encoder."""
    settings = read_settings(folder)
    check_settings(settings, folder)
    check_family(settings, folder)


def check_tokenizer(folder: str) -> None:
    """Check a tokenizer's settings and files."""
    for file in ("config.json", "tokenizer_config.json"):
        path = find_file(folder, file)
        settings = read_json(path, LARGEST_TOKENIZER) if path else {}
        for key, value in walk(settings):
            _check_loads_nothing(key, value, folder)
            if key.endswith(("_file", "_files")) and key not in UNUSED_FILES:
                for part in value if isinstance(value, list) else [value]:
                    check_plain_name(part, f"{key} in {file} of {folder!r}")
        most = settings.get("model_max_length", LARGEST_NUMBER)
        if type(most) not in (int, float) or not most >= 8:
            raise EncoderError(f"{folder!r}: model_max_length is {most!r:.20}, not 8 or more")
        if settings.get("tokenizer_class") is not None:
            check_tokenizer_class(settings["tokenizer_class"], folder)
    path = find_file(folder, "tokenizer.json")
    if path and path.stat().st_size > LARGEST_TOKENIZER:
        raise EncoderError(f"tokenizer.json of {folder!r} is larger than any tokenizer")
    steps = walk(read_json(path, LARGEST_TOKENIZER).get("normalizer") if path else None)
    if prod(len(str(v)) or 1 for key, v in steps if key in ("content", "prepend")) > MOST_GROWTH:
        raise EncoderError(f"tokenizer.json of {folder!r} makes texts longer than any tokenizer")


def check_tokenizer_class(wanted: object, folder: str) -> None:
    """Check that a tokenizer's class is one of transformers' fast ones."""
    known = tokenizer_class_from_name(wanted) if isinstance(wanted, str) else None
    if known is None:
        reason = "names a class that is not in transformers"
    elif not issubclass(known, PreTrainedTokenizerFast):
        reason = "is a slow one without word_ids; choose an encoder that ships a tokenizer.json"
    else:
        return
    raise EncoderError(f"the tokenizer of {folder!r} {reason}: {wanted!r}")


def check_vocabulary(tokenizer: PreTrainedTokenizerFast, config: PretrainedConfig) -> None:
    """Check that the encoder has a vector for every subword of the tokenizer."""
    highest, vectors = max(tokenizer.get_vocab().values()), int(config.vocab_size)
    if highest >= vectors:
        found = f"subword number {highest:,}, but only {vectors:,} vectors"
        raise EncoderError(f"tokenizer and model do not belong together: {found}")


def check_settings(settings: dict[str, Any], name: str) -> None:
    """Check that settings load nothing from elsewhere, and hold no number beyond all sense."""
    for key, value in walk(settings):
        _check_loads_nothing(key, value, name)
        if not isinstance(value, int) or isinstance(value, bool):
            continue
        counted = any(part in key for part in ("layer", "head", "group", "expert"))
        most = MOST_LAYERS if counted and key != "head_size" else LARGEST_NUMBER
        most = MOST_LABELS if key == "num_labels" else most
        if abs(value) > most and not key.startswith("rope"):
            raise EncoderError(f"{name!r}: {key} is {value:,} in config.json, at most {most:,}")


def check_family(settings: dict[str, Any], folder: str) -> None:
    """Check that transformers itself can tag words with such an encoder."""
    kind = settings.get("model_type")
    inside = [value for value in settings.values() if isinstance(value, dict | list)]
    if kind not in FAMILIES or any(key == "model_type" for key, _ in walk(inside)):
        raise EncoderError(f"{folder!r} is not a text encoder that transformers knows: {kind!r}")
    width, positions = settings.get("hidden_size"), settings.get("max_position_embeddings")
    if isinstance(width, int) and isinstance(positions, int) and width * positions > LARGEST_TABLE:
        raise EncoderError(f"{folder!r}: {positions:,} positions of size {width:,} are too many")


def check_fits(folder: str, described: nn.Module) -> None:
    """Check that a model is not larger than the weights that came with its settings.

    `described` lies on the device `meta`, where it takes no memory.
    """
    held = count_weights(folder)
    wanted = sum(value.numel() for value in (*described.parameters(), *described.buffers()))
    # A pooler or position numbers may be missing in a file: transformers makes them.
    if wanted > 1.25 * held + 1_000_000:
        raise EncoderError(
            f"the weights in {folder!r} do not fit its config.json, which describes {wanted:,} "
            f"numbers: there are {held:,}"
        )


def count_weights(folder: str) -> int:
    """Return how many numbers the weights hold, by their headers; no data is read."""
    count = 0
    try:
        for path in weight_files(folder):
            with safe_open(path, framework="pt") as file:
                names = file.keys()
                count += sum(prod(file.get_slice(name).get_shape()) for name in names)
    except (SafetensorError, OSError) as error:
        raise EncoderError(
            f"no model can be loaded from {folder!r}: its weights are damaged or not safetensors "
            f"({str(error).splitlines()[0]})"
        ) from None
    return count


def weight_files(folder: str) -> list[Path]:
    """Return the safetensors of a model; raises `EncoderError` if only pickled ones are there."""
    if (single := find_file(folder, "model.safetensors")) is not None:
        return [single]
    if (index := find_file(folder, "model.safetensors.index.json")) is not None:
        return _shards(folder, index)
    pickled = sorted({path.name for kind in PICKLED for path in Path(folder).glob(kind)})
    if pickled:
        raise EncoderError(
            f"{folder!r} holds only pickled weights ({', '.join(pickled[:3])}), which can run code "
            "when they are read: ask its author for model.safetensors"
        )
    raise EncoderError(f"no model can be loaded from {folder!r}: no file named model.safetensors")


def _shards(folder: str, index: Path) -> list[Path]:
    """Return the files that an index lists, all of them in the same folder."""
    parts = read_json(index, LARGEST_TOKENIZER).get("weight_map")
    if not isinstance(parts, dict) or not parts:
        raise EncoderError(f"{index.name} of {folder!r} lists no weights")
    for part in parts.values():
        check_plain_name(part, f"{index.name} of {folder!r}")
        if part is None or find_file(folder, part) is None or not part.endswith(".safetensors"):
            raise EncoderError(f"{index.name} of {folder!r} lists {part}, which is no such file")
    return [Path(folder, name) for name in sorted(set(parts.values()))]


def check_plain_name(value: object, where: str) -> None:
    """Check that a setting is nothing but the name of a file in the same folder, or None."""
    if value is not None and not (isinstance(value, str) and _PLAIN_NAME.fullmatch(value)):
        raise EncoderError(f"{where}: {value!r} is not the name of a file in that folder")


def read_settings(folder: str) -> dict[str, Any]:
    """Return the content of `config.json`, empty if there is none; an adapter is refused."""
    if Path(folder).is_file():
        raise EncoderError(f"{folder!r} is a file: name the folder of a model")
    if not Path(folder).is_dir():
        raise EncoderError(f"{folder!r}: there is no such folder")
    if Path(folder, "adapter_config.json").exists():
        raise EncoderError(f"{folder!r} is an adapter, which would load a model from elsewhere")
    path = find_file(folder, "config.json")
    return read_json(path, LARGEST_SETTINGS) if path else {}


def read_json(path: Path, most: int) -> dict[str, Any]:
    """Return a JSON object; raises `EncoderError` if it is too large, too deep, or something else.

    `most` is the size that is too large, in bytes.
    """
    if path.stat().st_size > most:
        raise EncoderError(f"{path} is too large for settings: more than {most:,} bytes")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise EncoderError(f"{path} is nested too deep") from None
    except ValueError:
        raise EncoderError(f"{path} is not a valid JSON file") from None
    if not isinstance(content, dict):
        raise EncoderError(f"{path} must hold a JSON object")
    return content


def walk(content: object) -> Iterator[tuple[str, Any]]:
    """Yield every key with its value, also those inside; no depth is too much for it."""
    waiting = [content]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield from ((str(key), value) for key, value in part.items())
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def find_file(folder: str, file: str) -> Path | None:
    """Return a file of a folder, or None; raises `EncoderError` for a pipe, which never ends."""
    path = Path(folder, file)
    if path.exists() and not path.is_file():
        raise EncoderError(f"{path} is not a regular file")
    return path if path.exists() else None


def _check_loads_nothing(key: str, value: object, name: str) -> None:
    """Check that a setting does not make transformers load code or files."""
    attention = "attn_implementation" in key or "experts_implementation" in key
    if (key in FORBIDDEN and value) or (attention and value not in ATTENTION):
        where = f"from elsewhere ({key} in its settings)"
        raise EncoderError(f"{name!r} asks for code or files {where}: not loaded")
