"""Files of repositories on the Hugging Face Hub: asked for once, checked, kept as plain files.

The Hub's own client says what a repository holds; the bytes come through `nerlib.tools.download`,
because the client starts anew whenever it was killed half-way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (  # type: ignore[attr-defined]
    HfHubHTTPError,
    HTTPError,
    OfflineModeIsEnabled,
)
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

from nerlib.atomic import whole_file
from nerlib.tools.cache import cache_folder
from nerlib.tools.download import (
    DownloadError,
    disk_error,
    download,
    file_digest,
    network_error,
    patiently,
    server_error,
    tell,
)

# What an encoder consists of, other than its weights: settings, and whatever its tokenizer needs.
SETTINGS = (
    *("config.json", "tokenizer_config.json", "tokenizer.json", "special_tokens_map.json"),
    *("added_tokens.json", "vocab.txt", "vocab.json", "merges.txt", "spm.model"),
    *("spiece.model", "sentencepiece.bpe.model", "bpe.codes"),
)
WEIGHTS = "model.safetensors"
PICKLED = "pytorch_model.bin"
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
# No name may lead out of its folder, whatever a server says.
_PLAIN = re.compile(r"(?!.*(?:^|/)\.\.?(?:/|$))[^/\\:\0][^\\:\0]*")

Choice = Callable[[Iterable[str]], list[str]]


class FileFacts(NamedTuple):
    """What is known of a file: bytes, SHA-256 or git's hash, and whether we made it ourselves."""

    size: int
    digest: str
    made: bool = False


@dataclass(frozen=True)
class Listing:
    """What a repository holds as of one commit."""

    commit: str
    files: dict[str, FileFacts]


@dataclass(frozen=True)
class Repository:
    """A model or a dataset on the Hub, at a revision; and its place in our cache."""

    name: str
    kind: Literal["model", "dataset"]
    revision: str = "main"

    @property
    def folder(self) -> Path:
        """The folder that keeps what was fetched."""
        return cache_folder() / "hub" / f"{self.kind}s--{self.name.replace('/', '--')}"

    def stored(self) -> Listing | None:
        """Return the listing from the first time that anything was fetched: the commit stays."""
        try:
            saved = json.loads((self.folder / "listing.json").read_text(encoding="utf-8"))
            files = {name: FileFacts(*facts) for name, facts in saved["files"].items()}
            listing = _checked(saved["commit"], files)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None  # not there, or damaged: then it is asked for again
        return listing if saved.get("revision") == self.revision else None

    def path(self, listing: Listing, name: str) -> Path:
        """Return where a file lies, or would lie."""
        return self.folder / listing.commit[:12] / name

    def has(self, listing: Listing, name: str) -> bool:
        """Return whether a file is there, whole as far as its size tells."""
        path = self.path(listing, name)
        return path.is_file() and path.stat().st_size == listing.files[name].size


class Fetched(NamedTuple):
    """Files of a repository that are there now."""

    repository: Repository
    listing: Listing
    names: list[str]

    @property
    def paths(self) -> list[Path]:
        """Where they lie."""
        return [self.repository.path(self.listing, name) for name in self.names]

    @property
    def folder(self) -> Path:
        """The folder of their commit."""
        return self.repository.path(self.listing, "")


def fetch(repository: Repository, choose: Choice, report: Callable[[str], None] = tell) -> Fetched:
    """Return the chosen files of a repository, fetched unless they are there.

    `choose` picks from the names of all files. Which commit was found the first time is written
    down and kept to. What is there is not asked for. Raises `DownloadError`.
    """
    listing, known = repository.stored(), True
    if listing is None:
        listing, known = patiently(lambda: ask(repository), report), False
        _store(repository, listing)
    facts = listing.files.items()
    names = choose(
        [name for name, (*_, made) in facts if not made or repository.has(listing, name)]
    )
    try:
        for name in names:
            if not repository.has(listing, name):
                _download(repository, listing, name, report)
    except DownloadError as error:
        if not known or error.code != "RevisionNotFound":
            raise
        report(
            f"commit {listing.commit[:12]} of {repository.name} is gone from the Hub: "
            f"taking what {repository.revision} holds now"
        )
        (repository.folder / "listing.json").unlink()
        return fetch(repository, choose, report)
    return Fetched(repository, listing, names)


def ask(repository: Repository) -> Listing:
    """Return what the Hub says a repository holds; raises `DownloadError`."""
    try:
        info: Any = HfApi().repo_info(
            repository.name,
            repo_type=repository.kind,
            revision=repository.revision,
            timeout=constants.HF_HUB_ETAG_TIMEOUT,
            files_metadata=True,
        )
    except HfHubHTTPError as error:
        answer = error.response
        raise server_error(answer.status_code, answer.headers, constants.ENDPOINT) from error
    except (HTTPError, OfflineModeIsEnabled) as error:
        raise network_error(error, constants.ENDPOINT) from error
    except ValueError as error:  # its check of the name; or an answer that is not JSON
        raise DownloadError(
            f"{repository.name!r} cannot be asked for ({str(error).splitlines()[0]})",
            "write it as owner/name",
        ) from error
    files = {
        file.rfilename: FileFacts(file.size or 0, file.lfs.sha256 if file.lfs else file.blob_id)
        for file in info.siblings
    }
    try:
        return _checked(str(info.sha), files)
    except ValueError as error:
        raise DownloadError(str(error), "do not use this mirror") from error


def _checked(commit: str, files: dict[str, FileFacts]) -> Listing:
    """Return a listing of which no name can lead out of its folder; raises `ValueError`."""
    if not re.fullmatch("[0-9a-f]{40}", commit):
        raise ValueError(f"{commit[:60]!r} is no commit")
    return Listing(commit, {name: f for name, f in files.items() if _PLAIN.fullmatch(name)})


def encoder_files(names: Iterable[str]) -> list[str]:
    """Return which files of a repository make an encoder, the weights last.

    >>> encoder_files(["README.md", "config.json", "flax_model.msgpack", "model.safetensors"])
    ['config.json', 'model.safetensors']
    """
    there = set(names)
    shards = sorted(name for name in there if _SHARD.fullmatch(name))
    if WEIGHTS in there:
        weights = [WEIGHTS]
    elif f"{WEIGHTS}.index.json" in there and shards:
        weights = [f"{WEIGHTS}.index.json", *shards]
    else:
        weights = [PICKLED] if PICKLED in there else []
    return [*(name for name in SETTINGS if name in there), *weights]


def fetch_encoder(name: str, report: Callable[[str], None] = tell) -> Fetched:
    """Return an encoder's files, fetched unless they are there; raises `DownloadError`."""
    repository = Repository(name, "model")
    fetched = fetch(repository, encoder_files, report)
    if "config.json" not in fetched.names or fetched.names[-1] in SETTINGS:
        raise DownloadError(
            f"{name} on the Hub has no {'weights' if fetched.names else 'config.json'}",
            "choose an encoder in transformers' format, with a model.safetensors",
        )
    if fetched.names[-1] != PICKLED:
        return fetched
    listing, path = fetched.listing, fetched.paths[-1]
    made = without_pickle(path, report)
    facts = FileFacts(made.stat().st_size, file_digest(made, ""), made=True)
    listing = Listing(listing.commit, {**listing.files, WEIGHTS: facts})
    _store(repository, listing)
    path.unlink()
    return Fetched(repository, listing, [*fetched.names[:-1], WEIGHTS])


def without_pickle(path: Path, report: Callable[[str], None] = tell) -> Path:
    """Return a copy of weights in PyTorch's old format, rewritten as safetensors next to them.

    That format is a pickle, which can run code when it is read. torch's restricted reader takes
    tensors only. Raises `DownloadError` for anything else.
    """
    import torch
    from safetensors.torch import save_file

    report(f"{path.name} is a pickle: rewriting its tensors as {WEIGHTS}")
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
        # Heads for other tasks are of no use here; tied weights need a copy each.
        kept = {n: t.clone() for n, t in tensors.items() if not n.startswith("cls.")}
        with whole_file(path.with_name(WEIGHTS)) as unfinished:
            save_file(kept, unfinished, {"format": "pt"})
    except OSError as error:
        raise disk_error(error, path.parent) from error
    except Exception as error:  # unpickling raises anything
        path.unlink(missing_ok=True)
        raise DownloadError(
            f"{path.name} holds other things than weights and was removed",
            "choose an encoder with a model.safetensors",
        ) from error
    return path.with_name(WEIGHTS)


def remove_damaged(fetched: Fetched) -> list[str]:
    """Return the files that are not what was listed, as their hashes tell; they are removed."""
    damaged = []
    for name, path in zip(fetched.names, fetched.paths, strict=True):
        digest = fetched.listing.files[name].digest
        if file_digest(path, digest) != digest:
            path.unlink()
            damaged.append(name)
    return damaged


def _store(repository: Repository, listing: Listing) -> None:
    """Write down what the Hub said."""
    record = {
        "repository": repository.name,
        "revision": repository.revision,
        "commit": listing.commit,
        "files": listing.files,
    }
    try:
        with whole_file(repository.folder / "listing.json") as path:
            path.write_text(json.dumps(record, indent=1), encoding="utf-8")
    except OSError as error:
        raise disk_error(error, repository.folder) from error


def _download(
    repository: Repository, listing: Listing, name: str, report: Callable[[str], None]
) -> None:
    """Fetch one file as of the listing's commit."""
    url = hf_hub_url(
        repository.name, name, repo_type=repository.kind, revision=listing.commit,
        endpoint=constants.ENDPOINT,
    )  # fmt: skip
    facts = listing.files[name]
    path = repository.path(listing, name)
    path.unlink(missing_ok=True)  # one of the wrong size
    download(url, path, facts.size, facts.digest, build_hf_headers(), report)
