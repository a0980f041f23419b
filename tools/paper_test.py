"""Make the test that a class takes before and after its day, to print, with the answers apart.

python -m tools.paper_test                 # write build/test

The questions are the first ones of the quizzes of the lessons that a timetable goes through.
"""

import math
import sys
from collections.abc import Iterable
from pathlib import Path

from nerlib.analysis.display import escape
from nerlib.course.checks.verdict import marked_up
from nerlib.course.quiz import Question, load_quiz
from tools.class_copies import Row, file_name, timetables
from tools.pages import index_page
from tools.project import ROOT

LEAST = 10  # questions
STYLE = "<style>ol ol{list-style:lower-alpha}li{break-inside:avoid;margin:.4em 0}</style>"
HEAD = "<p>Name: ____________________ Date: ____________ before / after the class</p>"


def main(folder: Path = ROOT / "build" / "test") -> int:
    """Write each timetable's test, and its answers."""
    folder.mkdir(parents=True, exist_ok=True)
    for title, rows in timetables().items():
        asked = questions(rows)
        for name, head, told in (("", HEAD, False), ("-answers", "", True)):
            page = index_page(f"Test: {title}", {}, STYLE + head + listed(asked, told))
            (folder / f"{file_name(title)}{name}.html").write_text(page, encoding="utf-8")
    print(f"Open {folder}")
    return 0


def questions(rows: Iterable[Row]) -> list[Question]:
    """Return a timetable's questions, as many of each lesson, and ten or some more in all."""
    lessons = sorted({row.lesson for row in rows} - {""})
    each = math.ceil(LEAST / len(lessons))
    return [question for lesson in lessons for question in load_quiz(lesson)[:each]]


def listed(asked: Iterable[Question], told: bool) -> str:
    """Return questions as HTML, with what they offer to choose from; or with reasons, if told."""
    markup = ""
    for question in asked:
        code = f"<pre>{escape(question.code)}</pre>" if question.code else ""
        markup += f"<li>{marked_up(question.text)}{code}<ol>"
        for one in question.answers:
            verdict = f"<br><b>{'Right' if one.right else 'No'}.</b> {marked_up(one.reason)}" * told
            markup += f"<li>{marked_up(one.text)}{verdict}</li>"
        markup += "</ol></li>"
    return f"<ol>{markup}</ol>"


if __name__ == "__main__":
    sys.exit(main())
