"""Which exercises are done: kept in a file, if one can be written."""

import contextlib
import json
from pathlib import Path

from nerlib.analysis.display import Html, html_table
from nerlib.atomic import whole_file
from nerlib.course.checks.exercise import all_exercises, of_lesson
from nerlib.tools.recipes import output_folder

NAME = "exercises.json"


def _file() -> Path:
    return (output_folder() / NAME).absolute()


def done() -> set[str]:
    """Return the numbers of the exercises that are done.

    A file that cannot be read or written is no reason to stop somebody who is learning.
    """
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        listed = json.loads(_file().read_text(encoding="utf-8"))["done"]
        return {number for number in listed if number in all_exercises()}
    return set()


def note(number: str) -> None:
    """Note that an exercise is done, and keep what another notebook has noted meanwhile."""
    with contextlib.suppress(OSError), whole_file(_file()) as unfinished:
        text = json.dumps({"done": sorted({*done(), number})}, indent=1)
        unfinished.write_text(text + "\n", encoding="utf-8")


def how_far(lesson: str) -> str:
    """Return how far somebody is in a lesson."""
    numbers = {exercise.number for exercise in of_lesson(lesson)}
    return f"{len(numbers & done())} of {len(numbers)} done in lesson {lesson}"


def progress(lesson: str | None = None) -> Html:
    """Return a table of the exercises and whether they are done, of one lesson or of all.

    >>> print(str(progress("02")).splitlines()[0])
    exercise | what | done
    """
    chosen = of_lesson(lesson or "") or list(all_exercises().values())
    finished = done()
    rows = [[e.number, e.title, "✓" if e.number in finished else "–"] for e in chosen]
    lines = [how_far(name) for name in dict.fromkeys(e.lesson for e in chosen)]
    table = html_table(["exercise", "what", "done"], rows)
    return Html(f"{table.markup}<p>{'<br>'.join(lines)}</p>", "\n".join([table.text, *lines]))
