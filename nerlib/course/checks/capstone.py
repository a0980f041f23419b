"""The checks of the capstone: a tagger for a domain of one's own, from sentences to a card."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from datasets import Dataset

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Exercise
from nerlib.course.checks.hint import Hint, NotWritten, plainly, shown
from nerlib.course.checks.kinds import described, fitting
from nerlib.dataset import NERDataset
from nerlib.encoders import EncoderError
from nerlib.inference import Tagger
from nerlib.metrics import Evaluation
from nerlib.parsing import ParsedUtterance, Parser
from nerlib.tags import TagSet
from nerlib.tools.own_data import OwnDataError, corpus_from_lines
from nerlib.evaluation import evaluate

PARSER = Parser()
FEWEST, FEWEST_OF_A_TYPE, FEWEST_WITHOUT = 50, 5, 5
Kind = TypeVar("Kind")


def _field(told: dict[Any, Any], name: str, kind: type[Kind]) -> Kind:
    """Return an entry of a dictionary that was handed in; raises `Hint` if it is another thing."""
    if name not in told:
        raise Hint(f"The key `{name}` is missing; it should hold a `{kind.__name__}`.")
    value = told[name]
    if value is ...:
        raise NotWritten
    if not isinstance(value, kind):
        raise Hint(f"Under `{name}` stands {described(value)}; a `{kind.__name__}` is expected.")
    return value


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


# C.1 ---------------------------------------------------------------------------------------------
def fifty_sentences(answer: Answer) -> None:
    """A list of texts with a sentence a line, at least fifty together."""
    portions = answer.read(list[str])
    answer.told = "Your sentences:"
    utterances = _parsed(line for portion in portions for line in portion.split("\n"))
    answer.told = f"You have {len(utterances)} sentences that can be read."
    if len(utterances) < FEWEST:
        raise answer.hint(f"At least {FEWEST} are needed.")
    twice = [text for text, n in Counter(map(_plain, utterances)).items() if n > 1]
    if twice:
        raise answer.hint(f"One of them comes twice: `{plainly(twice[0])[1:-1]}`.")
    without = sum(not utterance.spans for utterance in utterances)
    if without < FEWEST_WITHOUT:
        raise answer.hint(
            f"{without} of them have nothing to find. A tagger has to learn when to be silent: "
            f"write at least {FEWEST_WITHOUT} such sentences."
        )
    counts = Counter(span.type for utterance in utterances for span in utterance.spans)
    if len(counts) < 2:
        raise answer.hint("Mark at least two types, so that there is something to tell apart.")
    rare = [name for name, count in counts.items() if count < FEWEST_OF_A_TYPE]
    if rare:
        raise answer.hint(
            f"The type `{rare[0]}` occurs {counts[rare[0]]} times. A slip of the pen? Else write "
            f"more sentences with it: nothing is learnt from fewer than {FEWEST_OF_A_TYPE}."
        )


# C.2 ---------------------------------------------------------------------------------------------
def consistent_types(answer: Answer) -> None:
    """A dictionary with the sentences and what each type means."""
    told = answer.read(dict)
    lines = fitting(_field(told, "lines", list), list[str], "What stands under `lines`")
    types = _field(told, "types", dict)
    utterances = _parsed(lines)
    answer.told = f"Under `lines` stand {len(utterances)} sentences."
    if len(utterances) < FEWEST:
        raise answer.hint(f"All of yours are needed, at least {FEWEST}.")
    answer.told = "Look at your types:"
    used = {span.type for utterance in utterances for span in utterance.spans}
    if idea := _type_idea(used, types) or _value_idea(utterances):
        raise answer.hint(idea)


def _type_idea(used: set[str], types: dict[Any, Any]) -> str:
    """Return what is wrong with the names of the types, in words."""
    for name in sorted(used):
        if name not in types:
            near = difflib.get_close_matches(name, [str(t) for t in types], n=1, cutoff=0.6)
            slip = f" Is it a slip for `{near[0]}`?" if near else ""
            return f"`{name}` occurs in the sentences and is not explained.{slip}"
    for name, meaning in types.items():
        if name not in used:
            return f"{shown(name)} is explained and occurs in no sentence."
        if not isinstance(meaning, str) or len(meaning.split()) < 4:
            return f"Say in a sentence what belongs to `{name}`, and where it ends."
    return ""


def _value_idea(utterances: Sequence[ParsedUtterance]) -> str:
    """Return which value is marked in two ways, in words."""
    types_of: dict[str, Counter[str]] = {}
    for utterance in utterances:
        for span in utterance.spans:
            value = utterance.text[span.start : span.end].casefold()
            types_of.setdefault(value, Counter())[span.type] += 1
    for value, types in types_of.items():
        if len(types) > 1:
            names = " and as ".join(f"`{name}`" for name in types)
            return f"`{value}` is marked as {names}. Decide by one rule, or write another sentence."
        if types.total() > 1 and (sentence := _bare(value, utterances)):
            return (
                f"`{value}` is marked elsewhere, and not in `{sentence}`. Who learns from both "
                "learns nothing."
            )
    return ""


def _bare(value: str, utterances: Sequence[ParsedUtterance]) -> str:
    """Return a sentence in which a value stands outside of all slots; nothing if there is none."""
    pattern = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)")
    for utterance in utterances:
        inside = {i for span in utterance.spans for i in range(span.start, span.end)}
        for match in pattern.finditer(utterance.text.casefold()):
            if not inside & set(range(*match.span())):
                return utterance.text
    return ""


# C.3 ---------------------------------------------------------------------------------------------
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
    case = f"{len(lines)} lines, 6 sentences twice"
    first = _split(answer, lines, 0, case)
    _check_parts(answer, lines, first)
    if _split(answer, lines, 0, case) != first:
        raise answer.hint(
            "The second call with the same seed gave another split. Make the random numbers from "
            "`seed`, inside of the function, and mind that a `set` has no fixed order."
        )
    if _split(answer, lines, 1, case) == first:
        raise answer.hint("Another seed gives the same split. Is `seed` used at all?")


def _split(answer: Answer, lines: list[str], seed: int, case: str) -> Parts:
    kind = tuple[list[str], list[str], list[str]]
    parts: Parts = answer.call(lines, seed, kind=kind, case=f"{case}, seed {seed}")
    sizes = ", ".join(f"{len(part)} for {n}" for n, part in zip(PART_NAMES, parts, strict=True))
    answer.told = f"Your split has {sizes}."
    return parts


def _check_parts(answer: Answer, lines: list[str], parts: Parts) -> None:
    """Raise `Hint` if something is lost, leaks or lies in order, or a part is too small."""
    if strange := {line for part in parts for line in part} - set(lines):
        raise answer.hint(
            f"`{plainly(min(strange))[1:-1]}` is none of the lines that were given. Hand them on "
            "as they are, brackets and all."
        )
    texts: list[set[str]] = [{_plain(PARSER.parse(line)) for line in part} for part in parts]
    everything: set[str] = {_plain(PARSER.parse(line)) for line in lines}
    if lost := everything.difference(*texts):
        raise answer.hint(f"{len(lost)} sentences are in no part, such as `{min(lost)}`.")
    for one, other in ((0, 1), (0, 2), (1, 2)):
        if both := texts[one] & texts[other]:
            raise answer.hint(
                f"`{min(both)}` is in the {PART_NAMES[one]} and in the {PART_NAMES[other]} part: "
                "whoever has seen it in training is no longer examined by it. Compare sentences "
                "without their brackets."
            )
    shares = [len(part) / len(everything) for part in texts]
    if not 0.6 <= shares[0] <= 0.8 or min(shares[1:]) < 0.1:
        raise answer.hint("About 70, 15 and 15 of a hundred sentences are asked for.")
    leading = {_plain(PARSER.parse(line)) for line in lines[: len(texts[0])]}
    if texts[0] == leading:
        raise answer.hint(
            "The training part holds the first sentences of the list. If they are sorted, "
            "whole kinds are missing from it: shuffle first."
        )


# C.4 ---------------------------------------------------------------------------------------------
def trained(answer: Answer) -> None:
    """A dictionary with the tagger and the rows that it has learnt from."""
    told = answer.read(dict)
    tagger, rows = _field(told, "tagger", Tagger), _field(told, "train", Dataset)
    answer.told = f"Your tagger has learnt from {len(rows)} sentences."
    if len(rows) < 0.5 * FEWEST:
        raise answer.hint("Where are the others? Fifty were written, and most are for training.")
    expected, found = TagSet.from_corpus(rows), tagger.model.config.tags
    if more := sorted(set(found.types) - set(expected.types)):
        raise answer.hint(
            f"It has tags for `{more[0].lower()}`, which no training row shows. Build the tag set "
            "from the training rows alone."
        )
    if found != expected:
        raise answer.hint("Its tags are not those of its training rows: use `TagSet.from_corpus`.")
    f1 = _scores(tagger, rows).overall.f1
    answer.told = f"On its own training rows, your tagger has an entity F1 of {f1:.2f}."
    if f1 < 0.6:
        raise answer.hint(
            "It has hardly learnt even these. Train for more epochs, or with a higher rate: ten "
            "epochs with batches of 8 at 2e-4 are a beginning."
        )


def _scores(tagger: Tagger, rows: Dataset) -> Evaluation:
    """Return the scores of a tagger on some rows."""
    data = NERDataset(rows, tagger.tokenizer, tagger.model.config.tags, tagger.parser)
    return evaluate(tagger.model, data, tagger.compute)[0]


# C.5 ---------------------------------------------------------------------------------------------
def measured(answer: Answer) -> None:
    """A dictionary with the tagger, its training rows, the test rows and the scores."""
    told = answer.read(dict)
    tagger = _field(told, "tagger", Tagger)
    train_rows, test_rows = (_field(told, name, Dataset) for name in ("train", "test"))
    scores = _field(told, "scores", Evaluation)
    known = {text.casefold() for text in train_rows["utt"]}
    both = [text for text in test_rows["utt"] if text.casefold() in known]
    answer.told = f"You measure on {len(test_rows)} sentences."
    if both:
        raise answer.hint(
            f"{len(both)} of them are training rows, such as `{plainly(both[0])[1:-1]}`: a score "
            "on these says only what was learnt by heart."
        )
    found = scores.overall.f1
    answer.told = f"Your scores say: entity F1 {found:.2f}."
    if scores.overall.gold != _scores(tagger, test_rows).overall.gold:
        raise answer.hint(
            f"They count {scores.overall.gold} entities, and the test rows hold another number. "
            "Were other rows measured?"
        )
    if abs(found - _scores(tagger, test_rows).overall.f1) > 0.02:
        raise answer.hint(
            "This tagger gets something else on these rows. Was another one measured, or was "
            "dropout on? `evaluate` takes care of it."
        )


# C.6 ---------------------------------------------------------------------------------------------
def published(answer: Answer) -> None:
    """The path of a folder with model, tokenizer and card."""
    folder = Path(answer.read(str))
    answer.told = f"You write {shown(folder.name)}."
    if not folder.is_dir():
        raise answer.hint("There is no such folder. `publish` returns where it has written.")
    card = folder / "README.md"
    if not card.is_file():
        raise answer.hint(
            "There is no card in it, a file `README.md`. `save_pretrained` writes the model alone; "
            "`publish` writes the card, too."
        )
    text = card.read_text(encoding="utf-8", errors="replace")
    if "Nothing was measured" in text or "| entity F1 |" not in text:
        raise answer.hint(
            "Its card says that nothing was measured. Hand the result of `measure` to `publish`."
        )
    if not re.search(r"(?m)^license: \S+", text.partition("\n---")[0]):
        raise answer.hint("Its card names no licence, so nobody may use it: set `licence`.")
    try:
        Tagger.from_pretrained(folder)
    except EncoderError as error:
        raise answer.hint(
            f"The model in it cannot be loaded: {plainly(str(error))[1:-1]}"
        ) from None


EXERCISES = (
    Exercise(
        "C.1", "Fifty sentences", fifty_sentences,
        "Fifty sentences that a program can read, with and without something to find.",
    ),
    Exercise(
        "C.2", "One meaning a type", consistent_types,
        "A type is a rule in words, and everybody who annotates keeps to it.",
    ),
    Exercise(
        "C.3", "Three parts", split_of_the_rows,
        "What is learnt, what is chosen with and what is examined never share a sentence.",
    ),
    Exercise(
        "C.4", "Train", trained,
        "The encoder brings the language along, and your sentences say what you want of it.",
    ),
    Exercise(
        "C.5", "Measure", measured,
        "One honest number: sentences it never saw, whole entities, measured once.",
    ),
    Exercise(
        "C.6", "Publish", published,
        "A model with a card that says what it can do, what it cannot, and who may use it.",
    ),
)  # fmt: skip
