"""How good the packaged encoder gets on MASSIVE en-US: over seeds and numbers of rows.

    NERLIB_MASSIVE_DIR=… python -m benchmarks.results      # `make results`

Trains recipe `massive-offline` and scores it on validation; writes benchmarks/accuracy.json after
each training, and goes on where an earlier run of the same kind was stopped. Where there are two
cores, two trainings run side by side, each on a core of its own: that takes less time than one
after the other on both.
"""

import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from multiprocessing import get_context
from operator import attrgetter
from statistics import mean, stdev

from benchmarks.measured import RESULTS_FOLDER, about, markdown_table, measured_before, write_json
from nerlib.addons.train import train
from nerlib.analysis.significance import bootstrap_f1, count_entities
from nerlib.device import available_cores, choose_compute, set_threads
from nerlib.evaluation import predict_tags
from nerlib.tools.recipes import Recipe, get_recipe, prepare, shortened

RESULTS, SEEDS = RESULTS_FOLDER / "accuracy.json", [0, 1, 2]
SIZES = (1_000, None, 3_000, 300, 100)  # None: all rows; what matters most comes first
SETTINGS = (  # those that are written down
    *("batch_size", "epochs", "learning_rate", "head_rate_factor"),
    *("masked_subwords", "label_smoothing", "consistency"),
)

Job = tuple[Recipe, int | None, int]  # recipe, rows (None: all), seed


@dataclass(frozen=True)
class Outcome:
    """One training: what was trained, and its scores on validation.

    `f1` and `massive_f1` are those of the epoch that was best on these very rows, as `train` keeps
    it; `last_f1` and `last_massive_f1` are those of the last epoch, which nothing was chosen by.
    """

    rows: int
    epochs: int
    seed: int
    f1: float
    low: float
    high: float
    massive_f1: float
    last_f1: float
    last_massive_f1: float
    seconds: float

    @property
    def job(self) -> tuple[int, int]:
        """What was trained: on how many rows, from which seed."""
        return self.rows, self.seed


def epochs_for(rows: int, recipe: Recipe) -> int:
    """Return the number of epochs: fewer rows are gone through more often, or the steps run out.

    15 for 1,000 rows, growing with the square root of how many times fewer there are; never fewer
    than the recipe's own.

    >>> recipe = get_recipe("massive-offline")
    >>> [epochs_for(rows, recipe) for rows in (100, 1_000)]
    [47, 15]
    """
    return max(recipe.settings.epochs, round(15 * math.sqrt(1_000 / rows)))


def count_rows(recipe: Recipe) -> int:
    """Return how many training rows there are."""
    return len(recipe.corpus("train"))


def train_one(recipe: Recipe, rows: int | None, seed: int) -> Outcome:
    """Train once, on the first rows or on all, and return the scores."""
    count = rows or count_rows(recipe)
    epochs = epochs_for(count, recipe)
    recipe = shortened(recipe, rows, epochs)
    recipe = replace(recipe, settings=replace(recipe.settings, seed=seed))
    made, started = prepare(recipe), time.perf_counter()
    what = made.model, made.train_set, made.validation_set, recipe.settings
    history = train(*what, report=lambda line: None)
    seconds = round(time.perf_counter() - started, 1)
    compute = choose_compute(recipe.settings.device, recipe.settings.precision)
    predicted, _ = predict_tags(made.model, made.validation_set, compute)
    sure = bootstrap_f1(count_entities(made.validation_set.gold, predicted))
    found = [sure.value, sure.low, sure.high, history.best.massive_f1]
    found += [history[-1].f1, history[-1].massive_f1, seconds]
    return Outcome(count, epochs, seed, *(round(one, 4) for one in found))


def jobs(seeds: Sequence[int], recipe: Recipe) -> list[Job]:
    """Return every training: each number of rows with each seed."""
    return [(recipe, rows, seed) for rows in SIZES for seed in seeds]


def train_all(todo: Sequence[Job], processes: int) -> Iterator[Outcome]:
    """Yield the outcome of every training as soon as it is there; several go on at a time."""
    if processes == 1:
        yield from (train_one(*job) for job in todo)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(train_one, *job) for job in todo]):
            yield future.result()


def summary(outcomes: Iterable[Outcome], value: Callable[[Outcome], float]) -> str:
    """Return the mean over seeds, and the standard deviation behind it.

    >>> example = Outcome(100, 1, 0, 0.5, 0.4, 0.6, 0.52, 0.5, 0.51, 3.0)
    >>> summary([example, replace(example, f1=0.6)], lambda outcome: outcome.f1)
    '0.550 ± 0.071'
    """
    values = [value(outcome) for outcome in outcomes]
    spread = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
    return f"{mean(values):.3f}{spread}"


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the curve from few rows to all as a Markdown table."""
    head = "rows | epochs | strict entity F1 | MASSIVE's metric | last epoch: F1, metric | seconds"
    curve = groupby(sorted(outcomes, key=attrgetter("rows")), attrgetter("rows"))
    return markdown_table(head, [_cells(f"{rows:,}", list(same)) for rows, same in curve])


def _cells(name: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return one line of a table."""
    strict, metric = summary(outcomes, lambda o: o.f1), summary(outcomes, lambda o: o.massive_f1)
    last = summary(outcomes, lambda o: o.last_f1), summary(outcomes, lambda o: o.last_massive_f1)
    seconds = f"{mean(o.seconds for o in outcomes):.0f}"
    return name, f"{outcomes[0].epochs}", strict, metric, ", ".join(last), seconds


def main() -> int:
    """Train everything, write the results after each training, and print the tables."""
    if not os.environ.get("NERLIB_MASSIVE_DIR"):
        print("set NERLIB_MASSIVE_DIR to the folder with MASSIVE's files", file=sys.stderr)
        return 2
    set_threads(1)
    recipe = get_recipe("massive-offline")
    recipe = replace(recipe, settings=replace(recipe.settings, threads=1))
    own = {name: getattr(recipe.settings, name) for name in SETTINGS}
    made = {"settings": own, "model_settings": dict(recipe.model_settings)}
    facts = about("benchmarks.results", recipe, recipe.settings, seeds=SEEDS, **made)
    outcomes = [Outcome(**one) for one in measured_before(RESULTS, facts, "outcomes") or []]
    done = {outcome.job for outcome in outcomes}
    every = {(job[1] or count_rows(recipe), job[2]): job for job in jobs(SEEDS, recipe)}
    order, todo = [*every], [job for key, job in every.items() if key not in done]
    for outcome in train_all(todo, available_cores()):
        outcomes = sorted([*outcomes, outcome], key=lambda outcome: order.index(outcome.job))
        print(outcome, flush=True)
        write_json(RESULTS, {**facts, "outcomes": [asdict(o) for o in outcomes]})
    print(table(outcomes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
