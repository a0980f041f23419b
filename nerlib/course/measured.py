"""Committed measurements, which notebooks show: `benchmarks/*.json`."""

import json
import sysconfig
from pathlib import Path
from typing import Any


def read_results(name: str) -> dict[str, Any]:
    """Return committed results: from the project, or from where an installation puts them.

    Raises `FileNotFoundError` with the place where they should be.
    """
    path = Path(__file__).parents[2] / "benchmarks" / name
    if not path.is_file():
        path = Path(sysconfig.get_path("data")) / "share" / "nerlib" / name
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
