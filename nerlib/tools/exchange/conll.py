"""CoNLL columns: a word a line, its tag in a column, an empty line between sentences.

Tags may be IOB1, IOB2 (BIO), BIOES or BILOU; written is IOB2. Where no single space follows a word,
the middle column says so, as `SpaceAfter=No` in CoNLL-U; other programs do not read that column.
Blanks or, as soon as the first row has one, tabs alone part the columns. A line that begins with
`# ` is a comment, unless it is a row of the table; one that begins with `#word` is a row.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby, pairwise
from pathlib import Path

import regex

from nerlib.corpus import decode_lines
from nerlib.parsing import OUTSIDE, Span, Word, tag_chunks
from nerlib.tools.exchange.columns import Cells, choose_columns, entity_tag, split_line
from nerlib.tools.exchange.document import Document, ExchangeError, Reading, each, tags_of, words_of

DOCUMENT_START = "-DOCSTART-"
_COMMENT = re.compile(r"#(\s|$)|#[\w.:]+ = ")
_SPACING = re.compile(r"(?:^|\|)(SpacesAfter|SpacesBefore|SpaceAfter)=([^|]*)")
_ESCAPES = dict(zip(map(ord, " \t\n\r\\|"), (rf"\{c}" for c in r"stnr\p"), strict=True))
_UNESCAPES = {escape: chr(letter) for letter, escape in _ESCAPES.items()}

Token = tuple[str, ...]  # word, spacing, tag; nothing for a comment


def read_conll(path: Path, reading: Reading) -> list[Document]:
    """Return the sentences of a file of columns; raises `ExchangeError` with file and line."""
    place = f"{path.name}, line"
    with path.open("rb") as file:
        lines = list(decode_lines(file, path.name, ExchangeError))
    rows = [*each(partial(_cells, example=_first_row(lines)), lines, place)]
    if not any(rows):
        raise ExchangeError(f"{path.name} holds no sentence: write a word and its tag a line")
    chosen = choose_columns(rows, path.name, reading)
    tokens = each(partial(_token, columns=chosen), rows, place)
    # A comment, which has no cells, does not end a sentence.
    lines_apart = groupby((token for token in tokens if token != ()), bool)
    sentences = (list(filter(None, group)) for is_sentence, group in lines_apart if is_sentence)
    return list(each(_document, sentences, f"{path.name}, sentence"))


def conll_sentence(document: Document, between: str = " ") -> str:
    """Return a document as the lines of a sentence, with a blank or a tab `between` columns.

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
    columns = zip(words, _spacing(document.text, words, between), tags, strict=True)
    return "\n".join(between.join((word.text, spacing, tag)) for word, spacing, tag in columns)


def conll_file(documents: Iterable[Document], path: Path) -> str:
    """Return the content of a file of columns, parted by tabs if its name ends in `.tsv`."""
    between = "\t" if path.suffix.lower() == ".tsv" else " "
    sentences = each(partial(conll_sentence, between=between), documents)
    return "\n\n".join([between.join((DOCUMENT_START, "-X-", OUTSIDE)), *sentences]) + "\n\n"


def spans_of_tags(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return the entities of IOB1, IOB2, BIOES or BILOU tags: (type, first word, end word).

    Raises `ExchangeError` for a tag of another kind.

    >>> spans_of_tags(["I-PER", "B-PER", "O", "B-LOC", "E-LOC", "S-LOC"])
    [('PER', 0, 1), ('PER', 1, 2), ('LOC', 3, 5), ('LOC', 5, 6)]
    """
    iob2 = []
    for before, tag in pairwise([OUTSIDE, *tags]):
        if entity_tag(tag) != tag:
            raise ExchangeError(f"the tag {tag[:40]!r} is neither O nor such as B-PER or I-PER")
        starts = tag[0] in "BSU" or before[0] in "ELSU"
        iob2.append(tag if tag == OUTSIDE else ("B" if starts else "I") + tag[1:])
    return tag_chunks(iob2)


def _first_row(lines: Sequence[str]) -> str:
    """Return the first line that is surely a row of the table, as the example for the others."""
    rows = [line for line in lines if line.strip(" \t") and not line.startswith(DOCUMENT_START)]
    return next((line for line in rows if not line.startswith("#")), rows[0] if rows else "")


def _cells(line: str, example: str) -> Cells | None:
    """Return a line's cells, none for a comment, or None where a sentence may end."""
    if not line.strip(" \t") or line.startswith(DOCUMENT_START):
        return None
    if "\r" in line:
        raise ExchangeError("a line end of CR alone; save the file with line ends LF or CRLF")
    tabs, wanted = "\t" in example, len(split_line(example, "\t" in example))
    cells = split_line(line, tabs)
    while len(cells) > wanted and not cells[-1]:
        cells.pop()
    if _COMMENT.match(line) and (len(cells) != wanted or not any(map(entity_tag, cells[1:]))):
        return []
    if wanted < 2 or len(cells) != wanted:
        by, most = "tabs" if tabs else "blanks", max(2, wanted)
        counts = f"{line[:40]!r} has {len(cells)} columns parted by {by}, not {most}"
        raise ExchangeError(f"{counts}: a word and its tag, no {by} in either")
    return cells


def _token(cells: Cells | None, columns: tuple[int, int]) -> Token | None:
    """Return a row's word, spacing and tag; None where a sentence may end."""
    if not cells:
        return None if cells is None else ()
    word, tag = cells[columns[0]], cells[columns[1]]
    if regex.fullmatch(r"\s*", word):  # as words are split, not as Python's `isspace` has it
        raise ExchangeError(f"the cell of the word is empty; column {columns[0] + 1} holds words")
    found = entity_tag(tag) or tag
    spans_of_tags([found])  # raises for another kind of tag, while the line's number is known
    others = (cell for number, cell in enumerate(cells) if number != columns[0])
    others = (cell.replace("NoSpaceAfter", "SpaceAfter=No") for cell in others)  # as HIPE has it
    return word, next(filter(_SPACING.search, others), ""), found


def _document(sentence: Sequence[Token]) -> Document:
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


def _spacing(text: str, words: Sequence[Word], between: str) -> Iterator[str]:
    """Yield the white space around each word as in CoNLL-U; raises `ExchangeError` for the rest."""
    if not words:
        raise ExchangeError("CoNLL cannot hold a text without words; leave the row out")
    for word in words:
        if between == " " in word.text:
            advice = "name the output .tsv: there, tabs alone part the columns"
            raise ExchangeError(f"the word {word.text[:40]!r} holds a blank; {advice}")
        marks = re.search(r"^ |[\t\r\n]| $", word.text)
        if marks or word.text.startswith(DOCUMENT_START):
            mark = f"a tab, a line end, blanks at an end, or {DOCUMENT_START}: CoNLL's own marks"
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
