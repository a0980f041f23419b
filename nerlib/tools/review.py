"""Which of one's own sentences look wrongly labelled: a page and JSON lines, the worst one first.

Used in notebook 14. The file itself stays as it is: what is wrong in it is for its owner to say.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nerlib.analysis.display import Html, highlight_pairs
from nerlib.analysis.error_analysis import Outcome
from nerlib.atomic import whole_file
from nerlib.metrics import Chunk
from nerlib.parsing import Parser, Span, tag_chunks
from nerlib.tools.own_checks import spellings
from nerlib.tools.report import page_environment


@dataclass(frozen=True)
class Suspect:
    """A sentence whose labels look wrong, and why.

    `line` is its line in the file (its place, if it came in another format), `quality` the lowest
    probability that the model gives to a word's label, `labels` and `answer` the sentence in
    brackets as it is and as the model has it.
    """

    line: int
    quality: float
    labels: str
    answer: str
    reasons: tuple[str, ...]


def label_quality(outcome: Outcome) -> float:
    """Return the lowest probability of a word's label, by the model's answer.

    A label that the model has never met gets what its answer to that word leaves over.

    >>> row = Parser().parse("at [time : nine]")
    >>> label_quality(Outcome("1", row, ("O", "O"), (0.9, 0.8), (0.1, math.log(5))))
    0.2
    """
    words = zip(outcome.losses, outcome.confidences, strict=True)
    chances = [1 - sure if math.isnan(loss) else math.exp(-loss) for loss, sure in words]
    return round(min(chances, default=1.0), 6)


def _suspect(outcome: Outcome, names: Mapping[str, str]) -> tuple[Suspect, Html]:
    """Return what to say about a sentence, and both sides of it; `names` spells the types."""
    row = outcome.utterance

    def placed(name: str, first: int, end: int) -> Span:
        return Span(names[name], row.words[first].start, row.words[end - 1].end)

    def told(chunk: Chunk | None) -> str:
        span = placed(*chunk) if chunk else None
        return f"{row.text[span.start : span.end]!r} as {span.type}" if span else "nothing"

    answer = [placed(*chunk) for chunk in tag_chunks(outcome.predicted)]
    labels, said = (Parser().annotate(row.text, side) for side in (row.spans, answer))
    reasons = tuple(
        f"label: {told(match.gold)}; model: {told(match.predicted)}"
        for match in outcome.matches
        if match.kind != "correct"
    )
    line = int(outcome.row_id.rpartition("-")[2])
    found = Suspect(line, label_quality(outcome), labels, said, reasons)
    return found, highlight_pairs([(row.text, row.spans, answer)])


def write_review(
    outcomes: Sequence[Outcome], name: str, folder: Path, score: str, what: str = "line"
) -> list[Suspect]:
    """Write the sentences with another answer than label, the least probable label first.

    They go into `review.html` and `review.jsonl` in a folder. The answers must be out of fold, see
    `nerlib.tools.folds`: a model that has learnt a wrong label answers with it. `name` is what the
    sentences are called, `score` a line about how good the answers are, `what` was counted.
    """
    names = spellings(one.utterance for one in outcomes)
    doubtful = (_suspect(one, names) for one in outcomes if not one.is_right)
    rows = sorted(doubtful, key=lambda row: (row[0].quality, row[0].line))
    found = [suspect for suspect, _ in rows]
    facts = {"name": name, "score": score, "what": what, "sentences": len(outcomes), "rows": rows}
    page = page_environment().get_template("review.html").render(facts)
    lines = "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in found)
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in {"review.html": page, "review.jsonl": lines}.items():
        with whole_file(folder / file) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    return found
