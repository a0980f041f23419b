"""Where this course's tagger stands: others on the same rows, and this one in other engines.

    python -m benchmarks.standing                      # writes benchmarks/standing.json
    python -m benchmarks.standing --recipe massive-offline

All are scored on the recipe's validation rows by nerlib's scorer on nerlib's words; the networks
keep the weights that were best on these very rows. Speeds are from a list of texts to entities, all
taggers taking turns. Needs the extras `bench`, `exchange`, `export` and `scale`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bench.material import silence
from benchmarks.bench.ratios import Contender, speed, take_turns
from benchmarks.measured import OURS, RESULTS_FOLDER, TRAINER, about, markdown_table, write_json
from nerlib.device import set_threads
from nerlib.tools.extras import require_extra
from nerlib.tools.recipes import Experiment, get_recipe, prepare

RESULTS, ROUNDS = RESULTS_FOLDER / "standing.json", 3  # of tagging all texts
EXTRAS: dict[str, list[str]] = {
    "bench": ["sklearn_crfsuite"],
    "exchange": ["spacy"],
    "scale": ["accelerate"],
    "export": ["onnx", "onnxscript", "onnxruntime", "openvino", "nncf"],
}
PACKAGES = ("transformers", "spacy", "sklearn-crfsuite", "onnxruntime", "openvino")


@dataclass(frozen=True)
class Outcome:
    """One line of the table; `seconds` are those from the rows to a tagger that is saved."""

    name: str
    f1: float
    massive_f1: float
    megabytes: float
    seconds: float
    texts: float = 0.0  # a second
    words: float = 0.0  # a second


def measure(made: Experiment) -> list[Outcome]:
    """Train and score every contender, then let them take turns at tagging the validation rows."""
    from benchmarks.bench.ner_contenders import CONTENDERS, score  # slow to import

    texts = [row.text for row in made.validation_set.utterances]
    words = sum(len(row.words) for row in made.validation_set.utterances)
    outcomes, turns = list[Outcome](), dict[str, Contender]()
    with tempfile.TemporaryDirectory() as top:
        for name, contender in CONTENDERS.items():
            print(f"{name}:", flush=True)
            (folder := Path(top) / name).mkdir()
            started = time.perf_counter()
            find = contender(made, folder)
            seconds = round(time.perf_counter() - started, 2)
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
            f1s = round((scores := score(made, find)).overall.f1, 4), round(scores.massive_f1, 4)
            outcomes.append(Outcome(name, *f1s, round(size, 4), seconds))
            turns[name] = partial(speed, partial(find, texts), len(texts))
    found = take_turns(turns, ROUNDS)
    rates = [round(median(found[one.name]), 1) for one in outcomes]
    each = round(words / len(texts), 2)
    pairs = zip(outcomes, rates, strict=True)
    return [replace(one, texts=rate, words=round(rate * each, 1)) for one, rate in pairs]


def table(results: dict[str, Any]) -> str:
    """Return the outcomes as a Markdown table, what they were measured with, and who is ahead."""
    outcomes = [Outcome(**outcome) for outcome in results["outcomes"]]
    trainer, ours = (one for name in (TRAINER, OURS) for one in outcomes if one.name == name)
    head = "tagger | strict F1 | MASSIVE's F1 | texts a second | words a second | MB | trained in"
    form = "{name};{f1:.3f};{massive_f1:.3f};{texts:,.0f};{words:,.0f};"
    form += "{megabytes:,.2f};{seconds:,.1f} s"
    rows = [form.format(**asdict(one)).split(";") for one in outcomes]
    best, fast = (max(outcomes, key=attrgetter(name)) for name in ("f1", "words"))
    small, soon = (min(outcomes, key=attrgetter(name)) for name in ("megabytes", "seconds"))
    facts = "{corpus}, {locale}: {train_rows:,} rows to train on, {validation_rows:,} to score; "
    facts += "{machine}, {compute}; torch {torch}, {others}."
    gap, times = f"{ours.f1 - trainer.f1:+.3f}", f"{ours.words / trainer.words:.1f}"
    return (
        f"{markdown_table(head, rows)}\n\n{facts.format(**results)}\n\n"
        f"The highest strict F1 has: {best.name}. The most words a second: {fast.name}, "
        f"{fast.words / ours.words:,.1f} times as many as this course. The smallest on disk: "
        f"{small.name}. The shortest training: {soon.name}. Against Trainer, with all layers of "
        f"the same encoder and as many epochs, this course has {gap} strict F1 and {times} times "
        "the words a second."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all contenders, write the results, and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.standing", description=__doc__)
    parser.add_argument("--recipe", default="offline", help="a name from `nerlib recipes`")
    recipe = get_recipe(parser.parse_args(arguments).recipe)
    for extra, modules in EXTRAS.items():
        require_extra(extra, *modules)
    set_threads()
    made = prepare(recipe)
    sizes = {"train_rows": len(made.train_set), "validation_rows": len(made.validation_set)}
    others = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    how = {"recipe": recipe.name, **sizes, "others": others}
    facts = about("benchmarks.standing", recipe, recipe.settings, **how)
    results = {**facts, "outcomes": [asdict(one) for one in measure(made)]}
    write_json(RESULTS, results)
    print(table(results))
    return 0


if __name__ == "__main__":
    silence()
    sys.exit(main())
