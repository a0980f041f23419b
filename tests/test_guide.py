"""The teacher's guide: its links lead somewhere, its timetables add up, its messages are real."""

from __future__ import annotations

import doctest
import itertools
import re
import shlex
from pathlib import Path

import pytest

from nerlib.tools.cli import main
from nerlib.tools.recipes import RECIPES
from tools.execute import all_notebooks

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "workshop"
PAGES = sorted(GUIDE.glob("*.md"))
LINK = re.compile(r"\]\((?!https?://|#)([^)\s#]+)")
ROW = re.compile(
    r"\| (\d+):(\d\d) \| (\d+):(\d\d) \| (\d+) \| (.+?) \| (.+?) \| (.+?) \|", re.MULTILINE
)
LENGTHS = {"90 minutes": 90, "Half a day": 240, "Day 1": 450, "Day 2": 450}
NUMBER = re.compile(r"\b(?:0\d|1[01])\b")


def text_of(name: str) -> str:
    return (GUIDE / name).read_text(encoding="utf-8")


def sections(name: str) -> dict[str, str]:
    """The parts of a page by their headings."""
    parts = re.split(r"(?m)^##+ (.+)$", text_of(name))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_page_is_reached_from_the_first() -> None:
    linked = set(LINK.findall(text_of("README.md")))
    assert {page.name for page in PAGES} - {"README.md"} <= linked


def timetable_problems(text: str, length: int) -> list[str]:
    """What does not add up in a timetable."""
    rows = [tuple(map(int, match[:5])) for match in ROW.findall(text)]
    problems = [] if rows else ["no rows"]
    clock = 60 * rows[0][0] + rows[0][1] if rows else 0
    first = clock
    for row in rows:
        start, end, minutes = 60 * row[0] + row[1], 60 * row[2] + row[3], row[4]
        if start != clock:
            problems.append(f"{row[0]}:{row[1]:02} does not follow the row before")
        if end - start != minutes:
            problems.append(f"{row[0]}:{row[1]:02} lasts {end - start}, not {minutes}")
        clock = end
    if clock - first != length:
        problems.append(f"{clock - first} minutes in all, not {length}")
    return problems


@pytest.mark.parametrize(("heading", "length"), LENGTHS.items())
def test_timetables_add_up(heading: str, length: int) -> None:
    assert timetable_problems(sections("timetables.md")[heading], length) == []


def test_a_timetable_that_does_not_add_up_is_noticed() -> None:
    text = "| 0:00 | 0:10 | 10 | a | b | c |\n| 0:15 | 0:30 | 10 | a | b | c |"
    assert timetable_problems(text, 20) == [
        "0:15 does not follow the row before",
        "0:15 lasts 15, not 10",
        "30 minutes in all, not 20",
    ]


def test_timetables_name_recipes_that_exist() -> None:
    for *_, recipe in ROW.findall(text_of("timetables.md")):
        for name in re.findall(r"`([^`]+)`", recipe):
            assert name in RECIPES, name


def test_every_lesson_has_its_section_with_all_four_parts() -> None:
    parts = sections("lessons.md")
    found = {heading[:2]: text for heading, text in parts.items() if heading[:2].isdigit()}
    assert {path.stem[:2] for path in all_notebooks()} <= set(found)
    for number, text in found.items():
        for part in ("The one idea.", "Draw.", "Where people get stuck", "Skip."):
            assert f"**{part}**" in text, f"{number}: {part}"


def test_every_lesson_is_in_the_two_days() -> None:
    days = "".join(text for heading, text in sections("timetables.md").items() if "Day" in heading)
    planned = {number for row in ROW.findall(days) for number in NUMBER.findall(row[6])}
    assert {path.stem[:2] for path in all_notebooks()} <= planned


def glossary() -> list[tuple[str, str, str]]:
    rows = re.findall(r"(?m)^\| (.+?) \| (.+?) \| (\d\d) \|$", text_of("glossary.md"))
    return [(term, meaning, lesson) for term, meaning, lesson in rows]


def test_the_glossary_is_sorted_and_says_each_term_once() -> None:
    terms = [re.sub(r"[`,]", "", term).casefold() for term, *_ in glossary()]
    assert len(terms) > 60
    assert len(set(terms)) == len(terms)
    assert terms == sorted(terms)


def test_the_glossary_points_to_lessons_that_speak_of_the_term() -> None:
    lessons = {
        path.stem[:2]: path.read_text(encoding="utf-8").casefold().replace("_", "-")
        for path in all_notebooks()
    }
    for term, _, lesson in glossary():
        words = [word.casefold() for word in re.split(r", |`| ", term) if len(word) > 3]
        if lesson in lessons and words:
            assert any(word.rstrip("s") in lessons[lesson] for word in words), (term, lesson)


def commands() -> list[tuple[str, str]]:
    """The command lines on the page of errors, each with the message below it."""
    lines = [
        line
        for block in re.findall(r"(?s)```console\n(.*?)```", text_of("common-errors.md"))
        for line in block.splitlines()
    ]
    return [(a, b) for a, b in itertools.pairwise(lines) if a.startswith("$ ")]


@pytest.mark.parametrize(("command", "message"), commands())
def test_a_command_line_says_what_the_page_says(
    command: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NERLIB_MASSIVE_DIR", raising=False)
    words = shlex.split(command)
    assert words[:4] == ["$", "python", "-m", "nerlib"]
    assert main(words[4:]) == 2
    assert capsys.readouterr().err.strip() == message


def test_there_are_commands_to_check() -> None:
    assert len(commands()) >= 6


def test_the_messages_of_the_library_are_real() -> None:
    text = re.sub(r"(?m)^```.*$", "", text_of("common-errors.md"))
    examples = doctest.DocTestParser().get_doctest(text, {}, "common-errors.md", None, None)
    done = doctest.DocTestRunner().run(examples)
    assert done.attempted >= 9
    assert done.failed == 0


def test_make_targets_and_folders_that_the_guide_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in PAGES:
        for target in set(re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))):
            assert re.search(rf"(?m)^{target}:", makefile), (page.name, target)
