"""The checks of lesson 07: how good, how sure, and where it fails."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean

import numpy as np
import torch
from torch import Tensor, nn

from nerlib.analysis.matching import match_entities
from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Exercise
from nerlib.metrics import Score

# 07.1 --------------------------------------------------------------------------------------------
ANSWERS = (
    ("O B-TIME I-TIME O", "O B-TIME I-TIME O"),
    ("O B-TIME I-TIME O", "O O B-TIME O"),
    ("B-PLACE_NAME I-PLACE_NAME O O", "B-PERSON I-PERSON O O"),
    ("O O B-DATE I-DATE", "O O O O"),
    ("O B-SONG_NAME I-SONG_NAME I-SONG_NAME", "O B-DATE O O"),
    ("O O O O", "O O B-FOOD_TYPE O"),
)
KIND_NAMES = (
    "correct", "wrong type", "wrong boundary", "wrong type and boundary", "missed", "invented",
)  # fmt: skip


def kinds_on_paper(answer: Answer) -> None:
    """Six kinds of matches, one a row."""
    told = answer.read(list[str])
    if len(told) != len(ANSWERS):
        raise answer.hint(f"There are {len(ANSWERS)} rows: one kind for each, in their order.")
    for row, (kind, (gold, predicted)) in enumerate(zip(told, ANSWERS, strict=True), start=1):
        (match,) = match_entities(gold.split(), predicted.split())
        if kind != match.kind:
            answer.told = f"Row {row} is `{kind}` in your list."
            raise answer.hint(_kind_idea(kind, match.kind))


def _kind_idea(kind: str, right: str) -> str:
    """Return what the two kinds have to do with each other."""
    if kind not in KIND_NAMES:
        return f"The kinds are {', '.join(f'`{name}`' for name in KIND_NAMES)}."
    if {kind, right} == {"missed", "invented"}:
        return "*Missed* is there and was not predicted, *invented* is predicted and not there."
    if kind == "correct":
        return "It is not right: compare the type, the first and the last word."
    if right in ("missed", "invented"):
        return "One of the two sides has no entity here at all."
    if kind in ("missed", "invented"):
        return "Both sides have an entity here, and the two share a word."
    if right == "wrong type and boundary":
        return "Only one of the two faults is named. Look at the type *and* at both ends."
    return "Compare type and ends once more, one after the other."


# 07.2 --------------------------------------------------------------------------------------------
Counts = dict[str, tuple[int, int, int]]
TABLES: tuple[Counts, ...] = (
    {"date": (10, 8, 6), "time": (2, 4, 1)},
    {"date": (30, 30, 27), "song_name": (2, 0, 0)},
    {"date": (10, 8, 6), "person": (0, 3, 0)},
    {"date": (5, 5, 5)},
    {"date": (0, 2, 0)},
)


def macro_f1(counts: Counts) -> float:
    """Return the mean F1 of the types that occur in the gold data; 0 if there are none."""
    scores = [Score(*numbers).f1 for numbers in counts.values() if numbers[0]]
    return fmean(scores) if scores else 0.0


def _micro(counts: Counts) -> float:
    return Score(*(sum(column) for column in zip(*counts.values(), strict=True))).f1


def _all_types(counts: Counts) -> float:
    return fmean(Score(*numbers).f1 for numbers in counts.values())


def _of_found_types(counts: Counts) -> float:
    scores = [Score(*numbers).f1 for numbers in counts.values() if numbers[0] and numbers[1]]
    return fmean(scores) if scores else 0.0


def _weighted(counts: Counts) -> float:
    total = sum(gold for gold, _, _ in counts.values())
    return sum(n[0] * Score(*n).f1 for n in counts.values()) / total if total else 0.0


def _from_means(counts: Counts) -> float:
    """Return F1 of the mean precision and the mean recall."""
    scores = [Score(*numbers) for numbers in counts.values() if numbers[0]]
    if not scores:
        return 0.0
    precision, recall = fmean(s.precision for s in scores), fmean(s.recall for s in scores)
    return 2 * precision * recall / (precision + recall)


def _mean_recall(counts: Counts) -> float:
    scores = [Score(*numbers).recall for numbers in counts.values() if numbers[0]]
    return fmean(scores) if scores else 0.0


MACRO_SLIPS = (
    (_micro, "That is micro F1: all counts added up first, so frequent types decide. Compute F1 of "
     "each type, then the mean."),
    (_weighted, "Each type counts once, however many entities it has."),
    (_from_means, "Take F1 of each type and then the mean, not F1 of two means."),
    (_mean_recall, "That is the mean recall. What was predicted takes part in F1: "
     "2 · correct / (gold + predicted)."),
    (_all_types, "A type that is not in the gold data is left out: it has nothing to be found."),
    (_of_found_types, "A type that is there and was never predicted counts, with an F1 of 0."),
)  # fmt: skip


def macro(answer: Answer) -> None:
    """A function from the counts of each type to macro F1."""
    for counts in TABLES:
        answer.compare(macro_f1, (counts,), float, MACRO_SLIPS)


# 07.3 --------------------------------------------------------------------------------------------
Threshold = float | None
SURE: tuple[tuple[list[float], list[bool], float], ...] = (
    ([0.9, 0.8, 0.7, 0.6], [True, True, False, False], 0.9),
    ([0.9, 0.8, 0.7, 0.6], [True, True, True, False], 0.75),
    ([0.6, 0.9, 0.7, 0.8], [False, True, False, True], 0.6),
    ([0.9, 0.8, 0.7, 0.6, 0.5], [True, False, True, True, False], 0.7),
    ([0.9, 0.8], [False, False], 0.5),
    ([0.9, 0.7, 0.7, 0.5], [True, True, False, True], 0.9),
)


def lowest_threshold(confidences: list[float], right: list[bool], wanted: float) -> Threshold:
    """Return the lowest confidence from which on the precision is at least `wanted`."""
    fine = [c for c in confidences if _precision(confidences, right, c) >= wanted]
    return min(fine, default=None)


def _precision(confidences: Sequence[float], right: Sequence[bool], threshold: float) -> float:
    kept = [hit for sure, hit in zip(confidences, right, strict=True) if sure >= threshold]
    return sum(kept) / len(kept) if kept else 0.0


def _highest(confidences: list[float], right: list[bool], wanted: float) -> Threshold:
    fine = [c for c in confidences if _precision(confidences, right, c) >= wanted]
    return max(fine, default=None)


def _first_fall(confidences: list[float], right: list[bool], wanted: float) -> Threshold:
    """Return the answer of somebody who stops as soon as the precision is too low."""
    found = None
    for threshold in sorted(set(confidences), reverse=True):
        if _precision(confidences, right, threshold) < wanted:
            break
        found = threshold
    return found


def _unsorted(confidences: list[float], right: list[bool], wanted: float) -> Threshold:
    """Return the answer of somebody who takes the lists to be sorted."""
    found, hits = None, 0
    for place, (sure, hit) in enumerate(zip(confidences, right, strict=True), start=1):
        hits += hit
        if hits / place >= wanted:
            found = sure
    return found


def _above(confidences: list[float], right: list[bool], wanted: float) -> Threshold:
    """Return the answer of somebody who keeps only what lies above the threshold."""
    fine = [c for c in confidences if _precision_above(confidences, right, c) >= wanted]
    return min(fine, default=None)


def _precision_above(
    confidences: Sequence[float], right: Sequence[bool], threshold: float
) -> float:
    kept = [hit for sure, hit in zip(confidences, right, strict=True) if sure > threshold]
    return sum(kept) / len(kept) if kept else 0.0


def _recall(confidences: list[float], right: list[bool], wanted: float) -> Threshold:
    """Return the answer of somebody who looks at the share of right ones that is kept."""
    shares = {
        c: sum(h for s, h in zip(confidences, right, strict=True) if s >= c) / max(1, sum(right))
        for c in confidences
    }
    return min((c for c, share in shares.items() if share >= wanted), default=None)


THRESHOLD_SLIPS = (
    (_recall, "That is about recall, the share of the right ones that is kept. Precision is the "
     "share of the *kept* ones that is right."),
    (_highest, "Precision is high enough there, but a lower threshold keeps more: return the "
     "lowest one that will do."),
    (_above, "What lies exactly at the threshold is kept, too: `>=`."),
    (_unsorted, "The lists are in no order. For each threshold, look at *all* entities that are "
     "at least as sure."),
    (_first_fall, "Precision can fall and rise again on the way down. Try every confidence."),
)  # fmt: skip


def threshold(answer: Answer) -> None:
    """A function from confidences to a threshold."""
    for arguments in SURE:
        answer.compare(lowest_threshold, arguments, Threshold, THRESHOLD_SLIPS)


# 07.4 --------------------------------------------------------------------------------------------
TEMPERATURES = [1.0, 0.5, 2.0, 4.0]
ONE_IN_FOUR_WRONG = torch.tensor([[8.0, 0, 0], [0, 8.0, 0], [8.0, 0, 0], [0, 0, 8.0]])
TARGETS = torch.tensor([0, 1, 1, 2])
# Too shy first, then too sure, then as it should be.
HEATED = (ONE_IN_FOUR_WRONG / 8, ONE_IN_FOUR_WRONG / 2, ONE_IN_FOUR_WRONG / 4)


def best_temperature(logits: Tensor, targets: Tensor, temperatures: list[float]) -> float:
    """Return the temperature with the lowest mean loss."""
    return min(temperatures, key=lambda t: _loss(logits / t, targets))


def _loss(logits: Tensor, targets: Tensor) -> float:
    return nn.functional.cross_entropy(logits, targets).item()


def _times(logits: Tensor, targets: Tensor, temperatures: list[float]) -> float:
    return min(temperatures, key=lambda t: _loss(logits * t, targets))


def _worst(logits: Tensor, targets: Tensor, temperatures: list[float]) -> float:
    return max(temperatures, key=lambda t: _loss(logits / t, targets))


def _surest(logits: Tensor, targets: Tensor, temperatures: list[float]) -> float:
    return max(temperatures, key=lambda t: (logits / t).softmax(-1).amax(-1).mean().item())


def _most_right(logits: Tensor, targets: Tensor, temperatures: list[float]) -> float:
    return max(
        temperatures, key=lambda t: ((logits / t).argmax(-1) == targets).float().mean().item()
    )


def _smallest_loss_only(logits: Tensor, targets: Tensor, temperatures: list[float]) -> float:
    return min(_loss(logits / t, targets) for t in temperatures)


HEAT_SLIPS = (
    (_times, "Divide the logits by the temperature: above 1 it makes the model *less* sure."),
    (_worst, "That is the one with the highest loss."),
    (_most_right, "Which tag is the highest does not depend on the temperature, so the share of "
     "right tags cannot choose it. Take the mean loss."),
    (_surest, "That is where the model is surest. The loss also asks whether it is right."),
    (_smallest_loss_only, "That is the lowest loss itself. Return the temperature that has it."),
)  # fmt: skip


def temperature(answer: Answer) -> None:
    """A function from logits and right tags to the best temperature."""
    for logits in HEATED:
        arguments = (logits, TARGETS, TEMPERATURES)
        answer.compare(best_temperature, arguments, float, HEAT_SLIPS)


# 07.5 --------------------------------------------------------------------------------------------
Rows = list[tuple[int, int, int]]
RESAMPLED: tuple[Rows, ...] = (
    [(2, 2, 2), (1, 1, 0), (3, 2, 1), (0, 1, 0), (4, 4, 3), (1, 1, 1)],
    [(1, 1, 1), (2, 3, 1), (5, 4, 4), (1, 0, 0), (2, 2, 2), (1, 2, 1), (3, 3, 0), (2, 2, 2)],
)


class Bootstrap:
    """The interval of F1, with a way to draw rows and one to score them that can be exchanged."""

    def __init__(
        self,
        score: Callable[[np.ndarray], float] | None = None,
        replace: bool = True,
        level: float = 0.95,
    ) -> None:
        self.score, self.replace, self.level = score or _pooled, replace, level

    def __call__(self, counts: Rows, resamples: int, seed: int) -> tuple[float, float]:
        """Return the interval's ends."""
        table, random = np.array(counts), np.random.default_rng(seed)
        scores = []
        for _ in range(resamples):
            chosen = random.integers(0, len(table), len(table))
            drawn = table[chosen] if self.replace else table
            scores.append(self.score(drawn))
        tail = 100 * (1 - self.level) / 2
        low, high = np.percentile(scores, [tail, 100 - tail])
        return float(low), float(high)


def _pooled(drawn: np.ndarray) -> float:
    gold, predicted, correct = drawn.sum(axis=0)
    return float(2 * correct / max(1, gold + predicted))


def _mean_of_rows(drawn: np.ndarray) -> float:
    return fmean(2 * c / max(1, g + p) for g, p, c in drawn.tolist())


def _recall_of(drawn: np.ndarray) -> float:
    gold, _, correct = drawn.sum(axis=0)
    return float(correct / max(1, gold))


def _whole_range(counts: Rows, resamples: int, seed: int) -> tuple[float, float]:
    return Bootstrap(level=1.0)(counts, resamples, seed)


def _one_tail(counts: Rows, resamples: int, seed: int) -> tuple[float, float]:
    return Bootstrap(level=0.9)(counts, resamples, seed)


def _same_draw(counts: Rows, resamples: int, seed: int) -> tuple[float, float]:
    """Return the interval of somebody who starts the random numbers anew in each round."""
    return Bootstrap()(counts, 1, seed)


INTERVAL_SLIPS = (
    (Bootstrap(replace=False), "The interval has no width: each resample holds every utterance "
     "once. Draw *with* replacement."),
    (_same_draw, "The interval has no width: every resample is the same. Make the random numbers "
     "once, before the loop."),
    (Bootstrap(_mean_of_rows), "These are means of an F1 for each utterance. Add up the counts of "
     "the resample first, then compute one F1."),
    (Bootstrap(_recall_of), "That is the interval of recall. F1 is 2 · correct / (gold + "
     "predicted)."),
    (_whole_range, "That is the whole range, which grows with every further resample. Cut off "
     "2.5 % at each end."),
    (_one_tail, "5 % are cut off at each end, which leaves 90 %. For 95 %, cut off 2.5 %."),
)  # fmt: skip


def interval(answer: Answer) -> None:
    """A function from counts to the ends of an interval."""
    for counts in RESAMPLED:
        case = f"{counts}, 200, 0"
        answer.compare(Bootstrap(), (counts, 200, 0), tuple[float, float], INTERVAL_SLIPS, case)
    if not math.isclose(*answer.call([(1, 1, 1)], 5, 0, kind=tuple[float, float])):
        raise answer.hint("With a single utterance, all resamples are the same.")


EXERCISES = (
    Exercise(
        "07.1", "Kinds of errors", kinds_on_paper,
        "Every entity of both sides stands in one pair, and each kind of pair has its own cure.",
    ),
    Exercise(
        "07.2", "Every type one vote", macro,
        "Macro F1 gives each type the same weight, so rare types show; micro F1 hides them.",
    ),
    Exercise(
        "07.3", "A threshold for a purpose", threshold,
        "The lowest threshold that is precise enough costs the least recall.",
    ),
    Exercise(
        "07.4", "Temperature", temperature,
        "One number can mend how sure a model is, and it changes no answer.",
    ),
    Exercise(
        "07.5", "An interval", interval,
        "Draw utterances with replacement, score, repeat: the spread says how much is luck.",
    ),
)  # fmt: skip
