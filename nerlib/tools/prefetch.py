"""Everything that a recipe needs from the network, fetched once into a folder that can travel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nerlib.corpus import LOCALES, wanted_locales
from nerlib.encoders import PACKAGED, load_tokenizer, packaged_encoder, resolve_encoder
from nerlib.tools import archive
from nerlib.tools.cache import cache_folder, cache_in
from nerlib.tools.corpora import load_corpus
from nerlib.tools.download import file_digest
from nerlib.tools.hub import Fetched, fetch_encoder, remove_damaged
from nerlib.tools.massive import FOLDERS, fetch_massive
from nerlib.tools.recipes import SCRATCH, Recipe

Report = Callable[[str], None]


def prefetch(recipe: Recipe, folder: str | Path | None = None, report: Report = print) -> Path:
    """Fetch a recipe's corpus (all splits) and encoder, verify them, and say what is there.

    What is there and whole is not fetched again; what is damaged is. Returns the folder, which
    NERLIB_CACHE names afterwards. Raises `CorpusError`, `EncoderError` or `DownloadError` with what
    to do.
    """
    with cache_in(Path(folder).expanduser().absolute() if folder else cache_folder()):
        place = cache_folder()
        before = _files(place)
        _prefetch_corpus(recipe, report)
        _prefetch_encoder(recipe.encoder, report)
        after = _files(place)
    new = [path for path, stamp in after.items() if before.get(path) != stamp]
    fetched, total = _megabytes(new), _megabytes(list(after))
    report(f"downloaded: {f'{len(new)} files, {fetched}' if new else 'nothing'}")
    report(f"in all: {len(after)} files, {total}, verified, in {place}")
    if after:
        report(f"offline: NERLIB_CACHE={place} HF_HUB_OFFLINE=1 NERLIB_RECIPE={recipe.name}")
    return place


def _prefetch_corpus(recipe: Recipe, report: Report) -> None:
    """Fetch the recipe's corpus, where it comes over the network, and read it once."""
    if recipe.source != "hub":
        source = recipe.corpus_source()
        rows = len(load_corpus(recipe.locale, recipe.train_split, source))
        report(f"corpus: {rows:,} rows to train on, from {recipe.source}; nothing to fetch")
        return
    for locale in wanted_locales(recipe.locale, LOCALES):
        fetched = fetch_massive(locale, FOLDERS, report)
        if fetched is not None and (damaged := remove_damaged(fetched)):
            report(f"damaged, fetched again: {', '.join(damaged)}")
            fetched = fetch_massive(locale, FOLDERS, report)
        if fetched is None:
            _check_archive_file(locale, report)
        origin = f"commit {fetched.listing.commit[:12]}" if fetched else "the official archive"
        counts = [f"{len(load_corpus(locale, split, 'hub')):,} {split}" for split in FOLDERS]
        report(f"corpus: MASSIVE 1.1 {locale}, {', '.join(counts)}; {origin}")


def _check_archive_file(locale: str, report: Report) -> None:
    """Take a locale out of the archive, again if what lies there is damaged."""
    path, digest = archive.stored(locale), archive.LOCALE_SHA256.get(locale)
    if path and digest and file_digest(path, digest) != digest:
        path.unlink()
        report(f"damaged, taken out of the archive again: {path.name}")
    archive.fetch_locales([locale], report)


def _prefetch_encoder(name: str, report: Report) -> None:
    """Fetch an encoder, where it comes over the network, and load its tokenizer once."""
    if name == SCRATCH:
        report("encoder: made from random weights on the spot; nothing to fetch")
    elif name == PACKAGED:
        packaged_encoder()
        report(f"encoder: {name}, weights as published; nothing to fetch")
    elif Path(name).is_dir():
        report(f"encoder: the folder {name}; nothing to fetch")
    else:
        resolve_encoder(name)  # with its explanations, should it fail
        fetched = fetch_encoder(name, report)
        if damaged := remove_damaged(fetched):
            report(f"damaged, fetched again: {', '.join(damaged)}")
            resolve_encoder(name)
            fetched = fetch_encoder(name, report)
        load_tokenizer(name)
        report(f"encoder: {_described(name, fetched)}")


def _described(name: str, fetched: Fetched) -> str:
    """Return what was fetched of an encoder, and as of which commit."""
    size = _megabytes(fetched.paths)
    return f"{name}, {len(fetched.names)} files, {size}; commit {fetched.listing.commit[:12]}"


def _files(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return the size and time of every file that matters below a folder."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    kept = [path for path in paths if path.suffix not in (".lock", ".part")]
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in kept}


def _megabytes(paths: list[Path]) -> str:
    """Return the size of some files, readable."""
    return f"{sum(path.stat().st_size for path in paths) / 1e6:,.1f} MB"
