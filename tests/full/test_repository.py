"""What the repository holds beside the code: the workflows, the hooks, the pages and the guide."""

import doctest
import itertools
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from nerlib.tools.cli import main
from nerlib.tools.recipes import RECIPES
from tools.project import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
RELEASE = WORKFLOW.with_name("release.yml")
UPDATES = ROOT / ".github" / "dependabot.yml"
HOOKS = ROOT / ".pre-commit-config.yaml"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
META = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
GUIDE = ROOT / "workshop"
READMES = [ROOT / name / "README.md" for name in ("colab", "tests", "nerlib/data/sample")]
GUIDES = [path for path in (ROOT / "docs").glob("*.md") if path.stem != "index"]  # the book's
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(GUIDES), *sorted(GUIDE.glob("*.md")), *READMES]
LINK = re.compile(r"\]\((?!https?://|#)([^)\s#]+)")
PATH = re.compile(r"`((?:nerlib|tools|benchmarks|tests|workshop|notebooks)/[\w/.-]+)`")
COMMAND = re.compile(r"`make [^`]*`|(?m:^    make .*)")


def missing_targets(text: str) -> set[str]:
    """What commands in a text hand to make and it does not know."""
    found = (line.split("#")[0].split()[1:] for line in re.findall(r"\bmake [^`\n]*", text))
    asked = {word for words in found for word in words if re.fullmatch(r"[a-z][a-z-]*", word)}
    return asked - set(re.findall(r"(?m)^([a-z-]+):", MAKEFILE))


class TestPages:
    @pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
    def test_links_paths_and_targets_of_make_lead_somewhere(self, page):
        text = page.read_text(encoding="utf-8")
        assert not missing_targets("\n".join(COMMAND.findall(text)))
        for target in LINK.findall(text):
            assert (page.parent / target).exists(), target
        for path in PATH.findall(text) if page.name != "CHANGELOG.md" else ():
            assert "NN" in path or (ROOT / path).exists(), path


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
        return rest[0] == "-m" and find_spec(rest[1]) is not None
    beside = Path(sys.executable).with_name(program)
    return beside.exists() or shutil.which(program) is not None


def test_hooks_are_local_and_their_commands_exist():
    (repository,) = yaml.safe_load(HOOKS.read_text("utf-8"))["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        assert is_there(hook["entry"]), hook["entry"]
    assert not is_there("python -m tools.hygeine")
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


TIMETABLE = (GUIDE / "timetables.md").read_text(encoding="utf-8")
ROW = re.compile(r"(?m)^\| (\d+):(\d\d) \| (\d+):(\d\d) \| (\d+) \| .+? \| .+? \| (.+?) \|")
LENGTHS = {"90 minutes": 90, "Half a day": 240, "Day 1": 450, "Day 2": 450}


@pytest.mark.parametrize(("heading", "length"), LENGTHS.items())
def test_timetables_add_up_and_name_recipes_that_exist(heading, length):
    parts = re.split(r"(?m)^##+ (.+)$", TIMETABLE)
    rows = ROW.findall(dict(zip(parts[1::2], parts[2::2], strict=True))[heading])
    times = [tuple(map(int, row[:5])) for row in rows]
    spans = [(60 * a + b, 60 * c + d, minutes) for a, b, c, d, minutes in times]
    assert all(end - start == minutes for start, end, minutes in spans)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(spans))
    assert spans[-1][1] - spans[0][0] == length
    assert {name for row in rows for name in re.findall(r"`([^`]+)`", row[5])} <= set(RECIPES)


def commands() -> list[tuple[str, str]]:
    """The command lines on the page of errors, each with the message below it."""
    text = (GUIDE / "common-errors.md").read_text(encoding="utf-8")
    blocks = re.findall(r"(?s)```console\n(.*?)```", text)
    pairs = (pair for block in blocks for pair in itertools.pairwise(block.splitlines()))
    return [(command, message) for command, message in pairs if command.startswith("$ ")]


@pytest.mark.parametrize(("command", "message"), commands())
def test_a_command_line_says_what_the_page_of_errors_says(
    command, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NERLIB_MASSIVE_DIR", raising=False)
    assert main(shlex.split(command)[4:]) == 2
    assert capsys.readouterr().err.strip() == message


def test_the_library_says_what_the_page_of_errors_says():
    text = re.sub(r"(?m)^```.*$", "", (GUIDE / "common-errors.md").read_text(encoding="utf-8"))
    examples = doctest.DocTestParser().get_doctest(text, {}, "common-errors.md", None, None)
    done = doctest.DocTestRunner().run(examples)
    assert (done.attempted >= 9, done.failed) == (True, 0)
