"""Quizzes: questions about a lesson, with a reason for every answer, right or wrong.

The questions of lesson 02 are in `nerlib/data/quizzes/02.toml`. Each answer is a `<details>`
element of plain HTML, which a browser opens by mouse or keyboard without any script: in JupyterLab
(also in an untrusted notebook), in Colab and on a saved page.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase

from nerlib.analysis.display import Html, escape
from nerlib.course.checks.verdict import marked_up

FOLDER = Path(__file__).parents[1] / "data" / "quizzes"
# A frame on the left says the same as the verdict's word, for those who see the colour.
VERDICTS = {True: ("Right.", "#0b7a55"), False: ("No.", "#b4501e")}
QUESTION = (
    '<div class="nerlib-question" style="margin:0 0 1.4em">'
    '<p style="margin:0 0 0.5em"><b>{number}.</b> {text}</p>{code}{answers}</div>'
)
ANSWER = (
    '<details style="margin:0.35em 0"><summary style="cursor:pointer">{text}</summary>'
    '<p style="margin:0.3em 0 0.5em 1em;padding-left:0.7em;border-left:4px solid {colour}">'
    "<b>{verdict}</b> {reason}</p></details>"
)


class QuizError(ValueError):
    """A quiz that does not exist."""


@dataclass(frozen=True)
class Answer:
    """One of the answers to choose from, and why it is right or wrong."""

    text: str
    reason: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question with its answers; `code` is a program that it asks about."""

    text: str
    answers: tuple[Answer, ...]
    code: str = ""


def quiz(lesson: str) -> Html:
    """Return the quiz of a lesson, for a notebook: choose an answer, and it opens its reason.

    `lesson` is the number of a notebook, with two digits. On a terminal, all reasons stand below
    all questions. Raises `QuizError` if there is no such quiz.

    >>> print(str(quiz("02")).splitlines()[1])
       a) `I-TIME`, because it comes after a `B-TIME`
    """
    markup, questions, reasons = "", [], []
    for number, question in enumerate(load_quiz(lesson), start=1):
        code, answers = question.code.rstrip(), ""
        lines = [f"{number}. {question.text}", *(f"       {line}" for line in code.splitlines())]
        why = []
        for letter, answer in zip(ascii_lowercase, question.answers, strict=False):
            verdict, colour = VERDICTS[answer.right]
            text, reason = marked_up(answer.text), marked_up(answer.reason)
            answers += ANSWER.format(text=text, colour=colour, verdict=verdict, reason=reason)
            lines.append(f"   {letter}) {answer.text}")
            why.append(f"{number}{letter}) {verdict} {answer.reason}")
        block = f"<pre>{escape(code)}</pre>" if code else ""
        text = marked_up(question.text)
        markup += QUESTION.format(number=number, text=text, code=block, answers=answers)
        questions.append("\n".join(lines))
        reasons.append("\n".join(why))
    plain = "\n\n".join([*questions, "Answers", *reasons])
    return Html(f'<div class="nerlib-quiz">{markup}</div>', plain)


def lessons_with_quiz() -> list[str]:
    """Return the numbers of the lessons that have a quiz.

    >>> lessons_with_quiz()[:3]
    ['00', '01', '02']
    """
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_quiz(lesson: str) -> tuple[Question, ...]:
    """Return the questions of a lesson; raises `QuizError` if there are none.

    >>> len(load_quiz("02"))
    5
    """
    known = lessons_with_quiz()
    if lesson not in known:
        raise QuizError(f"there is no quiz {lesson!r}: choose one of {', '.join(known)}")
    content = tomllib.loads((FOLDER / f"{lesson}.toml").read_text(encoding="utf-8"))
    return tuple(
        Question(entry["text"], tuple(Answer(**a) for a in entry["answer"]), entry.get("code", ""))
        for entry in content["question"]
    )
