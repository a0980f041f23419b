"""The checks of the capstone: a tagger for a domain of one's own, from sentences to a card."""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, combinations
from pathlib import Path
from typing import Any

from datasets import Dataset

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.hint import Hint, bare, shown
from nerlib.course.checks.kinds import fitting
from nerlib.dataset import NERDataset
from nerlib.encoders import EncoderError
from nerlib.evaluation import evaluate
from nerlib.metrics import Evaluation
from nerlib.parsing import ParsedUtterance, Parser
from nerlib.tags import TagSet
from nerlib.tools.own_data import OwnDataError, corpus_from_lines
from nerlib.tools.tagger import Tagger

PARSER = Parser()
FEWEST, FEWEST_OF_A_TYPE, FEWEST_WITHOUT = 50, 5, 5


def _field(entries: dict[Any, Any], name: str, kind: Any) -> Any:
    """Return an entry of a dictionary that was handed in; raises `Hint` if it is another thing."""
    if name not in entries:
        raise Hint(f"The key `{name}` is missing; it should hold a `{kind.__name__}`.")
    return fitting(entries[name], kind, f"What is under `{name}`")


def _parsed(lines: Iterable[str]) -> list[ParsedUtterance]:
    """Return the sentences; raises `Hint` for the first that cannot be read."""
    try:
        corpus = corpus_from_lines(list(lines))
    except OwnDataError as error:
        first = " ".join(str(error).splitlines()[:2])
        raise Hint(first.replace("`", "'")) from None
    return [PARSER.parse(annotated) for annotated in corpus["annot_utt"]]


def _plain(utterance: ParsedUtterance) -> str:
    """Return what makes two sentences the same: words without brackets, in small letters."""
    return " ".join(utterance.text.casefold().split())


def fifty_sentences(answer: Answer) -> None:
    """A list of texts with a sentence a line, at least fifty together."""
    portions = answer.read(list[str])
    answer.told = "Your sentences:"
    utterances = _parsed(line for portion in portions for line in portion.split("\n"))
    answer.told = f"You have {len(utterances)} sentences that can be read."
    if len(utterances) < FEWEST:
        answer.fail("few", fewest=FEWEST)
    if twice := [text for text, n in Counter(map(_plain, utterances)).items() if n > 1]:
        answer.fail("twice", text=bare(twice[0]))
    silent = sum(not utterance.spans for utterance in utterances)
    if silent < FEWEST_WITHOUT:
        answer.fail("silent", count=silent, fewest=FEWEST_WITHOUT)
    counts = Counter(span.type for utterance in utterances for span in utterance.spans)
    if len(counts) < 2:
        answer.fail("one_type")
    name, count = counts.most_common()[-1]
    if count < FEWEST_OF_A_TYPE:
        answer.fail("rare", name=name, count=count, fewest=FEWEST_OF_A_TYPE)


def consistent_types(answer: Answer) -> None:
    """A dictionary with the sentences and what each type means."""
    entries = answer.read(dict)
    lines = _field(entries, "lines", list[str])
    types = _field(entries, "types", dict)
    utterances = _parsed(lines)
    if len(utterances) < FEWEST:
        about = f"There are {len(utterances)} sentences under `lines`."
        answer.fail("incomplete", about, fewest=FEWEST)
    answer.told = "Look at your types:"
    used = {span.type for utterance in utterances for span in utterance.spans}
    for name in sorted(used - types.keys()):
        near = difflib.get_close_matches(name, [str(t) for t in types], n=1, cutoff=0.6)
        slip = f" Is it a slip for `{near[0]}`?" if near else ""
        answer.fail("unexplained", name=name, slip=slip)
    for name, meaning in types.items():
        if name not in used:
            answer.fail("unused", name=shown(name))
        if not isinstance(meaning, str) or len(meaning.split()) < 4:
            answer.fail("short", name=name)
    _check_values(answer, utterances)


def _check_values(answer: Answer, utterances: Sequence[ParsedUtterance]) -> None:
    """Raise `Hint` if a value is marked in two ways, or only in some of its sentences."""
    types_of: dict[str, Counter[str]] = {}
    for utterance in utterances:
        for span in utterance.spans:
            value = utterance.text[span.start : span.end].casefold()
            types_of.setdefault(value, Counter())[span.type] += 1
    for value, types in types_of.items():
        if len(types) > 1:
            names = " and as ".join(f"`{name}`" for name in types)
            answer.fail("two_types", value=value, names=names)
        pattern = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)")
        for utterance in utterances if types.total() > 1 else ():
            inside = {i for span in utterance.spans for i in range(span.start, span.end)}
            for match in pattern.finditer(utterance.text.casefold()):
                if inside.isdisjoint(range(*match.span())):
                    answer.fail("unmarked", value=value, text=utterance.text)


Parts = tuple[list[str], list[str], list[str]]
PART_NAMES = ("training", "validation", "test")


def sentences_to_split() -> list[str]:
    """Return sixty sentences, sorted, and six of them once more with other brackets."""
    parts = ["bell", "brake", "chain", "light", "lock", "pedal", "pump", "saddle", "spoke", "tyre"]
    problems = ["clicks", "leaks", "rattles", "slips", "squeaks", "wobbles"]
    lines = [f"the [part : {p}] [problem : {q}]" for p in parts for q in problems]
    again = [f"the {part} [problem : {problems[0]}]" for part in parts[:6]]
    return [*lines, *again]


def split_of_the_rows(answer: Answer) -> None:
    """A function from lines and a seed to training, validation and test lines."""
    lines = sentences_to_split()

    def split(seed: int) -> Any:
        case = f"{len(lines)} lines, 6 sentences twice, seed {seed}"
        parts = answer.call(lines, seed, kind=Parts, case=case)
        sizes = (f"{len(part)} for {n}" for n, part in zip(PART_NAMES, parts, strict=True))
        answer.told = f"Your split has {', '.join(sizes)}."
        return parts

    first = split(0)
    _check_parts(answer, lines, first)
    if split(0) != first:
        answer.fail("not_repeatable")
    if split(1) == first:
        answer.fail("seed_unused")


def _check_parts(answer: Answer, lines: list[str], parts: Parts) -> None:
    """Raise `Hint` if something is lost, leaks or is in order, or a part is too small."""
    if unknown := set(chain(*parts)) - set(lines):
        answer.fail("unknown", text=bare(min(unknown)))
    text_of = {line: _plain(PARSER.parse(line)) for line in lines}
    texts = [{text_of[line] for line in part} for part in parts]
    everything = set(text_of.values())
    if lost := everything.difference(*texts):
        answer.fail("lost", count=len(lost), text=min(lost))
    for (one, there), (other, again) in combinations(zip(PART_NAMES, texts, strict=True), 2):
        if both := there & again:
            answer.fail("leak", text=min(both), one=one, other=other)
    shares = [len(part) / len(everything) for part in texts]
    if not 0.6 <= shares[0] <= 0.8 or min(shares[1:]) < 0.1:
        answer.fail("shares")
    if texts[0] == {text_of[line] for line in lines[: len(texts[0])]}:
        answer.fail("not_shuffled")


def trained(answer: Answer) -> None:
    """A dictionary with the tagger and the rows that it has learnt from."""
    entries = answer.read(dict)
    tagger, rows = _field(entries, "tagger", Tagger), _field(entries, "train", Dataset)
    answer.told = f"Your tagger has learnt from {len(rows)} sentences."
    if len(rows) < 0.5 * FEWEST:
        answer.fail("few_rows")
    expected, found = TagSet.from_corpus(rows), tagger.model.config.tags
    if more := sorted(set(found.types) - set(expected.types)):
        answer.fail("grown_tags", name=more[0].lower())
    if found != expected:
        answer.fail("other_tags")
    f1 = _scores(tagger, rows).overall.f1
    if f1 < 0.6:
        about = f"On its own training rows, your tagger has an entity F1 of {f1:.2f}."
        answer.fail("untrained", about)


def _scores(tagger: Tagger, rows: Dataset) -> Evaluation:
    """Return the scores of a tagger on some rows."""
    data = NERDataset(rows, tagger.tokenizer, tagger.model.config.tags, tagger.parser)
    return evaluate(tagger.model, data, tagger.compute)[0]


def measured(answer: Answer) -> None:
    """A dictionary with the tagger, its training rows, the test rows and the scores."""
    entries = answer.read(dict)
    tagger = _field(entries, "tagger", Tagger)
    train_rows, test_rows = (_field(entries, name, Dataset) for name in ("train", "test"))
    scores = _field(entries, "scores", Evaluation).overall
    known = {text.casefold() for text in train_rows["utt"]}
    if both := [text for text in test_rows["utt"] if text.casefold() in known]:
        about = f"You measure on {len(test_rows)} sentences."
        answer.fail("seen", about, count=len(both), text=bare(both[0]))
    answer.told = f"Your scores say: entity F1 {scores.f1:.2f}."
    expected = _scores(tagger, test_rows).overall
    if scores.gold != expected.gold:
        answer.fail("other_rows", count=scores.gold)
    if abs(scores.f1 - expected.f1) > 0.02:
        answer.fail("other_score")


def published(answer: Answer) -> None:
    """The path of a folder with model, tokenizer and card."""
    folder = Path(answer.read(str))
    answer.told = f"You write {shown(folder.name)}."
    if not folder.is_dir():
        answer.fail("no_folder")
    card = folder / "README.md"
    if not card.is_file():
        answer.fail("no_card")
    text = card.read_text(encoding="utf-8", errors="replace")
    if "Nothing was measured" in text or "| entity F1 |" not in text:
        answer.fail("not_measured")
    if not re.search(r"(?m)^license: \S+", text.partition("\n---")[0]):
        answer.fail("no_licence")
    try:
        Tagger.from_pretrained(folder)
    except EncoderError as error:
        answer.fail("broken", error=bare(str(error)))


# In the order of their numbers.
CHECKS = fifty_sentences, consistent_types, split_of_the_rows, trained, measured, published
