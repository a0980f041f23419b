"""The checks of lesson 10: shares, gradients by words, shards, and how long a job takes."""

from __future__ import annotations

from nerlib.course.checks.comparison import Comparison, exercises


# 10.1 --------------------------------------------------------------------------------------------
def my_share(batch: list[int], rank: int, count: int) -> list[int]:
    """Return every `count`-th row of a batch, from row `rank` on."""
    return batch[rank::count]


def _block(batch: list[int], rank: int, count: int) -> list[int]:
    size = -(-len(batch) // count)
    return batch[rank * size : (rank + 1) * size]


SHARES = Comparison(
    my_share,
    list[int],
    cases=(
        ([10, 11, 12, 13], 0, 2),
        ([10, 11, 12, 13], 1, 2),
        ([7, 3, 9, 4, 8], 0, 2),
        ([7, 3, 9, 4, 8], 2, 3),
        ([5], 1, 2),
        ([6, 1, 2], 0, 1),
    ),
    slips={
        "block": _block,
        "ranks_from_1": lambda batch, rank, count: batch[(rank - 1) % count :: count],
        "equal_shares": lambda batch, rank, count: batch[: len(batch) // count * count][
            rank::count
        ],
        "never_empty": lambda batch, rank, count: batch[rank::count] or batch[:1],
    },
)


# 10.2 --------------------------------------------------------------------------------------------
def whole_gradient(gradients: list[float], words: list[int]) -> float:
    """Return the mean of gradients, weighted by words."""
    return _weighted_sum(gradients, words) / max(1, sum(words))


def _weighted_sum(gradients: list[float], words: list[int]) -> float:
    return sum(g * n for g, n in zip(gradients, words, strict=True))


GRADIENTS = Comparison(
    whole_gradient,
    float,
    cases=(
        ([2.0, 4.0], [5, 5]),
        ([1.0, 9.0], [4, 1]),
        ([1.0, 2.0, 6.0], [3, 0, 1]),
        ([-1.0, 1.0], [1, 3]),
        ([0.0, 0.0], [0, 0]),
    ),
    slips={
        "plain_sum": lambda gradients, words: sum(gradients),
        "plain_mean": lambda gradients, words: sum(gradients) / len(gradients),
        "weighted_sum": _weighted_sum,
        "by_processes": lambda grads, words: _weighted_sum(grads, words) / len(grads),
    },
)


# 10.3 --------------------------------------------------------------------------------------------
def cut(rows: int, shard_rows: int) -> list[tuple[int, int]]:
    """Return first row and number of rows of each shard."""
    return [(start, min(shard_rows, rows - start)) for start in range(0, rows, shard_rows)]


def _with_an_empty_one(rows: int, shard_rows: int) -> list[tuple[int, int]]:
    return [(start, min(shard_rows, rows - start)) for start in range(0, rows + 1, shard_rows)]


SHARDS = Comparison(
    cut,
    list[tuple[int, int]],
    cases=((10, 5), (11, 5), (3, 10), (1, 1), (7, 3), (0, 5)),
    slips={
        "an_empty_one": _with_an_empty_one,
        "ends": lambda rows, size: [(start, start + n) for start, n in cut(rows, size)],
        "all_full": lambda rows, size: [(start, size) for start, _ in cut(rows, size)],
        "full_ones_only": lambda rows, size: cut(rows // size * size, size),
    },
)


# 10.4 --------------------------------------------------------------------------------------------
A, B, C = "00000-000000000000", "00000-000000000250", "00001-000000000000"


def left_to_do(shards: list[str], files: list[str]) -> list[str]:
    """Return the shards whose part is not there, in order."""
    return [name for name in shards if f"{name}.parquet" not in files]


WHAT_IS_LEFT = Comparison(
    left_to_do,
    list[str],
    cases=(
        ([A, B, C], [f"{B}.parquet"]),
        ([A, B, C], [f"{C}.parquet", f"{A}.parquet"]),
        ([A, B, C], [f".{A}.parquet.x1y2.part", f"{B}.parquet"]),
        ([C, A, B], []),
        ([A, B], [f"{B}.parquet", f"{A}.parquet", f".{A}.parquet.9f3c.part"]),
    ),
    slips={
        "done": lambda shards, files: [s for s in shards if f"{s}.parquet" in files],
        "without_ending": lambda shards, files: [s for s in shards if s not in files],
        "by_number": lambda shards, files: shards[len(files) :],
        "half": lambda shards, files: [s for s in shards if not any(s in f for f in files)],
        "another_order": lambda shards, files: sorted(left_to_do(shards, files)),
    },
)


# 10.5 --------------------------------------------------------------------------------------------
def hours(rows: int, speed: float, cores: int, kept: float) -> float:
    """Return how many hours the rows take; `speed` is in rows a second."""
    return rows / (speed * cores * kept) / 3600


HOW_LONG = Comparison(
    hours,
    float,
    cases=(
        (3_600_000, 1000.0, 1, 1.0),
        (36_000_000, 500.0, 10, 1.0),
        (36_000_000, 500.0, 10, 0.5),
        (1_000_000_000, 800.0, 64, 0.9),
    ),
    slips={
        "seconds": lambda rows, speed, cores, kept: rows / (speed * cores * kept),
        "core_hours": lambda rows, speed, cores, kept: hours(rows, speed, 1, kept),
        "nothing_lost": lambda rows, speed, cores, kept: hours(rows, speed, cores, 1),
        "faster": lambda rows, speed, cores, kept: hours(rows, speed, cores, 1 / kept),
    },
)

EXERCISES = exercises("10", SHARES, GRADIENTS, SHARDS, WHAT_IS_LEFT, HOW_LONG)
