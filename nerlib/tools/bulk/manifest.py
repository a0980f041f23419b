"""What a bulk run is, recorded as JSON in its output folder: model, settings, input and shards."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nerlib.encoders import known_digest
from nerlib.saving import MODEL_FILES
from nerlib.tools.bulk.shards import FAILED, PARQUET, PARTS, Shard, data_files, plan
from nerlib.tools.bulk.storage import Storage

MANIFEST, FORMAT = "manifest.json", 4
DIFFERENCES = {"model": "another model", "input": "other input files, or changed ones"}


class BulkError(ValueError):
    """A bulk run that cannot start or go on: why, and what to do."""


@dataclass(frozen=True)
class BulkSettings:
    """Settings of a bulk run, which must stay the same until its end.

    `written` is "parquet" or "jsonl"; texts of more than `max_characters` count as failed. Raises
    `BulkError` for impossible ones.
    """

    column: str = "text"
    written: str = PARQUET
    shard_rows: int = 10_000
    max_characters: int = 10_000
    precision: str = "auto"

    def __post_init__(self) -> None:
        if self.shard_rows < 1 or self.max_characters < 1:
            raise BulkError("the rows of a shard and the characters of a text must be 1 or more")


def settled(
    source: Storage, target: Storage, model: str, settings: BulkSettings
) -> tuple[list[Shard], list[str]]:
    """Return a run's shards, which are planned and recorded the first time; `model` is a digest.

    The names are those of files in the source that hold no rows. Raises `BulkError` if the output
    folder belongs to another run, and `StorageError`.
    """
    own = f"{target.root.rstrip('/')}/"  # an output folder inside of the input's is no input
    found = [file for file in source.files() if not file[0].startswith(own)]
    files, others = data_files(source, found, settings.column)
    if not files:
        what = f": {', '.join(others[:9])} are none" if others else ""
        raise BulkError(f"{source.address} holds no files to tag{what}")
    described = [[source.relative(path), *facts] for path, *facts in files]
    run = {"format": FORMAT, "model": model, "input": described, **asdict(settings)}
    if (content := target.read(MANIFEST)) is not None:
        shards = _recorded_shards(content, run, target)
        return [Shard(number, files[number][0], *cut) for number, *cut in shards], others
    if any(target.names(folder) for folder in ("", PARTS, FAILED)):
        what = "holds files of something else: choose another output folder"
        raise BulkError(f"{target.address} {what}")
    planned = plan(source, files, settings.shard_rows)
    pieces = [[shard.file, shard.start, shard.rows, shard.byte] for shard in planned]
    with target.new(MANIFEST) as file:
        file.write(json.dumps({**run, "shards": pieces}).encode())
    return planned, others


def model_digest(folder: str | Path) -> str:
    """Return one hash of a model folder's files; raises `BulkError` if there is no model."""
    paths = {path for pattern in MODEL_FILES for path in Path(folder).glob(pattern)}
    if not (Path(folder) / "config.json").is_file():
        raise BulkError(f"there is no model in {folder}: train one, or name its folder by --model")
    digests = [f"{path.name} {known_digest(path)}" for path in sorted(paths) if path.is_file()]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _recorded_shards(content: bytes, run: dict[str, Any], target: Storage) -> list[list[int]]:
    """Return the shards of a manifest, if it is of the same run; raises `BulkError` if not."""
    try:
        recorded = json.loads(content)
        shards: list[list[int]] = recorded.pop("shards")
    except (AttributeError, ValueError, LookupError, TypeError, RecursionError):
        what = f"{target.path(MANIFEST)} cannot be read: choose another output folder"
        raise BulkError(what) from None
    for name, now in run.items():
        if (before := recorded.get(name)) != now:
            what = DIFFERENCES.get(name, f"other settings: {name} {before}, not {now}")
            advice = "use what it was started with, or choose another output folder"
            raise BulkError(f"{target.address} holds results of {what}: {advice}")
    return shards
