"""Where utterances come from: what the library reads, and the Hub and MASSIVE's own archive."""

from collections.abc import Iterable
from pathlib import Path

from datasets import Dataset

from nerlib.corpus import LOCALES, Rows, Split, choose_rows, local_rows, wanted_locales


def load_corpus(
    locale: str = "en-US",
    split: str = "train",
    source: str | Path = "sample",
    shuffle: bool = False,
) -> Dataset:
    """Return the rows of one locale and split as a `datasets.Dataset` of seven string columns.

    `source` is `"sample"` (packaged, synthetic, offline), `"hub"` (MASSIVE 1.1 from the Hugging
    Face Hub), `"archive"` (the same from its official archive), or a path: a folder or `.tar.gz` in
    MASSIVE's official layout, or one `.jsonl` file. What was fetched once needs no network again.
    The locale `"all"` means every one that the source has, one after another.
    The columns are id, locale, partition, scenario, intent, utt and annot_utt.
    MASSIVE's files are sorted by scenario, so their first rows show few slot types: `shuffle` puts
    the rows into a random order, the same one every time, before the slice is taken.
    Raises `CorpusError` with what to do about it. Built in notebook 01.

    >>> load_corpus("en-US", "train[:2]")["utt"][0]
    'wake me up at nine am on friday'
    """
    wanted = Split.parse(split)
    rows = _rows_by_locale(source, locale, wanted.partition)
    return choose_rows(rows, wanted, locale, source, shuffle)


def _rows_by_locale(source: str | Path, locale: str, partition: str) -> Iterable[Rows]:
    """Yield the rows of each wanted locale; only those who ask for the network load its client."""
    if source == "hub":
        from nerlib.tools.massive import hub_rows

        return (hub_rows(each, partition) for each in wanted_locales(locale, LOCALES))
    if source == "archive":
        from nerlib.tools.archive import official_rows

        return official_rows(wanted_locales(locale, LOCALES), partition)
    if str(source).endswith((".tar.gz", ".tgz")) and Path(source).is_file():
        from nerlib.tools.archive import archive_rows

        return archive_rows(Path(source), wanted_locales(locale, LOCALES), partition)
    return local_rows(source, locale, partition)
