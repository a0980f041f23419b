"""What people get wrong in the capstone."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import torch
from tiny_encoders import encoder_folder

from nerlib import NERClassifier, Parser, Tagger, TagSet, corpus_from_lines, load_tokenizer
from nerlib import evaluate_tags as scores_of
from nerlib.tools.publishing import measure, publish

BELLS = [f"the [part : bell {n}] rings on [day : day {n}]" for n in range(45)]
SILENT = [f"hello number {n}" for n in range(10)]
TYPES = {"part": "a part of a bicycle, without its article", "day": "a day without a preposition"}


def portions(*lines):
    return ["\n".join(BELLS), "\n".join([*SILENT, *lines])]


def domain(*lines, **types):
    return {"lines": [*BELLS, *SILENT, *lines], "types": TYPES | types}


def cut(lines):
    first, second = round(0.7 * len(lines)), round(0.85 * len(lines))
    return lines[:first], lines[first:second], lines[second:]


def shuffled(lines, seed):
    mixed = list(lines)
    random.Random(seed).shuffle(mixed)
    return mixed


def different(lines):
    return list({Parser().parse(line).text: line for line in lines}.values())


def splits_lines_apart(lines, seed):
    return cut(shuffled(lines, seed))


def never_shuffles(lines, seed):
    return cut(different(lines))


def forgets_the_seed(lines, seed):
    return cut(shuffled(different(lines), 0))


def chance_each_time(lines, seed):
    return cut(random.sample(different(lines), len(different(lines))))


def loses_some(lines, seed):
    train, validation, _ = cut(shuffled(different(lines), seed))
    return train, validation, []


def takes_brackets_off(lines, seed):
    texts = sorted({Parser().parse(line).text for line in lines})
    return cut(shuffled(texts, seed))


def halves(lines, seed):
    mixed = shuffled(different(lines), seed)
    return mixed[:30], mixed[30:45], mixed[45:]


def tagger_for(lines):
    """A tagger that nobody has trained."""
    torch.manual_seed(0)
    encoder = str(encoder_folder("bert"))
    tags = TagSet.from_corpus(corpus_from_lines(lines))
    return Tagger(NERClassifier.from_encoder(encoder, tags), load_tokenizer(encoder))


TRAIN, TEST = corpus_from_lines(BELLS[:40]), corpus_from_lines(BELLS[40:])
UNTRAINED = tagger_for(BELLS)
WIDE = tagger_for([*BELLS, "a [fee : coin]"])
NARROW = tagger_for(["on [day : day 1]"])
PERFECT = scores_of([["B-DAY", "B-PART"] * 5], [["B-DAY", "B-PART"] * 5])
OTHER_ROWS = scores_of([["B-DAY", "O"]], [["B-DAY", "O"]])
HOME = tempfile.TemporaryDirectory(prefix="capstone-")


def folder(name, **options):
    """A folder as `publish` writes it."""
    path = Path(HOME.name) / name
    return publish(UNTRAINED, "me/bells", dry_run=path, report=lambda line: None, **options)


def without_card():
    UNTRAINED.save_pretrained(Path(HOME.name) / "bare")
    return str(Path(HOME.name) / "bare")


def without_weights():
    path = folder("empty", measured=MEASURED, licence="mit")
    (Path(path) / "model.safetensors").unlink()
    return path


MEASURED = measure(UNTRAINED, TEST, "own", "en-US", "test")

WRONG = {
    "C.1": [
        (portions("the [part : chain skips"), "never closed"),
        (["\n".join(BELLS)], "few"),
        (portions(SILENT[0].upper()), "twice"),
        ([*portions(), "a [prat : chain]"], "rare"),
        (["\n".join(f"[part : bell {n}]" for n in range(60))], "silent"),
        (["\n".join([*(f"[part : bell {n}]" for n in range(60)), *SILENT])], "one_type"),
        ("\n".join(BELLS), "a list of strings is expected"),
    ],
    "C.2": [
        (domain("a [parts : chain]"), "unexplained"),
        (domain(fee="an amount of money with its unit"), "unused"),
        (domain(part="a part"), "short"),
        (domain("[day : bell 3] it is"), "two_types"),
        (domain("a [part : horn]", "my [part : horn]", "the horn is loud"), "unmarked"),
        ({"lines": BELLS}, "The key `types` is missing"),
        ({"lines": BELLS, "types": TYPES}, "incomplete"),
        ({"lines": [BELLS], "types": TYPES}, "a list of strings is expected"),
    ],
    "C.3": [
        (splits_lines_apart, "leak"),
        (never_shuffles, "not_shuffled"),
        (forgets_the_seed, "seed_unused"),
        (chance_each_time, "not_repeatable"),
        (loses_some, "lost"),
        (takes_brackets_off, "unknown"),
        (halves, "shares"),
    ],
    "C.4": [
        ({"tagger": UNTRAINED, "train": TRAIN}, "untrained"),
        ({"tagger": WIDE, "train": TRAIN}, "grown_tags"),
        ({"tagger": NARROW, "train": TRAIN}, "other_tags"),
        ({"tagger": UNTRAINED, "train": TEST}, "few_rows"),
        ({"tagger": UNTRAINED.model, "train": TRAIN}, "a `Tagger` is expected"),
        ({"tagger": UNTRAINED}, "The key `train` is missing"),
    ],
    "C.5": [
        ({"tagger": UNTRAINED, "train": TRAIN, "test": TRAIN, "scores": PERFECT}, "seen"),
        ({"tagger": UNTRAINED, "train": TRAIN, "test": TEST, "scores": PERFECT}, "other_score"),
        (
            {"tagger": UNTRAINED, "train": TRAIN, "test": TEST, "scores": OTHER_ROWS},
            "other_rows",
        ),
        ({"tagger": UNTRAINED, "train": TRAIN, "test": TEST, "scores": 0.9}, "`Evaluation`"),
    ],
    "C.6": [
        (str(Path(HOME.name) / "nowhere"), "no_folder"),
        (without_card(), "no_card"),
        (folder("unmeasured", licence="mit"), "not_measured"),
        (folder("unlicensed", measured=MEASURED), "no_licence"),
        (without_weights(), "broken"),
    ],
}
