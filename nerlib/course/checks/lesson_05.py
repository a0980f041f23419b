"""The checks of lesson 05: the training loop."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Exercise
from nerlib.metrics import Score, total_score
from nerlib.metrics import entity_scores as scores_by_type

# 05.1 --------------------------------------------------------------------------------------------
GOLD = (
    ["O", "B-TIME", "I-TIME", "O", "B-DATE"],
    ["O", "O", "B-PLACE_NAME", "O"],
    ["B-DATE", "O", "O"],
)
PREDICTED = (
    ["O", "B-TIME", "O", "O", "B-DATE"],
    ["O", "O", "B-PERSON", "O"],
    ["B-DATE", "O", "B-TIME"],
)
PARTS = ("precision", "recall", "f1")


def scores_on_paper(answer: Answer) -> None:
    """Precision, recall and F1 of three sentences, counted by hand."""
    told = answer.read(dict[str, float])
    for name in PARTS:
        if name not in told:
            raise answer.hint(f"The key `{name}` is missing.")
    score = total_score(scores_by_type(GOLD, PREDICTED))
    found = [told[name] for name in PARTS]
    if not _close(found, _parts(score)):
        raise answer.hint(_paper_idea(found, score))


def _parts(score: Score) -> list[float]:
    return [score.precision, score.recall, score.f1]


def _close(found: Sequence[float], expected: Sequence[float]) -> bool:
    """Return whether numbers are equal in the digits that one writes down."""
    return all(abs(a - b) <= 0.005 for a, b in zip(found, expected, strict=True))


def _paper_idea(found: list[float], score: Score) -> str:
    """Return which counting leads to these numbers."""
    if any(number > 1 for number in found):
        return "All three are shares, between 0 and 1."
    swapped = [score.recall, score.precision, score.f1]
    if _close(found, swapped):
        return (
            "Precision and recall are swapped: *precision* is about what was predicted, *recall* "
            "about what is there."
        )
    wrong_type = Score(score.gold, score.predicted, score.correct + 1)
    if _close(found[:2], _parts(wrong_type)[:2]):
        return "One entity stands in the right place with another type. It is not right."
    half = Score(score.gold, score.predicted, score.correct + 2)
    if _close(found[:2], _parts(half)[:2]):
        return "An entity is right only if type, first word and last word are right, all three."
    if _close(found[:2], _parts(score)[:2]):
        if _close(found[2:], [(score.precision + score.recall) / 2]):
            return "F1 is the *harmonic* mean: 2 · right / (predicted + there)."
        return "Precision and recall are right. F1 is 2 · right / (predicted + there)."
    words = [sum(map(len, side)) for side in (GOLD, PREDICTED)]
    right = sum(
        a == b for g, p in zip(GOLD, PREDICTED, strict=True) for a, b in zip(g, p, strict=True)
    )
    if _close(found[:1], [right / words[0]]):
        return (
            "These are words with the right tag. Count entities: a type, a first and a last word."
        )
    return "Write down three numbers first: entities there, entities predicted, and those in both."


# 05.2 --------------------------------------------------------------------------------------------
LOGITS = (
    ([1.0, 2.0, 3.0], 2),
    ([1.0, 2.0, 3.0], 0),
    ([-4.0, 0.5, 2.5, 0.0], 1),
    ([1000.0, 998.0], 1),
)


def word_loss(logits: Tensor, target: int) -> float:
    """Return minus the logarithm of the right tag's probability."""
    return float(-logits.log_softmax(-1)[target])


def _without_minus(logits: Tensor, target: int) -> float:
    return -word_loss(logits, target)


def _chance(logits: Tensor, target: int) -> float:
    return math.exp(-word_loss(logits, target))


def _distance_to_one(logits: Tensor, target: int) -> float:
    return 1 - math.exp(-word_loss(logits, target))


def _of_the_best(logits: Tensor, target: int) -> float:
    return word_loss(logits, int(logits.argmax()))


def _in_bits(logits: Tensor, target: int) -> float:
    return word_loss(logits, target) / math.log(2)


def _without_softmax(logits: Tensor, target: int) -> float:
    return float(-(logits / logits.sum())[target].log())


LOSS_SLIPS = (
    (_without_minus, "A loss is the higher, the worse. The logarithm of a probability is negative: "
     "take *minus* it."),
    (_chance, "That is the probability of the right tag. The loss is minus its logarithm."),
    (_distance_to_one, "1 − p punishes being sure and wrong no more than 1. Take −ln p instead."),
    (_of_the_best, "That is the loss of the tag with the highest score. Look up the probability of "
     "the *right* tag, `target`."),
    (_in_bits, "That is the logarithm to base 2. The loss takes the natural one."),
    (_without_softmax, "Scores become probabilities by `exp` first, then divided by the sum."),
)  # fmt: skip


def loss_of_a_word(answer: Answer) -> None:
    """A function from logits and the right tag to the loss."""
    for numbers, target in LOGITS:
        logits = torch.tensor(numbers)
        found = answer.call(logits, target, kind=float)
        if not math.isfinite(found) and max(numbers) > 100:
            raise answer.hint(
                "`exp` of a large score overflows. Take the largest score off all of them first: "
                "the probabilities stay the same."
            )
        answer.compare(word_loss, (logits, target), float, LOSS_SLIPS)


# 05.3 --------------------------------------------------------------------------------------------
WARMUP, TOTAL = 4, 20
STEPS_ASKED = (4, 12, 19, 3, 0, 1, 8, 20)


def cosine_factor(step: int, warmup: int, total: int) -> float:
    """Return the factor on the rate: up to 1, then down to 0 along half a cosine."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))


def _straight(step: int, warmup: int, total: int) -> float:
    return (step + 1) / warmup if step < warmup else (total - step) / (total - warmup)


def _whole_cosine(step: int, warmup: int, total: int) -> float:
    return 2 * cosine_factor(step, warmup, total) - 1 if step >= warmup else (step + 1) / warmup


def _from_the_start(step: int, warmup: int, total: int) -> float:
    return cosine_factor(step, warmup, total) if step < warmup else _half(step / total)


def _half(share: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * share))


def _from_zero(step: int, warmup: int, total: int) -> float:
    return step / warmup if step < warmup else cosine_factor(step, warmup, total)


def _no_warmup(step: int, warmup: int, total: int) -> float:
    return _half((step - warmup) / (total - warmup))


SCHEDULE_SLIPS = (
    (_straight, "That is a straight line down. Half a cosine stays high at first, falls fast in "
     "the middle and ends flat."),
    (_whole_cosine, "A cosine runs from 1 to −1, and a rate below 0 would walk uphill. Lift it "
     "by 1 and halve it."),
    (_from_the_start, "After the warm-up the factor is not 1: count the share of the way from the "
     "end of the warm-up, `(step - warmup) / (total - warmup)`."),
    (_from_zero, "A factor of 0 wastes the first step. Step 0 gets `1 / warmup`, and the last step "
     "of the warm-up gets 1."),
    (_no_warmup, "While `step < warmup`, the factor grows in a straight line."),
)  # fmt: skip


def cosine_schedule(answer: Answer) -> None:
    """A function from a step to the factor on the rate."""
    for step in STEPS_ASKED:
        answer.compare(cosine_factor, (step, WARMUP, TOTAL), float, SCHEDULE_SLIPS)


# 05.4 --------------------------------------------------------------------------------------------
RUNS = (
    ([0.1, 0.3, 0.5], 2),
    ([0.5, 0.4, 0.3, 0.6], 2),
    ([0.5, 0.4, 0.45, 0.6], 2),
    ([0.5, 0.4, 0.6, 0.5, 0.5, 0.7], 2),
    ([0.5, 0.5, 0.5, 0.9], 2),
    ([0.2, 0.1, 0.3, 0.2, 0.1, 0.0, 0.4], 3),
    ([0.4], 1),
)


def last_epoch(scores: list[float], patience: int) -> int:
    """Return after which epoch, counted from 1, training stops."""
    best, waited = -math.inf, 0
    for epoch, score in enumerate(scores, start=1):
        best, waited = (score, 0) if score > best else (best, waited + 1)
        if waited == patience:
            return epoch
    return len(scores)


def _against_the_last(scores: list[float], patience: int) -> int:
    """Return the answer of somebody who compares with the epoch before."""
    waited = 0
    for epoch in range(1, len(scores)):
        waited = 0 if scores[epoch] > scores[epoch - 1] else waited + 1
        if waited == patience:
            return epoch + 1
    return len(scores)


def _equal_is_better(scores: list[float], patience: int) -> int:
    best, waited = -math.inf, 0
    for epoch, score in enumerate(scores, start=1):
        best, waited = (score, 0) if score >= best else (best, waited + 1)
        if waited == patience:
            return epoch
    return len(scores)


def _never_reset(scores: list[float], patience: int) -> int:
    best, waited = -math.inf, 0
    for epoch, score in enumerate(scores, start=1):
        waited += score <= best
        best = max(best, score)
        if waited == patience:
            return epoch
    return len(scores)


def _one_more(scores: list[float], patience: int) -> int:
    return last_epoch(scores, patience + 1)


def _the_best(scores: list[float], patience: int) -> int:
    kept = scores[: last_epoch(scores, patience)]
    return kept.index(max(kept)) + 1


def _from_nought(scores: list[float], patience: int) -> int:
    return last_epoch(scores, patience) - 1


STOP_SLIPS = (
    (_from_nought, "Epochs are counted from 1."),
    (_the_best, "That is the best epoch. Training goes on until `patience` epochs have brought no "
     "better one: return the last epoch that was trained."),
    (_one_more, "It stops one epoch too late: after the `patience`-th epoch without a new best."),
    (_against_the_last, "Compare with the best score so far, not with the epoch before."),
    (_equal_is_better, "An equal score is no rise: it has to be higher than the best so far."),
    (_never_reset, "A new best starts the waiting again: the epochs without a rise have to come "
     "one after the other."),
)  # fmt: skip


def early_stopping(answer: Answer) -> None:
    """A function from the scores of all epochs to the last one that is trained."""
    for scores, patience in RUNS:
        answer.compare(last_epoch, (scores, patience), int, STOP_SLIPS)


# 05.5 --------------------------------------------------------------------------------------------
Batches = list[tuple[Tensor, Tensor]]


class Loop:
    """A training loop, each of whose lines can be left out."""

    def __init__(self, *left_out: str) -> None:
        self.left_out = left_out

    def __call__(
        self, model: nn.Module, batches: Batches, optimizer: Optimizer, limit: float
    ) -> list[float]:
        """Return the loss of each batch; model and optimiser stay as they were."""
        model, optimizer = copy.deepcopy((model, optimizer))
        losses = []
        for features, targets in batches:
            loss = nn.functional.cross_entropy(model(features), targets)
            losses.append(loss.item())
            if "zero" not in self.left_out:
                optimizer.zero_grad()
            if "backward" not in self.left_out:
                loss.backward()
            if "clip" not in self.left_out:
                nn.utils.clip_grad_norm_(model.parameters(), limit)
            if "step" not in self.left_out:
                optimizer.step()
        return losses


def _mean_loss(
    model: nn.Module, batches: Batches, optimizer: Optimizer, limit: float
) -> list[float]:
    losses = Loop()(model, batches, optimizer, limit)
    return [sum(losses) / len(losses)]


LOOP_SLIPS = (
    (Loop("zero"), "The first losses are right, then they leave the path: old gradients are still "
     "there, for PyTorch adds new ones to them. Which call empties them?"),
    (Loop("step"), "The model learns nothing: gradients alone change no weight. Who makes the "
     "step?"),
    (Loop("backward"), "Without `backward` there are no gradients, and the step goes nowhere."),
    (Loop("clip"), "The steps are too large: shorten the gradients to `limit` between `backward` "
     "and `step`, with `nn.utils.clip_grad_norm_`."),
    (_mean_loss, "One loss for each batch is asked for, in their order."),
)  # fmt: skip


def small_loop() -> tuple[nn.Module, Batches, Optimizer]:
    """Return a model, four batches and an optimiser, the same every time."""
    random = torch.Generator().manual_seed(0)
    model = nn.Linear(3, 4)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random))
    batches = [
        (torch.randn(5, 3, generator=random), torch.randint(0, 4, (5,), generator=random))
        for _ in range(4)
    ]
    return model, batches, torch.optim.SGD(model.parameters(), lr=0.5)


def training_loop(answer: Answer) -> None:
    """A function that trains once through some batches."""
    for limit in (100.0, 0.1):
        model, batches, optimizer = small_loop()
        case = f"a small model, 4 batches, its optimiser, {limit}"
        answer.compare(Loop(), (model, batches, optimizer, limit), list[float], LOOP_SLIPS, case)


EXERCISES = (
    Exercise(
        "05.1", "Scores on paper", scores_on_paper,
        "Entities are counted, and an entity is right as a whole or not at all.",
    ),
    Exercise(
        "05.2", "The loss of a word", loss_of_a_word,
        "Softmax, the right tag's probability, minus its logarithm; the largest score goes first.",
    ),
    Exercise(
        "05.3", "Another schedule", cosine_schedule,
        "A schedule is a factor on the rate: small at first, then 1, then down to nothing.",
    ),
    Exercise(
        "05.4", "Early stopping", early_stopping,
        "Patience counts epochs since the best one, and the best one is what is kept.",
    ),
    Exercise(
        "05.5", "The loop", training_loop,
        "Forward, zero, backward, clip, step: each line has its place, and its own symptom.",
    ),
)  # fmt: skip
