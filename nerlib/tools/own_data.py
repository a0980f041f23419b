"""A corpus of the reader's own: one bracketed sentence a line, checked before anything is trained.

Built in notebook 06.
"""

from collections.abc import Iterable, Sequence

import regex
from datasets import Dataset

from nerlib.analysis.display import shown_in_place
from nerlib.corpus import CorpusError, rows_to_dataset
from nerlib.parsing import AnnotationError, Parser

COMMENT = regex.compile(r"#(\s|$)")
ESCAPED = regex.compile(r"\\+#")  # a sentence that begins with "#" has a backslash in front of it


class OwnDataError(CorpusError):
    """Lines that cannot be read, all at once. Attribute: `errors`, an `AnnotationError` a line."""

    def __init__(self, message: str, errors: Sequence[AnnotationError] = ()) -> None:
        self.errors = tuple(errors)
        super().__init__(message)


def corpus_from_lines(
    lines: str | Iterable[str], locale: str = "en-US", name: str = "own"
) -> Dataset:
    """Return one's own bracketed sentences as a corpus with the seven columns of `load_corpus`.

    `lines` is one text of many lines, a list, or an open file. Empty lines and comments, which
    start with `# `, are left out; `\\#` starts a sentence with a `#`. `name` becomes scenario and
    intent, and starts every row's id, which ends in the line's number. Raises `OwnDataError`, which
    says for every broken line its number, the place, what is wrong and what to do, or that there is
    no sentence at all. Built in notebook 06.

    >>> corpus = corpus_from_lines("the [part : chain] skips", name="bicycle")
    >>> corpus["id"][0], corpus["utt"][0]
    ('bicycle-1', 'the chain skips')
    >>> corpus_from_lines(["the bell rings", "the [part : chain skips"])
    Traceback (most recent call last):
    nerlib.tools.own_data.OwnDataError: 1 of 2 sentences cannot be read:
    line 2, character 4: '[' is never closed; add the ']' after the slot's value
        the [part : chain skips
            ^
    """
    parser = Parser()  # how it cuts words does not matter here: only the text is taken
    rows: list[dict[str, str]] = []
    problems: dict[str, AnnotationError] = {}
    kind = {"locale": locale, "partition": "train", "scenario": name, "intent": name}
    # Lines are counted as editors count them, unlike `splitlines`.
    for number, line in enumerate(lines.split("\n") if isinstance(lines, str) else lines, start=1):
        sentence = line.strip().removeprefix("\ufeff").strip()  # an editor's byte order mark
        if not sentence or COMMENT.match(sentence):
            continue
        sentence = sentence[1:] if ESCAPED.match(sentence) else sentence
        row_id = f"{name}-{number}"
        try:
            if (place := sentence.find("\r")) >= 0:
                reason, advice = "a line end of CR alone", "save the file with line ends LF or CRLF"
                raise AnnotationError(reason, advice, place, row_id)
            if half := regex.search(r"\p{Cs}", sentence):  # which no file and no table can hold
                reason, advice = "half a character (a lone surrogate)", "write the whole character"
                raise AnnotationError(reason, advice, half.start(), row_id)
            text = parser.parse(sentence, row_id).text
        except AnnotationError as error:
            problems[_explain(number, sentence, error)] = error
        else:
            rows.append(kind | {"id": row_id, "utt": text, "annot_utt": sentence})
    if problems:
        heading = f"{len(problems)} of {len(rows) + len(problems)} sentences cannot be read:"
        raise OwnDataError("\n".join([heading, *problems]), [*problems.values()])
    if not rows:
        example = "'the [part : chain] skips'"
        raise OwnDataError(f"there is no sentence: write one a line, such as {example}")
    return rows_to_dataset(rows)


def _explain(number: int, line: str, error: AnnotationError) -> str:
    """Return what is wrong with a line, and the line with a mark under the place."""
    # The line is shown from shortly before the place, so that the mark stays on the screen.
    start = max(0, error.position - 60)
    shown = ("…" if start else "") + shown_in_place(line[start : start + 90])
    mark = " " * (error.position - start + bool(start)) + "^"
    where = f"line {number}, character {error.position}: {error.reason}; {error.advice}"
    return f"{where}\n    {shown}\n    {mark}"
