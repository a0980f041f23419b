"""How good the packaged encoder gets on MASSIVE en-US: over seeds, numbers of rows, and settings.

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
from multiprocessing import get_context
from statistics import mean, stdev

from benchmarks.measured import RESULTS_FOLDER, about, markdown_table, measured_before, write_json
from nerlib.addons.train import train
from nerlib.analysis.significance import bootstrap_f1, count_entities
from nerlib.device import available_cores, choose_compute, set_threads
from nerlib.evaluation import predict_tags
from nerlib.tools.recipes import Recipe, get_recipe, prepare, shortened

RESULTS, SEEDS = RESULTS_FOLDER / "accuracy.json", [0, 1, 2]
SIZES = (1_000, None, 3_000, 300, 100)  # None: all rows; what matters most comes first
ABLATED_ROWS = 1_000
FULL = "the recipe"
SETTINGS = (  # those that are written down
    *("batch_size", "epochs", "learning_rate", "head_rate_factor"),
    *("masked_subwords", "label_smoothing", "consistency"),
)

Job = tuple[str, Recipe, int | None, int]  # name, recipe, rows (None: all), seed


@dataclass(frozen=True)
class Outcome:
    """One training: what was trained, and its scores on validation.

    `f1` and `massive_f1` are those of the epoch that was best on these very rows, as `train` keeps
    it; `last_f1` and `last_massive_f1` are those of the last epoch, which nothing was chosen by.
    """

    variant: str
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
    def job(self) -> tuple[str, int, int]:
        """What was trained: with which settings, on how many rows, from which seed."""
        return self.variant, self.rows, self.seed


def variants(recipe: Recipe) -> dict[str, Recipe]:
    """Return the recipe, and the recipe with one of its settings changed at a time."""
    settings = recipe.settings
    return {
        FULL: recipe,
        "no subwords masked": replace(recipe, settings=replace(settings, masked_subwords=0.0)),
        "each utterance read once": replace(recipe, settings=replace(settings, consistency=0.0)),
        "label smoothing of 0.1": replace(recipe, settings=replace(settings, label_smoothing=0.1)),
    }


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


def train_one(name: str, recipe: Recipe, rows: int | None, seed: int) -> Outcome:
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
    return Outcome(name, count, epochs, seed, *(round(one, 4) for one in found))


def jobs(seeds: Sequence[int], recipe: Recipe) -> Iterable[Job]:
    """Yield every training: the curve from few rows to all, then the settings changed."""
    every = variants(recipe)
    for rows in SIZES:
        for seed in seeds:
            yield FULL, recipe, rows, seed
    for name in list(every)[1:]:
        for seed in seeds:
            yield name, every[name], ABLATED_ROWS, seed


def train_all(todo: Sequence[Job], processes: int) -> Iterator[Outcome]:
    """Yield the outcome of every training as soon as it is there; several go on at a time."""
    if processes == 1:
        yield from (train_one(*job) for job in todo)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(train_one, *job) for job in todo]):
            yield future.result()


def summary(outcomes: Iterable[Outcome], value: Callable[[Outcome], float]) -> str:
    """Return the mean over seeds, and the standard deviation after it.

    >>> example = Outcome("the recipe", 100, 1, 0, 0.5, 0.4, 0.6, 0.52, 0.5, 0.51, 3.0)
    >>> summary([example, replace(example, f1=0.6)], lambda outcome: outcome.f1)
    '0.550 ± 0.071'
    """
    values = [value(outcome) for outcome in outcomes]
    spread = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
    return f"{mean(values):.3f}{spread}"


def tables(outcomes: Sequence[Outcome]) -> str:
    """Return the curve and the ablations as Markdown tables."""
    rest = " | epochs | strict entity F1 | MASSIVE's metric | last epoch: F1, metric | seconds"
    sizes = {f"{o.rows:,}": o.rows for o in sorted(outcomes, key=lambda o: o.rows)}
    curve = {name: [o for o in outcomes if o.job[:2] == (FULL, n)] for name, n in sizes.items()}
    names = dict.fromkeys(outcome.variant for outcome in outcomes)
    ablated = {n: [o for o in outcomes if o.job[:2] == (n, ABLATED_ROWS)] for n in names}
    found = {"rows": curve, f"{ABLATED_ROWS:,} rows": ablated}
    return "\n\n".join(
        markdown_table(head + rest, [_cells(name, same) for name, same in lines.items() if same])
        for head, lines in found.items()
    )


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
    done, every = {outcome.job for outcome in outcomes}, {}
    for name, variant, rows, seed in jobs(SEEDS, recipe):
        every[name, rows or count_rows(recipe), seed] = name, variant, rows, seed
    order, todo = [*every], [job for key, job in every.items() if key not in done]
    for outcome in train_all(todo, available_cores()):
        outcomes = sorted([*outcomes, outcome], key=lambda outcome: order.index(outcome.job))
        print(outcome, flush=True)
        write_json(RESULTS, {**facts, "outcomes": [asdict(o) for o in outcomes]})
    print(tables(outcomes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
