"""Every exercise: its stub is told so, its solution passes, each wrong answer gets its own hint."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
import pytest
from exercise_notebooks import (
    NAMES,
    SOLVED,
    Ran,
    committed_texts,
    exercise_of,
    lesson_of,
    run_notebook,
)
from wrong_answers import is_given, wrong_answers

from nerlib.course.checks import check
from nerlib.course.checks.exercise import all_exercises, of_lesson
from tools.colab import setup_source
from tools.execute import all_notebooks
from tools.exercises import EXERCISES, exercise_link, write_exercises
from tools.hygiene import problems
from tools.project import read_publication

NUMBERS = list(all_exercises())
LESSONS = [path.stem for path in all_notebooks()]
WRONG = wrong_answers()


@pytest.fixture(autouse=True)
def fresh_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done yet, and what a learner has done stays as it is."""
    monkeypatch.setenv("NERLIB_OUTPUT", str(tmp_path))


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """All solutions, run."""
    return _run_all(SOLVED, tmp_path_factory.mktemp("solved"))


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """All exercises as they are handed out, run."""
    return _run_all([exercise_of(path) for path in SOLVED], tmp_path_factory.mktemp("stubs"))


def _run_all(paths: list[Path], folder: Path) -> dict[str, Ran]:
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        for path in paths:
            patch.setenv("NERLIB_OUTPUT", str(folder / path.stem))
            found[path.stem] = run_notebook(path)
    return found


def verdict_of(runs: dict[str, Ran], number: str) -> Any:
    (ran,) = [ran for name, ran in runs.items() if lesson_of(name) == number.partition(".")[0]]
    return ran.verdicts[number]


@pytest.mark.parametrize("number", NUMBERS)
class TestEveryExercise:
    def test_the_stub_is_told_that_it_is_one(self, number: str, stubs: dict[str, Ran]) -> None:
        verdict = verdict_of(stubs, number)
        assert not verdict.passed
        assert "not written yet" in verdict.message

    def test_the_solution_passes(self, number: str, solved: dict[str, Ran]) -> None:
        verdict = verdict_of(solved, number)
        assert verdict.passed, verdict
        assert verdict.message == all_exercises()[number].learned

    def test_wrong_answers_get_hints_of_their_own(self, number: str) -> None:
        answers = [(answer, hint) for n, answer, hint in WRONG if n == number]
        hints = {hint for _, hint in answers}
        assert len(hints) == len(answers) >= 3
        assert all_exercises()[number].hints.keys() <= hints
        for answer, hint in answers:
            verdict = check(number, answer)
            assert not verdict.passed
            assert "could not read" not in verdict.message
            given = [other for other in hints if is_given(verdict.message, number, other)]
            assert given == [hint], verdict


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_has_four_exercises(lesson: str) -> None:
    assert len(of_lesson(lesson[:2])) >= 4


@pytest.mark.parametrize("path", SOLVED, ids=NAMES)
class TestEveryNotebook:
    def test_solutions_are_clean(self, path: Path) -> None:
        assert problems(path) == []

    def test_solutions_show_what_a_run_shows(self, path: Path, solved: dict[str, Ran]) -> None:
        shown = dict(committed_texts(path))
        assert shown == solved[path.stem].texts, "run `make exercises`"

    def test_exercises_are_made_from_the_solutions(self, path: Path, tmp_path: Path) -> None:
        (fresh,) = write_exercises(read_publication(), tmp_path, [path])
        committed = exercise_of(path).read_text(encoding="utf-8")
        assert committed == fresh.read_text(encoding="utf-8"), "run `make exercises`"

    def test_exercises_hold_no_answers(self, path: Path) -> None:
        text = exercise_of(path).read_text(encoding="utf-8")
        assert "SOLUTION" not in text
        cells = nbformat.read(exercise_of(path), as_version=4).cells
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
        assert sum("# your turn" in cell.source for cell in cells) >= 4

    def test_exercises_open_and_set_up_in_colab(self, path: Path) -> None:
        header, setup, *_ = nbformat.read(exercise_of(path), as_version=4).cells
        assert exercise_link(read_publication(), path.stem) in header.source
        assert setup.source == setup_source(read_publication())

    def test_every_exercise_of_the_lesson_is_checked_once(
        self, path: Path, solved: dict[str, Ran]
    ) -> None:
        numbers = [exercise.number for exercise in of_lesson(lesson_of(path.stem))]
        assert list(solved[path.stem].verdicts) == numbers

    def test_what_is_handed_in_is_left_to_write(self, path: Path, solved: dict[str, Ran]) -> None:
        cells = nbformat.read(path, as_version=4).cells
        tagged = [c.source for c in cells if "solution" in c.metadata.get("tags", [])]
        for name in solved[path.stem].handed_in.values():
            assert any("# BEGIN SOLUTION" in s and name in s for s in tagged), name


def test_exercises_and_solutions_are_pairs() -> None:
    assert Counter(path.name for path in all_notebooks(EXERCISES)) == Counter(
        path.name for path in SOLVED
    )
