"""pyproject.toml, constraints.txt, environment.yml and the Dockerfile say the same."""

import importlib.metadata
import re
import sys
import sysconfig
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
ON_DEMAND = {"fuzz", "stick"}  # installed by the commands that need them
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


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_every_direct_requirement_is_pinned_within_its_range(requirement: Requirement) -> None:
    pinned = Version(pins()[canonicalize_name(requirement.name)])
    assert requirement.specifier.contains(pinned), f"{requirement} but {pinned}"
    assert not pinned.is_prerelease
    assert not pinned.local


def test_no_requirement_is_listed_twice() -> None:
    names = [canonicalize_name(requirement.name) for requirement in REQUIREMENTS]
    assert len(names) == len(set(names))


def extras_in(text: str, pattern: str) -> set[str]:
    found = re.search(pattern, text)
    assert found
    return set(re.findall(r"\w+", found[1]))


def test_make_installs_what_a_command_needs_conda_and_docker_what_the_lessons_need() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert extras_in(makefile, r"(?m)^EXTRAS := (.*)") == set(EXTRAS) - ON_DEMAND
    for_lessons = extras_in(makefile, r"(?m)^\$\(VENV\)/\.lessons:.*\n.*install\.py (.*)")
    content = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert content["name"] == META["name"]
    (python,) = [e for e in content["dependencies"] if str(e).startswith("python=")]
    assert SpecifierSet(META["requires-python"]).contains(f"{python.partition('=')[2]}.0")
    (pip,) = [entry["pip"] for entry in content["dependencies"] if isinstance(entry, dict)]
    assert "-c constraints.txt" in pip
    assert extras_in("\n".join(pip), r"-e \.\[([a-z,]+)\]") == for_lessons
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"FROM python:{python.partition('=')[2]}-slim\n" in image
    assert extras_in(image, r"install\.py (.*)") == for_lessons
    assert all((ROOT / path).exists() for path in re.findall(r"\b(?:tools|notebooks)/\S+\w", image))


def test_every_package_that_is_installed_is_pinned() -> None:
    """So that pip has nothing to choose, and two installations are the same."""
    # In the packages' folder alone: setuptools, once imported, adds its own copies to sys.path.
    found = importlib.metadata.distributions(path=[sysconfig.get_path("purelib")])
    installed = {canonicalize_name(one.metadata["Name"]) for one in found}
    assert installed - pins().keys() - {"nerlib", "pip", "setuptools", "wheel"} == set()


def test_one_version_that_this_python_may_run() -> None:
    assert META["version"] == nerlib.__version__ == importlib.metadata.version("nerlib")
    here = ".".join(map(str, sys.version_info[:3]))
    assert SpecifierSet(META["requires-python"]).contains(here)


def test_the_licences_are_there() -> None:
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in META["license-files"]}
    assert "MIT License" in texts["LICENSE"]
    assert "CC BY 4.0" in texts["LICENSE-CC-BY-4.0.md"]


def test_every_data_file_of_the_package_is_declared() -> None:
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
