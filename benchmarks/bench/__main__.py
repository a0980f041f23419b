"""How fast training and tagging run, beside what people would use instead.

    python -m benchmarks.bench            # `make bench`: prints a table of ratios
    python -m benchmarks.bench --output benchmarks/results.json

All contenders work in this process on the same rows with the same encoder, batch size, optimiser
and number of threads, and take turns; a ratio divides speeds of the same round. The rows are
MASSIVE en-US where NERLIB_MASSIVE_DIR is set, else the packaged sample.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.bench import memory, tag_contenders, train_contenders
from benchmarks.bench.material import Material, gather, silence
from benchmarks.bench.ratios import Ratio, Speeds, compare, speed, speed_table, take_turns
from benchmarks.measured import OURS, about, write_json
from nerlib.course.tutorial_rebuilt import TutorialDataset, TutorialParser
from nerlib.dataset import NERDataset
from nerlib.device import Precision, fast_bf16, set_threads
from nerlib.optimization import TrainConfig


def bench_training(
    material: Material, precision: Precision, rounds: int, rows: int
) -> tuple[list[Ratio], Speeds]:
    """Return the ratios of training, and all speeds in utterances a second."""
    with train_contenders.trainers(material, precision, rows) as contenders:
        speeds = take_turns(contenders, rounds)
    ours = speeds[OURS]
    others = [name for name in speeds if name != OURS]
    return [compare("training", name, precision, ours, speeds[name]) for name in others], speeds


def bench_tagging(
    material: Material, precision: Precision, rounds: int
) -> tuple[list[Ratio], Speeds]:
    """Return the ratios of tagging text to entities, in bulk and one sentence at a time."""
    speeds = take_turns(tag_contenders.taggers(material, precision), rounds)
    single = take_turns(tag_contenders.single_sentence(material, precision), rounds)
    others = tag_contenders.ONE_BY_ONE, tag_contenders.PIPELINE
    ours = speeds[OURS]
    ratios = [compare("tagging", name, precision, ours, speeds[name]) for name in others]
    alone, bare = single[OURS], single["bare encoder"]
    ratios.append(
        compare(
            "one sentence, time", "bare encoder's forward", precision, alone, bare, durations=True
        )
    )
    return ratios, {**speeds, **{f"one sentence, {name}": single[name] for name in single}}


def bench_preparation(material: Material, rounds: int) -> tuple[list[Ratio], Speeds]:
    """Return the ratio of parsing and aligning a whole locale."""
    rows, tokenizer = list(material.locale), material.tokenizer

    def ours() -> object:
        return NERDataset(rows, tokenizer, material.tags, material.parser)

    def theirs() -> object:
        return TutorialDataset(rows, tokenizer, TutorialParser())

    made = {OURS: ours, "tutorial's preprocessing": theirs}
    speeds = take_turns({n: partial(speed, work, len(rows)) for n, work in made.items()}, rounds)
    fast, slow = speeds.values()
    return [compare("parsing, aligning", list(made)[1], "", fast, slow)], speeds


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Run everything and return what goes into the file of results."""
    material = gather(options.rows, options.texts, options.device)
    facts = about(
        "benchmarks.bench",
        material.recipe,
        TrainConfig(device=material.config.device),
        train_rows=len(material.rows),
        tagged_texts=len(material.texts),
        batch_size=material.config.batch_size,
        rounds=options.rounds,
    )
    print(f"{facts['corpus']}, {facts['machine']}, {facts['compute']}", flush=True)
    ratios: list[Ratio] = []
    speeds: dict[str, Speeds] = {}
    device = material.compute("fp32").device.type
    precisions: list[Precision] = ["fp32", "bf16"] if fast_bf16(device) else ["fp32"]
    for precision in precisions:
        part, found = bench_training(material, precision, options.rounds, options.tutorial_rows)
        ratios, speeds[f"training, {precision}"] = ratios + part, found
        part, found = bench_tagging(material, precision, options.rounds)
        ratios, speeds[f"tagging, {precision}"] = ratios + part, found
    part, speeds["parsing and aligning"] = bench_preparation(material, options.rounds)
    ratios += part
    return {
        **facts,
        "ratios": [asdict(ratio) for ratio in ratios],
        "peak_mb": round(memory.measure(memory.training, options.threads), 1),
        "per_second": {
            part: {name: [round(speed, 1) for speed in all_] for name, all_ in found.items()}
            for part, found in speeds.items()
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench, print the table, and write the results where that is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=640, help="rows of an epoch")
    parser.add_argument("--tutorial-rows", type=int, default=24, help="rows for its slow loop")
    parser.add_argument("--texts", type=int, default=1024, help="texts to tag")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, help="CPU threads (one a core)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--output", type=Path, help="also write the results (JSON)")
    options = parser.parse_args(arguments)
    set_threads(options.threads)
    results = run(options)
    print(speed_table(results))
    if options.output:
        write_json(options.output, results)
        print(f"wrote {options.output}")
    return 0


if __name__ == "__main__":
    silence()
    sys.exit(main())
