"""What was measured, as committed JSON: who computed it, and how it is written and read."""

from __future__ import annotations

import json
import platform
import sysconfig
from pathlib import Path
from typing import Any

import torch

from nerlib.atomic import whole_file
from nerlib.device import available_cores, choose_compute
from nerlib.training import TrainConfig

ROOT = Path(__file__).resolve().parents[2]
RESULTS_FOLDER = ROOT / "benchmarks"


def machine(config: TrainConfig) -> dict[str, str]:
    """Return what a run was computed with."""
    return {
        "machine": f"{platform.system()} {platform.machine()}, {available_cores()} cores",
        "torch": torch.__version__,
        "compute": str(choose_compute(config.device, config.precision)),
    }


def read_results(name: str) -> dict[str, Any]:
    """Return committed results: from the project, or from where an installation puts them.

    Raises `FileNotFoundError` with the place where they should be.
    """
    installed = Path(sysconfig.get_path("data")) / "share" / "nerlib" / name
    path = RESULTS_FOLDER / name
    content: dict[str, Any] = json.loads(
        (path if path.is_file() else installed).read_text(encoding="utf-8")
    )
    return content


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write results, whole or not at all."""
    with whole_file(path) as unfinished:
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        unfinished.write_text(text, encoding="utf-8")
