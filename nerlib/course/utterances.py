"""An endless stream of utterances, for jobs that need very many: templates filled at random.

Every training utterance of the packaged sample gives a template, and its slots give values to fill
in. They are drawn one after the other, so that a million of them take no more memory than one.
"""

import random
from collections.abc import Iterator

from nerlib.parsing import Parser
from nerlib.tools.corpora import load_corpus

Template = tuple[str, ...]  # text, type of a slot, text, type, …, text


def utterances(seed: int = 0) -> Iterator[str]:
    """Yield an endless stream of utterances, the same for the same seed.

    >>> from itertools import islice
    >>> found = list(islice(utterances(), 3))
    >>> found == list(islice(utterances(), 3)), len(set(found))
    (True, 3)
    """
    templates, values = _material()
    dice = random.Random(seed)
    while True:
        pieces = list(dice.choice(templates))
        pieces[1::2] = [dice.choice(values[name]) for name in pieces[1::2]]
        yield "".join(pieces)


def _material() -> tuple[list[Template], dict[str, list[str]]]:
    """Return the templates of the sample, and the values that its slots take."""
    templates: list[Template] = []
    values: dict[str, list[str]] = {}
    for row in load_corpus("en-US", "train", "sample"):
        parsed, pieces, end = Parser().parse(row["annot_utt"]), [], 0
        for span in parsed.spans:
            pieces += [parsed.text[end : span.start], span.type]
            values.setdefault(span.type, []).append(parsed.text[span.start : span.end])
            end = span.end
        templates.append((*pieces, parsed.text[end:]))
    return templates, values
