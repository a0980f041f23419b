"""What the repository holds beside the code: the workflow, the hooks and the guides."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from test_packaging import META
from test_project import LINK

ROOT = Path(__file__).resolve().parents[1]
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
HOOKS = ROOT / ".pre-commit-config.yaml"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def targets_in(text: str) -> set[str]:
    """The targets that commands in a text hand to make."""
    found = (line.split("#")[0].split()[1:] for line in re.findall(r"\bmake [^`\n]*", text))
    return {word for words in found for word in words if re.fullmatch(r"[a-z][a-z-]*", word)}


def programs_are_there(command: str) -> bool:
    """Whether a command's program is installed, and its module can be imported."""
    program, *rest = shlex.split(command)
    if program == "python":
        return rest[0] == "-m" and find_spec(rest[1]) is not None
    beside = Path(sys.executable).with_name(program)
    return beside.exists() or shutil.which(program) is not None


def tool(module: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True
    )


class TestWorkflow:
    def check(self, path: Path) -> int:
        schema = ("--builtin-schema", "vendor.github-workflows")  # it comes with the package
        return tool("check_jsonschema", *schema, path).returncode

    def test_it_fits_the_schema_of_workflows(self) -> None:
        assert self.check(WORKFLOW) == 0

    def test_one_that_does_not_fit_is_noticed(self, tmp_path: Path) -> None:
        broken = tmp_path / "ci.yml"
        broken.write_text(WORKFLOW.read_text("utf-8").replace("runs-on:", "run-on:"), "utf-8")
        assert self.check(broken) == 1

    def test_it_runs_the_tests_on_every_python_that_is_allowed(self) -> None:
        jobs: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]
        allowed = SpecifierSet(META["requires-python"])
        wanted = [f"3.{minor}" for minor in range(30) if allowed.contains(f"3.{minor}.0")]
        assert jobs["test"]["strategy"]["matrix"]["python"] == wanted
        assert {"run": "make test"} in jobs["test"]["steps"]

    def test_what_it_makes_exists(self) -> None:
        targets = targets_in(WORKFLOW.read_text("utf-8"))
        assert {"test", "test-browser", "test-site"} <= targets
        for target in targets:
            assert re.search(rf"(?m)^{target}:", MAKEFILE), target


class TestHooks:
    def test_the_configuration_is_valid(self) -> None:
        done = tool("pre_commit", "validate-config", HOOKS)
        assert done.returncode == 0, done.stdout

    def test_a_broken_one_is_noticed(self, tmp_path: Path) -> None:
        broken = tmp_path / "hooks.yaml"
        broken.write_text(HOOKS.read_text("utf-8").replace("entry:", "enter:"), encoding="utf-8")
        assert tool("pre_commit", "validate-config", broken).returncode != 0

    def test_all_are_local_and_their_commands_exist(self) -> None:
        repositories = yaml.safe_load(HOOKS.read_text("utf-8"))["repos"]
        assert [repository["repo"] for repository in repositories] == ["local"]
        hooks = repositories[0]["hooks"]
        assert {hook["language"] for hook in hooks} == {"system"}
        for hook in hooks:
            assert programs_are_there(hook["entry"]), hook["entry"]

    def test_a_command_that_is_missing_is_noticed(self) -> None:
        assert not programs_are_there("python -m tools.hygeine")
        assert not programs_are_there("rufff check")


class TestGuides:
    @pytest.mark.parametrize("name", ["CONTRIBUTING.md", "CHANGELOG.md", "tests/README.md"])
    def test_links_lead_somewhere(self, name: str) -> None:
        page = ROOT / name
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), target

    @pytest.mark.parametrize("name", ["CONTRIBUTING.md", "tests/README.md"])
    def test_make_targets_exist(self, name: str) -> None:
        text = "\n".join(re.findall(r"`make [^`]*`|(?m:^    make .*)", (ROOT / name).read_text()))
        targets = targets_in(text)
        assert "torture" in targets
        for target in targets:
            assert re.search(rf"(?m)^{target}:", MAKEFILE), target

    def test_every_room_of_the_guide_exists(self) -> None:
        text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
        rooms = re.findall(r"`(\w+\.py)`", text)
        assert len(rooms) > 15
        for room in rooms:
            assert (ROOT / "nerlib" / room).is_file(), room

    def test_the_changelog_has_the_form_that_it_names(self) -> None:
        text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
        versions = re.findall(r"(?m)^## \[([^\]]+)\]", text)
        assert versions[0] == "Unreleased"
        assert META["version"] in (*versions, *re.findall(r"will be ([\d.]+),", text))
        kinds = set(re.findall(r"(?m)^### (.+)$", text))
        assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


class TestPromises:
    """tests/README.md names tests that are there."""

    TEXT = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")

    @staticmethod
    def is_there(name: str) -> bool:
        file, _, test = name.partition("::")
        path = ROOT / "tests" / file
        kinds = r"(?m)^\s*(?:def|class) {}\b"
        return path.is_file() and (
            not test or bool(re.search(kinds.format(re.escape(test)), path.read_text("utf-8")))
        )

    def test_every_test_that_is_named_exists(self) -> None:
        named = re.findall(r"`((?:\w+)\.py(?:::\w+)?)`", self.TEXT)
        assert len(named) > 30
        for name in named:
            assert self.is_there(name), name

    def test_a_test_that_is_not_there_is_noticed(self) -> None:
        assert not self.is_there("test_lines.py::test_it_all")
        assert not self.is_there("test_all.py")

    def test_every_promise_has_a_test(self) -> None:
        rows = [line.split("|")[1:-1] for line in self.TEXT.splitlines() if line.startswith("| ")]
        promises = [row for row in rows[1:] if not row[0].strip().startswith("**")]
        assert len(promises) > 20
        for promise, test, _ in promises:
            assert "`" in test, promise
