"""Files of the Hugging Face Hub: fetched once, as of one commit, checked, kept as plain files.

    NERLIB_CACHE/
      hub/models--ai-forever--ruBert-base/listing.json    what the Hub has, as of one commit
      hub/models--ai-forever--ruBert-base/<commit>/config.json
      archive/amazon-massive-dataset-1.1.tar.gz           see `nerlib.tools.archive`

There are no links in it (FAT, the format of most USB sticks, has none), and it may be read-only.
"""

import difflib
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from huggingface_hub import HfApi, constants, errors, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]
from safetensors.torch import save_file

from nerlib.atomic import file_digest, whole_file
from nerlib.untrusted import EncoderError

VARIABLE = "NERLIB_CACHE"
KNOWN = ("ai-forever/ruBert-base", "bert-base-multilingual-cased", "bert-base-uncased")
# What an encoder consists of: settings, whatever its tokenizer needs, and weights.
SETTINGS = re.compile(
    r"(config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json"
    r"|vocab\.txt|merges\.txt|bpe\.codes|(spm|spiece|sentencepiece\.bpe)\.model"
)
WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors(\.index\.json)?")
PICKLED = "pytorch_model.bin"
# No name may lead out of its folder, whatever a server says.
_PLAIN = re.compile(r"(?!.*(?:^|/)\.\.?(?:/|$))[^/\\:\0][^\\:\0]*")


class DownloadError(RuntimeError):
    """What cannot be fetched: why, and what to do; `gone` if the server does not give it out."""

    def __init__(self, reason: str, advice: str, gone: bool = False) -> None:
        self.reason, self.gone = reason, gone
        super().__init__(f"{reason}; {advice}")


@dataclass
class Snapshot:
    """What a repository holds as of one commit; `names` are the files that were asked for.

    `files` has the size of each, and its SHA-256 or git's hash. Names that lead out of the folder
    are left out. Raises `ValueError` for what is no commit.
    """

    repository: str
    revision: str
    commit: str
    files: dict[str, tuple[int, str]]
    place: Path
    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9a-f]{40}", self.commit):
            raise ValueError(f"{self.commit[:60]!r} is not a commit")
        files = self.files.items()
        self.files = {name: (size, sha) for name, (size, sha) in files if _PLAIN.fullmatch(name)}

    @property
    def folder(self) -> Path:
        """The folder of the commit."""
        return self.place / self.commit[:12]

    def has(self, name: str, verify: bool = False) -> bool:
        """Return whether a file is there, whole by its size, and by its hash if asked."""
        path, (size, digest) = self.folder / name, self.files[name]
        there = path.is_file() and path.stat().st_size == size
        return there and not (verify and listed_digest(path, digest) != digest)

    def store(self) -> None:
        """Write down what the repository holds."""
        record = {key: value for key, value in vars(self).items() if key not in ("place", "names")}
        with whole_file(self.place / "listing.json") as path:
            path.write_text(json.dumps(record, indent=1), encoding="utf-8")


def cache_folder() -> Path:
    """Return the folder of the cache: NERLIB_CACHE, else `nerlib` next to the Hub's own cache."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(constants.HF_HOME) / "nerlib"


def fetch(
    name: str,
    choose: Callable[[Iterable[str]], list[str]],
    kind: str = "model",
    revision: str = "main",
    verify: bool = False,
) -> Snapshot:
    """Return a repository's snapshot with the files that `choose` picks, fetched unless there.

    The commit that is found first is kept to. `verify` fetches again what was damaged since.
    Raises `DownloadError`.
    """
    place = cache_folder() / "hub" / f"{kind}s--{name.replace('/', '--')}"
    known = _stored(revision, place)
    with download_errors():
        snapshot = known or _ask(name, kind, revision, place)
        snapshot.names = choose(snapshot.files)
        try:
            for file in snapshot.names:
                if not snapshot.has(file, verify):
                    _download(snapshot, kind, file)
        except (errors.RevisionNotFoundError, errors.RemoteEntryNotFoundError):
            if known is None:  # else it has gone since, or it is weights that we made
                raise
            gone = f"commit {snapshot.commit[:12]} of {name}, or a file of it, is gone"
            tell(f"{gone}: taking what {revision} holds now")
            (place / "listing.json").unlink()
            return fetch(name, choose, kind, revision)
    return snapshot


def encoder_folder(name: str) -> Path:
    """Return the folder of an encoder on the Hub; raises `EncoderError` with what to do.

    Where it cannot be fetched, one that lies in the Hub's own cache will do, of one commit.
    """
    try:
        return fetch_encoder(name).folder
    except DownloadError as error:
        with suppress(errors.HFValidationError):
            found = None if error.gone else try_to_load_from_cache(name, "config.json")
            if isinstance(found, str):
                return Path(found).parent
        page, why = f"{constants.ENDPOINT}/{name}", f"no such folder, and from the Hub: {error}"
        if isinstance(error.__cause__, errors.GatedRepoError):
            why = f"it is gated; accept its conditions at {page}, log in (hf auth login), try again"
        elif isinstance(error.__cause__, errors.RepositoryNotFoundError):
            near = difflib.get_close_matches(name, KNOWN, n=1)
            hint = f"did you mean {near[0]}?" if near else f"check {page}, log in if it is private"
            why = f"no such folder, nor such a repository on the Hub; {hint}"
        raise EncoderError(f"encoder {name!r} cannot be had: {why}") from None


def fetch_encoder(name: str, verify: bool = False) -> Snapshot:
    """Return an encoder's files, fetched unless they are there; raises `DownloadError`."""
    snapshot = fetch(name, encoder_files, verify=verify)
    if "config.json" not in snapshot.names or SETTINGS.fullmatch(snapshot.names[-1]):
        reason = f"{name} on the Hub has no {'weights' if snapshot.names else 'config.json'}"
        advice = "choose an encoder in transformers' format, with a model.safetensors"
        raise DownloadError(reason, advice)
    return _without_pickle(snapshot) if PICKLED in snapshot.names else snapshot


def encoder_files(names: Iterable[str]) -> list[str]:
    """Return which files of a repository make an encoder, the weights last."""
    there = sorted(names)
    weights = [name for name in there if WEIGHTS.fullmatch(name)] or {PICKLED}.intersection(there)
    return [*(name for name in there if SETTINGS.fullmatch(name)), *weights]


def _without_pickle(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with pickled weights, which may run code, rewritten as safetensors."""
    path, made = snapshot.folder / PICKLED, snapshot.folder / "model.safetensors"
    tell(f"{PICKLED} is a pickle: rewriting its tensors as {made.name}")
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
        # Heads for other tasks are of no use here; tied weights need a copy each.
        kept = {n: t.clone() for n, t in tensors.items() if not n.startswith("cls.")}
    except Exception as error:  # unpickling raises anything
        path.unlink(missing_ok=True)
        reason = f"{PICKLED} of {snapshot.repository} holds other things than weights"
        advice = "choose an encoder with a model.safetensors"
        raise DownloadError(f"{reason} and was removed", advice) from error
    with download_errors():
        with whole_file(made) as unfinished:
            save_file(kept, unfinished, {"format": "pt"})
        snapshot.files[made.name] = made.stat().st_size, file_digest(made)
        snapshot.names[snapshot.names.index(PICKLED)] = made.name
        snapshot.store()
        path.unlink()
    return snapshot


@contextmanager
def download_errors(url: str = "") -> Iterator[None]:
    """Turn what goes wrong while something is fetched into a `DownloadError` of one line."""
    try:
        yield
    except (HTTPError, OSError, ValueError) as error:  # the last for names, and for no JSON
        raise download_error(error, url) from error


def download_error(error: Exception, url: str = "") -> DownloadError:
    """Return what an error of the Hub's client means; `url` is for other servers."""
    host, gone = urlsplit(url or constants.ENDPOINT).netloc, False
    cause = error.__cause__ if isinstance(error, errors.LocalEntryNotFoundError) else error
    if isinstance(cause, errors.OfflineModeIsEnabled):
        reason = "HF_HUB_OFFLINE is set"
        fetch_it = "fetch this once where there is a network (python -m nerlib prefetch RECIPE "
        advice = f"unset it, or {fetch_it}--to FOLDER) and set {VARIABLE} to that folder"
    elif isinstance(cause, errors.HfHubHTTPError):
        status = cause.response.status_code
        gone, reason = status in (401, 403, 404, 410), f"{host} refused it (HTTP {status})"
        advice = "check the name" if gone else "try again later, or log in (hf auth login)"
    elif isinstance(cause, HTTPError):
        late = "Timeout" in type(cause).__name__
        reason = f"{host} {'did not answer in time' if late else 'cannot be reached'}"
        advice = "check the connection to the internet and try again"
    elif isinstance(cause, OSError) and cause.errno is not None:
        reason = f"{cause.filename or cache_folder()} cannot be written ({cause.strerror})"
        advice = f"make room there, or set {VARIABLE} to a folder that can be written"
    else:
        reason = str(cause or error).splitlines()[0]
        advice = "check the name (owner/name), and try again"
    return DownloadError(reason, advice, gone)


def listed_digest(path: Path, like: str) -> str:
    """Return a file's SHA-256, or, as the Hub lists small ones, git's if `like` has 40 digits."""
    if len(like) != 40:
        return file_digest(path)
    content = path.read_bytes()
    named = b"blob %d\0%s" % (len(content), content)
    return hashlib.sha1(named, usedforsecurity=False).hexdigest()


def tell(line: str) -> None:
    """Print a line where it does not get in between results."""
    print(line, file=sys.stderr, flush=True)


def _ask(name: str, kind: str, revision: str, place: Path) -> Snapshot:
    """Return what the Hub says a repository holds now, and write it down."""
    asked: Any = {"repo_type": kind, "revision": revision, "files_metadata": True}
    info: Any = HfApi().repo_info(name, timeout=constants.HF_HUB_ETAG_TIMEOUT, **asked)
    files = {
        file.rfilename: (file.size or 0, file.lfs.sha256 if file.lfs else file.blob_id)
        for file in info.siblings
    }
    snapshot = Snapshot(name, revision, info.sha, files, place)
    snapshot.store()
    return snapshot


def _stored(revision: str, place: Path) -> Snapshot | None:
    """Return what the Hub said the first time that anything was fetched."""
    try:
        listing = (place / "listing.json").read_text(encoding="utf-8")
        snapshot = Snapshot(**json.loads(listing), place=place)
    except (OSError, ValueError, TypeError, AttributeError):
        return None  # not there, or damaged: then it is asked for again
    return snapshot if snapshot.revision == revision else None


def _download(snapshot: Snapshot, kind: str, name: str) -> None:
    """Fetch one file as of the snapshot's commit, and check it."""
    path = snapshot.folder / name
    path.unlink(missing_ok=True)  # one that was damaged since
    repository, commit = snapshot.repository, snapshot.commit
    hf_hub_download(repository, name, repo_type=kind, revision=commit, local_dir=snapshot.folder)
    if not snapshot.has(name, verify=True):
        path.unlink(missing_ok=True)
        reason = f"{name} is not the published one (its hash differs) and was removed"
        raise DownloadError(reason, "try again, with another connection")
