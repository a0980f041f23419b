"""What a bulk run is, written down in its output folder: model, settings, input and all shards.

Whoever starts again with the same output folder gets the rest of that run, or one line that says
what is different. It is JSON, with a checksum: nothing in it is executed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nerlib.addons.checkpoints import file_digest
from nerlib.saving import MODEL_FILES
from nerlib.tools.bulk.shards import PARQUET, Shard, plan
from nerlib.tools.bulk.storage import FileFacts, Storage

MANIFEST, FORMAT = "manifest.json", 1


class BulkError(ValueError):
    """A bulk run that cannot start or go on: why, and what to do."""


@dataclass(frozen=True)
class BulkSettings:
    """What a bulk run writes: settings that must stay the same from its start to its end.

    `column` is where the text is, `written` "parquet" or "jsonl", `shard_rows` what a worker does
    in one go and loses at most; texts of more than `max_characters` count as failed. Raises
    `ValueError` for impossible ones.
    """

    column: str = "text"
    written: str = PARQUET
    shard_rows: int = 10_000
    max_characters: int = 10_000
    precision: str = "auto"

    def __post_init__(self) -> None:
        if self.shard_rows < 1 or self.max_characters < 1:
            raise ValueError("the rows of a shard and the characters of a text must be 1 or more")


def settled(
    source: Storage, target: Storage, model: str | Path, settings: BulkSettings
) -> list[Shard]:
    """Return a run's shards; the first time they are planned and written down.

    Raises `BulkError` if the output folder belongs to another run, and `StorageError` if something
    cannot be read or written.
    """
    files = source.files()
    if not files:
        raise BulkError(f"{source.address} holds no files to tag")
    known = {
        "format": FORMAT,
        "model": model_digest(model),
        "settings": asdict(settings),
        "input": [[source.relative(f.path), f.size, f.changed] for f in files],
    }
    before = read_manifest(target)
    if before is None:
        if target.names("") or target.names("parts"):
            raise BulkError(
                f"{target.address} holds files of something else: choose another output folder"
            )
        shards = plan(source, files, settings.shard_rows)
        write_manifest(target, {**known, "shards": [_packed(shard) for shard in shards]})
        return shards
    _check_same(before, known, target)
    return [_unpacked(numbers, files, source) for numbers in before["shards"]]


def model_digest(folder: str | Path) -> str:
    """Return one hash of a model folder's files; raises `BulkError` if there is no model."""
    paths = {path for pattern in MODEL_FILES for path in Path(folder).glob(pattern)}
    if not (Path(folder) / "config.json").is_file():
        raise BulkError(f"there is no model in {folder}: train one, or name its folder by --model")
    digests = [f"{path.name} {file_digest(path)}" for path in sorted(paths)]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def read_manifest(target: Storage) -> dict[str, Any] | None:
    """Return what a folder's manifest says, or None if there is none; raises `BulkError`."""
    content = target.read(MANIFEST)
    if content is None:
        return None
    try:
        manifest: dict[str, Any] = json.loads(content)
        if manifest.pop("checksum") != _checksum(manifest) or manifest["format"] != FORMAT:
            raise ValueError
    except (ValueError, KeyError, AttributeError, RecursionError):
        raise BulkError(
            f"{target.path(MANIFEST)} cannot be read: choose another output folder"
        ) from None
    return manifest


def write_manifest(target: Storage, manifest: dict[str, Any]) -> None:
    """Write a manifest with its checksum."""
    content = {**manifest, "checksum": _checksum(manifest)}
    with target.new(MANIFEST) as file:
        file.write(json.dumps(content).encode())


def _check_same(before: dict[str, Any], known: dict[str, Any], target: Storage) -> None:
    """Raise `BulkError` with the first thing that is different now."""
    different = [name for name in ("model", "settings", "input") if before[name] != known[name]]
    if not different:
        return
    what = {"model": "another model", "input": "other input files, or changed ones"}
    pairs = [(name, old, known["settings"].get(name)) for name, old in before["settings"].items()]
    changed = [f"{name} {old}, not {new}" for name, old, new in pairs if old != new]
    what["settings"] = "other settings: " + ", ".join(changed)
    raise BulkError(
        f"{target.address} holds results of {what[different[0]]}: use what it was started with, or "
        "choose another output folder"
    )


def _checksum(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _packed(shard: Shard) -> list[int]:
    return [shard.file, shard.start, shard.rows, shard.byte]


def _unpacked(numbers: list[int], files: list[FileFacts], source: Storage) -> Shard:
    file, start, rows, byte = numbers
    path = files[file].path
    return Shard(file, path, source.relative(path), start, rows, byte)
