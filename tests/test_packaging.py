"""pyproject.toml, constraints.txt and environment.yml say the same."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import nerlib

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
META = PROJECT["project"]
EXTRAS: dict[str, list[str]] = META["optional-dependencies"]
ON_DEMAND = {"fuzz"}  # installed by the command that needs it
REQUIREMENTS = [
    Requirement(line) for lines in (META["dependencies"], *EXTRAS.values()) for line in lines
]


def pins() -> dict[str, str]:
    """Return the pinned version of every package in constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    listed = [Requirement(line) for line in lines if line and not line.startswith("#")]
    found = {}
    for requirement in listed:
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", requirement
        assert canonicalize_name(requirement.name) not in found, f"{requirement.name} twice"
        found[canonicalize_name(requirement.name)] = specifier.version
    return found


def environment() -> dict[str, Any]:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def pip_lines() -> list[str]:
    """Return what environment.yml hands to pip."""
    (found,) = [entry["pip"] for entry in environment()["dependencies"] if isinstance(entry, dict)]
    return list(found)


class TestConstraints:
    @pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
    def test_every_direct_requirement_is_pinned_within_its_range(
        self, requirement: Requirement
    ) -> None:
        pinned = pins()[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pinned), f"{requirement} but {pinned}"

    def test_pins_are_whole_versions(self) -> None:
        for name, version in pins().items():
            assert not Version(version).is_prerelease, name
            assert not Version(version).local, name

    def test_no_requirement_is_listed_twice(self) -> None:
        names = [canonicalize_name(requirement.name) for requirement in REQUIREMENTS]
        assert len(names) == len(set(names))

    def test_the_readme_of_the_file_is_kept(self) -> None:
        assert (ROOT / "constraints.txt").read_text(encoding="utf-8").startswith("# ")


class TestCondaEnvironment:
    def test_python_is_one_that_the_package_allows(self) -> None:
        (python,) = [
            entry
            for entry in environment()["dependencies"]
            if isinstance(entry, str) and re.match(r"python\b", entry)
        ]
        version = python.partition("=")[2]
        assert SpecifierSet(META["requires-python"]).contains(f"{version}.0")

    def test_pip_installs_this_project_under_the_constraints(self) -> None:
        constraint, project = pip_lines()
        assert constraint == "-c constraints.txt"
        assert re.fullmatch(r"-e \.\[[a-z,]+\]", project)

    def test_all_extras_are_installed_as_by_make(self) -> None:
        def extras(text: str) -> set[str]:
            match = re.search(r"\.\[([a-z,]+)\]", text)
            assert match
            return set(match[1].split(","))

        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert extras(pip_lines()[1]) == set(EXTRAS) - ON_DEMAND
        assert extras(makefile) == set(EXTRAS) - ON_DEMAND
        assert "-c constraints.txt" in makefile

    def test_its_name_and_channel(self) -> None:
        assert environment()["name"] == META["name"] == "nerlib"
        assert environment()["channels"] == ["conda-forge"]


class TestProject:
    def test_one_version(self) -> None:
        assert META["version"] == nerlib.__version__ == importlib.metadata.version("nerlib")

    def test_this_python_is_allowed(self) -> None:
        here = ".".join(map(str, sys.version_info[:3]))
        assert SpecifierSet(META["requires-python"]).contains(here)

    def test_the_licences_are_there(self) -> None:
        for name in META["license-files"]:
            assert (ROOT / name).is_file()
        assert "CC BY 4.0" in (ROOT / "LICENSE-CC-BY-4.0.md").read_text(encoding="utf-8")
        assert "MIT License" in (ROOT / "LICENSE").read_text(encoding="utf-8")

    def test_every_data_file_of_the_package_is_declared(self) -> None:
        patterns = PROJECT["tool"]["setuptools"]["package-data"]["nerlib"]
        folder = ROOT / "nerlib"
        declared = {path for pattern in patterns for path in folder.glob(pattern)}
        present = {
            path
            for path in folder.rglob("*")
            if path.is_file()
            and "__pycache__" not in path.parts
            and (path.suffix != ".py" or "data" in path.parts)
        }
        assert declared == present

    def test_every_import_is_declared(self) -> None:
        """Whatever nerlib imports is in the standard library, in nerlib, or required."""
        providers = importlib.metadata.packages_distributions()
        declared = {canonicalize_name(requirement.name) for requirement in REQUIREMENTS}
        imported = {name for path in (ROOT / "nerlib").rglob("*.py") for name in imports_of(path)}
        undeclared = {
            name
            for name in imported - sys.stdlib_module_names - {"nerlib"}
            if not {canonicalize_name(p) for p in providers.get(name, [])} & declared
        }
        assert undeclared == set()


def imports_of(path: Path) -> set[str]:
    """Return the names of the top-level modules that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module.partition(".")[0])
    return names
