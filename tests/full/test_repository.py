"""What the repository holds beside the code: workflows, hooks, guide, and what pages claim."""

import ast
import doctest
import importlib.metadata
import itertools
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from hygiene import imported
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from test_packaging import META, REQUIREMENTS

from nerlib.course.checks.exercise import of_lesson
from nerlib.course.faults import FAULTS
from nerlib.course.figures import STATIONS
from nerlib.tools.cli import COMMANDS, build_parser
from nerlib.tools.recipes import RECIPES
from tools.execute import all_notebooks
from tools.exercises import SOLUTIONS
from tools.project import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
RELEASE = WORKFLOW.with_name("release.yml")
UPDATES = ROOT / ".github" / "dependabot.yml"
HOOKS = ROOT / ".pre-commit-config.yaml"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
GUIDE = ROOT / "workshop"
READMES = [ROOT / name / "README.md" for name in ("colab", "tests", "nerlib/data/sample")]
GUIDES = [path for path in (ROOT / "docs").glob("*.md") if path.stem != "index"]  # the book's
LESSONS = all_notebooks()
NOTEBOOKS = [*LESSONS, *all_notebooks(SOLUTIONS)]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(GUIDES), *sorted(GUIDE.glob("*.md")), *READMES]
LINK = re.compile(r"\]\((?!https?://)([^)\s#]*)#?([^)\s]*)\)")
PATH = re.compile(r"`((?:nerlib|tools|benchmarks|tests|workshop|notebooks)/[\w/.-]+)`")
NAME = re.compile(r"`(nerlib(?:\.\w+)+)`")
COMMAND = re.compile(r"`make [^`]*`|(?m:^    make .*)")
PROGRAM = re.compile(r"-m (nerlib|(?:tools|benchmarks)\.[\w.]+)\b([^`\n#|>…]*)")
COUNTING = "zero one two three four five six seven eight nine ten eleven twelve"
NUMBERS = COUNTING.split()
CLAIM = re.compile(
    rf"(?i)(?<!these )\b({'|'.join(NUMBERS)}|\d+) (?:\w+ )?"
    r"(lessons|notebooks|exercises|stations|faults by|ways to get|files(?=; every|; the rest)"
    r"|questions(?!, two))"
)


def missing_targets(text: str) -> set[str]:
    """What commands in a text hand to make and it does not know: targets, and variables."""
    found = (line.split("#")[0].split()[1:] for line in re.findall(r"\bmake [^`\n]*", text))
    words = (re.fullmatch(r"([a-z][a-z-]*)|([A-Z]+)=.*", word) for line in found for word in line)
    asked = {match[1] or match[2] for match in words if match}
    known = re.findall(r"(?m)^([a-z-]+):|\$\(([A-Z]+)\)", MAKEFILE)
    return asked - {target or variable for target, variable in known}


def words_of(page: Path) -> str:
    """A page, or what is not code in a notebook."""
    if page.suffix == ".md":
        return page.read_text(encoding="utf-8")
    cells = nbformat.read(page, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def places(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.+)$", words_of(page))
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def check_program(module: str, arguments: list[str]) -> None:
    """Check that a command line would be understood; nothing is run."""
    if module == "nerlib" and len(arguments) > 1:
        build_parser(arguments[:1]).parse_args(arguments)
    elif module == "nerlib":
        assert set(arguments) <= set(COMMANDS), arguments
    else:
        path = ROOT / module.replace(".", "/")
        code = next(p for p in (path.with_suffix(".py"), path / "__main__.py") if p.exists())
        for option in (word for word in arguments if word.startswith("--")):
            assert f'"{option}"' in code.read_text(encoding="utf-8"), (module, option)


every_page = pytest.mark.parametrize(
    "page", [*PAGES, *NOTEBOOKS], ids=lambda path: str(path.relative_to(ROOT))
)


class TestPages:
    @every_page
    def test_links_paths_names_and_commands_lead_somewhere(self, page):
        text = words_of(page)
        assert not missing_targets("\n".join(COMMAND.findall(text)))
        for target, place in LINK.findall(text):
            found = page.parent / target if target else page
            assert found.exists(), target
            assert not place or place in places(found), place
        for path in PATH.findall(text) if page.name != "CHANGELOG.md" else ():
            assert "NN" in path or (ROOT / path).exists(), path
        for name in NAME.findall(text):
            assert pkgutil.resolve_name(name), name
        for module, arguments in PROGRAM.findall(text):
            check_program(module, shlex.split(arguments))

    @every_page
    def test_counts_are_those_of_the_files(self, page):
        lesson = "C" if page.stem == "capstone" else page.stem[:2]
        found = len(of_lesson(lesson)) or min(len(of_lesson(path.stem[:2])) for path in LESSONS)
        guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
        steps = re.findall(
            r"(?m)^\d\. ", guide.partition("### A new lesson")[2].partition("\n## ")[0]
        )
        counts = {
            "lessons": len(LESSONS), "notebooks": len(LESSONS), "exercises": found, "questions": 5,
            "stations": len(STATIONS), "faults by": len(FAULTS), "ways to get": len(FAULTS),
            "files": len(steps),
        }  # fmt: skip
        for number, what in CLAIM.findall(words_of(page)):
            told = int(number) if number.isdigit() else NUMBERS.index(number.lower())
            assert told == counts[what.lower()], f"{number} {what}"

    def test_the_first_lesson_lists_all_others(self):
        listed = re.findall(r"(?m)^\| \[.+?\]\((.+?)\)", words_of(LESSONS[0]))
        assert listed == [path.name for path in LESSONS[1:]]


SCHEMA = "check-jsonschema --builtin-schema vendor."  # they come with the package
SAFE = "zizmor --offline"  # actions pinned by commit, no credentials kept, nothing injected


LINT = "actionlint"  # its Python package fetches the program from GitHub, so it may be missing


@pytest.mark.parametrize(
    ("tool", "path", "right", "wrong"),
    [
        (f"{SCHEMA}github-workflows", WORKFLOW, "runs-on:", "run-on:"),
        (f"{SCHEMA}github-workflows", RELEASE, "runs-on:", "run-on:"),
        (f"{SCHEMA}dependabot", UPDATES, "schedule:", "calendar:"),
        (SAFE, WORKFLOW, "@11bd71901bbe5b1630ceea73d27597364c9af683", "@v4"),
        (SAFE, WORKFLOW, "persist-credentials: false", "show-progress: false"),
        (SAFE, RELEASE, "@ed0c53931b1dc9bd32cbe73a98c7f6766f8a527e", "@release/v1"),
        (SAFE, RELEASE, "persist-credentials: false", "show-progress: false"),
        (LINT, WORKFLOW, "matrix.python", "matrix.pythons"),
        (LINT, RELEASE, "needs: build", "needs: built"),
        ("pre-commit validate-config", HOOKS, "entry:", "enter:"),
    ],
)
def test_workflows_and_hooks_are_valid_and_broken_ones_are_not(tool, path, right, wrong, tmp_path):
    if tool == LINT and not is_there(LINT):
        pytest.skip("actionlint is not installed")
    broken = tmp_path / path.name
    broken.write_text(path.read_text(encoding="utf-8").replace(right, wrong), encoding="utf-8")
    program, *options = tool.split()
    command = [program if tool == LINT else Path(sys.executable).with_name(program), *options]
    assert subprocess.run([*command, path], capture_output=True).returncode == 0
    assert subprocess.run([*command, broken], capture_output=True).returncode != 0


def test_the_workflow_runs_the_tests_on_every_python_that_is_allowed():
    jobs: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]
    allowed = SpecifierSet(META["requires-python"])
    wanted = [f"3.{minor}" for minor in range(30) if allowed.contains(f"3.{minor}.0")]
    assert jobs["test"]["strategy"]["matrix"]["python"] == wanted
    assert {"run": "make test"} in jobs["test"]["steps"]
    assert not missing_targets(WORKFLOW.read_text("utf-8"))


def is_there(command: str) -> bool:
    """Whether a command's program is installed, and its module can be imported."""
    program, *rest = shlex.split(command)
    if program == "python":
        return find_spec(rest[1]) is not None if rest[0] == "-m" else (ROOT / rest[0]).is_file()
    beside = Path(sys.executable).with_name(program)
    return beside.exists() or shutil.which(program) is not None


def test_hooks_are_local_and_their_commands_exist():
    (repository,) = yaml.safe_load(HOOKS.read_text("utf-8"))["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        assert is_there(hook["entry"]), hook["entry"]
    assert not is_there("python tests/hygeine.py")
    assert not is_there("rufff check")


def test_every_promise_has_a_test_that_is_there():
    text = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\w+\.py)(?:::(\w+))?`", text)
    assert len(named) > 30
    for file, test in named:
        code = next((ROOT / "tests").rglob(file)).read_text(encoding="utf-8")
        assert re.search(rf"(?m)^\s*(?:def|class) {test}\b" if test else "", code), (file, test)
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| ")]
    promises = [row for row in rows[1:] if not row[0].strip().startswith("**")]
    assert len(promises) > 20
    assert [promise for promise, test, _ in promises if "`" not in test] == []


def test_every_page_says_the_same_duration_of_the_quick_training():
    text = MAKEFILE + "".join(map(words_of, PAGES))
    told = re.findall(r"(?:quick|lesson 06 train)[^|]{0,60}?about (\d+) min", text)
    assert len(told) == 3
    assert {f"about {minutes} min" in RECIPES["offline"].takes for minutes in told} == {True}


def commands() -> list[tuple[str, str]]:
    """The command lines on the page of errors, each with the message below it."""
    text = (GUIDE / "common-errors.md").read_text(encoding="utf-8")
    blocks = re.findall(r"(?s)```console\n(.*?)```", text)
    pairs = (pair for block in blocks for pair in itertools.pairwise(block.splitlines()))
    return [(command, message) for command, message in pairs if command.startswith("$ ")]


@pytest.mark.parametrize(("command", "message"), commands())
def test_a_command_line_says_what_the_page_of_errors_says(
    command, message, tmp_path, monkeypatch, says
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NERLIB_MASSIVE_DIR", raising=False)
    assert says(*shlex.split(command)[4:], status=2) == message


def test_the_library_says_what_the_page_of_errors_says():
    text = re.sub(r"(?m)^```.*$", "", (GUIDE / "common-errors.md").read_text(encoding="utf-8"))
    examples = doctest.DocTestParser().get_doctest(text, {}, "common-errors.md", None, None)
    done = doctest.DocTestRunner().run(examples)
    assert (done.attempted >= 9, done.failed) == (True, 0)


def test_every_import_is_declared() -> None:
    """Whatever nerlib imports is in the standard library, in nerlib, or required."""
    providers = importlib.metadata.packages_distributions()
    declared = {canonicalize_name(requirement.name) for requirement in REQUIREMENTS}
    trees = (ast.parse(path.read_text("utf-8")) for path in (ROOT / "nerlib").rglob("*.py"))
    found = {name for tree in trees for name in imported(tree)}
    undeclared = {
        name
        for name in found - sys.stdlib_module_names - {"nerlib"}
        if not {canonicalize_name(p) for p in providers.get(name, [])} & declared
    }
    assert undeclared == set()
