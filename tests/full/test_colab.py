"""Colab, simulated: its packages, a stand-in for its module, and the generated set-up cell.

Runs with NERLIB_TEST_COLAB=1 (`make test-colab`): it makes a virtual environment of its own.
"""

import hashlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import nbformat
import pytest

from tools.colab import setup_source, write_colab
from tools.project import ROOT, Publication

# What Colab had in August 2026, as far as wheels exist for this Python; torch is the pinned build.
COLAB_PACKAGES = (
    "torch==2.13.0", "transformers==5.15.0", "datasets==4.0.0", "numpy>=2", "pandas", "matplotlib",
    "scikit-learn", "tqdm", "packaging", "regex", "ipykernel", "nbclient", "setuptools",
)  # fmt: skip
UNTOUCHED = ("torch", "numpy", "transformers", "datasets", "pandas")
LESSON = "colab/half-a-day/01_data_exploration.ipynb"
PUBLISHED = Publication("me/ner", "main")

RUNNER = """
import nbclient, nbformat, sys
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[1])
"""
VERSIONS = """
import importlib.metadata, json, sys
print(json.dumps({name: importlib.metadata.version(name) for name in sys.argv[1:]}))
"""
SITE = "import sysconfig; print(sysconfig.get_paths()['purelib'])"

simulated = pytest.mark.skipif(
    os.environ.get("NERLIB_TEST_COLAB") != "1", reason="set NERLIB_TEST_COLAB=1 to simulate Colab"
)


def output_of(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def pip(python: Path, *arguments: str) -> None:
    subprocess.run([python, "-m", "pip", *arguments, "-q"], check=True)


@pytest.fixture(scope="module")
def colab_python() -> Path:
    """The Python of an environment like Colab's, kept in build/ between runs."""
    key = hashlib.sha256("".join([sys.version, *COLAB_PACKAGES]).encode()).hexdigest()[:12]
    folder = ROOT / "build" / f"colab-{key}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        pip(python, "install", "--disable-pip-version-check", "--no-compile", *COLAB_PACKAGES)
        stand_in = Path(output_of(python, "-c", SITE)) / "google" / "colab"
        stand_in.mkdir(parents=True)
        (stand_in / "__init__.py").touch()
        (folder / "ready").touch()
    return python


@simulated
def test_a_lesson_runs_in_colab(colab_python: Path, tmp_path: Path) -> None:
    before = json.loads(output_of(colab_python, "-c", VERSIONS, *UNTOUCHED))
    pip(colab_python, "uninstall", "-y", "nerlib")
    write_colab(PUBLISHED, tmp_path)
    notebook = tmp_path / LESSON
    commit = output_of("git", "rev-parse", "HEAD")  # pip cannot install a branch called HEAD
    environment = {
        **os.environ,
        "NERLIB_SOURCE": f"git+file://{ROOT}@{commit}",
        "JUPYTER_PATH": "",
        "PYTHONPATH": "",
    }
    done = subprocess.run(
        [colab_python, "-c", RUNNER, notebook], env=environment, cwd=tmp_path, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    ran = nbformat.read(notebook, as_version=4)
    assert "T4 GPU" in "".join(output.get("text", "") for output in ran.cells[0].outputs)
    assert all(cell.execution_count for cell in ran.cells if cell.cell_type == "code")
    assert json.loads(output_of(colab_python, "-c", VERSIONS, *UNTOUCHED)) == before


def test_the_set_up_cell_does_nothing_elsewhere() -> None:
    assert "for Colab" in output_of(sys.executable, "-c", setup_source(PUBLISHED))
