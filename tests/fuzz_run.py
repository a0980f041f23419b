"""Look for inputs that break a promise, guided by coverage: `make fuzz`, on Linux.

python tests/fuzz_run.py                              # 10 million parser, 100,000 pipeline inputs
python tests/fuzz_run.py --parser 200000 --pipeline 2000 --jobs 1

Several processes a target; each starts from the seeds in `tests/fuzz/seeds` and from what earlier
runs found, which is kept in `build/fuzz`. An input that fails is written to
`build/fuzz/crashes/TARGET`: mend the code, then keep the input in `tests/fuzz/crashes/TARGET`,
where `test_fuzz.py` replays it for ever.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SEEDS = HERE / "fuzz" / "seeds"
WORK = Path(os.environ.get("NERLIB_FUZZ_WORK", ROOT / "build" / "fuzz"))
PIPELINE = ("alignment", "windows", "corpus", "command_line")
LONGEST = {"parser": 160, "alignment": 160, "windows": 120, "corpus": 1200, "command_line": 200}
SECONDS_AN_INPUT = 30  # far beyond any honest input: only an endless one takes that
DONE = re.compile(r"stat::number_of_executed_units: (\d+)")


@dataclass(frozen=True)
class Job:
    """One process: which target, how many inputs, and the seed of its random numbers."""

    target: str
    runs: int
    number: int

    def command(self) -> list[str]:
        """How to start it."""
        return [sys.executable, __file__, "--target", self.target, f"--runs={self.runs}",
                f"--number={self.number}"]  # fmt: skip

    def log(self) -> Path:
        """Where it writes what libFuzzer says."""
        return WORK / "logs" / f"{self.target}-{self.number}.log"


def fuzz_here(job: Job) -> None:
    """Fuzz one target in this process; does not return."""
    import atheris

    os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")
    sys.path.insert(0, str(HERE))
    with atheris.instrument_imports(include=["nerlib"]):
        import fuzz_targets
    import torch

    torch.set_num_threads(1)
    found = WORK / "corpus" / job.target
    crashes = WORK / "crashes" / job.target
    for folder in (found, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    options = [
        f"-runs={job.runs}", f"-seed={1000 + job.number}", f"-max_len={LONGEST[job.target]}",
        f"-timeout={SECONDS_AN_INPUT}", f"-artifact_prefix={crashes}{os.sep}",
        f"-dict={HERE / 'fuzz' / 'tokens.dict'}", "-print_final_stats=1", "-rss_limit_mb=4096",
        str(found), str(SEEDS / job.target),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options], fuzz_targets.TARGETS[job.target])
    atheris.Fuzz()


def jobs_of(parser: int, pipeline: int, processes: int) -> list[list[Job]]:
    """The jobs in rounds: the processes of one round run side by side."""
    shares = {"parser": parser, **{name: pipeline // len(PIPELINE) for name in PIPELINE}}
    return [
        [Job(name, -(-share // processes), number) for number in range(processes)]
        for name, share in shares.items()
        if share
    ]


def run_round(jobs: Sequence[Job]) -> tuple[int, bool]:
    """Run some jobs side by side; return how many inputs they tried, and whether all held."""
    processes = []
    for job in jobs:
        job.log().parent.mkdir(parents=True, exist_ok=True)
        with job.log().open("wb") as log:
            processes.append(
                subprocess.Popen(job.command(), stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
            )
    statuses = [process.wait() for process in processes]  # of all, also behind one that failed
    logs = [job.log().read_text(encoding="utf-8", errors="replace") for job in jobs]
    return sum(int(DONE.findall(log)[-1]) for log in logs if DONE.search(log)), not any(statuses)


def run_all(parser: int, pipeline: int, processes: int) -> int:
    """Run every target, say what happened, and write it to `build/fuzz/result.json`."""
    results, good = {}, True
    for jobs in jobs_of(parser, pipeline, processes):
        started = time.perf_counter()
        inputs, held = run_round(jobs)
        seconds = time.perf_counter() - started
        name = jobs[0].target
        results[name] = {"inputs": inputs, "seconds": round(seconds), "held": held}
        print(f"{name:<14}{inputs:>12,} inputs {seconds:>7.0f} s  {'held' if held else 'FAILED'}",
              flush=True)  # fmt: skip
        if not held:
            print(f"  see {WORK / 'logs'} and {WORK / 'crashes' / name}")
        good = good and held
    (WORK / "result.json").write_text(json.dumps(results, indent=2), encoding="utf-8")
    return int(not good)


def main() -> int:
    """Start the processes, or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parser", type=int, default=10_000_000, help="inputs for the parser")
    parser.add_argument("--pipeline", type=int, default=100_000, help="inputs for all the rest")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    parser.add_argument("--target", choices=("parser", *PIPELINE), help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.target:
        fuzz_here(Job(options.target, options.runs, options.number))
    return run_all(options.parser, options.pipeline, options.jobs)


if __name__ == "__main__":
    sys.exit(main())
