"""The quizzes: fair questions, a reason for every answer, shown safely and without a script."""

import re
from collections.abc import Iterator
from contextlib import nullcontext

import nbformat
import pytest
from bs4 import BeautifulSoup
from local_pages import needs_browser, violations, watch
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from playwright.sync_api import expect

from nerlib import PACKAGED, AnnotationError, Parser, Score, load_tokenizer, tags_to_spans
from nerlib.analysis.matching import count_kinds, lenient_scores
from nerlib.course import quiz as quizzes
from nerlib.course.broken import tags_by_dictionary
from nerlib.course.checks.lesson_06 import best_sequence
from nerlib.course.quiz import Answer, Question, QuizError, lessons_with_quiz, load_quiz, quiz
from tools import paper_test
from tools.class_copies import timetables
from tools.execute import all_notebooks

NOTEBOOKS = {path.stem[:2]: path for path in all_notebooks()}
LESSONS = list(NOTEBOOKS)
HOSTILE = "<script>alert(1)</script> `<b>` *x <i>* \"'"
PARSER = Parser()


def every_answer() -> Iterator[tuple[str, Answer]]:
    for lesson in LESSONS:
        for number, question in enumerate(load_quiz(lesson), start=1):
            for answer in question.answers:
                yield f"{lesson}, question {number}", answer


class TestQuestions:
    @pytest.mark.parametrize("lesson", LESSONS)
    def test_five_questions_with_one_right_answer_each(self, lesson):
        questions = load_quiz(lesson)
        assert lessons_with_quiz() == LESSONS
        assert len(questions) == 5
        for question in questions:
            assert question.text.strip()
            assert 3 <= len(question.answers) <= 5
            assert sum(answer.right for answer in question.answers) == 1, question.text
            assert len({answer.text for answer in question.answers}) == len(question.answers)

    def test_every_answer_has_a_reason_of_its_own(self):
        reasons = [answer.reason for _, answer in every_answer()]
        assert len(set(reasons)) == len(reasons)
        for place, answer in every_answer():
            assert len(answer.reason.split()) >= 5, place
            assert answer.reason.rstrip(")").endswith((".", "!")), place
            # The verdict stands before the reason, so the reason need not repeat it.
            assert not answer.reason.startswith(("Right", "No.", "Yes", "Correct")), place

    @pytest.mark.parametrize("lesson", LESSONS)
    def test_neither_the_place_nor_the_length_gives_the_answer_away(self, lesson):
        questions = load_quiz(lesson)
        places = [[a.right for a in question.answers].index(True) for question in questions]
        assert len(set(places)) >= 3
        assert all(places.count(place) <= 2 for place in places)
        for extreme in (max, min):
            found = [extreme(q.answers, key=lambda answer: len(answer.text)) for q in questions]
            assert sum(answer.right for answer in found) <= 2

    def test_marks_are_closed(self):
        texts = [q.text for lesson in LESSONS for q in load_quiz(lesson)]
        texts += [text for _, answer in every_answer() for text in (answer.text, answer.reason)]
        for text in texts:
            assert text.count("`") % 2 == 0, text
            assert re.sub("`[^`]*`", "", text).count("*") % 2 == 0, text

    def test_what_the_questions_claim_of_the_library_is_so(self):
        """The answers that a few lines can check."""
        row = PARSER.parse("wake me at [time : five] with five songs")
        assert tags_by_dictionary(row) == ["O", "O", "O", "B-TIME", "O", "B-TIME", "O"]
        assert [(w.start, w.end) for w in PARSER.split_words("wake me, please!")][-2:] == [
            *((9, 15), (15, 16))
        ]
        row = PARSER.parse("buy [food : milk] [food : brown bread]")
        assert row.tags == ("O", "B-FOOD", "B-FOOD", "I-FOOD")
        (span,) = tags_to_spans(row.words, [tag.replace("B-", "I-") for tag in row.tags])
        assert row.text[span.start : span.end] == "milk brown bread"
        for answer in load_quiz("02")[3].answers:
            annotated = answer.text.strip("`")
            with nullcontext() if answer.right else pytest.raises(AnnotationError):
                assert "anna" in [word.text for word in PARSER.parse(annotated).words]

    def test_what_the_questions_compute_is_so(self):
        def right(lesson: str, number: int) -> str:
            (found,) = [a.text for a in load_quiz(lesson)[number - 1].answers if a.right]
            return found

        score = Score(gold=40, predicted=10, correct=8)
        assert right("01", 1) == f"Precision {score.precision}, recall {score.recall}"
        words = ["play", "ukulele", "now"]
        tokens = load_tokenizer(PACKAGED)(words, is_split_into_words=True).tokens()
        assert right("03", 1) == f"`{tokens[words.index('now') + 1]}`"
        assert right("05", 3).startswith(f"{Score(gold=4, predicted=5, correct=3).f1:.2f}")
        tags = best_sequence([[0.6, 0.4, 0.0], [0.2, 0.1, 0.7]], ["O", "B-TIME", "I-TIME"])
        assert right("06", 3) == f"`{' '.join(tags)}`"
        kinds = count_kinds([["B-PLACE", "I-PLACE", "I-PLACE"]], [["O", "B-PLACE", "I-PLACE"]])
        rules = lenient_scores(kinds)
        assert (rules["strict"].f1, rules["partial"].f1, rules["type"].f1) == (0, 0.5, 1)


@pytest.mark.parametrize("name", ["2", "../sample/README"])
def test_an_unknown_lesson_is_a_message(name):
    with pytest.raises(QuizError, match="00, 01"):
        quiz(name)


class TestShowing:
    def test_nothing_but_plain_elements(self):
        found = BeautifulSoup(quiz("05").markup, "html.parser").find_all(True)
        names = {"div", "p", "b", "pre", "code", "em", "details", "summary"}
        assert {element.name for element in found} <= names
        assert {name for element in found for name in element.attrs} == {"class", "style"}

    def test_text_is_escaped(self, monkeypatch):
        question = Question(HOSTILE, (Answer(HOSTILE, HOSTILE, True),), code=HOSTILE)
        monkeypatch.setattr(quizzes, "load_quiz", lambda lesson: (question,))
        shown = BeautifulSoup(quiz("02").markup, "html.parser")
        assert not shown.find_all(["script", "i"])
        assert len(shown.find_all("code")) == len(shown.find_all("em")) == 3
        assert shown.get_text().count("<script>alert(1)</script>") == 4

    def test_as_text_the_reasons_stand_below_all_questions(self):
        text = str(quiz("02"))
        questions, _, reasons = text.partition("\nAnswers\n")
        for number, question in enumerate(load_quiz("02"), start=1):
            assert f"{number}. {question.text}" in questions
            for letter, answer in zip("abcde", question.answers, strict=False):
                verdict = "Right." if answer.right else "No."
                assert f"   {letter}) {answer.text}" in questions
                assert answer.reason not in questions
                assert f"{number}{letter}) {verdict} {answer.reason}" in reasons


class TestInTheNotebooks:
    @pytest.mark.parametrize("lesson", LESSONS)
    def test_it_stands_before_the_exercises_and_is_up_to_date(self, lesson):
        cells = nbformat.read(NOTEBOOKS[lesson], as_version=4).cells
        number = next(n for n, cell in enumerate(cells) if cell.id == f"{lesson}-quiz")
        assert f'quiz("{lesson}")' in cells[number].source
        assert cells[number - 1].source.startswith("## Quiz")
        assert cells[number + 1].source.startswith("## Exercises")
        (output,) = cells[number].outputs
        assert output.data["text/html"] == quiz(lesson).markup, "run the notebook again"
        assert output.data["text/plain"] == str(quiz(lesson)), "run the notebook again"


@pytest.fixture
def page(browser, tmp_path):
    """The HTML export of a notebook with one quiz, in a browser that runs no scripts."""
    output = new_output("execute_result", data={"text/html": quiz("05").markup})
    cell = new_code_cell("quiz", outputs=[output])
    body, _ = HTMLExporter(embed_images=True).from_notebook_node(new_notebook(cells=[cell]))
    path = tmp_path / "quiz.html"
    path.write_text(body, encoding="utf-8")
    opened = browser.new_context(java_script_enabled=False).new_page()
    opened.goto(path.as_uri(), wait_until="domcontentloaded")
    return opened


@needs_browser
class TestInABrowser:
    def test_a_click_shows_the_reason_of_a_wrong_answer_and_of_the_right_one(self, page):
        answers = {answer.right: answer for answer in load_quiz("05")[1].answers}
        for answer, verdict in ((answers[False], "No."), (answers[True], "Right.")):
            start = re.sub("[`*]", "", answer.reason)[:40]
            reason = page.locator(".nerlib-question p", has_text=start)
            expect(reason).to_be_hidden()
            page.locator("summary", has_text=answer.text).click()
            expect(reason).to_be_visible()
            expect(reason).to_contain_text(verdict)

    def test_keys_are_enough(self, page):
        first = page.locator("summary").first
        first.focus()
        page.keyboard.press("Enter")
        expect(page.locator("details[open]")).to_have_count(1)
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        expect(page.locator("details[open]")).to_have_count(2)

    def test_axe_finds_nothing_with_all_reasons_open(self, browser, tmp_path):
        markup = quiz("05").markup.replace("<details", "<details open")
        start = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Quiz</title>'
        path = tmp_path / "quiz.html"
        path.write_text(f"{start}<main><h1>Quiz</h1>{markup}</main></html>", encoding="utf-8")
        opened = browser.new_page()
        problems = watch(opened, (path.as_uri(),))
        opened.goto(path.as_uri())
        assert violations(opened) == []
        assert problems == []


def test_a_test_on_paper_gives_no_answer_away(tmp_path):
    assert paper_test.main(tmp_path) == 0
    assert len([*tmp_path.glob("*.html")]) == 2 * len(timetables())
    for rows in timetables().values():
        asked = paper_test.questions(rows)
        assert 10 <= len(asked) <= 15
        bare, told = (paper_test.listed(asked, answers) for answers in (False, True))
        assert bare.count("<li>") == sum(1 + len(question.answers) for question in asked)
        assert ("<b>" in bare, told.count("<b>Right.</b>")) == (False, len(asked))
