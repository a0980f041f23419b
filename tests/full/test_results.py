"""The measured accuracy: what is trained, what is written down, and how a stopped run goes on."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import results
from benchmarks.measured import measured_before, write_json
from benchmarks.results import FULL, Outcome, jobs, summary, tables, variants
from nerlib.tools.recipes import Recipe, get_recipe

OUTCOME = Outcome("the recipe", 1_000, 20, 0, 0.7, 0.68, 0.72, 0.73, 0.69, 0.72, 60.0)


def test_each_variant_differs_from_the_recipe_in_one_setting() -> None:
    recipe = get_recipe("massive-offline")
    full = asdict(recipe)
    for name, variant in variants(recipe).items():
        other = asdict(variant)
        settings, own = other.pop("settings"), full["settings"]
        changed = [key for key in settings if settings[key] != own[key]]
        changed += [key for key in other if other[key] != full[key]]
        assert len(changed) == (name != FULL), (name, changed)


def test_every_size_and_variant_is_trained_with_every_seed() -> None:
    recipe = get_recipe("massive-offline")
    todo = [(name, rows, seed) for name, _, rows, seed in jobs([0, 5], recipe)]
    assert len(todo) == len(set(todo)) == 2 * (len(results.SIZES) + len(variants(recipe)) - 1)
    assert (FULL, None, 5) in todo


def test_a_stopped_run_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    trained: list[tuple[str, int | None, int]] = []

    def pretend(name: str, recipe: Recipe, rows: int | None, seed: int) -> Outcome:
        if len(trained) == stop_after:
            raise KeyboardInterrupt
        trained.append((name, rows, seed))
        return replace(OUTCOME, variant=name, rows=rows or 11_514, seed=seed)

    monkeypatch.setenv("NERLIB_MASSIVE_DIR", str(tmp_path))
    monkeypatch.setattr(results, "train_one", pretend)
    monkeypatch.setattr(results, "count_rows", lambda recipe: 11_514)
    monkeypatch.setattr(results, "available_cores", lambda: 1)
    monkeypatch.setattr(results, "SEEDS", [0, 1])
    monkeypatch.setattr(results, "RESULTS", tmp_path / "accuracy.json")
    stop_after = 11
    with pytest.raises(KeyboardInterrupt):
        results.main()
    stop_after = 1_000
    assert results.main() == 0
    everything = list(jobs([0, 1], get_recipe("massive-offline")))
    assert trained == [(name, rows, seed) for name, _, rows, seed in everything]
    written = json.loads((tmp_path / "accuracy.json").read_text(encoding="utf-8"))
    assert len(written["outcomes"]) == len(everything)
    assert "| 11,514 | 20 | 0.700 ± 0.000 |" in capsys.readouterr().out


def test_a_run_of_another_kind_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "accuracy.json"
    assert measured_before(path, {"seeds": [0]}, "outcomes") is None
    write_json(path, {"seeds": [0], "outcomes": [asdict(OUTCOME)]})
    assert measured_before(path, {"seeds": [0]}, "outcomes") == [asdict(OUTCOME)]
    assert measured_before(path, {"seeds": [0, 1]}, "outcomes") is None


def test_without_the_corpus_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.delenv("NERLIB_MASSIVE_DIR", raising=False)
    assert results.main() == 2
    assert "NERLIB_MASSIVE_DIR" in capsys.readouterr().err


def test_a_table_shows_means_over_seeds() -> None:
    outcomes = [OUTCOME, replace(OUTCOME, seed=1, f1=0.8)]
    assert summary(outcomes, lambda outcome: outcome.f1) == "0.750 ± 0.071"
    outcomes.append(replace(OUTCOME, variant="label smoothing of 0.1", f1=0.5))
    shown = tables(outcomes)
    assert "| 1,000 | 20 | 0.750 ± 0.071 |" in shown
    assert "| label smoothing of 0.1 | 20 | 0.500 |" in shown
