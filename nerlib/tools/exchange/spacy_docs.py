"""spaCy's `Doc` with its entities, and its `.spacy` files; needs the extra `exchange`."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nerlib.atomic import whole_file
from nerlib.parsing import Span, Word
from nerlib.tools.exchange.document import (
    Document,
    ExchangeError,
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


def from_doc(doc: Doc) -> Document:
    """Return the entities of a `Doc` as a document with words.

    Raises `ExchangeError` if there are none, but groups of spans.

    >>> from_doc(to_doc(Document("at nine am", (Span("time", 3, 10),)))).marked
    [('time', 'nine am')]
    """
    if not doc.ents and any(len(group) for group in doc.spans.values()):
        raise ExchangeError(f"no entities, but spans in {sorted(doc.spans)}: make them doc.ents")
    spans = [Span(entity.label_, entity.start_char, entity.end_char) for entity in doc.ents]
    words = tuple(word for word in _words(doc) if not word.text.isspace())
    return Document(doc.text, tuple(spans), words)


def read_spacy(path: Path) -> list[Document]:
    """Return the documents of a `.spacy` file; raises `ExchangeError` if it is not one."""
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
    return list(each(from_doc, docs, f"{path.name}, document"))


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
