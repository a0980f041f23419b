"""What lies in a folder of exports: each variant's files with their hashes, and what the gate said.

Built in notebook 09.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from nerlib.encoders import EncoderError, file_sha256
from nerlib.tools.serving.engines import TITLES, Backend
from nerlib.tools.serving.gate import Verdict
from nerlib.untrusted import check_plain_name, read_json

NAME = "manifest.json"
FORMAT = 1
LARGEST = 100_000  # bytes
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """All variants for one engine, and what they were measured on.

    `config_sha256` is the hash of the `config.json` that they belong to.
    """

    backend: Backend
    config_sha256: str
    rows: str
    torch_f1: float
    permitted_loss: float
    variants: dict[str, Verdict]

    def write(self, folder: Path) -> None:
        """Write it into the folder of the exports."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=2)
        (folder / NAME).write_text(text, encoding="utf-8")

    def graph(self, folder: Path, variant: str) -> Path:
        """Return what to load for a variant, each of its files as it was when it passed the gate.

        Raises `EncoderError` for a variant that is not there, was refused, or has changed.
        """
        found = self.variants.get(variant)
        if found is None:
            known = ", ".join(name for name, one in self.variants.items() if one.passed)
            raise EncoderError(
                f"there is no variant {variant!r} for {TITLES[self.backend]} in {folder}: "
                f"choose from {known}"
            )
        if not found.passed or not found.files:
            raise EncoderError(f"variant {variant!r} did not pass the gate: {found.reason}")
        for name, expected in found.files.items():
            if hash_of(folder / name) != expected:
                raise EncoderError(
                    f"{folder / name} is not the file that passed the gate (SHA-256 differs): "
                    "export again"
                )
        return folder / next(iter(found.files))


def read_manifest(folder: Path, backend: Backend) -> Manifest:
    """Return what a folder's manifest says; raises `EncoderError` if it cannot be trusted."""
    path = folder / NAME
    content = read_json(path, LARGEST)
    try:
        if content.pop("format") != FORMAT or content["backend"] != backend:
            raise ValueError
        variants = {name: Verdict(**one) for name, one in content.pop("variants").items()}
        manifest = Manifest(variants=variants, **content)
        sane = all(map(_is_sane, variants.values())) and _is_number(manifest.torch_f1)
    except (AttributeError, KeyError, TypeError, ValueError):
        sane = False
    if not sane:
        raise EncoderError(f"{path} is not a manifest of exports: export again")
    for name in (name for one in variants.values() for name in one.files):
        check_plain_name(name, str(path))
    return manifest


def _is_sane(verdict: Verdict) -> bool:
    """Return whether everything in a variant that somebody else wrote is of its kind."""
    hashes = [isinstance(one, str) and _HASH.fullmatch(one) for one in verdict.files.values()]
    words = isinstance(verdict.passed, bool) and isinstance(verdict.reason, str)
    return _is_number(verdict.f1) and words and all(hashes)


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def hash_of(path: Path) -> str:
    """Return a file's SHA-256; raises `EncoderError` if there is no such file."""
    if not path.is_file():
        raise EncoderError(f"{path} is missing: export again")
    stamp = path.stat()
    return file_sha256(path, stamp.st_size, stamp.st_mtime_ns)
