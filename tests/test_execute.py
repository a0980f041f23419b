"""Lessons run to their end whatever one of them does, and what is done stays."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.execute import (
    INTERRUPTED,
    execute,
    extras_of,
    find_notebook,
    main,
    run_times,
    write_run_time,
)
from tools.project import ROOT


def notebook_file(folder: Path, name: str, *sources: str) -> Path:
    cells = [new_markdown_cell(f"# {name}"), *map(new_code_cell, sources)]
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


@pytest.mark.parametrize(
    ("source", "told", "shown"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero", "ZeroDivisionError"),
        ("import os; os._exit(1)", "DeadKernel", "kernel died"),
    ],
)
def test_a_cell_that_fails_is_one_line_and_the_others_go_on(
    source: str, told: str, shown: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bad = notebook_file(tmp_path, "01_bad", "x = 1", source, "x = 3")
    good = notebook_file(tmp_path, "02_good", "print(6 * 7)")
    assert main([str(bad), str(good), "--output", str(tmp_path / "out")]) == 1
    lines = capfd.readouterr().err.splitlines()
    (line,) = [line for line in lines if told in line]
    assert line.startswith("01_bad: cell [2]")
    assert str(tmp_path / "out" / "01_bad.html") in line
    assert not any("Traceback" in line for line in lines)
    assert shown in (tmp_path / "out" / "01_bad.html").read_text("utf-8")
    assert "42" in (tmp_path / "out" / "02_good.html").read_text("utf-8")
    index = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert index.index("./01_bad.html") < index.index("./02_good.html")


def test_a_notebook_that_fails_in_place_stays_as_it_was(tmp_path: Path) -> None:
    bad = notebook_file(tmp_path, "01_bad", "1 / 0")
    before = bad.read_bytes()
    assert main([str(bad)]) == 1
    assert bad.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_leaves_what_is_done(tmp_path: Path) -> None:
    done = notebook_file(tmp_path, "01_done", "print('first')")
    endless = notebook_file(tmp_path, "02_endless", "print('now', flush=True)\nwhile True: pass")
    command = [sys.executable, "-m", "tools.execute", done, endless, "--output", tmp_path / "out"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        seen = ""
        while "02_endless" not in seen:
            seen += running.stderr.read(1)
        running.send_signal(signal.SIGINT)
        rest = running.stderr.read()
    assert running.returncode == INTERRUPTED
    assert "Traceback" not in rest
    assert "first" in (tmp_path / "out" / "01_done.html").read_text("utf-8")
    assert "01_done.html" in (tmp_path / "out" / "index.html").read_text("utf-8")


def test_ctrl_c_is_heard_while_a_kernel_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted(_: NotebookClient) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1_000):  # turns of the loop
            await asyncio.sleep(0)

    monkeypatch.setattr(NotebookClient, "async_start_new_kernel_client", interrupted)
    path = notebook_file(tmp_path, "01_started", "1")
    with pytest.raises(KeyboardInterrupt):
        execute(nbformat.read(path, as_version=4), path, tmp_path)


@pytest.mark.parametrize("name", ["99", "missing.ipynb", "README.md"])
def test_a_lesson_that_is_not_there(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name])
    assert ended.value.code == 2
    assert repr(name) in capsys.readouterr().err


def test_a_time_that_is_about_the_known_one_changes_nothing() -> None:
    header = new_markdown_cell("<!-- run time -->?<!-- /run time -->")
    notebook = new_notebook(cells=[header], metadata={"nerlib": {"run_seconds": {"fast": 20}}})
    for _ in range(2):
        write_run_time(notebook, 21)
    times = notebook.metadata["nerlib"]["run_seconds"]
    assert times["fast"] == 20
    assert run_times([times]) in header.source
    write_run_time(notebook, 100)
    assert 100 in notebook.metadata["nerlib"]["run_seconds"].values()


def test_the_first_lessons_need_no_extra() -> None:
    for path in sorted((ROOT / "notebooks").glob("0[0-6]_*.ipynb")):
        assert extras_of(nbformat.read(path, as_version=4)) == set()
    assert extras_of(nbformat.read(find_notebook("09"), as_version=4)) == {"export"}


def test_a_kernel_that_starts_ahead_knows_none_of_the_names_that_it_loads(tmp_path: Path) -> None:
    first = notebook_file(tmp_path, "01_first", "1")
    asked = "import sys\nprint('colorsys' in sys.modules, 'colorsys' in globals())"
    second = notebook_file(tmp_path, "02_second", f"{asked}\nif 0:\n    pass", "import colorsys")
    assert main([str(first), str(second), "--output", str(tmp_path / "out")]) == 0
    cells = nbformat.read(tmp_path / "out" / "notebooks" / "02_second.ipynb", as_version=4).cells
    assert cells[1].outputs[0].text == "True False\n"
    assert [cell.execution_count for cell in cells[1:]] == [1, 2]
