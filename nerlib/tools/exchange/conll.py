"""CoNLL columns: a word a line, its tag in the last column, an empty line between sentences.

Tags may be IOB1, IOB2 (BIO), BIOES or BILOU; written is IOB2. The format has no text, only words.
Unless a single space follows a word, the middle column says so as CoNLL-U files do, for example
`SpaceAfter=No`, and a text comes back exactly; other programs read first and last column only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from nerlib.atomic import whole_file
from nerlib.corpus import decode_lines
from nerlib.parsing import OUTSIDE, Span, Word, bio_tags
from nerlib.tools.exchange.document import (
    Document,
    ExchangeError,
    at_rows,
    check_apart,
    words_of,
    words_under,
)

DOCUMENT_START = "-DOCSTART-"
_TAG = re.compile(r"([BIESLU])-(.+)")
_COMMENT = re.compile(r"# ?[\w.]+ = ")
_SPACING = re.compile(r"(SpacesAfter|SpacesBefore|SpaceAfter)=([^|]*)")
_ESCAPES = {" ": r"\s", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\\": r"\\", "|": r"\p"}
_UNESCAPES = {escape: letter for letter, escape in _ESCAPES.items()}

Line = tuple[str, str, str]  # word, spacing, tag


def read_conll(path: Path) -> list[Document]:
    """Return the sentences of a CoNLL file, with their words.

    Columns are parted by tabs or by spaces; `-DOCSTART-` lines and comments are no words. Raises
    `ExchangeError` with file and line.
    """
    documents: list[Document] = []
    with path.open("rb") as file:
        for number, sentence in _sentences(decode_lines(file, path.name, ExchangeError), path.name):
            try:
                documents.append(_document(sentence))
            except ExchangeError as error:
                raise ExchangeError(f"{path.name}, line {number}: {error}") from None
    if not documents:
        raise ExchangeError(f"{path.name} holds no sentence: write a word and its tag a line")
    return documents


def write_conll(documents: Iterable[Document], path: Path) -> int:
    """Write documents as CoNLL sentences and return their number; scores are not kept.

    Raises `ExchangeError` with row and reason for what the format cannot hold.
    """
    count = 0
    with whole_file(path) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as file:
        file.write(f"{DOCUMENT_START} -X- O\n")
        for row, document in at_rows(documents):
            lines = conll_lines(document, row)
            file.write("\n" + "".join(f"{' '.join(columns)}\n" for columns in lines))
            count += 1
    return count


def conll_lines(document: Document, row: str = "row 1") -> list[Line]:
    """Return a document as word, spacing and IOB2 tag a line.

    >>> conll_lines(Document("at 7pm.", (Span("time", 3, 6),)))
    [('at', '_', 'O'), ('7pm', 'SpaceAfter=No', 'B-time'), ('.', 'SpaceAfter=No', 'O')]
    """
    try:
        check_apart(document.spans, "CoNLL")
        words = words_of(document)
        tags = [OUTSIDE] * len(words)
        for span in document.spans:
            _check_type(span)
            first, end = words_under(words, span)
            tags[first:end] = [_tag(tag, span.type) for tag in bio_tags(span.type, end - first)]
        _check_words(document.text, words)
    except ExchangeError as error:
        raise ExchangeError(f"{row}: {error}") from None
    if not words:
        raise ExchangeError(f"{row}: CoNLL cannot hold a text without words; leave the row out")
    spacing = _spacing(document.text, words)
    return [(w.text, s, t) for w, s, t in zip(words, spacing, tags, strict=True)]


def spans_of_tags(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return the entities of IOB1, IOB2, BIOES or BILOU tags: (type, first word, end word).

    Raises `ExchangeError` for a tag of another kind.

    >>> spans_of_tags(["I-PER", "B-PER", "O", "B-LOC", "E-LOC", "S-LOC"])
    [('PER', 0, 1), ('PER', 1, 2), ('LOC', 3, 5), ('LOC', 5, 6)]
    """
    spans: list[tuple[str, int, int]] = []
    open_type = ""  # the entity that the next word may go on with
    for index, tag in enumerate(tags):
        if tag == OUTSIDE:
            open_type = ""
            continue
        match = _TAG.fullmatch(tag)
        if match is None:
            raise ExchangeError(f"the tag {tag[:40]!r} is neither O nor such as B-PER or I-PER")
        kind, name = match.groups()
        if kind in "IEL" and name == open_type:
            spans[-1] = (name, spans[-1][1], index + 1)
        else:
            spans.append((name, index, index + 1))
        open_type = "" if kind in "ESLU" else name
    return spans


def _sentences(lines: Iterable[str], name: str) -> Iterator[tuple[int, list[Line]]]:
    """Yield the sentences, each with the number of its first line."""
    sentence: list[Line] = []
    first = 0
    for number, line in enumerate(lines, start=1):
        bare = line.strip(" \t")
        if bare and _COMMENT.match(bare):
            continue
        if bare and not bare.startswith(DOCUMENT_START):
            first = first if sentence else number
            sentence.append(_columns(bare, f"{name}, line {number}"))
        elif sentence:
            yield first, sentence
            sentence = []
    if sentence:
        yield first, sentence


def _columns(line: str, where: str) -> Line:
    """Return a line's word, spacing and tag."""
    columns = line.split("\t") if "\t" in line else re.split(" +", line)
    if len(columns) < 2 or not columns[0]:
        raise ExchangeError(f"{where}: {line[:40]!r} must be a word and its tag in two columns")
    tag = columns[-1].strip(" ")
    try:
        spans_of_tags([tag])
    except ExchangeError as error:
        raise ExchangeError(f"{where}: {error}") from None
    spacing = next((column for column in columns[1:-1] if _SPACING.search(column)), "")
    return columns[0], spacing, tag


def _document(sentence: Sequence[Line]) -> Document:
    """Return a sentence with its text put together."""
    text, words = "", []
    for index, (word, column, _) in enumerate(sentence):
        spacing = dict(_SPACING.findall(column))
        text += _unescape(spacing.get("SpacesBefore", ""))
        words.append(Word(word, len(text), len(text) + len(word)))
        usual = "" if index + 1 == len(sentence) or spacing.get("SpaceAfter") == "No" else " "
        after = spacing.get("SpacesAfter")
        text += word + (usual if after is None else _unescape(after))
    found = spans_of_tags([tag for _, _, tag in sentence])
    spans = (Span(name, words[first].start, words[end - 1].end) for name, first, end in found)
    return Document(text, tuple(spans), tuple(words))


def _spacing(text: str, words: Sequence[Word]) -> list[str]:
    """Return what stands around each word, in the manner of CoNLL-U."""
    columns = []
    for index, word in enumerate(words):
        last = index + 1 == len(words)
        after = text[word.end : len(text) if last else words[index + 1].start]
        notes = [] if index or not word.start else [f"SpacesBefore={_escape(text[: word.start])}"]
        if not after:
            notes.append("SpaceAfter=No")
        elif after != " " or last:
            notes.append(f"SpacesAfter={_escape(after)}")
        columns.append("|".join(notes) or "_")
    return columns


def _tag(tag: str, name: str) -> str:
    """Return a tag with its type as it was written, in capitals or not."""
    return f"{tag[:2]}{name}"


def _check_type(span: Span) -> None:
    if re.search(r"[ \t\r\n]", span.type) or span.type != span.type.strip():
        raise ExchangeError(f"the type {span.type!r} holds white space; write it as one_word")


def _check_words(text: str, words: Sequence[Word]) -> None:
    """Raise `ExchangeError` for words that a line cannot hold, and for text that is in no word."""
    end = 0
    for word in (*words, Word("", len(text), len(text))):
        if re.search(r"\s", word.text):
            raise ExchangeError(f"the word {word.text[:40]!r} holds white space, CoNLL's separator")
        if word.text.startswith(DOCUMENT_START):
            raise ExchangeError(f"the word {word.text[:40]!r} marks a document's start in CoNLL")
        if text[end : word.start].strip():
            raise ExchangeError(f"{text[end : word.start].strip()[:40]!r} is in none of its words")
        end = word.end


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


def _unescape(text: str) -> str:
    return re.sub(r"\\[stnrp\\]", lambda match: _UNESCAPES[match[0]], text)
