"""Any input is read exactly or refused in one line: kept seeds and former crashes, and new bytes.

`make fuzz` looks much longer, guided by coverage; what it finds is kept in `tests/fuzz/crashes`.
"""

import ast
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import fuzz_run
import fuzz_targets
import pytest
from fuzz_targets import TARGETS
from hypothesis import given, settings
from hypothesis import strategies as st

KEPT = Path(__file__).parents[1] / "fuzz"
# Mutations of the seeds for each target; the parser's are quick, those with a model are not.
SMOKE = {"parser": 3000, "alignment": 150, "windows": 40, "corpus": 150, "command_line": 40}


def kept(target: str) -> list[Path]:
    """The seeds and former crashes of a target."""
    return sorted(KEPT.glob(f"*/{target}/*"))


def tokens() -> list[bytes]:
    """The fuzzer's dictionary."""
    lines = (KEPT / "tokens.dict").read_text(encoding="utf-8").splitlines()
    return [ast.literal_eval(f"b{line}") for line in lines if line.startswith('"')]


def mutated(target: str, count: int) -> Iterator[bytes]:
    """Seeds with parts cut out, doubled, swapped or replaced, the same ones every time."""
    chance, seeds, words = random.Random(target), [p.read_bytes() for p in kept(target)], tokens()
    for _ in range(count):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 4)):
            start = chance.randint(0, len(data))
            end = min(len(data), start + chance.choice((0, 0, 1, 3)))
            other = chance.choice(seeds)
            cut = chance.randint(0, len(other))
            new = (chance.choice(words), chance.randbytes(1), other[cut : cut + 12], b"")
            data[start:end] = chance.choice(new)
        yield bytes(data)


@pytest.mark.parametrize("target", TARGETS)
class TestTargets:
    def test_kept_and_mutated_inputs_hold(self, target):
        seeds = [path.read_bytes() for path in kept(target)]
        assert len(seeds) >= 10
        for data in (*seeds, *mutated(target, SMOKE[target])):
            try:
                TARGETS[target](data)
            except Exception as error:
                raise AssertionError(f"{data!r} fails: {error!r}") from error

    @settings(max_examples=40)
    @given(data=st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
    def test_any_bytes_hold(self, target, data):
        TARGETS[target](data)


@given(counts=st.lists(st.integers(0, 8), max_size=60), limit=st.integers(1, 8))
def test_any_plan_of_windows_holds(counts, limit):
    fuzz_targets.check_plan(counts, limit)


@pytest.mark.skipif(sys.platform != "linux", reason="atheris has wheels for Linux only")
def test_a_short_run_counts_its_inputs(tmp_path, monkeypatch):
    pytest.importorskip("atheris", reason="needs the extra: pip install 'nerlib[fuzz]'")
    monkeypatch.setattr(fuzz_run, "WORK", tmp_path)
    monkeypatch.setenv("NERLIB_FUZZ_WORK", str(tmp_path))
    assert fuzz_run.run_all(parser=500, pipeline=0, processes=1) == 0
    result = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert result["parser"]["held"]
    assert result["parser"]["inputs"] >= 500
