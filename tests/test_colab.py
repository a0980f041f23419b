"""Colab, simulated: its packages, a stand-in for its module, and the generated set-up cell.

Runs with NERLIB_TEST_COLAB=1 (`make test-colab`): it makes a virtual environment of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
# What Colab had in August 2026, as far as wheels exist for this Python; torch is the pinned build.
COLAB_PACKAGES = (
    "torch==2.13.0",
    "transformers==5.15.0",
    "datasets==4.0.0",
    "numpy>=2",
    "pandas",
    "matplotlib",
    "scikit-learn",
    "tqdm",
    "packaging",
    "regex",
    "ipykernel",
    "nbclient",
    "setuptools",
)
UNTOUCHED = ("torch", "numpy", "transformers", "datasets", "pandas")
LESSON = "02_parsing.ipynb"

simulated = pytest.mark.skipif(
    os.environ.get("NERLIB_TEST_COLAB") != "1", reason="set NERLIB_TEST_COLAB=1 to simulate Colab"
)


@pytest.fixture(scope="module")
def colab_python() -> Path:
    """The Python of an environment like Colab's, kept in build/ between runs."""
    key = hashlib.sha256("".join([sys.version, *COLAB_PACKAGES]).encode()).hexdigest()[:12]
    folder = ROOT / "build" / f"colab-{key}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*install, *COLAB_PACKAGES], check=True)
        site = subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"],
            check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip
        stand_in = Path(site) / "google" / "colab"
        stand_in.mkdir(parents=True)
        (stand_in / "__init__.py").write_text("", encoding="utf-8")
        (folder / "ready").touch()
    return python


def versions(python: Path) -> dict[str, str]:
    """The installed versions of the packages that must stay as they are."""
    code = (
        "import importlib.metadata as m, json, sys;"
        "print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
    )
    done = subprocess.run(
        [python, "-c", code, *UNTOUCHED], check=True, capture_output=True, text=True
    )
    return dict(json.loads(done.stdout))


def current_commit() -> str:
    """The commit that stands in this checkout; pip cannot install a branch called HEAD."""
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@simulated
def test_a_lesson_runs_in_colab(colab_python: Path, tmp_path: Path) -> None:
    before = versions(colab_python)
    subprocess.run([colab_python, "-m", "pip", "uninstall", "-q", "-y", "nerlib"], check=True)
    notebook = tmp_path / LESSON
    notebook.write_bytes((ROOT / "colab" / LESSON).read_bytes())
    runner = (
        "import nbclient, nbformat, sys;"
        "nb = nbformat.read(sys.argv[1], as_version=4);"
        "nbclient.NotebookClient(nb, timeout=600, kernel_name='python3').execute();"
        "nbformat.write(nb, sys.argv[1])"
    )
    environment = {
        **os.environ,
        "NERLIB_SOURCE": f"git+file://{ROOT}@{current_commit()}",
        "NERLIB_RECIPE": "offline",  # the default, `tutorial`, needs the Hub
        "JUPYTER_PATH": "",
        "PYTHONPATH": "",
    }
    done = subprocess.run(
        [colab_python, "-c", runner, notebook], env=environment, cwd=tmp_path, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    ran = nbformat.read(notebook, as_version=4)
    told = "".join(output.get("text", "") for output in ran.cells[0].outputs)
    assert "Change runtime type" in told
    assert all(cell.execution_count for cell in ran.cells if cell.cell_type == "code")
    assert versions(colab_python) == before


def test_the_set_up_cell_does_nothing_elsewhere(tmp_path: Path) -> None:
    source = nbformat.read(ROOT / "colab" / LESSON, as_version=4).cells[0].source
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "This cell is for Colab; nothing to do here."
