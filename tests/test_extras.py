"""A missing extra is reported in one line; a notebook that lacks one skips its cells."""

import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell
from packaging.requirements import Requirement
from test_packaging import META

from nerlib.tools.extras import EXTRAS, ExtraError, missing_modules, needs_extra, require_extra

NOT_THERE = "a_package_that_nobody_has"


@pytest.mark.parametrize("ask", [require_extra, needs_extra])
def test_a_missing_module_is_named_with_its_command(ask) -> None:
    with pytest.raises(ExtraError, match=rf'{NOT_THERE} is.*"nerlib\[export\]"'):
        ask("export", "json", NOT_THERE)
    ask("export", "json")


def test_an_unknown_extra_is_named() -> None:
    with pytest.raises(ValueError, match="exprot"):
        missing_modules("exprot")


def test_cells_below_do_nothing_until_the_extra_is_there(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(EXTRAS, "export", (NOT_THERE,))
    before = len(shell.input_transformers_cleanup)
    ask = 'from nerlib.tools.extras import needs_extra\nready = needs_extra("export")'
    for _ in range(2):  # asked twice, it leaves one hook
        assert shell.run_cell(ask).success
        assert capsys.readouterr().out.count("\n") == 1
    assert len(shell.input_transformers_cleanup) == before + 1
    for cell in (f"import {NOT_THERE}", "%matplotlib inline\nseen = 1 / 0", "%%time\nseen = 1"):
        assert shell.run_cell(cell).success
    assert "seen" not in shell.user_ns
    assert shell.run_cell("!true\nseen = 'installed'").success
    assert shell.user_ns["seen"] == "installed"
    monkeypatch.setitem(EXTRAS, "export", ("json",))
    assert shell.run_cell(ask).success
    assert shell.run_cell("seen = 2").success
    assert shell.user_ns["seen"] == 2


def test_nothing_is_imported_to_find_out() -> None:
    before = set(sys.modules)
    missing_modules("export")
    assert not {"openvino", "onnx", "nncf"} & (set(sys.modules) - before)


@pytest.mark.parametrize("extra", EXTRAS)
def test_extras_are_those_of_the_package(extra: str) -> None:
    lines = META["optional-dependencies"][extra]
    assert set(EXTRAS[extra]) <= {Requirement(line).name.replace("-", "_") for line in lines}
