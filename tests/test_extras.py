"""A missing extra is told in one line; a notebook that lacks one skips its cells without error."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from packaging.requirements import Requirement

from nerlib.tools import extras
from nerlib.tools.extras import EXTRAS, ExtraError, missing_modules, needs_extra, require_extra

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NOT_THERE = "a_package_that_nobody_has"


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """An IPython as a notebook's kernel has it."""
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_a_missing_module_is_named_with_its_command() -> None:
    assert missing_modules("export", ["json", NOT_THERE]) == [NOT_THERE]
    with pytest.raises(ExtraError, match=rf'{NOT_THERE} is not installed.*"nerlib\[export\]"'):
        require_extra("export", NOT_THERE)
    require_extra("export", "json")


def test_an_extra_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="no extra 'exprot'"):
        missing_modules("exprot")


def test_outside_a_notebook_there_is_nothing_to_skip() -> None:
    with pytest.raises(ExtraError):
        needs_extra("export", NOT_THERE)


def test_cells_below_do_nothing_until_the_extra_is_there(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(EXTRAS, "export", (NOT_THERE,))
    ask = 'from nerlib.tools.extras import needs_extra\nready = needs_extra("export")'
    assert shell.run_cell(ask).success
    told = capsys.readouterr().out.strip().splitlines()
    assert len(told) == 1
    assert told[0].startswith("Skipped: ")
    for cell in (f"import {NOT_THERE}", "%matplotlib inline\nseen = 1 / 0", "%%time\nseen = 1"):
        assert shell.run_cell(cell).success
    assert "seen" not in shell.user_ns
    assert shell.run_cell("!true\nseen = 'installed'").success
    assert shell.user_ns["seen"] == "installed"
    monkeypatch.setitem(EXTRAS, "export", ("json",))
    assert shell.run_cell(ask).success
    assert shell.run_cell("seen = 2").success
    assert shell.user_ns["seen"] == 2


def test_asking_twice_leaves_one_hook(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXTRAS, "export", (NOT_THERE,))
    before = len(shell.input_transformers_cleanup)
    assert not needs_extra("export")
    assert not needs_extra("export")
    assert len(shell.input_transformers_cleanup) == before + 1


def test_nothing_is_imported_to_find_out() -> None:
    before = set(sys.modules)
    missing_modules("export")
    assert not {"openvino", "onnx", "nncf"} & (set(sys.modules) - before)


def test_extras_are_those_of_the_package() -> None:
    for name, lines in PROJECT["optional-dependencies"].items():
        if name in EXTRAS:
            declared = {Requirement(line).name.replace("-", "_") for line in lines}
            assert set(EXTRAS[name]) <= declared, name
    assert extras.EXTRAS["export"]
