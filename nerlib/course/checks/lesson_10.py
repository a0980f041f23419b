"""The checks of lesson 10: shares, gradients by words, shards, and how long a job takes."""

from __future__ import annotations

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Exercise

# 10.1 --------------------------------------------------------------------------------------------
BATCHES: tuple[tuple[list[int], int, int], ...] = (
    ([10, 11, 12, 13], 0, 2),
    ([10, 11, 12, 13], 1, 2),
    ([7, 3, 9, 4, 8], 0, 2),
    ([7, 3, 9, 4, 8], 2, 3),
    ([5], 1, 2),
    ([6, 1, 2], 0, 1),
)


def my_share(batch: list[int], rank: int, count: int) -> list[int]:
    """Return every `count`-th row of a batch, from row `rank` on."""
    return batch[rank::count]


def _block(batch: list[int], rank: int, count: int) -> list[int]:
    size = -(-len(batch) // count)
    return batch[rank * size : (rank + 1) * size]


def _even_only(batch: list[int], rank: int, count: int) -> list[int]:
    return batch[: len(batch) // count * count][rank::count]


def _from_one(batch: list[int], rank: int, count: int) -> list[int]:
    return batch[rank - 1 :: count] if rank else batch[count - 1 :: count]


def _never_empty(batch: list[int], rank: int, count: int) -> list[int]:
    return batch[rank::count] or batch[:1]


SHARE_SLIPS = (
    (_block, "These rows stand side by side. A batch is sorted by length, so that one process "
     "would get all the long ones: take every `count`-th row."),
    (_from_one, "Ranks count from 0, as rows do: the first process begins with the first row."),
    (_even_only, "Rows that are left over belong to somebody, too: shares need not be equal."),
    (_never_empty, "A process may have nothing to do: here, give back an empty list."),
)  # fmt: skip


def shares(answer: Answer) -> None:
    """A function from a batch and a rank to a share."""
    for arguments in BATCHES:
        answer.compare(my_share, arguments, list[int], SHARE_SLIPS)


# 10.2 --------------------------------------------------------------------------------------------
SHARED_GRADIENTS: tuple[tuple[list[float], list[int]], ...] = (
    ([2.0, 4.0], [5, 5]),
    ([1.0, 9.0], [4, 1]),
    ([1.0, 2.0, 6.0], [3, 0, 1]),
    ([-1.0, 1.0], [1, 3]),
    ([0.0, 0.0], [0, 0]),
)


def whole_gradient(gradients: list[float], words: list[int]) -> float:
    """Return the mean of gradients, weighted by words."""
    total = sum(g * n for g, n in zip(gradients, words, strict=True))
    return total / max(1, sum(words))


def _plain_mean(gradients: list[float], words: list[int]) -> float:
    return sum(gradients) / len(gradients)


def _plain_sum(gradients: list[float], words: list[int]) -> float:
    return sum(gradients)


def _weighted_sum(gradients: list[float], words: list[int]) -> float:
    return whole_gradient(gradients, words) * max(1, sum(words))


def _by_processes(gradients: list[float], words: list[int]) -> float:
    return _weighted_sum(gradients, words) / len(gradients)


GRADIENT_SLIPS = (
    (_plain_sum, "That is the sum. The loss is a mean over words, and so is its gradient."),
    (_plain_mean, "Each *word* counts the same, not each process: weigh by the words."),
    (_weighted_sum, "Divide by the number of words in all processes together."),
    (_by_processes, "Divide by the number of words, not by the number of processes."),
)  # fmt: skip


def gradients(answer: Answer) -> None:
    """A function from gradients and words to one gradient."""
    for arguments in SHARED_GRADIENTS:
        answer.compare(whole_gradient, arguments, float, GRADIENT_SLIPS)


# 10.3 --------------------------------------------------------------------------------------------
CUTS = ((10, 5), (11, 5), (3, 10), (1, 1), (7, 3), (0, 5))


def cut(rows: int, shard_rows: int) -> list[tuple[int, int]]:
    """Return first row and number of rows of each shard."""
    starts = range(0, rows, shard_rows)
    return [(start, min(shard_rows, rows - start)) for start in starts]


def _all_full(rows: int, shard_rows: int) -> list[tuple[int, int]]:
    return [(start, shard_rows) for start in range(0, rows, shard_rows)]


def _full_only(rows: int, shard_rows: int) -> list[tuple[int, int]]:
    return [(n * shard_rows, shard_rows) for n in range(rows // shard_rows)]


def _with_an_empty_one(rows: int, shard_rows: int) -> list[tuple[int, int]]:
    starts = range(0, rows + 1, shard_rows)
    return [(start, min(shard_rows, rows - start)) for start in starts]


def _ends(rows: int, shard_rows: int) -> list[tuple[int, int]]:
    return [(start, start + count) for start, count in cut(rows, shard_rows)]


CUT_SLIPS = (
    (_with_an_empty_one, "The last shard has no rows, so there is nothing to do for it."),
    (_ends, "The second number is *how many* rows a shard has, not where it ends."),
    (_all_full, "The last shard ends where the file does: it may have fewer rows."),
    (_full_only, "The rows behind the last full shard are lost: they make a shard as well."),
)  # fmt: skip


def shards(answer: Answer) -> None:
    """A function from numbers of rows to shards."""
    for arguments in CUTS:
        answer.compare(cut, arguments, list[tuple[int, int]], CUT_SLIPS)


# 10.4 --------------------------------------------------------------------------------------------
A, B, C = "00000-000000000000", "00000-000000000250", "00001-000000000000"
FOLDERS: tuple[tuple[list[str], list[str]], ...] = (
    ([A, B, C], [f"{B}.parquet"]),
    ([A, B, C], [f"{C}.parquet", f"{A}.parquet"]),
    ([A, B, C], [f".{A}.parquet.x1y2.part", f"{B}.parquet"]),
    ([C, A, B], []),
    ([A, B], [f"{B}.parquet", f"{A}.parquet", f".{A}.parquet.9f3c.part"]),
)


def left_to_do(shards: list[str], files: list[str]) -> list[str]:
    """Return the shards whose part is not there, in order."""
    return [name for name in shards if f"{name}.parquet" not in files]


def _half_is_done(shards: list[str], files: list[str]) -> list[str]:
    return [name for name in shards if not any(name in file for file in files)]


def _done(shards: list[str], files: list[str]) -> list[str]:
    return [name for name in shards if f"{name}.parquet" in files]


def _by_number(shards: list[str], files: list[str]) -> list[str]:
    return shards[len(files) :]


def _without_ending(shards: list[str], files: list[str]) -> list[str]:
    return [name for name in shards if name not in files]


def _in_another_order(shards: list[str], files: list[str]) -> list[str]:
    return sorted(left_to_do(shards, files))


LEFT_SLIPS = (
    (_done, "These are the shards that are done. Which are left?"),
    (_without_ending, "A part's name is the shard's name with `.parquet` behind it."),
    (_by_number, "Shards are done in any order: how many parts there are does not say which."),
    (_half_is_done, "A hidden file is half of a part, left by a kill: its shard is not done."),
    (_in_another_order, "Keep the order in which the shards were given."),
)  # fmt: skip


def what_is_left(answer: Answer) -> None:
    """A function from shards and files to shards."""
    for arguments in FOLDERS:
        answer.compare(left_to_do, arguments, list[str], LEFT_SLIPS)


# 10.5 --------------------------------------------------------------------------------------------
JOBS = (
    (3_600_000, 1000.0, 1, 1.0),
    (36_000_000, 500.0, 10, 1.0),
    (36_000_000, 500.0, 10, 0.5),
    (1_000_000_000, 800.0, 64, 0.9),
)


def hours(rows: int, per_second: float, cores: int, kept: float) -> float:
    """Return how many hours the rows take."""
    return rows / (per_second * cores * kept) / 3600


def _seconds(rows: int, per_second: float, cores: int, kept: float) -> float:
    return hours(rows, per_second, cores, kept) * 3600


def _core_hours(rows: int, per_second: float, cores: int, kept: float) -> float:
    return hours(rows, per_second, cores, kept) * cores


def _nothing_lost(rows: int, per_second: float, cores: int, kept: float) -> float:
    return hours(rows, per_second, cores, 1)


def _faster(rows: int, per_second: float, cores: int, kept: float) -> float:
    return hours(rows, per_second, cores, 1) * kept


HOUR_SLIPS = (
    (_seconds, "That is in seconds; an hour has 3,600 of them."),
    (_core_hours, "These are hours of cores, which are paid for. The cores work side by side: how "
     "long does one wait?"),
    (_nothing_lost, "Among many, a core keeps only the share `kept` of its speed."),
    (_faster, "With a smaller share of the speed it takes longer, not less long."),
)  # fmt: skip


def how_long(answer: Answer) -> None:
    """A function from a job to hours."""
    for arguments in JOBS:
        answer.compare(hours, arguments, float, HOUR_SLIPS)


EXERCISES = (
    Exercise(
        "10.1", "Shares", shares,
        "Every so many-th row of a sorted batch gives each process short and long ones.",
    ),
    Exercise(
        "10.2", "One gradient from many", gradients,
        "Weighted by words, the gradients of the shares are the gradient of the batch.",
    ),
    Exercise(
        "10.3", "Cut a file", shards,
        "A shard is known before anything is read, so that it can be done by anybody, at any time.",
    ),
    Exercise(
        "10.4", "What is left", what_is_left,
        "A file that appears whole or not at all is all the memory that a restart needs.",
    ),
    Exercise(
        "10.5", "How long", how_long,
        "Where rows do not depend on one another, time is a division.",
    ),
)  # fmt: skip
