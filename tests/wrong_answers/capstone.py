"""What people get wrong in the capstone."""

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


def cut(lines, first=0.7, second=0.85):
    first, second = round(first * len(lines)), round(second * len(lines))
    return lines[:first], lines[first:second], lines[second:]


def shuffled(lines, seed):
    return random.Random(seed).sample(lines, len(lines))


def different(lines):
    return list({Parser().parse(line).text: line for line in lines}.values())


def texts(lines):
    return sorted({Parser().parse(line).text for line in lines})


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


def handed_in(**entries):
    return {"tagger": UNTRAINED, "train": TRAIN} | entries


def folder(name, **options):
    """A folder as `publish` writes it."""
    path = Path(HOME.name) / name
    return publish(UNTRAINED, "me/bells", dry_run=path, report=lambda line: None, **options)


MEASURED = measure(UNTRAINED, TEST, "own", "en-US", "test")
UNTRAINED.save_pretrained(Path(HOME.name) / "bare")
EMPTY = folder("empty", measured=MEASURED, licence="mit")
(Path(EMPTY) / "model.safetensors").unlink()

WRONG = {
    "C.1": [
        (portions("the [part : chain skips"), "never closed"),
        (["\n".join(BELLS)], "few"),
        (portions(SILENT[0].upper()), "twice"),
        ([*portions(), "a [prat : chain]"], "rare"),
        (["\n".join(f"[part : bell {n}]" for n in range(60))], "silent"),
        (["\n".join([*(f"[part : bell {n}]" for n in range(60)), *SILENT])], "one_type"),
        ("\n".join(BELLS), "`list[str]` is expected"),
    ],
    "C.2": [
        (domain("a [parts : chain]"), "unexplained"),
        (domain(fee="an amount of money with its unit"), "unused"),
        (domain(part="a part"), "short"),
        (domain("[day : bell 3] it is"), "two_types"),
        (domain("a [part : horn]", "my [part : horn]", "the horn is loud"), "unmarked"),
        ({"lines": BELLS}, "The key `types` is missing"),
        ({"lines": BELLS, "types": TYPES}, "incomplete"),
        ({"lines": [BELLS], "types": TYPES}, "`list[str]` is expected"),
    ],
    "C.3": [
        (lambda lines, seed: cut(shuffled(lines, seed)), "leak"),
        (lambda lines, seed: cut(different(lines)), "not_shuffled"),
        (lambda lines, seed: cut(shuffled(different(lines), 0)), "seed_unused"),
        (lambda lines, seed: cut(shuffled(different(lines), None)), "not_repeatable"),
        (lambda lines, seed: (*cut(shuffled(different(lines), seed))[:2], []), "lost"),
        (lambda lines, seed: cut(shuffled(texts(lines), seed)), "unknown"),
        (lambda lines, seed: cut(shuffled(different(lines), seed), 0.5, 0.75), "shares"),
    ],
    "C.4": [
        (handed_in(), "untrained"),
        (handed_in(tagger=WIDE), "grown_tags"),
        (handed_in(tagger=NARROW), "other_tags"),
        (handed_in(train=TEST), "few_rows"),
        (handed_in(tagger=UNTRAINED.model), "`Tagger` is expected"),
        ({"tagger": UNTRAINED}, "The key `train` is missing"),
    ],
    "C.5": [
        (handed_in(test=TRAIN, scores=PERFECT), "seen"),
        (handed_in(test=TEST, scores=PERFECT), "other_score"),
        (handed_in(test=TEST, scores=OTHER_ROWS), "other_rows"),
        (handed_in(test=TEST, scores=0.9), "`Evaluation` is expected"),
    ],
    "C.6": [
        (str(Path(HOME.name) / "nowhere"), "no_folder"),
        (str(Path(HOME.name) / "bare"), "no_card"),
        (folder("unmeasured", licence="mit"), "not_measured"),
        (folder("unlicensed", measured=MEASURED), "no_licence"),
        (EMPTY, "broken"),
    ],
}
