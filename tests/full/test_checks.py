"""Every exercise: its stub is told so, its solution passes, each wrong answer gets its own hint."""

import ast
import linecache
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hygiene import problems
from wrong_answers import is_given, wrong_answers

from nerlib.course.checks import check
from nerlib.course.checks.exercise import all_exercises, of_lesson
from nerlib.course.checks.verdict import Verdict
from tools.execute import all_notebooks
from tools.exercises import EXERCISES, SOLUTIONS, write_exercises
from tools.project import ROOT, read_publication

NUMBERS = list(all_exercises())
SOLVED = all_notebooks(SOLUTIONS)
WRONG = wrong_answers()
NAMED = re.compile(r"xercises? (\d[\d.]*\b)(?:, ([^\]\n]+)(?=\]))?")


@dataclass
class Ran:
    """What each check of a notebook said, by its number, and what the cells showed, by their id."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    handed_in: dict[str, str] = field(default_factory=dict)  # number → name of the answer
    texts: dict[str, str] = field(default_factory=dict)


def cells_of(path: Path) -> list[Any]:
    return nbformat.read(path, as_version=4).cells


def run_notebook(path: Path) -> Ran:
    """Run all code cells but the set-up for Colab, without a kernel."""
    ran, names = Ran(), {"__name__": "exercises"}
    for cell in cells_of(path):
        if cell.cell_type != "code" or cell.id.endswith("-colab-setup"):
            continue
        file = f"{path.parent.name}-{path.stem}-{cell.id}"
        source = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
        # A notebook's kernel does the same, so that the source of a function can be read.
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        tree = ast.parse(source)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, file, "exec"), names)
        if last is not None:  # what its value is, is shown
            shown = eval(compile(ast.Expression(last.value), file, "eval"), names)
            ran.texts[cell.id] = repr(shown)
            if isinstance(shown, Verdict):
                number, name = (ast.unparse(argument) for argument in last.value.args)
                ran.verdicts[ast.literal_eval(number)] = shown
                ran.handed_in[ast.literal_eval(number)] = name
    return ran


def lesson_of(path: Path) -> str:
    """Return what an exercise's number starts with, from its notebook."""
    return "C" if path.stem == "capstone" else path.stem[:2]


@pytest.fixture(autouse=True)
def fresh_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done yet, and what a learner has done stays as it is."""
    monkeypatch.setenv("NERLIB_OUTPUT", str(tmp_path))


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """All solutions, run."""
    return run_all(SOLUTIONS, tmp_path_factory.mktemp("solved"))


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """All exercises as they are handed out, run."""
    return run_all(EXERCISES, tmp_path_factory.mktemp("stubs"))


def named(solution: Path, folder: Path) -> str:
    """Return what a solution's notebook is called in a folder."""
    return solution.name.replace("solutions", folder.name)


def run_all(notebooks: Path, output: Path) -> dict[str, Ran]:
    """Return what came of the notebooks in a folder, by lesson."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        for path in SOLVED:
            patch.setenv("NERLIB_OUTPUT", str(output / path.stem))
            found[lesson_of(path)] = run_notebook(notebooks / named(path, notebooks))
    return found


@pytest.mark.parametrize("number", NUMBERS)
class TestEveryExercise:
    def test_the_stub_is_told_that_it_is_one(self, number: str, stubs: dict[str, Ran]) -> None:
        verdict = stubs[number.partition(".")[0]].verdicts[number]
        assert not verdict.passed
        assert "not written yet" in verdict.message

    def test_the_solution_passes(self, number: str, solved: dict[str, Ran]) -> None:
        verdict = solved[number.partition(".")[0]].verdicts[number]
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


@pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
class TestEveryNotebook:
    def test_solutions_are_clean_and_show_what_a_run_shows(
        self, path: Path, solved: dict[str, Ran]
    ) -> None:
        assert problems(path) == []
        shown = {
            cell.id: output.data["text/plain"]
            for cell in cells_of(path)
            for output in cell.get("outputs", [])
            if output.output_type == "execute_result"
        }
        assert shown == solved[lesson_of(path)].texts, "run `make exercises`"

    def test_exercises_are_made_from_the_solutions(self, path: Path, tmp_path: Path) -> None:
        (fresh,) = write_exercises(read_publication(), tmp_path, [path])
        committed = (EXERCISES / named(path, EXERCISES)).read_text(encoding="utf-8")
        assert committed == fresh.read_text(encoding="utf-8"), "run `make exercises`"

    def test_each_exercise_is_checked_once_and_left_to_write(
        self, path: Path, solved: dict[str, Ran]
    ) -> None:
        ran = solved[lesson_of(path)]
        assert list(ran.verdicts) == [e.number for e in of_lesson(lesson_of(path))]
        tagged = [c.source for c in cells_of(path) if "solution" in c.metadata.get("tags", [])]
        for name in ran.handed_in.values():
            assert any("# BEGIN SOLUTION" in s and name in s for s in tagged), name


def test_every_lesson_has_four_exercises_and_their_solutions() -> None:
    lessons = [path.stem[:2] for path in all_notebooks()]
    assert min(len(of_lesson(lesson)) for lesson in [*lessons, "C"]) >= 4
    names = {named(path, EXERCISES) for path in SOLVED}
    assert {path.name for path in all_notebooks(EXERCISES)} == names
    assert sorted(NUMBERS) == NUMBERS
    assert len({exercise.title for exercise in all_exercises().values()}) == len(NUMBERS)


def test_an_exercise_has_one_number_everywhere() -> None:
    titles, named = {number: one.title for number, one in all_exercises().items()}, []
    for path in [*ROOT.glob("workshop/*.md"), *all_notebooks(), *SOLVED]:
        named += NAMED.findall(path.read_text(encoding="utf-8"))
    assert len(named) > 10
    wrong = [one for one in named if one[1] not in ("", titles.get(one[0])) or one[0] not in titles]
    assert wrong == []
