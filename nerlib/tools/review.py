"""Which of one's own sentences look wrongly labelled: a page and JSON lines, the worst one first.

Used in notebook 14. The file itself stays as it is: what is wrong in it is for its owner to say.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nerlib.analysis.display import highlight_pairs
from nerlib.analysis.error_analysis import Outcome
from nerlib.analysis.matching import Match
from nerlib.atomic import whole_file
from nerlib.parsing import Parser, Span, tags_to_spans
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


def suspects(outcomes: Sequence[Outcome]) -> list[tuple[Suspect, Outcome]]:
    """Return the sentences for which a model has another answer, the least probable label first.

    The answers must be out of fold, see `nerlib.tools.folds`: a model that has learnt a wrong label
    answers with it.
    """
    names = {s.type.upper(): s.type for one in outcomes for s in one.utterance.spans}
    found = [(_suspect(one, names), one) for one in outcomes if not one.is_right]
    return sorted(found, key=lambda pair: pair[0].quality)


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


def write_review(
    outcomes: Sequence[Outcome], name: str, folder: Path, score: str
) -> list[tuple[Suspect, Outcome]]:
    """Write `review.html` and `review.jsonl` into a folder, each whole or not at all.

    `name` is what the sentences are called, `score` a line about how good the answers are.
    """
    found = suspects(outcomes)
    page = page_environment().get_template("review.html")
    facts = {"name": name, "score": score, "sentences": len(outcomes)}
    rows = [
        (suspect, highlight_pairs([(one.text, one.spans, tags_to_spans(one.words, said))]))
        for suspect, one, said in ((s, o.utterance, o.predicted) for s, o in found)
    ]
    lines = [json.dumps(asdict(suspect), ensure_ascii=False) + "\n" for suspect, _ in found]
    texts = {
        "review.html": page.render(facts, rows=rows),
        "review.jsonl": "".join(lines),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        with whole_file(folder / file) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    return found


def _suspect(outcome: Outcome, names: Mapping[str, str]) -> Suspect:
    """Return what to say about a sentence; `names` spells the types."""
    row, parser = outcome.utterance, Parser()
    answer = [
        Span(names.get(span.type.upper(), span.type), span.start, span.end)
        for span in tags_to_spans(row.words, outcome.predicted)
    ]
    reasons = tuple(_reason(m, outcome, names) for m in outcome.matches if m.kind != "correct")
    line = int(outcome.row_id.rpartition("-")[2])
    labels, answered = (parser.annotate(row.text, spans) for spans in (row.spans, answer))
    return Suspect(line, label_quality(outcome), labels, answered, reasons)


def _reason(match: Match, outcome: Outcome, names: Mapping[str, str]) -> str:
    """Return in words how label and answer differ."""
    row = outcome.utterance

    def told(chunk: tuple[str, int, int]) -> str:
        text = row.text[row.words[chunk[1]].start : row.words[chunk[2] - 1].end]
        return f"{text!r} as {names.get(chunk[0], chunk[0].lower())}"

    if match.gold is None or match.predicted is None:
        one = match.gold or match.predicted
        assert one is not None
        return f"only {'the label' if match.gold else 'the model'} has {told(one)}"
    return f"{match.kind}? the label has {told(match.gold)}, the model {told(match.predicted)}"
