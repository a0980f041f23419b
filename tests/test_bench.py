"""The bench compares like with like, and its table says what was measured; none looks at speed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_encoders import new_model, small_data

from benchmarks.bench import __main__ as bench
from benchmarks.bench import memory, ratios, tag_contenders, train_contenders
from benchmarks.bench.arithmetic import operations_per_step
from benchmarks.bench.material import Material, gather
from benchmarks.bench.ratios import Ratio, compare, take_turns
from tools.project import ROOT


@pytest.fixture(scope="module")
def material() -> Material:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("NERLIB_MASSIVE_DIR", raising=False)
        return gather(rows=16, texts=16, device="cpu")


def test_every_contender_works_once_a_round_and_the_first_round_does_not_count() -> None:
    calls: list[str] = []

    def contender(name: str) -> ratios.Contender:
        return lambda: float(calls.append(name) or len(calls))  # type: ignore[func-returns-value]

    speeds = take_turns({name: contender(name) for name in "abc"}, 2, report=lambda line: None)
    assert "".join(calls) == "abc" + "bca" + "cab"
    assert speeds == {"a": [6.0, 8.0], "b": [4.0, 9.0], "c": [5.0, 7.0]}


def test_ratios_are_of_the_same_round() -> None:
    found = compare("x", "y", "fp32", ours=[10, 40, 90], theirs=[5, 10, 30], wanted=3)
    assert (found.median, found.lowest, found.highest) == (3, 2, 4)
    assert found.reached
    slower = compare("x", "y", "fp32", ours=[10, 10], theirs=[12, 12], wanted=1.3, at_most=True)
    assert slower.median == pytest.approx(1.2)
    assert slower.reached
    assert not compare("x", "y", "", [1], [1], wanted=1.1).reached
    assert compare("x", "y", "", [1], [1]).reached is None


def test_trainer_gets_each_tag_on_its_words_first_subword(material: Material) -> None:
    for item in material.data.items:
        row = train_contenders.first_subword_labels(item)
        groups = item["subword_group"].tolist()
        assert [row["labels"][first] for first, _ in groups] == item["target"].tolist()
        assert sum(label != -100 for label in row["labels"]) == len(groups)


def test_all_that_train_train(material: Material) -> None:
    pytest.importorskip("accelerate", reason="Trainer needs accelerate: install the extra `bench`")
    with train_contenders.trainers(material, "fp32", rows=2) as contenders:
        assert len(contenders) == 5
        assert all(contender() > 0 for contender in contenders.values())


def test_all_that_tag_tag(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_contenders, "BATCH_SIZES", (8,))
    assert all(tags() > 0 for tags in tag_contenders.taggers(material, "fp32").values())
    alone = tag_contenders.single_sentence(material, "fp32", calls=2)
    assert all(tags() > 0 for tags in alone.values())


def test_operations_are_those_that_pytorch_counts() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    model = new_model("bert").encoder
    model.set_attn_implementation("eager")  # whose products PyTorch counts
    data = small_data("bert", rows=4)
    longest = max(data.lengths)
    inputs = torch.ones(4, longest, dtype=torch.long)
    with FlopCounterMode(display=False) as counter:
        model(inputs)[0].sum().backward()
    counted = operations_per_step(model, 4 * longest, longest)
    # PyTorch leaves out the first layer's gradient for its input only where nothing needs it.
    assert counted == pytest.approx(counter.get_total_flops(), rel=0.05)


def test_a_stream_of_texts_all_differ() -> None:
    texts = list(memory.endless(["play", "stop"], 5))
    assert texts == ["play 0", "stop 1", "play 2", "stop 3", "play 4"]


def test_memory_is_that_of_this_process() -> None:
    before = memory.resident()
    block = bytearray(400_000_000)
    block[::1000] = b"x" * 400_000  # every page is written to
    assert memory.resident() - before > 350
    assert memory.peak() >= before + 350


def test_results_hold_everything_that_the_table_shows(
    material: Material, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any
) -> None:
    speeds = {
        train_contenders.TUTORIAL: [1.0],
        train_contenders.TRAINER: [10.0],
        train_contenders.GROUPED: [20.0],
        train_contenders.OURS: [30.0],
        train_contenders.BARE: [30.0],
    }
    tagging = {tag_contenders.ONE_BY_ONE: [1.0], tag_contenders.PIPELINE: [5.0]}
    tagging[tag_contenders.TAGGER] = [20.0]
    tagging[tag_contenders.EXPORTED] = [25.0]
    same: dict[str, ratios.Speeds] = {
        "this course": {"this course": [2.0], "bare encoder": [2.2]},
    }

    def turns(contenders: Any, rounds: int) -> ratios.Speeds:
        return dict(contenders)

    monkeypatch.setattr(bench, "gather", lambda *settings: material)
    monkeypatch.setattr(bench, "take_turns", turns)
    monkeypatch.setattr(bench, "fast_bf16", lambda device: False)
    monkeypatch.setattr(train_contenders, "trainers", lambda *s: NoContext(speeds))
    monkeypatch.setattr(tag_contenders, "taggers", lambda *s: tagging)
    monkeypatch.setattr(tag_contenders, "single_sentence", lambda *s: same["this course"])
    monkeypatch.setattr(bench.preparation, "preparers", lambda m: PREPARED)
    monkeypatch.setattr(bench.memory, "measure", lambda what, *s: MEMORY[what])
    path = tmp_path / "results.json"
    assert bench.main(["--rounds", "1", "--output", str(path)]) == 0
    shown = capsys.readouterr().out
    written = json.loads(path.read_text(encoding="utf-8"))
    assert bench.table(written) in shown
    assert "30.00" in shown
    assert "1,700 MB (under 1,800)" in shown
    assert [r["median"] for r in written["ratios"]] == [30, 3, 1.5, 1, 20, 4, 25, 5, 1.1, 4]
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


PREPARED = {"this course": [4.0], "tutorial's preprocessing": [1.0]}
MEMORY = {
    "training": {"peak_mb": 1700.0, "seconds": 1.0},
    "stream": {"growth_mb": 3.0, "seconds": 1.0},
}


class NoContext:
    """A context manager that gives what it was made with."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __enter__(self) -> Any:
        return self.value

    def __exit__(self, *error: object) -> None:
        return None


def test_the_committed_results_belong_to_the_committed_bench() -> None:
    path = ROOT / "benchmarks" / "results.json"
    results = json.loads(path.read_text(encoding="utf-8"))
    made = [Ratio(**ratio) for ratio in results["ratios"]]
    assert {ratio.part for ratio in made} == {
        "training",
        "tagging",
        "tagging, OpenVINO",
        "one sentence, time",
        "parsing, aligning",
    }
    assert results["command"] == "python -m benchmarks.bench"
    for ratio in made:
        assert ratio.lowest <= ratio.median <= ratio.highest
    speeds = results["per_second"]["training, fp32"]
    again = compare(
        "training", "x", "fp32", speeds[train_contenders.OURS], speeds[train_contenders.BARE]
    )
    kept = next(r for r in made if (r.against, r.precision) == (train_contenders.BARE, "fp32"))
    assert again.median == pytest.approx(kept.median, abs=0.01)
