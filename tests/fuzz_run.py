"""Look for inputs that break a promise, guided by coverage: `make fuzz`, on Linux.

python tests/fuzz_run.py                              # 10 million parser, 100,000 pipeline inputs
python tests/fuzz_run.py --parser 200000 --pipeline 2000 --jobs 1

Several processes a target; each starts from the seeds in `tests/fuzz/seeds` and from what earlier
runs found, which is kept in `build/fuzz`. An input that fails is written to
`build/fuzz/crashes/TARGET`: mend the code, then keep the input in `tests/fuzz/crashes/TARGET`,
where `test_fuzz.py` replays it for ever.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WORK = Path(os.environ.get("NERLIB_FUZZ_WORK", ROOT / "build" / "fuzz"))
LONGEST = {"parser": 160, "alignment": 160, "windows": 120, "corpus": 1200, "command_line": 200}
PIPELINE = tuple(LONGEST)[1:]
SECONDS_AN_INPUT = 30  # far beyond any honest input: only an endless one takes that
DONE = re.compile(r"stat::number_of_executed_units: (\d+)")


def fuzz_here(target: str, runs: int, number: int) -> None:
    """Fuzz one target in this process; does not return."""
    import atheris

    os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")
    sys.path.insert(0, str(HERE))
    with atheris.instrument_imports(include=["nerlib"]):
        import fuzz_targets
    import torch

    torch.set_num_threads(1)
    found, crashes = WORK / "corpus" / target, WORK / "crashes" / target
    for folder in (found, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    options = [
        f"-runs={runs}", f"-seed={1000 + number}", f"-max_len={LONGEST[target]}",
        f"-timeout={SECONDS_AN_INPUT}", f"-artifact_prefix={crashes}{os.sep}",
        f"-dict={HERE / 'fuzz' / 'tokens.dict'}", "-print_final_stats=1", "-rss_limit_mb=4096",
        str(found), str(HERE / "fuzz" / "seeds" / target),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options], fuzz_targets.TARGETS[target])
    atheris.Fuzz()


def run_target(target: str, runs: int, processes: int) -> tuple[int, bool]:
    """Run processes side by side; return how many inputs they tried, and whether all held."""
    logs = [WORK / "logs" / f"{target}-{number}.log" for number in range(processes)]
    logs[0].parent.mkdir(parents=True, exist_ok=True)
    running = []
    for number, path in enumerate(logs):
        options = [f"--target={target}", f"--runs={-(-runs // processes)}", f"--number={number}"]
        with path.open("wb") as log:
            command = [sys.executable, __file__, *options]
            running.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT))
    statuses = [process.wait() for process in running]  # of all, also behind one that failed
    found = [DONE.findall(path.read_text(encoding="utf-8", errors="replace")) for path in logs]
    return sum(int(numbers[-1]) for numbers in found if numbers), not any(statuses)


def run_all(parser: int, pipeline: int, processes: int) -> int:
    """Run every target, say what happened, and write it to `build/fuzz/result.json`."""
    results = {}
    for target in LONGEST:
        runs = parser if target == "parser" else pipeline // len(PIPELINE)
        if not runs:
            continue
        started = time.perf_counter()
        inputs, held = run_target(target, runs, processes)
        seconds = round(time.perf_counter() - started)
        results[target] = {"inputs": inputs, "seconds": seconds, "held": held}
        ending = "held" if held else f"FAILED: see {WORK / 'logs'} and {WORK / 'crashes' / target}"
        print(f"{target:<14}{inputs:>12,} inputs {seconds:>7} s  {ending}", flush=True)
    (WORK / "result.json").write_text(json.dumps(results, indent=2), encoding="utf-8")
    return int(not all(result["held"] for result in results.values()))


def main() -> int:
    """Start the processes, or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parser", type=int, default=10_000_000, help="inputs for the parser")
    parser.add_argument("--pipeline", type=int, default=100_000, help="inputs for all the rest")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    parser.add_argument("--target", choices=LONGEST, help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.target:
        fuzz_here(options.target, options.runs, options.number)
    return run_all(options.parser, options.pipeline, options.jobs)


if __name__ == "__main__":
    sys.exit(main())
