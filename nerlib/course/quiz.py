"""Quizzes: questions about a lesson, with a reason for every answer, right or wrong.

The questions of lesson 02 are in `nerlib/data/quizzes/02.toml`. Each answer is a `<details>`
element of plain HTML, which a browser opens by mouse or keyboard without any script: in JupyterLab
(also in an untrusted notebook), in Colab and on a saved page.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase

from nerlib.analysis.display import Html, escape
from nerlib.course.checks.verdict import marked_up

FOLDER = Path(__file__).parents[1] / "data" / "quizzes"
VERDICTS = {True: "Right.", False: "No."}
# A frame on the left says the same as the verdict's word, for those who see the colour.
_FRAMES = {True: "#0b7a55", False: "#b4501e"}


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
    questions = load_quiz(lesson)
    markup = "".join(_question_html(number, q) for number, q in enumerate(questions, start=1))
    texts = [_question_text(number, q) for number, q in enumerate(questions, start=1)]
    reasons = [_reasons_text(number, q) for number, q in enumerate(questions, start=1)]
    plain = "\n\n".join([*texts, "Answers", *reasons])
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


def _question_html(number: int, question: Question) -> str:
    """Return one question as HTML, with all answers folded."""
    code = f"<pre>{escape(question.code.rstrip())}</pre>" if question.code else ""
    answers = "".join(map(_answer_html, question.answers))
    return (
        '<div class="nerlib-question" style="margin:0 0 1.4em">'
        f'<p style="margin:0 0 0.5em"><b>{number}.</b> {marked_up(question.text)}</p>'
        f"{code}{answers}</div>"
    )


def _answer_html(answer: Answer) -> str:
    """Return an answer that opens its reason."""
    frame = f"padding-left:0.7em;border-left:4px solid {_FRAMES[answer.right]}"
    reason = f"<b>{VERDICTS[answer.right]}</b> {marked_up(answer.reason)}"
    return (
        '<details style="margin:0.35em 0">'
        f'<summary style="cursor:pointer">{marked_up(answer.text)}</summary>'
        f'<p style="margin:0.3em 0 0.5em 1em;{frame}">{reason}</p></details>'
    )


def _question_text(number: int, question: Question) -> str:
    """Return one question as plain text, without its reasons."""
    code = [f"       {line}" for line in question.code.rstrip().splitlines()]
    lettered = zip(ascii_lowercase, question.answers, strict=False)
    answers = [f"   {letter}) {answer.text}" for letter, answer in lettered]
    return "\n".join([f"{number}. {question.text}", *code, *answers])


def _reasons_text(number: int, question: Question) -> str:
    """Return the reasons of one question as plain text."""
    lettered = zip(ascii_lowercase, question.answers, strict=False)
    return "\n".join(f"{number}{letter}) {VERDICTS[a.right]} {a.reason}" for letter, a in lettered)
