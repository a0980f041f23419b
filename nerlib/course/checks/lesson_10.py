"""The checks of lesson 10: shares, gradients by words, shards, and how long a job takes."""

from nerlib.course.checks.exercise import Comparison, each


def my_share(batch: list[int], rank: int, count: int) -> list[int]:
    """Return every `count`-th row of a batch, from row `rank` on."""
    return batch[rank::count]


SHARES = Comparison(
    my_share,
    block=lambda batch, rank, count: batch[rank * (n := -(-len(batch) // count)) :][:n],
    ranks_from_1=lambda batch, rank, count: batch[(rank - 1) % count :: count],
    equal_shares=lambda batch, rank, count: batch[: len(batch) // count * count][rank::count],
    never_empty=lambda batch, rank, count: batch[rank::count] or batch[:1],
)


def whole_gradient(gradients: list[float], words: list[int]) -> float:
    """Return the mean of gradients, weighted by words."""
    return _weighted_sum(gradients, words) / max(1, sum(words))


def _weighted_sum(gradients: list[float], words: list[int]) -> float:
    return sum(g * n for g, n in zip(gradients, words, strict=True))


GRADIENTS = Comparison(
    whole_gradient,
    plain_sum=lambda gradients, words: sum(gradients),
    plain_mean=lambda gradients, words: sum(gradients) / len(gradients),
    weighted_sum=_weighted_sum,
    by_processes=lambda grads, words: _weighted_sum(grads, words) / len(grads),
)


def cut(rows: int, shard_rows: int) -> list[tuple[int, int]]:
    """Return first row and number of rows of each shard."""
    return [(start, min(shard_rows, rows - start)) for start in range(0, rows, shard_rows)]


SHARDS = Comparison(
    cut,
    an_empty_one=lambda rows, size: [
        (start, min(size, rows - start)) for start in range(0, rows + 1, size)
    ],
    ends=each(cut, lambda shard: (shard[0], sum(shard))),
    all_full=lambda rows, size: [(start, size) for start, _ in cut(rows, size)],
    full_ones_only=lambda rows, size: cut(rows // size * size, size),
)


def left_to_do(shards: list[str], files: list[str]) -> list[str]:
    """Return the shards whose part is not there, in order."""
    return [name for name in shards if f"{name}.parquet" not in files]


WHAT_IS_LEFT = Comparison(
    left_to_do,
    done=lambda shards, files: [s for s in shards if f"{s}.parquet" in files],
    without_ending=lambda shards, files: [s for s in shards if s not in files],
    by_number=lambda shards, files: shards[len(files) :],
    another_order=lambda shards, files: sorted(left_to_do(shards, files)),
)


def hours(rows: int, speed: float, cores: int, kept: float) -> float:
    """Return how many hours the rows take; `speed` is in rows a second."""
    return rows / (speed * cores * kept) / 3600


HOW_LONG = Comparison(
    hours,
    seconds=lambda rows, speed, cores, kept: rows / (speed * cores * kept),
    core_hours=lambda rows, speed, cores, kept: hours(rows, speed, 1, kept),
    nothing_lost=lambda rows, speed, cores, kept: hours(rows, speed, cores, 1),
    faster=lambda rows, speed, cores, kept: hours(rows, speed, cores, 1 / kept),
)

CHECKS = (SHARES, GRADIENTS, SHARDS, WHAT_IS_LEFT, HOW_LONG)  # in the order of their numbers
