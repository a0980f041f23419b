"""From rows to tensors: this course's parsing and alignment beside the tutorial's."""

from __future__ import annotations

from benchmarks.bench.material import Material
from benchmarks.bench.ratios import Contender, speed
from nerlib.course.tutorial_rebuilt import TutorialDataset, TutorialParser
from nerlib.dataset import NERDataset

OURS, TUTORIAL = "this course", "tutorial's preprocessing"


def preparers(material: Material) -> dict[str, Contender]:
    """Return both ways to make a dataset of the whole locale, as rows a second."""
    rows = list(material.locale)

    def ours() -> object:
        return NERDataset(rows, material.tokenizer, material.tags, material.parser)

    def theirs() -> object:
        return TutorialDataset(rows, material.tokenizer, TutorialParser())

    return {OURS: lambda: speed(ours, len(rows)), TUTORIAL: lambda: speed(theirs, len(rows))}
