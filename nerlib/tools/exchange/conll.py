"""CoNLL columns: a word a line, its tag in the last column, an empty line between sentences.

Tags may be IOB1, IOB2 (BIO), BIOES or BILOU; written is IOB2. Where no single space follows a word,
the middle column says so, as `SpaceAfter=No` in CoNLL-U; other programs do not read that column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from pathlib import Path

from nerlib.corpus import decode_lines
from nerlib.parsing import OUTSIDE, Span, Word, tag_chunks
from nerlib.tools.exchange.document import Document, ExchangeError, each, tags_of, words_of

DOCUMENT_START = "-DOCSTART-"
HEAD = f"{DOCUMENT_START} -X- O\n\n"
_TAG = re.compile(r"([BIESLU])-(.+)")
_COMMENT = re.compile(r"# ?[\w.]+ = ")
_SPACING = re.compile(r"(SpacesAfter|SpacesBefore|SpaceAfter)=([^|]*)")
_ESCAPES = dict(zip(map(ord, " \t\n\r\\|"), (rf"\{c}" for c in r"stnr\p"), strict=True))
_UNESCAPES = {escape: chr(letter) for letter, escape in _ESCAPES.items()}

Line = tuple[str, str, str]  # word, spacing, tag


def read_conll(path: Path) -> list[Document]:
    """Return the sentences of a CoNLL file; raises `ExchangeError` with file and line."""
    with path.open("rb") as file:
        lines = each(_line, decode_lines(file, path.name, ExchangeError), f"{path.name}, line")
        sentences = ([*filter(None, group)] for is_word, group in groupby(lines, bool) if is_word)
        documents = list(each(_document, sentences, f"{path.name}, sentence"))
    if not documents:
        raise ExchangeError(f"{path.name} holds no sentence: write a word and its tag a line")
    return documents


def conll_sentence(document: Document) -> str:
    """Return a document as the lines of a sentence.

    Raises `ExchangeError` for what the format cannot hold; scores are not kept.

    >>> print(conll_sentence(Document("at 7pm.", (Span("time", 3, 6),))))
    at _ O
    7pm SpaceAfter=No B-time
    . SpaceAfter=No O
    """
    words = words_of(document)
    for span in document.spans:
        if re.search(r"[ \t\r\n]", span.type) or span.type != span.type.strip():
            raise ExchangeError(f"the type {span.type!r} holds white space; write it as one_word")
    tags = tags_of(document, words, "CoNLL")
    columns = zip(words, _spacing(document.text, words), tags, strict=True)
    return "\n".join(f"{word.text} {spacing} {tag}" for word, spacing, tag in columns)


def spans_of_tags(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return the entities of IOB1, IOB2, BIOES or BILOU tags: (type, first word, end word).

    Raises `ExchangeError` for a tag of another kind.

    >>> spans_of_tags(["I-PER", "B-PER", "O", "B-LOC", "E-LOC", "S-LOC"])
    [('PER', 0, 1), ('PER', 1, 2), ('LOC', 3, 5), ('LOC', 5, 6)]
    """
    iob2 = []
    for before, tag in pairwise([OUTSIDE, *tags]):
        if tag != OUTSIDE and not _TAG.fullmatch(tag):
            raise ExchangeError(f"the tag {tag[:40]!r} is neither O nor such as B-PER or I-PER")
        starts = tag[0] in "BSU" or before[0] in "ELSU"
        iob2.append(tag if tag == OUTSIDE else ("B" if starts else "I") + tag[1:])
    return tag_chunks(iob2)


def _line(line: str) -> Line | None:
    """Return a line's word, spacing and tag, or nothing where a sentence may end."""
    line = line.strip(" \t")
    if not line or line.startswith(DOCUMENT_START) or _COMMENT.match(line):
        return None
    columns = line.split("\t") if "\t" in line else re.split(" +", line)
    if len(columns) < 2 or not columns[0]:
        raise ExchangeError(f"{line[:40]!r} must be a word and its tag in two columns")
    tag = columns[-1].strip(" ")
    spans_of_tags([tag])  # raises for another kind of tag, while the line's number is known
    spacing = next((column for column in columns[1:-1] if _SPACING.search(column)), "")
    return columns[0], spacing, tag


def _document(sentence: Sequence[Line]) -> Document:
    """Return a sentence with its text put together."""
    text, words = "", []
    for index, (word, column, _) in enumerate(sentence, start=1):
        spacing = dict(_SPACING.findall(column))
        text += _unescape(spacing.get("SpacesBefore", ""))
        words.append(Word(word, len(text), len(text) + len(word)))
        usual = "" if index == len(sentence) or spacing.get("SpaceAfter") == "No" else r"\s"
        text += word + _unescape(spacing.get("SpacesAfter", usual))
    found = spans_of_tags([tag for _, _, tag in sentence])
    spans = (Span(name, words[first].start, words[end - 1].end) for name, first, end in found)
    return Document(text, tuple(spans), tuple(words))


def _spacing(text: str, words: Sequence[Word]) -> Iterator[str]:
    """Yield the white space around each word as in CoNLL-U; raises `ExchangeError` for the rest."""
    if not words:
        raise ExchangeError("CoNLL cannot hold a text without words; leave the row out")
    for word in words:
        if re.search(r"\s", word.text) or word.text.startswith(DOCUMENT_START):
            mark = f"white space or {DOCUMENT_START}, CoNLL's own marks"
            raise ExchangeError(f"the word {word.text[:40]!r} holds {mark}")
    ends, starts = [0, *(word.end for word in words)], [*(word.start for word in words), len(text)]
    gaps = [text[end:start] for end, start in zip(ends, starts, strict=True)]
    if missed := "".join(gaps).strip():
        raise ExchangeError(f"{missed[:40]!r} is in none of its words")
    before, *escaped = [gap.translate(_ESCAPES) for gap in gaps]
    for number, after in enumerate(escaped, start=1):
        notes = [f"SpacesBefore={before}"] if number == 1 and before else []
        if after != r"\s" or number == len(words):
            notes.append(f"SpacesAfter={after}" if after else "SpaceAfter=No")
        yield "|".join(notes) or "_"


def _unescape(text: str) -> str:
    return re.sub(r"\\[stnrp\\]", lambda match: _UNESCAPES[match[0]], text)
