"""CoNLL columns: a word a line, its tag in the last column, an empty line between sentences.

Tags may be IOB1, IOB2 (BIO), BIOES or BILOU; written is IOB2. The format has no text, only words.
Unless a single space follows a word, the middle column says so as CoNLL-U files do, for example
`SpaceAfter=No`, and a text comes back exactly; other programs read first and last column only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from nerlib.corpus import decode_lines
from nerlib.parsing import OUTSIDE, Span, Word
from nerlib.tools.exchange.document import Document, ExchangeError, located, tags_of, words_of

DOCUMENT_START = "-DOCSTART-"
HEAD = f"{DOCUMENT_START} -X- O\n\n"
_TAG = re.compile(r"([BIESLU])-(.+)")
_COMMENT = re.compile(r"# ?[\w.]+ = ")
_SPACING = re.compile(r"(SpacesAfter|SpacesBefore|SpaceAfter)=([^|]*)")
_ESCAPES = {" ": r"\s", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\\": r"\\", "|": r"\p"}
_UNESCAPES = {escape: letter for letter, escape in _ESCAPES.items()}

Line = tuple[str, str, str]  # word, spacing, tag


def read_conll(path: Path) -> list[Document]:
    """Return the sentences of a CoNLL file, with their words.

    Tabs or spaces separate columns; `-DOCSTART-` lines and comments are skipped. Raises
    `ExchangeError` with file and line.
    """
    with path.open("rb") as file:
        lines = decode_lines(file, path.name, ExchangeError)
        documents = []
        for number, sentence in enumerate(_sentences(lines, path.name), start=1):
            with located(f"{path.name}, sentence {number}"):
                documents.append(_document(sentence))
    if not documents:
        raise ExchangeError(f"{path.name} holds no sentence: write a word and its tag a line")
    return documents


def conll_sentence(document: Document) -> str:
    """Return a document as the lines of a sentence, with an empty one at the end.

    Raises `ExchangeError` for what the format cannot hold; scores are not kept.

    >>> print(conll_sentence(Document("at 7pm.", (Span("time", 3, 6),))))
    at _ O
    7pm SpaceAfter=No B-time
    . SpaceAfter=No O
    <BLANKLINE>
    """
    words = words_of(document)
    for span in document.spans:
        if re.search(r"[ \t\r\n]", span.type) or span.type != span.type.strip():
            raise ExchangeError(f"the type {span.type!r} holds white space; write it as one_word")
    tags = tags_of(document, words, "CoNLL")
    _check_words(document.text, words)
    columns = zip(words, _spacing(document.text, words), tags, strict=True)
    return "".join(f"{word.text} {spacing} {tag}\n" for word, spacing, tag in columns)


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


def _sentences(lines: Iterable[str], name: str) -> Iterator[list[Line]]:
    """Yield the sentences; raises `ExchangeError` with the line for what is not a word and tag."""
    sentence: list[Line] = []
    for number, line in enumerate(lines, start=1):
        bare = line.strip(" \t")
        if bare and _COMMENT.match(bare):
            continue
        if bare and not bare.startswith(DOCUMENT_START):
            with located(f"{name}, line {number}"):
                sentence.append(_columns(bare))
        elif sentence:
            yield sentence
            sentence = []
    if sentence:
        yield sentence


def _columns(line: str) -> Line:
    """Return a line's word, spacing and tag."""
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
    if not words:
        raise ExchangeError("CoNLL cannot hold a text without words; leave the row out")


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


def _unescape(text: str) -> str:
    return re.sub(r"\\[stnrp\\]", lambda match: _UNESCAPES[match[0]], text)
