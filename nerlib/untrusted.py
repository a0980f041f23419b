"""Models from strangers: what is looked at before anything of theirs is loaded.

Nothing here runs code from a model folder or from the Hub, or takes memory because a file says so:
settings are plain JSON within limits, weights are safetensors whose header is checked, and the
model that the settings describe must not be larger than the weights that came with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from safetensors import SafetensorError, safe_open
from torch import nn
from transformers import PretrainedConfig, PreTrainedTokenizerFast
from transformers.models.auto.modeling_auto import MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES
from transformers.models.auto.tokenization_auto import tokenizer_class_from_name
from transformers.utils.hub import cached_file

# Encoders that transformers itself can tag words with.
FAMILIES = frozenset(MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES)
PICKLED = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "*.ckpt", "*.h5", "*.msgpack")
LARGEST_SETTINGS = 4_000_000  # bytes
LARGEST_TOKENIZER = 200_000_000
DEEPEST = 20
LARGEST_NUMBER = 2_000_000  # no vocabulary is larger
MOST_LAYERS = 1_024
LARGEST_TABLE = 2**28  # numbers in a table of positions
MOST_LABELS = 20_001
# Settings that make transformers load code or files from somewhere else.
FORBIDDEN = ("auto_map", "custom_pipelines", "quantization_config", "transformers_weights")
ATTENTION = (None, "eager", "sdpa")
# Written by old versions of transformers, read by none.
UNUSED_FILES = ("special_tokens_map_file",)
HUB_NAME = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?")
_PLAIN_NAME = re.compile(r"[\w-][\w.-]*")


class EncoderError(ValueError):
    """An encoder or tokenizer that cannot be used: what was wrong and what to do."""


def of_one_commit(name: str, files: Sequence[str]) -> str:
    """Return the folder of a model; of one on the Hub these files are fetched, all of one commit.

    What is looked at is then what is loaded, even if somebody changes the model in between.
    """
    if Path(name).exists() or not HUB_NAME.fullmatch(name):
        return name
    return str(snapshot_download(name, allow_patterns=list(files)))


def check_model(name: str, model_class: str) -> None:
    """Check a saved tagger, in a folder or on the Hub; raises `EncoderError` in one line."""
    settings = read_settings(name)
    check_settings(settings, name)
    if settings.get("architectures", [model_class]) != [model_class]:
        raise EncoderError(
            f"{name!r} names a class of another kind, {settings['architectures']}: only "
            f"{model_class} is loaded"
        )
    labels = settings.get("labels", [])
    texts = isinstance(labels, list) and all(isinstance(label, str) for label in labels)
    if not texts or len(labels) > MOST_LABELS:
        raise EncoderError(f"{name!r}: labels must be a list of at most {MOST_LABELS:,} tags")
    encoder = settings.get("encoder")
    if not isinstance(encoder, dict):
        raise EncoderError(f"{name!r}: its config.json says nothing about an encoder")
    check_family(encoder, name)


def check_encoder(name: str) -> None:
    """Check an encoder, in a folder or on the Hub; raises `EncoderError` in one line."""
    settings = read_settings(name)
    if settings:
        check_settings(settings, name)
        check_family(settings, name)


def check_tokenizer(name: str) -> None:
    """Check a tokenizer's settings and files; raises `EncoderError` in one line."""
    for file in ("config.json", "tokenizer_config.json"):
        path = find_file(name, file)
        settings = read_json(path, LARGEST_TOKENIZER) if path else {}
        for key, value in walk(settings):
            _check_loads_nothing(key, value, name)
            if key.endswith(("_file", "_files")) and key not in UNUSED_FILES:
                for part in value if isinstance(value, list) else [value]:
                    check_plain_name(part, f"{key} in {file} of {name!r}")
        if settings.get("tokenizer_class") is not None:
            check_tokenizer_class(settings["tokenizer_class"], name)
    path = find_file(name, "tokenizer.json")
    if path and path.stat().st_size > LARGEST_TOKENIZER:
        raise EncoderError(f"tokenizer.json of {name!r} is larger than any tokenizer")


def check_tokenizer_class(wanted: object, name: str) -> None:
    """Raise `EncoderError` for a tokenizer class that is not one of transformers' fast ones."""
    known = tokenizer_class_from_name(wanted) if isinstance(wanted, str) else None
    if known is None:
        raise EncoderError(
            f"the tokenizer of {name!r} names a class that is not in transformers: {wanted!r}"
        )
    if not issubclass(known, PreTrainedTokenizerFast):
        raise EncoderError(
            f"the tokenizer of {name!r} is a slow one without word_ids ({wanted}): choose an "
            "encoder that ships a tokenizer.json"
        )


def check_vocabulary(tokenizer: PreTrainedTokenizerFast, config: PretrainedConfig) -> None:
    """Raise `EncoderError` if the tokenizer numbers subwords that the encoder has no vector for."""
    highest, vectors = max(tokenizer.get_vocab().values()), int(config.vocab_size)
    if highest >= vectors:
        raise EncoderError(
            f"tokenizer and model do not belong together: subword number {highest:,}, but only "
            f"{vectors:,} vectors"
        )


def check_settings(settings: dict[str, Any], name: str) -> None:
    """Raise `EncoderError` for settings that load something else, or are beyond all sense."""
    for key, value in walk(settings):
        _check_loads_nothing(key, value, name)
        if not isinstance(value, int) or isinstance(value, bool):
            continue
        counted = any(part in key for part in ("layer", "head", "group", "expert"))
        most = MOST_LAYERS if counted and key != "head_size" else LARGEST_NUMBER
        most = MOST_LABELS if key == "num_labels" else most
        if abs(value) > most and not key.startswith("rope"):
            raise EncoderError(f"{name!r}: {key} is {value:,} in config.json, at most {most:,}")


def check_family(settings: dict[str, Any], name: str) -> None:
    """Raise `EncoderError` for an encoder that transformers cannot tag words with by itself."""
    kind = settings.get("model_type")
    if kind not in FAMILIES or any(key == "model_type" for key, _ in walk(_inside(settings))):
        raise EncoderError(f"{name!r} is not a text encoder that transformers knows: {kind!r}")
    width, positions = settings.get("hidden_size"), settings.get("max_position_embeddings")
    if isinstance(width, int) and isinstance(positions, int) and width * positions > LARGEST_TABLE:
        raise EncoderError(f"{name!r}: {positions:,} positions of size {width:,} are too many")


def check_fits(name: str, described: nn.Module) -> None:
    """Raise `EncoderError` if a model is larger than the weights that came with its settings.

    `described` lies on the device `meta`, where it takes no memory.
    """
    held = count_weights(name)
    wanted = sum(value.numel() for value in (*described.parameters(), *described.buffers()))
    # A pooler or position numbers may be missing in a file: transformers makes them.
    if held is not None and wanted > 1.25 * held + 1_000_000:
        raise EncoderError(
            f"the weights in {name!r} do not fit its config.json, which describes {wanted:,} "
            f"numbers: there are {held:,}"
        )


def count_weights(name: str) -> int | None:
    """Return how many numbers the weights hold, going by their headers; None where that is the
    Hub's business to find out. Raises `EncoderError` for weights that cannot be trusted.
    """
    files = weight_files(name)
    try:
        return sum(map(_count_numbers, files)) if files else None
    except (SafetensorError, OSError) as error:
        raise EncoderError(
            f"no model can be loaded from {name!r}: its weights are damaged or no safetensors "
            f"({str(error).splitlines()[0]})"
        ) from None


def weight_files(name: str) -> list[Path]:
    """Return the safetensors of a model; raises `EncoderError` if only pickled ones are there."""
    if (single := find_file(name, "model.safetensors")) is not None:
        return [single]
    if (index := find_file(name, "model.safetensors.index.json")) is not None:
        return _shards(name, index)
    if not Path(name).is_dir():
        return []
    pickled = sorted({path.name for kind in PICKLED for path in Path(name).glob(kind)})
    if pickled:
        raise EncoderError(
            f"{name!r} holds only pickled weights ({', '.join(pickled[:3])}), which can run code "
            "when they are read: ask its author for model.safetensors"
        )
    raise EncoderError(f"no model can be loaded from {name!r}: no file named model.safetensors")


def _shards(name: str, index: Path) -> list[Path]:
    """Return the files that an index lists, all of them beside it."""
    parts = read_json(index, LARGEST_TOKENIZER).get("weight_map")
    if not isinstance(parts, dict) or not parts:
        raise EncoderError(f"{index.name} of {name!r} lists no weights")
    wrong = [value for value in parts.values() if not isinstance(value, str)]
    files = []
    for part in wrong or sorted(set(parts.values())):
        check_plain_name(part, f"{index.name} of {name!r}")
        path = find_file(name, part)
        if path is None or not part.endswith(".safetensors"):
            raise EncoderError(f"{index.name} of {name!r} lists {part}, which is no such file")
        files.append(path)
    return files


def _count_numbers(path: Path) -> int:
    """Return how many numbers a safetensors file holds; its header is checked, no data is read."""
    with safe_open(path, framework="pt") as file:
        return sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118


def check_plain_name(value: object, where: str) -> None:
    """Raise `EncoderError` for anything but the name of a file in the same folder.

    >>> check_plain_name("vocab.txt", "here")
    >>> check_plain_name("../vocab.txt", "here")
    Traceback (most recent call last):
        ...
    nerlib.untrusted.EncoderError: here: '../vocab.txt' is not the name of a file in that folder
    """
    if value is not None and not (isinstance(value, str) and _PLAIN_NAME.fullmatch(value)):
        raise EncoderError(f"{where}: {value!r} is not the name of a file in that folder")


def read_settings(name: str) -> dict[str, Any]:
    """Return the content of `config.json`, empty if there is none; a local adapter is refused."""
    if Path(name).is_file():
        raise EncoderError(f"{name!r} is a file: name the folder of a model")
    if Path(name, "adapter_config.json").exists():
        raise EncoderError(f"{name!r} is an adapter, which would load a model from elsewhere")
    path = find_file(name, "config.json")
    return read_json(path, LARGEST_SETTINGS) if path else {}


def read_json(path: Path, most: int) -> dict[str, Any]:
    """Return a JSON object; raises `EncoderError` if it is too large, too deep, or none."""
    if path.stat().st_size > most:
        raise EncoderError(f"{path} is too large for settings: more than {most:,} bytes")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        deep = any(True for _ in walk(content, DEEPEST))
    except RecursionError:
        deep, content = True, {}
    except ValueError:
        raise EncoderError(f"{path} is not a valid JSON file") from None
    if deep:
        raise EncoderError(f"{path} is nested too deep: more than {DEEPEST} levels")
    if not isinstance(content, dict):
        raise EncoderError(f"{path} must hold a JSON object")
    return content


def walk(content: object, below: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield every key with its value, also those inside; with `below`, those so deep only.

    >>> list(walk({"a": 1, "b": [{"c": 2}]}))[-1]
    ('c', 2)
    """
    waiting: list[tuple[object, int]] = [(content, 1)]
    while waiting:
        part, depth = waiting.pop()
        pairs = part.items() if isinstance(part, dict) else ()
        inside = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        if depth > below:
            yield from ((str(key), value) for key, value in pairs)  # numbers, before JSON
            if below and not pairs and inside:
                yield "", part
        waiting += [(value, depth + 1) for value in inside if isinstance(value, dict | list)]


def find_file(name: str, file: str) -> Path | None:
    """Return a file of a model folder, or of a model on the Hub, fetched first; None if missing.

    Raises `EncoderError` for a pipe or a device, which never ends.
    """
    if Path(name).is_dir():
        path = Path(name, file)
        if path.exists() and not path.is_file():
            raise EncoderError(f"{path} is not a regular file")
        return path if path.exists() else None
    found = cached_file(
        name,
        file,
        _raise_exceptions_for_gated_repo=False,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    return None if found is None else Path(found)


def _check_loads_nothing(key: str, value: object, name: str) -> None:
    """Raise `EncoderError` for a setting that makes transformers load code or files."""
    attention = "attn_implementation" in key or "experts_implementation" in key
    if (key in FORBIDDEN and value) or (attention and value not in ATTENTION):
        raise EncoderError(
            f"{name!r} asks for code or files from elsewhere ({key} in its settings): not loaded"
        )


def _inside(settings: dict[str, Any]) -> list[Any]:
    """Return the values of settings that are settings themselves."""
    return [value for value in settings.values() if isinstance(value, dict | list)]
