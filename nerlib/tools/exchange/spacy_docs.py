"""spaCy's `Doc` with its entities, and its `.spacy` files; needs the extra `exchange`."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nerlib.atomic import whole_file
from nerlib.parsing import Span, Word
from nerlib.tools.exchange.document import (
    Document,
    ExchangeError,
    Reading,
    check_apart,
    each,
    words_of,
    words_under,
)
from nerlib.tools.extras import require_extra

if TYPE_CHECKING:
    from spacy.tokens import Doc

LARGEST = 2**30  # bytes, unpacked


def to_doc(document: Document) -> Doc:
    """Return a document as spaCy's `Doc`: its words are the tokens, its spans the entities.

    Scores are not kept. Raises `ExchangeError` for spans that do not begin and end with a word.

    >>> doc = to_doc(Document("at nine am", (Span("time", 3, 10),)))
    >>> [(entity.label_, entity.text) for entity in doc.ents]
    [('time', 'nine am')]
    """
    check_apart(document.spans, "a Doc's entities")
    spacy = import_spacy()
    texts = [word.text for word in words_of(document)]
    try:  # adds tokens for white space that is more than a single space
        tokens, spaces = spacy.util.get_words_and_spaces(texts, document.text)
    except ValueError:
        raise ExchangeError("its words are not all of the text") from None
    doc: Doc = spacy.tokens.Doc(spacy.vocab.Vocab(), words=tokens, spaces=spaces)
    words, entity = _words(doc), spacy.tokens.Span
    doc.ents = tuple(entity(doc, *words_under(words, s), label=s.type) for s in document.spans)
    return doc


def from_doc(doc: Doc, spans_key: str = "") -> Document:
    """Return the entities of a `Doc`, or of its only group of spans, as a document with words.

    Raises `ExchangeError` if there are several groups and `spans_key` names none of them.

    >>> from_doc(to_doc(Document("at nine am", (Span("time", 3, 10),)))).marked
    [('time', 'nine am')]
    """
    groups = {key: group for key, group in doc.spans.items() if len(group)}
    if spans_key and spans_key not in doc.spans:
        raise ExchangeError(f"--spans-key {spans_key}: there are {', '.join(doc.spans) or 'none'}")
    if not spans_key and not doc.ents and len(groups) > 1:
        how = f"convert --spans-key {' or '.join(groups)}"
        raise ExchangeError(f"no entities, but groups of spans: {how}")
    only = next(iter(groups.values()), ()) if not doc.ents else doc.ents
    chosen = doc.spans[spans_key] if spans_key else only
    spans = [Span(entity.label_, entity.start_char, entity.end_char) for entity in chosen]
    words = tuple(word for word in _words(doc) if not word.text.isspace())
    return Document(doc.text, tuple(spans), words)


def read_spacy(path: Path, reading: Reading) -> list[Document]:
    """Return the documents of a `.spacy` file; raises `ExchangeError` if it is not one.

    Documents that nobody has annotated are left out, which `reading` is told.
    """
    spacy, unpacker = import_spacy(), zlib.decompressobj()
    with path.open("rb") as file:
        content = file.read(LARGEST)
    try:
        unpacker.decompress(content, LARGEST)  # or it could fill the memory
        if unpacker.unconsumed_tail or path.stat().st_size > LARGEST:
            raise OverflowError(f"it unpacks to more than {LARGEST // 2**20} MiB")
        docs = list(spacy.tokens.DocBin().from_disk(path).get_docs(spacy.vocab.Vocab()))
    except Exception as error:  # msgpack, numpy and spaCy each raise what they like
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ExchangeError(f"{path.name} is not a .spacy file: {reason}") from None
    found = list(each(partial(_annotated, reading=reading), docs, f"{path.name}, document"))
    return [document for document in found if document is not None]


def _annotated(doc: Doc, reading: Reading) -> Document | None:
    """Return a document if anybody has said which entities it has, or has none."""
    groups = any(map(len, doc.spans.values()))
    if len(doc) and not groups and not doc.has_annotation("ENT_IOB"):
        reading.note("documents without annotation of entities are left out")
        return None
    if doc.ents and groups and not reading.spans_key:
        reading.note("documents have groups of spans, too, which are left out (--spans-key)")
    return from_doc(doc, reading.spans_key)


def write_spacy(documents: Iterable[Document], path: Path) -> None:
    """Write documents to a `.spacy` file; raises `ExchangeError` for what a `Doc` cannot hold."""
    docs = import_spacy().tokens.DocBin(docs=each(to_doc, documents))
    with whole_file(path) as unfinished:
        docs.to_disk(unfinished)


def import_spacy() -> Any:
    """Return spaCy; raises `ExtraError` if it is not installed."""
    require_extra("exchange")
    import spacy

    return spacy


def _words(doc: Doc) -> list[Word]:
    return [Word(token.text, token.idx, token.idx + len(token)) for token in doc]
