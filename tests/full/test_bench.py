"""The bench compares like with like, and its table says what was measured; none looks at speed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from small_runs import tiny_recipe
from tiny_encoders import small_corpus, small_data, tokenizer_of

from benchmarks.bench import __main__ as bench
from benchmarks.bench import memory, tag_contenders, train_contenders
from benchmarks.bench.material import Material
from benchmarks.bench.ratios import Contender, Ratio, compare, speed_table, take_turns
from benchmarks.measured import OURS
from nerlib import Parser, TagSet
from tools.project import ROOT

PARTS = {"training", "tagging", "one sentence, time", "parsing, aligning"}


def test_every_contender_works_once_a_round_and_the_first_round_does_not_count() -> None:
    calls: list[str] = []

    def contender(name: str) -> Contender:
        return lambda: float(calls.append(name) or len(calls))  # type: ignore[func-returns-value]

    speeds = take_turns({name: contender(name) for name in "abc"}, 2, report=lambda line: None)
    assert "".join(calls) == "abc" + "bca" + "cab"
    assert speeds == {"a": [6.0, 8.0], "b": [4.0, 9.0], "c": [5.0, 7.0]}


def test_ratios_are_of_the_same_round() -> None:
    found = compare("x", "y", "fp32", ours=[10, 40, 90], theirs=[5, 10, 30])
    assert (found.median, found.lowest, found.highest) == (3, 2, 4)
    assert found.row() == ["x", "y", "fp32", "3.00", "2.00 to 4.00"]
    slower = compare("x", "y", "fp32", ours=[10, 10], theirs=[12, 12], durations=True)
    assert slower.median == pytest.approx(1.2)


def tiny_material(rows: int, texts: int, device: str) -> Material:
    """Like `gather`, with a tiny encoder and few rows of the locale."""
    recipe = tiny_recipe()
    corpus = small_corpus(rows=rows)
    return Material(
        recipe=recipe,
        locale=corpus,
        rows=corpus,
        texts=list(corpus["utt"])[:texts],
        tokenizer=tokenizer_of("bert"),
        tags=TagSet.from_corpus(corpus),
        parser=Parser(),
        config=replace(recipe.settings, device=device, epochs=1, consistency=0, progress=False),
    )


def test_trainer_gets_each_tag_on_its_words_first_subword() -> None:
    for item in small_data("bert").items:
        row = train_contenders.first_subword_labels(item)
        groups = item["subword_group"].tolist()
        assert [row["labels"][first] for first, _ in groups] == item["target"].tolist()
        assert sum(label != -100 for label in row["labels"]) == len(groups)


def test_the_bench_measures_every_contender_and_writes_what_its_table_shows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("accelerate", reason="Trainer needs accelerate: install the extra `scale`")
    monkeypatch.setattr(tag_contenders, "BATCH_SIZES", (8,))
    monkeypatch.setattr(bench, "gather", tiny_material)
    monkeypatch.setattr(bench, "fast_bf16", lambda device: False)
    monkeypatch.setattr(memory, "measure", lambda *_: 1700.0)
    small = ["--rows", "16", "--texts", "16", "--tutorial-rows", "2", "--rounds", "1"]
    path = tmp_path / "results.json"
    assert bench.main([*small, "--device", "cpu", "--output", str(path)]) == 0
    written = json.loads(path.read_text(encoding="utf-8"))
    assert {ratio["part"] for ratio in written["ratios"]} >= PARTS
    assert all(speed > 0 for found in written["per_second"].values() for (speed,) in found.values())
    assert speed_table(written) in capsys.readouterr().out


def hold_memory() -> dict[str, float]:
    before = memory.resident()
    block = bytearray(400_000_000)
    block[::1000] = b"x" * 400_000  # every page is written to
    return {"held": memory.resident() - before, "peak": memory.peak() - before}


def test_memory_is_that_of_the_process_that_works() -> None:
    found = memory.measure(hold_memory, 1)
    assert min(found.values()) > 350


@pytest.mark.parametrize("name", ["results.json", "results-bf16.json"])
def test_the_committed_results_belong_to_the_committed_bench(name: str) -> None:
    path = ROOT / "benchmarks" / name
    results = json.loads(path.read_text(encoding="utf-8"))
    made = [Ratio(**ratio) for ratio in results["ratios"]]
    assert {ratio.part for ratio in made} == set(PARTS)
    assert results["command"] == "python -m benchmarks.bench"
    assert all(ratio.lowest <= ratio.median <= ratio.highest for ratio in made)
    speeds = results["per_second"]["training, fp32"]
    bare = train_contenders.BARE
    again = compare("training", bare, "fp32", speeds[OURS], speeds[bare])
    kept = next(r for r in made if (r.against, r.precision) == (bare, "fp32"))
    assert again.median == pytest.approx(kept.median, abs=0.01)
