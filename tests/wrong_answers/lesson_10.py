"""What people get wrong in lesson 10."""

from __future__ import annotations


def takes_a_block(batch, rank, count):
    size = -(-len(batch) // count)
    return batch[rank * size : (rank + 1) * size]


def drops_what_is_left_over(batch, rank, count):
    return [batch[n] for n in range(rank, len(batch) // count * count, count)]


def counts_ranks_from_one(batch, rank, count):
    return [row for n, row in enumerate(batch) if n % count == (rank - 1) % count]


def gives_the_idle_something(batch, rank, count):
    return batch[rank::count] or [batch[0]]


def averages_processes(gradients, words):
    return sum(gradients) / len(words)


def adds_gradients(gradients, words):
    return float(sum(gradients))


def forgets_to_divide(gradients, words):
    return sum(g * w for g, w in zip(gradients, words, strict=True))


def divides_by_processes(gradients, words):
    return sum(g * w for g, w in zip(gradients, words, strict=True)) / len(words)


def divides_by_no_words(gradients, words):
    return sum(g * w for g, w in zip(gradients, words, strict=True)) / sum(words)


def fills_every_shard(rows, shard_rows):
    return [(start, shard_rows) for start in range(0, rows, shard_rows)]


def forgets_the_rest(rows, shard_rows):
    return [(n * shard_rows, shard_rows) for n in range(rows // shard_rows)]


def goes_one_too_far(rows, shard_rows):
    return [(s, min(shard_rows, rows - s)) for s in range(0, rows + 1, shard_rows)]


def gives_ends(rows, shard_rows):
    return [(s, min(s + shard_rows, rows)) for s in range(0, rows, shard_rows)]


def takes_half_for_done(shards, files):
    return [shard for shard in shards if not [file for file in files if shard in file]]


def gives_the_done_ones(shards, files):
    return [shard for shard in shards if shard + ".parquet" in files]


def counts_files(shards, files):
    return shards[len(files) :]


def forgets_the_ending(shards, files):
    return [shard for shard in shards if shard not in files]


def sorts(shards, files):
    return sorted({shard for shard in shards if shard + ".parquet" not in files})


def stays_in_seconds(rows, per_second, cores, kept):
    return rows / per_second / cores / kept


def adds_up_cores(rows, per_second, cores, kept):
    return rows / per_second / kept / 3600


def forgets_the_share(rows, per_second, cores, kept):
    return rows / per_second / cores / 3600


def gets_faster(rows, per_second, cores, kept):
    return rows / per_second / cores * kept / 3600


WRONG = {
    "10.1": [
        (takes_a_block, "stand side by side"),
        (drops_what_is_left_over, "left over"),
        (counts_ranks_from_one, "Ranks count from 0"),
        (gives_the_idle_something, "nothing to do"),
    ],
    "10.2": [
        (averages_processes, "Each *word* counts the same"),
        (adds_gradients, "That is the sum"),
        (forgets_to_divide, "in all processes together"),
        (divides_by_processes, "not by the number of processes"),
        (divides_by_no_words, "ZeroDivisionError"),
    ],
    "10.3": [
        (fills_every_shard, "ends where the file does"),
        (forgets_the_rest, "are lost"),
        (goes_one_too_far, "has no rows"),
        (gives_ends, "*how many* rows"),
    ],
    "10.4": [
        (takes_half_for_done, "half of a part"),
        (gives_the_done_ones, "Which are left?"),
        (counts_files, "does not say which"),
        (forgets_the_ending, "with `.parquet` behind it"),
        (sorts, "Keep the order"),
    ],
    "10.5": [
        (stays_in_seconds, "That is in seconds"),
        (adds_up_cores, "side by side"),
        (forgets_the_share, "keeps only the share"),
        (gets_faster, "takes longer"),
    ],
}
