"""What is in a folder of exports: the hashes of each variant's files, and what the gate said."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from nerlib.encoders import EncoderError, known_digest
from nerlib.tools.serving.engines import TITLES, Backend
from nerlib.tools.serving.gate import Verdict
from nerlib.untrusted import check_plain_name, read_json

NAME = "manifest.json"
FORMAT = 1
LARGEST = 100_000  # bytes


@dataclass(frozen=True)
class Manifest:
    """All variants for one engine, what they were measured on, and the hash of `config.json`."""

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
            where = f"for {TITLES[self.backend]} in {folder}"
            raise EncoderError(f"there is no variant {variant!r} {where}: choose from {known}")
        if found.passed is not True or not found.files:
            raise EncoderError(f"variant {variant!r} did not pass the gate: {found.reason}")
        for name, expected in found.files.items():
            if hash_of(path := folder / name) != expected:
                reason = "is not the file that passed the gate (SHA-256 differs): export again"
                raise EncoderError(f"{path} {reason}")
        return folder / next(iter(found.files))


def read_manifest(folder: Path, backend: Backend) -> Manifest:
    """Return what a folder's manifest says; raises `EncoderError` if it cannot be trusted."""
    path = folder / NAME
    content = read_json(path, LARGEST)
    try:
        known = (content.pop("format"), content["backend"]) == (FORMAT, backend)
        variants = {name: Verdict(**one) for name, one in content.pop("variants").items()}
        manifest = Manifest(variants=variants, **content)
        files = [name for one in variants.values() for name, _ in one.files.items()]
    except (AttributeError, KeyError, TypeError, ValueError):
        known = False
    if not known:  # another format, or another engine
        raise EncoderError(f"{path} is not a manifest of exports: export again")
    for name in files:
        check_plain_name(name, str(path))
    return manifest


def hash_of(path: Path) -> str:
    """Return a file's SHA-256; raises `EncoderError` if there is no such file."""
    if not path.is_file():
        raise EncoderError(f"{path} is missing: export again")
    return known_digest(path)
