"""The engine of the checks: whatever a learner's code does, a hint comes back."""

from __future__ import annotations

import builtins
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from nerlib.course.checks import check, progress
from nerlib.course.checks.answer import Answer
from nerlib.course.checks.budget import OutOfSteps, budget
from nerlib.course.checks.checking import examined
from nerlib.course.checks.differences import difference, same
from nerlib.course.checks.exercise import Exercise, all_exercises
from nerlib.course.checks.hint import Hint, NotWritten, plainly, shown
from nerlib.course.checks.kinds import asked_for, fitting
from nerlib.course.checks.record import NAME, Record
from nerlib.course.checks.stub import is_stub
from nerlib.course.checks.verdict import Verdict
from nerlib.tools.recipes import output_folder
from tools.execute import execute
from tools.exercises import SOLUTIONS, exercise_notebook
from tools.project import Publication


def hint_for(function: Any, *arguments: Any, kind: Any = list[str]) -> str:
    """What a learner is told about a function that is called with these arguments."""
    with pytest.raises(Hint) as caught:
        Answer(function).call(*arguments, kind=kind)
    return str(caught.value)


def empty_loop(text):
    while True:
        pass


def one_line_loop(text):
    while True: pass  # fmt: skip  # noqa: E701


def catches_everything(text):
    while True:
        try:
            text = text + ""
        except:  # noqa: E722
            text = text + ""


def catches_and_cleans_up(text):
    while True:
        try:
            text = text + ""
        except BaseException:
            text = text + ""
        finally:
            text = text + ""


def comprehension(text):
    return [text for _ in iter(int, 1)]


def generator_in_a_call(text):
    return list(text for _ in iter(int, 1))  # noqa: C400


def calls_a_loop(text):
    return [one_line_loop(text)]


def growing_list(text):
    letters = [text]
    for letter in letters:
        letters.append(letter)
    return letters


ENDLESS = [
    empty_loop,
    one_line_loop,
    catches_everything,
    catches_and_cleans_up,
    comprehension,
    generator_in_a_call,
    calls_a_loop,
    growing_list,
]


class TestEndlessLoops:
    @pytest.mark.parametrize("function", ENDLESS, ids=lambda function: function.__name__)
    def test_they_end_with_a_hint(self, function: Callable[[str], Any]) -> None:
        told = hint_for(function, "nine")
        assert f"`{function.__name__}('nine')` had run 300,000 lines" in told
        assert "of your code" in told
        assert "A loop that never ends?" in told

    def test_the_same_number_of_lines_every_time(self) -> None:
        def counts(most: int) -> int:
            number = 0
            while number < most:
                number += 1
            return number

        def steps_needed(most: int) -> int:
            low, high = 0, 10_000
            while low < high:
                middle = (low + high) // 2
                try:
                    with budget(middle):
                        counts(most)
                    high = middle
                except OutOfSteps:
                    low = middle + 1
            return low

        assert steps_needed(100) == steps_needed(100)
        assert steps_needed(200) - steps_needed(100) == 200

    def test_lines_of_libraries_are_not_counted(self) -> None:
        with budget(50):
            json.dumps(list(range(1000)), indent=1)

    def test_a_debugger_stays_in_place(self) -> None:
        seen = []

        def trace(frame: Any, event: str, argument: Any) -> None:
            seen.append(event)

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            with budget(10):
                pass
            kept = sys.gettrace()
        finally:
            sys.settrace(before)
        assert kept is trace

    def test_nothing_is_left_to_be_raised_later(self) -> None:
        for _ in range(3):
            hint_for(catches_and_cleans_up, "nine")
            for _ in range(10_000):
                pass

    def test_recursion_without_end(self) -> None:
        def again(text):
            return again(text)

        assert "calls itself again and again" in hint_for(again, "nine")


class TestErrors:
    def test_line_input_and_type_are_told(self) -> None:
        def joins(numbers):
            return "-".join(numbers)

        told = hint_for(joins, [1, 2])
        assert told.startswith("`joins([1, 2])` stops with TypeError, on line ")
        assert '`return "-".join(numbers)`' in told
        assert "found" in told

    def test_an_error_inside_of_a_library_is_told_at_the_learners_line(self) -> None:
        def loads(text):
            return json.loads(text)

        assert "`return json.loads(text)`" in hint_for(loads, "{")

    def test_a_key_that_is_missing(self) -> None:
        assert "`in` or `.get`" in hint_for(lambda tag: {}[tag], "O")

    @pytest.mark.parametrize("ask", [lambda _: input(), lambda _: builtins.input("word?")])
    def test_nobody_can_be_asked(self, ask: Callable[..., Any]) -> None:
        before = builtins.input
        assert "comes in as its arguments" in hint_for(ask, "nine")
        assert builtins.input is before

    @pytest.mark.parametrize("end", [lambda _: sys.exit(), lambda _: exit(), lambda _: quit(1)])
    def test_nothing_can_be_ended(self, end: Callable[..., Any]) -> None:
        assert "ends with `return`" in hint_for(end, "nine")

    def test_the_notebooks_own_exit_does_not_end_the_kernel(self) -> None:
        ended: list[bool] = []
        names: dict[str, Any] = {"exit": lambda: ended.append(True)}
        exec("def ends(text):\n    exit()", names)
        before = names["exit"]
        assert "ends with `return`" in hint_for(names["ends"], "nine")
        assert not ended
        assert names["exit"] is before

    def test_stop_from_the_keyboard_still_works(self) -> None:
        def stopped(text):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            Answer(stopped).call("nine", kind=list[str])

    def test_what_is_not_implemented_is_not_written(self) -> None:
        def later(text):
            raise NotImplementedError

        assert hint_for(later, "nine") == str(NotWritten())


class TestWhatComesBack:
    def test_arguments_are_copies(self) -> None:
        words = ["nine", "am"]

        def empties(words):
            words.clear()
            return []

        assert Answer(empties).call(words, kind=list[str]) == []
        assert words == ["nine", "am"]

    def test_changed_in_place(self) -> None:
        assert "It changes its argument instead" in hint_for(lambda words: words.sort(), ["b", "a"])

    def test_printed(self) -> None:
        assert "It prints `['O']` instead" in hint_for(lambda text: print(["O"]), "nine")

    def test_forgotten(self) -> None:
        assert "end with a `return`" in hint_for(lambda text: None, "nine")

    def test_much_is_printed(self) -> None:
        def prints(text):
            for _ in range(10_000):
                print(text * 10)
            return []

        answer = Answer(prints)
        assert answer.call("nine", kind=list[str]) == []
        assert len(answer.printed) <= 2_000

    def test_too_few_parameters(self) -> None:
        told = hint_for(lambda: ["O"], "nine")
        assert "is called with 1 argument, but yours is defined as" in told

    def test_no_function(self) -> None:
        assert "without round brackets" in hint_for(["O"], "nine")

    def test_yield(self) -> None:
        def yields(text):
            yield text

        assert "a generator" in hint_for(yields, "nine")

    @pytest.mark.parametrize(
        ("value", "kind", "told"),
        [
            ("O", list[str], "your answer is a string, `'O'`; a list of strings is expected."),
            (["O", 1], list[str], "In it stands a whole number, `1`."),
            (True, int, "a whole number is expected"),
            ("0.5", float, "a number is expected"),
            ((1, 2, 3), tuple[int, int], "a tuple (a whole number, a whole number) is expected"),
            (None, list[int], "your answer is `None`"),
            (map(str, [1]), list[str], "put `list(…)` around"),
            (len, str, "the function `len` itself"),
            ([1], torch.Tensor, "a tensor is expected"),
            ({"a": "b"}, dict[str, int], "from strings to whole numbers is expected"),
        ],
    )
    def test_kinds(self, value: Any, kind: Any, told: str) -> None:
        with pytest.raises(Hint) as caught:
            fitting(value, kind, "your answer")
        assert told in str(caught.value)

    def test_kinds_that_pass_for_another(self) -> None:
        assert fitting(("O",), list[str], "it") == ["O"]
        assert fitting(torch.tensor(3), int, "it") == 3
        assert fitting(torch.tensor([1, 2]), list[int], "it") == [1, 2]
        assert fitting(2, float, "it") == 2.0
        assert fitting(None, tuple[int, int] | None, "it") is None
        assert asked_for(tuple[int, int] | None).endswith("or None")

    def test_differences(self) -> None:
        assert "3 are expected" in difference([1, 2], [1, 2, 3])
        assert "`'b'` is missing" in difference({"a": 1}, {"a": 1, "b": 2})
        assert "does not belong" in difference({1, 2}, {1})
        assert "shape is (2,)" in difference(torch.zeros(2), torch.zeros(3))
        assert "NaN" in difference(torch.tensor([float("nan")]), torch.zeros(1))
        assert same({"a": [0.1 + 0.2]}, {"a": [0.3]})
        assert not same([1.0], [1.01])


class Broken:
    """An object that is no help at all."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __hash__ = None  # type: ignore[assignment]


def test_objects_that_misbehave() -> None:
    assert plainly(Broken()) == "a Broken"

    def examine(answer: Answer) -> None:
        answer.compare(lambda: [1], (), list, ())

    exercise = Exercise("00.0", "Broken", examine, "")
    told = examined(exercise, Answer(lambda: [Broken()]))
    assert "could not read your answer (RuntimeError" in str(told)


def test_long_values_are_cut() -> None:
    assert len(shown(list(range(10_000)))) < 200
    assert len(shown("a" * 10_000)) < 200


def test_the_likely_mistake_agrees_with_what_was_right_before() -> None:
    slips = ((lambda n: 0, "always nothing"), (lambda n: n, "not squared"))

    def examine(answer: Answer) -> None:
        for number in (1, 0, 0, 3):
            answer.compare(lambda n: n * n, (number,), int, slips)

    exercise = Exercise("00.0", "Squares", examine, "")
    assert "not squared" in str(examined(exercise, Answer(lambda n: n)))
    assert "always nothing" in str(examined(exercise, Answer(lambda n: 0)))
    told = str(examined(exercise, Answer(lambda n: n**3)))
    assert told.endswith("gives back `27`. `9` is expected.")


def test_stubs() -> None:
    class Half:
        def method(self, text): ...  # your turn

    def begun(text):
        tags = ["O"]
        ...  # noqa: PIE790  # your turn
        return tags

    assert is_stub(Half)
    assert is_stub(begun)
    assert is_stub([1, ...])
    assert not is_stub(hint_for)
    assert not is_stub(3)


class TestVerdicts:
    def test_markup_is_escaped(self) -> None:
        verdict = check("02.1", "<script>alert('`x`')</script>")
        page = verdict._repr_html_()
        assert "<script>" not in page
        assert "&lt;script&gt;" in page
        assert page.count("<code>") == page.count("</code>") > 0

    def test_plain_text_without_signs_that_a_screen_obeys(self) -> None:
        assert "\x1b" not in repr(check("02.1", "\x1b[31mred"))
        assert "⟨U+001B⟩" in repr(Verdict("\x1b", True, "fine"))

    def test_no_such_exercise(self) -> None:
        assert "02.1, 02.2" in check("02.99", 1).message
        assert not check("nothing", 1).passed
        assert "in quotes" in check(2.1, 1).message  # type: ignore[arg-type]

    def test_what_was_printed_is_told(self) -> None:
        def prints(words, spans):
            print("here I am")
            return []

        assert "Your code also printed: `here I am`" in repr(check("02.2", prints))


class TestRecord:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("NERLIB_OUTPUT", str(tmp_path))
        return tmp_path

    def right(self) -> Verdict:
        return check("00.1", {"half past six": "time", "monday": "date"})

    def test_it_outlives_the_session(self, folder: Path) -> None:
        assert self.right().progress == "1 of 4 done in lesson 00"
        assert json.loads((folder / NAME).read_text(encoding="utf-8")) == {"done": ["00.1"]}
        assert Record(folder / NAME).done == {"00.1"}
        assert "00.1 | Mark the entities | ✓" in str(progress("00"))
        assert "<table>" in progress()._repr_html_()

    def test_a_wrong_answer_is_not_done(self, folder: Path) -> None:
        check("00.1", {})
        assert not (folder / NAME).exists()

    def test_two_notebooks_at_once(self, folder: Path) -> None:
        one, other = Record(folder / NAME), Record(folder / NAME)
        one.add("00.1")
        other.add("00.2")
        assert Record(folder / NAME).done == {"00.1", "00.2"}

    @pytest.mark.parametrize("text", ["", "{", "[1]", '{"done": 3}', '{"done": [3, "99.9", null]}'])
    def test_a_damaged_file_is_no_obstacle(self, folder: Path, text: str) -> None:
        (folder / NAME).write_text(text, encoding="utf-8")
        assert Record(folder / NAME).done == set()
        assert self.right().progress == "1 of 4 done in lesson 00"

    def test_where_nothing_can_be_written(self, folder: Path) -> None:
        (folder / "file").write_text("", encoding="utf-8")
        record = Record(folder / "file" / NAME)
        record.add("00.1")
        assert record.line("00") == "1 of 4 done in lesson 00"


@pytest.mark.parametrize("place", ["notebooks", "workshop/exercises", "workshop/solutions"])
def test_lessons_and_exercises_share_a_folder(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.delenv("NERLIB_OUTPUT", raising=False)
    monkeypatch.chdir(tmp_path / place)
    assert output_folder().resolve() == tmp_path.resolve() / "build"
    (tmp_path / "pyproject.toml").unlink()
    assert output_folder() == Path("build")


def test_without_jupyter() -> None:
    names = ("IPython", "ipykernel", "nbformat", "nbclient", "jupyter_client", "ipywidgets")
    hide = "; ".join(f"sys.modules[{name!r}] = None" for name in names)
    code = f"import sys; {hide}; from nerlib.course.checks import check; print(check('02.1', 5))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "a list of strings is expected" in done.stdout


class TestGenerator:
    def exercises(self) -> nbformat.NotebookNode:
        source = "def f(x):\n    # BEGIN SOLUTION\n    return x\n    # END SOLUTION"
        cells = [
            new_markdown_cell("# 02 · Exercises\n\nWords.", id="02-header"),
            new_markdown_cell("[x](../exercises/02.ipynb)", metadata={"tags": ["solution"]}),
            new_code_cell(source, metadata={"tags": ["solution", "keep"]}, execution_count=1),
        ]
        return exercise_notebook(new_notebook(cells=cells), "02_x", Publication("me/ner", "v1"))

    def test_nothing_is_given_away(self) -> None:
        header, setup, code = self.exercises().cells
        assert code.source == "def f(x):\n    ...  # your turn"
        assert code.metadata == {"tags": ["keep"]}
        assert code.execution_count is None
        assert "git+https://github.com/me/ner.git@v1" in setup.source
        assert "/me/ner/blob/v1/workshop/exercises/02_x.ipynb" in header.source

    def test_a_solution_runs_in_a_kernel_and_a_loop_ends_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NERLIB_OUTPUT", str(tmp_path))
        path = SOLUTIONS / "02_parsing.ipynb"
        notebook = nbformat.read(path, as_version=4)
        committed = [cell.get("outputs") for cell in notebook.cells]
        loop = "def endless(words, spans):\n    while True:\n        pass"
        notebook.cells += [new_code_cell(loop), new_code_cell('check("02.2", endless)')]
        execute(notebook, path, tmp_path)
        ran = [cell.get("outputs") for cell in notebook.cells]
        for before, after in zip(committed, ran, strict=False):
            assert [o.data for o in before or []] == [o.data for o in after or []]
        assert "A loop that never ends?" in ran[-1][0].data["text/plain"]
        assert "on line 3 of your code, `pass`" in ran[-1][0].data["text/plain"]


def test_exercises_are_in_order() -> None:
    numbers = list(all_exercises())
    assert numbers == sorted(numbers)
    assert len({exercise.title for exercise in all_exercises().values()}) == len(numbers)
