"""What the repository holds beside the code: the workflow, the hooks, the pages and the guide."""

from __future__ import annotations

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
from tools.project import ROOT, read_publication

WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
UPDATES = ROOT / ".github" / "dependabot.yml"
HOOKS = ROOT / ".pre-commit-config.yaml"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
META = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
GUIDE = ROOT / "workshop"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(path for path in (ROOT / "docs").glob("*.md") if path.stem != "index"),  # the book's
    *sorted(GUIDE.glob("*.md")),
    ROOT / "colab" / "README.md",
    ROOT / "tests" / "README.md",
    ROOT / "nerlib" / "data" / "sample" / "README.md",
]
LINK = re.compile(r"\]\((?!https?://|#)([^)\s#]+)")
PATH = re.compile(r"`((?:nerlib|tools|benchmarks|tests|workshop|notebooks)/[\w/.-]+)`")
COMMAND = re.compile(r"`make [^`]*`|(?m:^    make .*)")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def targets_in(text: str) -> set[str]:
    """The targets that commands in a text hand to make."""
    found = (line.split("#")[0].split()[1:] for line in re.findall(r"\bmake [^`\n]*", text))
    return {word for words in found for word in words if re.fullmatch(r"[a-z][a-z-]*", word)}


def has_target(target: str) -> bool:
    return bool(re.search(rf"(?m)^{target}:", MAKEFILE))


class TestPages:
    @every_page
    def test_links_and_paths_lead_somewhere(self, page: Path) -> None:
        text = page.read_text(encoding="utf-8")
        for target in LINK.findall(text):
            assert (page.parent / target).exists(), target
        for path in PATH.findall(text) if page.name != "CHANGELOG.md" else ():
            assert "NN" in path or (ROOT / path).exists(), path

    @every_page
    def test_make_targets_exist(self, page: Path) -> None:
        for target in targets_in("\n".join(COMMAND.findall(page.read_text(encoding="utf-8")))):
            assert has_target(target), target

    def test_links_to_colab_and_binder_name_the_publication(self) -> None:
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        repository = read_publication().repository
        named = set(re.findall(r"colab\.research\.google\.com/github/([^/]+/[^/]+)/", text))
        assert named == {repository}
        assert f"mybinder.org/v2/gh/{repository}/" in text


def tool(module: str, *arguments: str | Path) -> int:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True
    ).returncode


def fits_the_schema(file: Path) -> bool:
    schema = "dependabot" if file.name == UPDATES.name else "github-workflows"
    options = ("--builtin-schema", f"vendor.{schema}")  # they come with the package
    return tool("check_jsonschema", *options, file) == 0


def is_safe(workflow: Path) -> bool:
    """Whether actions are pinned by commit, credentials do not stay, and nothing is injected."""
    program = Path(sys.executable).with_name("zizmor")
    return subprocess.run([program, "--offline", workflow], capture_output=True).returncode == 0


def is_valid(hooks: Path) -> bool:
    return tool("pre_commit", "validate-config", hooks) == 0


@pytest.mark.parametrize(
    ("check", "path", "right", "wrong"),
    [
        (fits_the_schema, WORKFLOW, "runs-on:", "run-on:"),
        (fits_the_schema, UPDATES, "schedule:", "calendar:"),
        (is_safe, WORKFLOW, "@11bd71901bbe5b1630ceea73d27597364c9af683", "@v4"),
        (is_safe, WORKFLOW, "persist-credentials: false", "show-progress: false"),
        (is_valid, HOOKS, "entry:", "enter:"),
    ],
)
def test_workflow_and_hooks_are_valid_and_broken_ones_are_not(
    check: Any, path: Path, right: str, wrong: str, tmp_path: Path
) -> None:
    assert check(path)
    broken = tmp_path / path.name
    broken.write_text(path.read_text(encoding="utf-8").replace(right, wrong), encoding="utf-8")
    assert not check(broken)


def test_the_workflow_runs_the_tests_on_every_python_that_is_allowed() -> None:
    jobs: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]
    allowed = SpecifierSet(META["requires-python"])
    wanted = [f"3.{minor}" for minor in range(30) if allowed.contains(f"3.{minor}.0")]
    assert jobs["test"]["strategy"]["matrix"]["python"] == wanted
    assert {"run": "make test"} in jobs["test"]["steps"]
    for target in targets_in(WORKFLOW.read_text("utf-8")):
        assert has_target(target), target


def is_there(command: str) -> bool:
    """Whether a command's program is installed, and its module can be imported."""
    program, *rest = shlex.split(command)
    if program == "python":
        return rest[0] == "-m" and find_spec(rest[1]) is not None
    beside = Path(sys.executable).with_name(program)
    return beside.exists() or shutil.which(program) is not None


def test_hooks_are_local_and_their_commands_exist() -> None:
    (repository,) = yaml.safe_load(HOOKS.read_text("utf-8"))["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        assert is_there(hook["entry"]), hook["entry"]
    assert not is_there("python -m tools.hygeine")
    assert not is_there("rufff check")


class TestPromises:
    """tests/README.md names tests that are there."""

    TEXT = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")

    @staticmethod
    def is_there(name: str) -> bool:
        file, _, test = name.partition("::")
        path = ROOT / "tests" / file
        kind = rf"(?m)^\s*(?:def|class) {re.escape(test)}\b"
        return path.is_file() and (not test or bool(re.search(kind, path.read_text("utf-8"))))

    def test_every_test_that_is_named_exists(self) -> None:
        named = re.findall(r"`((?:\w+)\.py(?:::\w+)?)`", self.TEXT)
        assert len(named) > 30
        assert [name for name in named if not self.is_there(name)] == []
        assert not self.is_there("test_metrics.py::test_it_all")
        assert not self.is_there("test_all.py")

    def test_every_promise_has_a_test(self) -> None:
        rows = [line.split("|")[1:-1] for line in self.TEXT.splitlines() if line.startswith("| ")]
        promises = [row for row in rows[1:] if not row[0].strip().startswith("**")]
        assert len(promises) > 20
        assert [promise for promise, test, _ in promises if "`" not in test] == []


TIMETABLE = (GUIDE / "timetables.md").read_text(encoding="utf-8")
ROW = re.compile(r"(?m)^\| (\d+):(\d\d) \| (\d+):(\d\d) \| (\d+) \| .+? \| .+? \| (.+?) \|")
LENGTHS = {"90 minutes": 90, "Half a day": 240, "Day 1": 450, "Day 2": 450}


@pytest.mark.parametrize(("heading", "length"), LENGTHS.items())
def test_timetables_add_up_and_name_recipes_that_exist(heading: str, length: int) -> None:
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
    command: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NERLIB_MASSIVE_DIR", raising=False)
    assert main(shlex.split(command)[4:]) == 2
    assert capsys.readouterr().err.strip() == message


def test_the_library_says_what_the_page_of_errors_says() -> None:
    text = re.sub(r"(?m)^```.*$", "", (GUIDE / "common-errors.md").read_text(encoding="utf-8"))
    examples = doctest.DocTestParser().get_doctest(text, {}, "common-errors.md", None, None)
    done = doctest.DocTestRunner().run(examples)
    assert (done.attempted >= 9, done.failed) == (True, 0)
