"""Which exercises are done: kept for the session, and in a file if one can be written."""

import contextlib
import json
from collections import defaultdict
from pathlib import Path

from nerlib.analysis.display import Html, escape, html_table
from nerlib.atomic import whole_file
from nerlib.course.checks.exercise import all_exercises, of_lesson
from nerlib.course.checks.hint import plainly
from nerlib.tools.recipes import output_folder

NAME = "exercises.json"
SESSION: dict[Path, set[str]] = defaultdict(set)  # what is done, by the file that should hold it


def _file() -> Path:
    return (output_folder() / NAME).absolute()


def done() -> set[str]:
    """Return the numbers of the exercises that are done, in this session or in the file.

    A file that cannot be read or written is no reason to stop somebody who is learning: then the
    record lasts as long as the session.
    """
    path = _file()
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        listed = json.loads(path.read_text(encoding="utf-8"))["done"]
        SESSION[path] |= {number for number in listed if number in all_exercises()}
    return SESSION[path]


def note(number: str) -> None:
    """Note that an exercise is done, and keep what another notebook has noted meanwhile."""
    numbers = done()
    numbers.add(number)
    with contextlib.suppress(OSError), whole_file(_file()) as unfinished:
        text = json.dumps({"done": sorted(numbers)}, indent=1)
        unfinished.write_text(text + "\n", encoding="utf-8")


def how_far(lesson: str) -> str:
    """Return how far somebody is in a lesson."""
    numbers = {exercise.number for exercise in of_lesson(lesson)}
    return f"{len(numbers & done())} of {len(numbers)} done in lesson {lesson}"


def progress(lesson: str | None = None) -> Html:
    """Return a table of the exercises and whether they are done, of one lesson or of all.

    For a lesson that has no exercises it says which lessons have some.

    >>> print(str(progress("02")).splitlines()[0])
    exercise | what | done
    """
    chosen = list(all_exercises().values()) if lesson is None else of_lesson(lesson)
    if not chosen:
        known = ", ".join(dict.fromkeys(e.lesson for e in all_exercises().values()))
        text = f"There is no lesson {plainly(lesson)} with exercises. There are: {known}."
        return Html(f"<p>{escape(text)}</p>", text)
    finished = done()
    rows = [[e.number, e.title, "✓" if e.number in finished else "–"] for e in chosen]
    lines = [how_far(name) for name in dict.fromkeys(e.lesson for e in chosen)]
    table = html_table(["exercise", "what", "done"], rows)
    return Html(f"{table.markup}<p>{'<br>'.join(lines)}</p>", "\n".join([table.text, *lines]))
