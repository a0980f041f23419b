"""The checks of lesson 11: what a step costs, used rows, smoothing, masking, and what pays."""

import math
from functools import partial
from statistics import fmean, stdev

from nerlib.course.checks.exercise import Comparison, Function

Batches = list[list[int]]


def prices(few: int, seconds_few: float, many: int, seconds_many: float) -> tuple[float, float]:
    """Return the fixed price of a step and the price of each utterance, in seconds."""
    each = (seconds_many - seconds_few) / (many - few)
    return seconds_few - few * each, each


PRICES = Comparison(
    prices,
    exchanged=lambda *timings: prices(*timings)[::-1],
    nothing_fixed=lambda few, a, many, b: (0.0, b / many),
    few_for_nothing=lambda few, a, many, b: (a, prices(few, a, many, b)[1]),
    one_off=lambda few, a, many, b: (a - prices(few, a, many, b)[1], prices(few, a, many, b)[1]),
)


def renumbered(batches: Batches) -> tuple[list[int], Batches]:
    """Return the rows of the table that are used, in order, and the batches in new numbers."""
    return _renumbered(sorted({row for batch in batches for row in batch}), batches)


def _renumbered(used: list[int], batches: Batches, first: int = 0) -> tuple[list[int], Batches]:
    return used, [[first + used.index(row) for row in batch] for batch in batches]


RENUMBER = Comparison(
    renumbered,
    with_repeats=lambda batches: _renumbered(sorted(r for b in batches for r in b), batches),
    from_one=lambda batches: _renumbered(renumbered(batches)[0], batches, first=1),
    old_numbers=lambda batches: (renumbered(batches)[0], batches),
)


def smoothed_loss(probabilities: list[float], target: int, smoothing: float) -> float:
    """Return the loss of a word when a share of the certainty is spread over all tags."""
    losses = [-math.log(chance) for chance in probabilities]
    return (1 - smoothing) * losses[target] + smoothing * fmean(losses)


SMOOTHING = Comparison(
    smoothed_loss,
    not_smoothed=lambda chances, target, share: smoothed_loss(chances, target, 0),
    share_left_out=lambda chances, target, share: (1 - share) * smoothed_loss(chances, target, 0),
    exchanged=lambda chances, target, share: smoothed_loss(chances, target, 1 - share),
)


def masked(
    input_ids: list[int], word_ids: list[int], draws: list[float], share: float, mask_id: int
) -> list[int]:
    """Return the subwords' numbers with those masked whose draw is below the share."""
    chosen = [word >= 0 and draw < share for word, draw in zip(word_ids, draws, strict=True)]
    return [mask_id if c else number for number, c in zip(input_ids, chosen, strict=True)]


MASKING = Comparison(
    masked,
    the_others=lambda ids, words, draws, share, mask: masked(
        ids, words, [1 - draw for draw in draws], 1 - share, mask
    ),
    special_too=lambda ids, words, draws, share, mask: masked(
        ids, [0] * len(ids), draws, share, mask
    ),
    left_out=lambda ids, words, draws, share, mask: [
        number for number in masked(ids, words, draws, share, -1) if number >= 0
    ],
)


def pays(
    with_it: list[float],
    without_it: list[float],
    spread: Function = stdev,
    middle: Function = fmean,
    enough: Function = max,
) -> bool:
    """Return whether the means differ by more than the larger spread over seeds."""
    least = enough(spread(with_it), spread(without_it))
    return bool(middle(with_it) - middle(without_it) > least)


PAYS = Comparison(
    pays,
    any_difference=lambda ours, others: (
        abs(fmean(ours) - fmean(others)) > max(stdev(ours), stdev(others))
    ),
    means_alone=partial(pays, spread=lambda scores: 0.0),
    best_seeds=partial(pays, middle=max),
    smaller_spread=partial(pays, enough=min),
)

CHECKS = (PRICES, RENUMBER, SMOOTHING, MASKING, PAYS)  # in the order of their numbers
