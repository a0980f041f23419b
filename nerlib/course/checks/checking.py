"""Try an answer out and say what came of it."""

import ast
import inspect
import textwrap
from typing import Any

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Exercise, all_exercises, of_lesson
from nerlib.course.checks.hint import Hint, NotWritten, bare, plainly
from nerlib.course.checks.record import how_far, note
from nerlib.course.checks.verdict import Verdict


def check(number: str, answer: object) -> Verdict:
    """Return the verdict on an answer to an exercise: right, or a hint that names case and idea.

    `number` is lesson and place, as "02.3". `answer` is what the exercise asks for: a value, a
    function or a class. It never raises an error for a wrong answer.

    >>> print(check("02.1", 5))
    ✗ 02.1 · Tags on paper: not yet
      Your answer is `5`, of type `int`; `list[str]` is expected.
      ... done in lesson 02
    """
    exercise = all_exercises().get(number) if isinstance(number, str) else None
    if exercise is None:
        numbers = [e.number for e in of_lesson(str(number).partition(".")[0])] or all_exercises()
        message = f"There is no exercise {plainly(number)}. There are: {', '.join(numbers)}."
        if not isinstance(number, str):
            message += " The number is written as a string, in quotes."
        return Verdict(plainly(number), False, message)
    asked = Answer(answer, exercise.hints, exercise.cases)
    hint = examined(exercise, asked)
    if hint is None:
        note(number)
    return Verdict(
        f"{exercise.number} · {exercise.title}",
        passed=hint is None,
        message=exercise.learned if hint is None else str(hint),
        progress=how_far(exercise.lesson),
        printed=bare(asked.printed),
    )


def examined(exercise: Exercise, answer: Answer) -> Hint | None:
    """Return the first hint that an answer needs, or None if it is right."""
    try:
        exercise.examine(answer)
    except Hint as hint:
        return NotWritten() if is_stub(answer.value) else hint
    except Exception as error:  # an object of the learner's own that behaves like no other
        return Hint(
            f"This check could not read your answer ({type(error).__name__}: {error}). "
            "Hand in plain values: numbers, strings, lists, tensors."
        )
    return None


def is_stub(value: Any) -> bool:
    """Return whether an answer is, or holds, the `...` that the exercise came with.

    >>> is_stub(...), is_stub({"a": ...}), is_stub(len)
    (True, True, False)
    """
    if isinstance(value, dict | list | tuple):
        return any(map(is_stub, value.values() if isinstance(value, dict) else value))
    if isinstance(value, type):
        return any(is_stub(part) for part in vars(value).values() if inspect.isfunction(part))
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(value)))
    except (OSError, TypeError, SyntaxError):
        return value is ...
    lines = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    return any(isinstance(line, ast.Constant) and line.value is ... for line in lines)
