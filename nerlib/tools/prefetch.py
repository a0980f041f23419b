"""Everything that a recipe needs from the network, fetched once into a folder that can travel."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from nerlib.corpus import LOCALES, wanted_locales
from nerlib.encoders import MULTILINGUAL, PACKAGED, load_tokenizer, resolve_encoder
from nerlib.tools.archive import fetch_archive
from nerlib.tools.corpora import load_corpus
from nerlib.tools.hub import VARIABLE, cache_folder, fetch_encoder
from nerlib.tools.massive import FOLDERS, fetch_massive
from nerlib.tools.recipes import SCRATCH, Recipe

Report = Callable[[str], None]


def prefetch(recipe: Recipe, folder: str | Path | None = None, report: Report = print) -> Path:
    """Fetch a recipe's corpus (all splits) and encoder, verify them, and say what is there.

    What is there and whole is not fetched again. Returns the folder, which NERLIB_CACHE names from
    now on in this process. Raises `CorpusError`, `EncoderError` or `DownloadError` with what to do.
    """
    if folder:
        os.environ[VARIABLE] = str(Path(folder).expanduser().absolute())
    place = cache_folder()
    _prefetch_corpus(recipe, report)
    _prefetch_encoder(recipe.encoder, report)
    # The Hub's client keeps notes of its own, in `.cache`.
    there = [p for p in place.rglob("*") if p.is_file() and ".cache" not in p.parts]
    if there:
        report(f"in all: {len(there)} files, {_megabytes(there)}, verified, in {place}")
        report(f"offline: {VARIABLE}={place} HF_HUB_OFFLINE=1 NERLIB_RECIPE={recipe.name}")
    return place


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
        return
    resolve_encoder(name)  # with its explanations, should it fail
    if name in (PACKAGED, MULTILINGUAL) or Path(name).is_dir():
        report(f"encoder: {name}; nothing to fetch from the Hub")
    else:
        fetched = fetch_encoder(name, verify=True)
        size = _megabytes(map(fetched.folder.joinpath, fetched.names))
        what = f"{name}, {len(fetched.names)} files, {size}"
        report(f"encoder: {what}; commit {fetched.commit[:12]}")
    load_tokenizer(name)


def _megabytes(paths: Iterable[Path]) -> str:
    """Return the size of some files, readable."""
    return f"{sum(path.stat().st_size for path in paths) / 1e6:,.1f} MB"
