"""Which exercises are done: kept for the session, and in a file if one can be written."""

from __future__ import annotations

import contextlib
import json
from functools import cache
from pathlib import Path

from nerlib.analysis.display import Html, escape, html_table
from nerlib.atomic import whole_file
from nerlib.course.checks.exercise import all_exercises, of_lesson
from nerlib.course.checks.hint import plainly
from nerlib.tools.recipes import output_folder

NAME = "exercises.json"


class Record:
    """The numbers of the exercises that are done.

    A file that cannot be read or written is no reason to stop somebody who is learning: then the
    record lasts as long as the session.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done = _read(path)

    def add(self, number: str) -> None:
        """Note that an exercise is done, and keep what another notebook has noted meanwhile."""
        self.done |= {number, *_read(self.path)}
        with contextlib.suppress(OSError), whole_file(self.path) as unfinished:
            text = json.dumps({"done": sorted(self.done)}, indent=1)
            unfinished.write_text(text + "\n", encoding="utf-8")

    def line(self, lesson: str) -> str:
        """Return how far somebody is in a lesson."""
        exercises = of_lesson(lesson)
        done = sum(exercise.number in self.done for exercise in exercises)
        return f"{done} of {len(exercises)} done in lesson {lesson}"


def _read(path: Path) -> set[str]:
    """Return the numbers in a file that are those of exercises; none if there is no such file."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["done"]
        return {number for number in listed if number in all_exercises()}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()


record = cache(Record)  # the session's one record of a file


def current_record() -> Record:
    """Return the record in the output folder."""
    return record((output_folder() / NAME).absolute())


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
    noted = current_record()
    rows = [[e.number, e.title, "✓" if e.number in noted.done else "–"] for e in chosen]
    lines = [noted.line(name) for name in dict.fromkeys(e.lesson for e in chosen)]
    table = html_table(["exercise", "what", "done"], rows)
    return Html(f"{table.markup}<p>{'<br>'.join(lines)}</p>", "\n".join([table.text, *lines]))
