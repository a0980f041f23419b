"""One worker of a bulk job: a model, and the shards that it is given one after another."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from typing import cast

from nerlib.device import Precision, set_threads
from nerlib.tools.bulk.manifest import BulkSettings
from nerlib.tools.bulk.shards import Shard
from nerlib.tools.bulk.storage import Storage, StorageError
from nerlib.tools.bulk.tag_shard import Result, tag_shard
from nerlib.tools.tagger import Tagger

TRIES = "tries"  # a folder with an empty file for each time that a worker began with a shard
MOST_TRIES = 3


class ShardWorker:
    """One worker with one model: tags the shards that it is given. Its errors are results.

    `threads` are those of PyTorch: with one worker a core, one each.
    """

    def __init__(
        self,
        model: str,
        source: str,
        target: str,
        settings: BulkSettings,
        threads: int,
        device: str,
    ) -> None:
        set_threads(threads)
        self.source, self.target, self.settings = Storage(source), Storage(target), settings
        precision = cast(Precision, settings.precision)
        self.tagger = Tagger.from_pretrained(model, device, precision)

    def __call__(self, shard: Shard) -> Result:
        """Tag a shard, unless it is done already: a worker may have died just after that."""
        try:
            if self._tries(shard) > MOST_TRIES:
                return Result(shard.name, error=f"{MOST_TRIES} workers have died of it")
            settings = asdict(self.settings)
            for name in ("shard_rows", "precision"):
                del settings[name]
            result = tag_shard(self.tagger, self.source, self.target, shard, **settings)
        except (OSError, StorageError) as error:
            return Result(shard.name, error=" ".join(str(error).split()), process=os.getpid())
        return replace(result, process=os.getpid())

    def _tries(self, shard: Shard) -> int:
        """Count that a worker begins with a shard, and return how often that has happened."""
        name = f"{TRIES}/{shard.name}"
        tries = len(self.target.read(name) or b"") + 1
        with self.target.new(name) as file:
            file.write(b"." * tries)
        return tries
