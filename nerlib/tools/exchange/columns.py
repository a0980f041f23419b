"""Which of a table's columns hold the words and the tags: CoNLL's many relatives disagree.

A column of rising numbers is passed over (CoNLL-U, GermEval), so is one of syntactic chunks
(CoNLL-2003); of several that hold tags the first is taken, and that is told.
"""

import re
from collections.abc import Sequence
from itertools import groupby

from nerlib.tools.exchange.document import ExchangeError, Reading

Cells = list[str]
# Types of chunks in CoNLL-2000 and CoNLL-2003, which are no entities.
CHUNKS = {"NP", "VP", "PP", "ADVP", "ADJP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP"}
CHUNKS |= {"NC", "VC", "PC"}
HEADS = {"token", "tokens", "word", "words", "form", "text"}  # in a first line that names columns
_TAG = re.compile(r"O|[BIESLU]-.+")
_NAMED = re.compile(r"(?:^|\|)name=([^|]+)")
_JOINED = re.compile(r"\d+[-.]\d+")  # CoNLL-U's lines of joined words, and of words left out


def split_line(line: str, tabs: bool) -> Cells:
    """Return the cells of a line; only tabs and blanks part them.

    >>> split_line("New York\\t_\\tB-LOC", tabs=True)
    ['New York', '_', 'B-LOC']
    """
    if tabs:
        return [cell.strip(" ") for cell in line.split("\t")]
    return re.split("[ \t]+", line.strip(" \t"))


def entity_tag(cell: str) -> str | None:
    """Return the tag in a cell, if it is one; `name=B-PER` is how some CoNLL-U files write it.

    >>> [entity_tag(cell) for cell in ("I-PER", "name=O|SpaceAfter=No", "NNP")]
    ['I-PER', 'O', None]
    """
    named = None if _TAG.fullmatch(cell) else _NAMED.search(cell)
    tag = named[1] if named else cell
    return tag if _TAG.fullmatch(tag) else None


def choose_columns(rows: list[Cells | None], name: str, reading: Reading) -> tuple[int, int]:
    """Return the columns of word and tag, from 0, and take lines that are no words out of the rows.

    Empty rows are comments, None ends a sentence. Raises `ExchangeError` if nobody can know.
    """
    width = len(next(filter(None, rows)))
    _take_out_heads(rows, reading)
    if reading.columns:
        word, tag = reading.columns
        if not (1 <= word <= width and 1 <= tag <= width and word != tag):
            raise ExchangeError(f"--columns {word},{tag}: {name} has columns 1 to {width}")
        return word - 1, tag - 1
    if word := int(_is_numbered(rows, name)):
        reading.report(f"{name}: column 1 counts the words, so column 2 is read for them")
        _take_out_joined(rows, reading)
    table = [*filter(None, rows)]
    tagged = {column: _tags(table, column) for column in range(word + 1, width)}
    whole = [column for column, tags in tagged.items() if len(tags) == len(table)]
    types = {column: {tag[2:] for tag in tagged[column]} - {""} for column in whole}
    entities = [column for column in whole if types[column] - CHUNKS]
    if len(entities) > 1:
        several = ", ".join(str(column + 1) for column in entities)
        reading.report(f"{name}: columns {several} hold tags, of which the first is read")
    if chosen := entities or [column for column in whole if not types[column]] or whole:
        return word, chosen[0]
    # Some row is broken: what is read next will say which one.
    return word, max(reversed(tagged), key=lambda column: len(tagged[column]))


def _tags(table: Sequence[Cells], column: int) -> list[str]:
    return [tag for cells in table if (tag := entity_tag(cells[column]))]


def _is_numbered(rows: Sequence[Cells | None], name: str) -> bool:
    """Return whether the first column counts the words; raises `ExchangeError` in between."""
    table = [*filter(None, rows)]
    if len(table) < 2 or len(table[0]) < 3:
        return False
    if all(cells[1] == "_" or re.match(r"Spaces?(After|Before)=", cells[1]) for cells in table):
        return False  # as our own files are, where column 1 holds words whatever they look like
    groups = (
        filter(None, group) for inside, group in groupby(rows, lambda r: r is not None) if inside
    )
    firsts = [[c[0] for c in group if not _JOINED.fullmatch(c[0])] for group in groups]
    digits = sum(text.isdecimal() for texts in firsts for text in texts)
    if digits < 0.9 * sum(map(len, firsts)):
        return False
    for texts in filter(None, firsts):
        first = int(texts[0]) if texts[0].isdecimal() else 0
        if texts != [str(first + number) for number in range(len(texts))]:
            shown = " ".join(texts[:8])[:60]
            what = f"column 1 of {name} holds numbers that do not count the words ({shown})"
            raise ExchangeError(f"{what}: say by convert which hold word and tag, as --columns 2,3")
    return True


def _take_out_joined(rows: list[Cells | None], reading: Reading) -> None:
    """Take out CoNLL-U's lines that stand for several words, or for none: the words are there."""
    for number, cells in enumerate(rows):
        if cells and _JOINED.fullmatch(cells[0]):
            rows[number] = []
            reading.note("lines of joined words (3-4) or of words left out (5.1) are left out")


def _take_out_heads(rows: list[Cells | None], reading: Reading) -> None:
    """Take out a first line that names the columns."""
    number, cells = next((n, cells) for n, cells in enumerate(rows) if cells)
    named = HEADS & {cell.casefold() for cell in cells}
    if named and sum(map(bool, rows)) > 1 and not any(map(entity_tag, cells)):
        rows[number] = []
        reading.note("line names the columns, and is left out")
