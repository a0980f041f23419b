"""Scores in words: how sure one is, which of two models is better, and what to annotate next."""

from collections.abc import Mapping, Sequence

from nerlib.analysis.significance import Interval, bootstrap_f1, count_entities
from nerlib.metrics import Score, Tags

TOTAL = "all (micro)"  # what the scores of all types together are called
FEW, GOOD = 10, 0.9  # entities that say next to nothing; an F1 that needs no more examples


def intervals(gold: Sequence[Tags], predicted: Sequence[Tags]) -> dict[str, Interval]:
    """Return F1 with its 95 % bootstrap interval, of each type and of all; which is `TOTAL`."""
    sides = gold, predicted
    types = sorted({tag[2:] for side in sides for tags in side for tag in tags if tag != "O"})
    counts = {name: count_entities(*(_only(name, side) for side in sides)) for name in types}
    return {
        name: bootstrap_f1(each)
        for name, each in {**counts, TOTAL: count_entities(gold, predicted)}.items()
    }


def _only(name: str, rows: Sequence[Tags]) -> list[list[str]]:
    """Return the tags with `O` for all other types."""
    return [[tag if tag[2:] == name else "O" for tag in tags] for tags in rows]


def advice(
    per_type: Mapping[str, Score], names: Mapping[str, str], learnt_from: Mapping[str, int]
) -> str:
    """Return one sentence: which type is weakest, how many examples it has, and what to do.

    `learnt_from` are the examples in the file that it was trained on, where a model remembers them.

    >>> advice({"PERSON": Score(8, 6, 3), "DATE": Score(20, 20, 20)}, {"PERSON": "Person"}, {})
    'Person is weakest (F1 0.429) and has 8 examples here: too few to tell; write a longer exam'
    """
    met = {name: score for name, score in per_type.items() if score.gold}
    if not met:
        return "no entity is marked here, so there is nothing to advise"
    name = min(met, key=lambda one: (met[one].f1, met[one].gold))
    f1, trained = met[name].f1, learnt_from.get(name, 0)
    where = (
        f"{trained} examples in its sentences" if learnt_from else f"{met[name].gold} examples here"
    )
    weakest = f"{names.get(name, name.lower())} is weakest (F1 {f1:.3f}) and has {where}"
    if f1 >= GOOD:
        return f"{weakest}: no type needs more; try sentences that are less like those in training"
    if met[name].gold < FEW and not learnt_from:
        return f"{weakest}: too few to tell; write a longer exam"
    if trained > 10 * FEW:
        return f"{weakest}: more may not help; read its mistakes (--report)"
    return f"{weakest}: annotate more of it"


def in_words(difference: Interval, sentences: int) -> str:
    """Return what a difference, B's F1 minus A's, says about two models.

    >>> in_words(Interval(0.04, 0.01, 0.07), 200)
    'B is better by 0.040 (0.010 to 0.070): more than the choice of these 200 sentences explains'
    >>> in_words(Interval(-0.04, -0.1, 0.02), 20).partition(": ")[2]
    'these 20 sentences do not tell which one is better; more of them may'
    """
    better, low, high = "B", difference.low, difference.high
    if difference.value < 0:
        better, low, high = "A", -high, -low
    what = f"{better} is better by {abs(difference.value):.3f} ({low:.3f} to {high:.3f})"
    if difference.low > 0 or difference.high < 0:
        return f"{what}: more than the choice of these {sentences} sentences explains"
    if not difference.value:
        what = f"A and B are equally good ({low:.3f} to {high:.3f})"
    return f"{what}: these {sentences} sentences do not tell which one is better; more of them may"
