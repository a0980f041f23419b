"""The engine of the checks: whatever a learner's code does, a hint comes back."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from several_processes import python_output

from nerlib.course.checks import check, progress
from nerlib.course.checks.answer import Answer
from nerlib.course.checks.checking import examined, is_stub
from nerlib.course.checks.differences import difference, same
from nerlib.course.checks.exercise import Comparison, Exercise, entry_by_entry
from nerlib.course.checks.hint import Hint, NotWritten
from nerlib.course.checks.kinds import fitting
from nerlib.course.checks.record import NAME, how_far, note
from nerlib.course.checks.running import STEPS, OutOfSteps, limited
from nerlib.course.checks.verdict import Verdict
from nerlib.tools.recipes import output_folder
from tools.class_copies import CLASS
from tools.execute import execute
from tools.exercises import exercise_notebook
from tools.project import ROOT, Publication


def hint_for(function: Any, *arguments: Any) -> str:
    """Return what a learner is told about a function that is called with these arguments."""
    with pytest.raises(Hint) as caught:
        Answer(function, {}).call(*arguments, kind=list[str])
    return str(caught.value)


def empty_loop(text):
    while True:
        pass


def one_line_loop(text):
    while True: pass  # fmt: skip  # noqa: E701


def generator_in_a_call(text):
    return list(text for _ in iter(int, 1))  # noqa: C400


def growing_list(text):
    letters = [text]
    for letter in letters:
        letters.append(letter)
    return letters


ENDLESS = (empty_loop, one_line_loop, generator_in_a_call, growing_list)


@pytest.mark.parametrize("function", ENDLESS, ids=lambda function: function.__name__)
def test_endless_loops_end_with_a_hint(function: Callable[[str], Any]) -> None:
    told = hint_for(function, "nine")
    assert f"`{function.__name__}('nine')`" in told
    assert f"{STEPS:,} small steps" in told
    assert "of your code" in told


def test_only_the_learners_steps_count_and_always_the_same() -> None:
    def is_enough(steps: int) -> bool:
        try:
            with limited(steps):
                return sum_of(list(range(100))) == 4950
        except OutOfSteps:
            return False

    def sum_of(numbers: list[int]) -> int:
        total = 0
        for number in numbers:
            total += number
        return total

    least = next(steps for steps in range(200, 5_000) if is_enough(steps))
    assert [is_enough(least + extra) for extra in (-1, 0, -1, 0)] == [False, True] * 2
    with limited(50):
        assert json.dumps(list(range(1000)), indent=1)


def again(text):
    return again(text)


def joins(numbers):
    return "-".join(numbers)


def loads(text):
    return json.loads(text)


def later(text):
    raise NotImplementedError


FAILURES = {
    "recursion": (again, ["nine"], "calls itself again"),
    "case": (joins, [[1, 2]], "`joins([1, 2])` stops with TypeError"),
    "line": (joins, [[1, 2]], '`return "-".join(numbers)`'),
    "line before a library's": (loads, ["{"], "`return json.loads(text)`"),
    "key": (lambda tag: {}[tag], ["O"], "`in` or `.get`"),
    "sys.exit": (lambda _: sys.exit(), ["nine"], "`exit`"),
    "not implemented": (later, ["nine"], str(NotWritten())),
    "changed in place": (lambda words: words.sort(), [["b", "a"]], "changes its argument"),
    "printed": (lambda _: print(["O"]), ["nine"], "`['O']`"),
    "forgotten": (lambda _: None, ["nine"], "`return`"),
    "too few parameters": (lambda: ["O"], ["nine"], "Keep the parameters"),
    "no function": (["O"], ["nine"], "round brackets"),
    "generator": (lambda text: (letter for letter in text), ["nine"], "`generator`"),
}


@pytest.mark.parametrize(("function", "arguments", "words"), FAILURES.values(), ids=FAILURES)
def test_whatever_goes_wrong_gets_a_hint(function: Any, arguments: list[Any], words: str) -> None:
    assert words in hint_for(function, *arguments)


def test_arguments_are_copies() -> None:
    words = ["nine", "am"]
    answer = Answer(lambda words: words.clear() or [], {})
    assert answer.call(words, kind=list[str]) == []
    assert words == ["nine", "am"]


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [
        ("O", list[str], "`'O'`, of type `str`; `list[str]`"),
        (["O", 1], list[str], "`1`, of type `int`."),
        (True, int, "`bool`; `int`"),
        ("0.5", float, "`str`; `float`"),
        ((1, 2, 3), tuple[int, int], "`tuple[int, int]`"),
        (len, str, "`len`"),
        ([1], torch.Tensor, "`Tensor`"),
        ({"a": "b"}, dict[str, int], "`'b'`"),
    ],
)
def test_a_value_of_another_kind_is_described(value: Any, kind: Any, told: str) -> None:
    with pytest.raises(Hint) as caught:
        fitting(value, kind, "your answer")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("value", "kind", "read"),
    [
        (("O",), list[str], ["O"]),
        (torch.tensor(3), int, 3),
        (torch.tensor([1, 2]), list[int], [1, 2]),
        (2, float, 2.0),
        (None, tuple[int, int] | None, None),
        ([[1, 2]], set[tuple[int, int]] | list[tuple[int, ...]], [(1, 2)]),
    ],
)
def test_kinds_that_pass_for_another(value: Any, kind: Any, read: Any) -> None:
    assert fitting(value, kind, "it") == read


@pytest.mark.parametrize(
    ("found", "expected", "told"),
    [
        ([1, 2], [1, 2, 3], "3 are expected"),
        ({"a": 1}, {"a": 1, "b": 2}, "`'b'` is missing"),
        ({"a": 1}, {"a": 2}, "`2`"),
        ({"a": 1}, {}, "`'a'` does not"),
        ({1, 2}, {1}, "`{1}` is expected"),
        ([1.0], [1.01], "index 0"),
        (torch.zeros(2), torch.zeros(3), "(2,)"),
        (torch.zeros(2), torch.tensor([0.0, 1.0]), "(1,)"),
        (torch.tensor([float("nan")]), torch.zeros(1), "NaN"),
    ],
)
def test_differences(found: Any, expected: Any, told: str) -> None:
    assert not same(found, expected)
    assert told in difference(found, expected)
    assert same({"a": [0.1 + 0.2]}, {"a": [0.3]})


class Broken:
    """An object that is no help at all."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __hash__ = None  # type: ignore[assignment]


def square(number: int) -> int:
    return number**2


def told_of(function: Callable[[int], Any]) -> str:
    """What is told of a function that should square numbers."""
    check = Comparison(square, nothing=lambda n: 0, itself=lambda n: n)
    hints = {"nothing": "always nothing", "itself": "not squared"}
    answer = Answer(function, hints, cases=[(1,), (0,), (0,), (3,)])
    return str(examined(Exercise("00.0", check, "", ""), answer))


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda n: n, "not squared"),
        (lambda n: 0, "always nothing"),
        (lambda n: n**3, "`9` is expected"),
        (lambda n: Broken(), "<Broken instance>"),
        (lambda n: list(range(10_000)), ", ...]"),
        (lambda n: "a" * 10_000, "aaa...aaa"),
    ],
)
def test_the_likely_mistake_agrees_with_what_was_right_before(
    function: Callable[[int], Any], told: str
) -> None:
    assert told in told_of(function)
    assert len(told_of(function)) < 250


def test_an_object_that_cannot_be_compared() -> None:
    answer = Answer([Broken()], {}, {"right": [1]})
    assert "RuntimeError" in str(examined(Exercise("0", entry_by_entry(list), "", ""), answer))


def test_stubs() -> None:
    class Half:
        def method(self, text): ...  # your turn

    def begun(text):
        tags = ["O"]
        ...  # noqa: PIE790  # your turn
        return tags

    assert all(map(is_stub, (Half, begun, [1, ...], {"a": ...})))
    assert not any(map(is_stub, (hint_for, 3, "...", [], Broken())))


class TestVerdicts:
    def test_markup_is_escaped(self) -> None:
        page = check("02.1", "<script>alert('`x`')</script>")._repr_html_()
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
        verdict = check("02.2", lambda words, spans: print("here I am") or [])
        assert "`here I am`" in repr(verdict)


class TestRecord:
    @pytest.fixture
    def file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("NERLIB_OUTPUT", str(tmp_path))
        return tmp_path / NAME

    def right(self) -> str:
        return check("00.1", {"half past six": "time", "monday": "date"}).progress

    def test_two_notebooks_share_the_file(self, file: Path) -> None:
        check("00.1", {})
        assert not file.exists()
        assert self.right().startswith("1 of 4")
        assert json.loads(file.read_text(encoding="utf-8")) == {"done": ["00.1"]}
        assert str(progress("00")).count("✓") == 1
        file.write_text('{"done": ["00.2"]}', encoding="utf-8")
        note("00.3")
        assert json.loads(file.read_text(encoding="utf-8")) == {"done": ["00.2", "00.3"]}
        assert "<table>" in progress()._repr_html_()

    @pytest.mark.parametrize("text", ["", "{", "[1]", '{"done": 3}', '{"done": [3, "99.9", null]}'])
    def test_a_damaged_file_is_no_obstacle(self, file: Path, text: str) -> None:
        file.write_text(text, encoding="utf-8")
        assert how_far("00").startswith("0 of 4")
        assert self.right().startswith("1 of 4")

    def test_where_nothing_can_be_written_the_answer_is_still_right(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file.touch()
        monkeypatch.setenv("NERLIB_OUTPUT", str(file))
        assert self.right().startswith("0 of 4")


COPIES = sorted(str(path.relative_to(ROOT)) for path in CLASS.iterdir())


@pytest.mark.parametrize(
    "place", ["notebooks", "workshop/exercises", "workshop/solutions", *COPIES]
)
def test_lessons_exercises_and_class_copies_share_a_folder(
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
    assert "✗ 02.1" in python_output("-c", code)


class TestGenerator:
    def exercises(self, repository: str) -> nbformat.NotebookNode:
        source = "def f(x):\n    # BEGIN SOLUTION\n    return x\n    # END SOLUTION"
        cells = [
            new_markdown_cell("# 02 · Exercises\n\nWords.", id="02-header"),
            new_markdown_cell("[x](../exercises/02.ipynb)", metadata={"tags": ["solution"]}),
            new_code_cell(source, metadata={"tags": ["solution", "keep"]}, execution_count=1),
        ]
        return exercise_notebook(
            new_notebook(cells=cells), "02_exercises", Publication(repository, "v1")
        )

    def test_nothing_is_given_away(self) -> None:
        header, code = self.exercises("me/ner").cells
        assert code.source == "def f(x):\n    ...  # your turn"
        assert code.metadata == {"tags": ["keep"]}
        assert code.execution_count is None
        assert "/me/ner/blob/v1/colab/exercises/02_exercises.ipynb" in header.source
        header, code = self.exercises("").cells
        assert header.source == "# 02 · Exercises\n\nWords."

    def test_a_check_runs_in_a_kernel_and_a_loop_ends_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NERLIB_OUTPUT", str(tmp_path))
        loop = "def endless(words, spans):\n    while True:\n        pass"
        code = ("from nerlib.course.checks import check", loop, 'check("02.2", endless)')
        notebook = new_notebook(cells=[new_code_cell(source) for source in code])
        execute(notebook, tmp_path / "02.ipynb", tmp_path)
        told = notebook.cells[-1].outputs[0].data["text/plain"]
        assert "line 3 of your code, `pass`" in told
