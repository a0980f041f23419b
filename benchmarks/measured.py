"""How measurements are written: what they were computed with, and the JSON beside this file."""

import json
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from nerlib.atomic import whole_file
from nerlib.device import available_cores, choose_compute
from nerlib.optimization import TrainConfig
from nerlib.tools.recipes import Recipe

RESULTS_FOLDER = Path(__file__).parent
OURS, TRAINER = "this course", "Hugging Face Trainer"  # in tables


def about(module: str, recipe: Recipe, config: TrainConfig, /, **more: Any) -> dict[str, Any]:
    """Return what somebody needs to know who wants to compare: how a run was made, and on what."""
    facts = recipe.describe()
    said = {name: facts[name] for name in ("corpus", "locale", "encoder")}
    return {"command": f"python -m {module}", **said, **more, **machine(config)}


def machine(config: TrainConfig) -> dict[str, str]:
    """Return what a run was computed with."""
    return {
        "machine": f"{platform.system()} {platform.machine()}, {available_cores()} cores",
        "torch": torch.__version__,
        "compute": str(choose_compute(config.device, config.precision)),
    }


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write results, whole or not at all."""
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def measured_before(path: Path, about: dict[str, Any], key: str) -> Any:
    """Return what a stopped run has written under a key, or None if it was not of the same kind."""
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    found = content.pop(key, None)
    return found if content == about else None


def markdown_table(head: str, rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; the names of the columns stand between bars.

    >>> print(markdown_table("name | F1", [("list", 0.5)]))
    | name | F1 |
    |---|---|
    | list | 0.5 |
    """
    lines = (f"| {' | '.join(map(str, row))} |" for row in rows)
    return "\n".join([f"| {head} |", "|" + "---|" * (head.count("|") + 1), *lines])
