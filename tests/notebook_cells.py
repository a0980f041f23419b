"""The names that a lesson defines by hand, to be compared with the library."""

from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import torch
from hypothesis import strategies as st

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


@cache
def names_by_hand(name: str, *also: str) -> dict[str, Any]:
    """Return what a notebook's set-up cell, its cells tagged `by-hand` and some others define."""
    path = NOTEBOOKS / f"{name}.ipynb"
    wanted = {f"{name[:2]}-{cell}" for cell in ("setup", *also)}
    names: dict[str, Any] = {"torch": torch}  # lessons import it where they first need it
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.id in wanted or "by-hand" in cell.metadata.get("tags", []):
            wanted.discard(cell.id)
            lines = [line for line in cell.source.splitlines() if not line.startswith("%")]
            exec(compile("\n".join(lines), f"{path.name}:{cell.id}", "exec"), names)
    assert not wanted, f"{path.name} has no cells {wanted}"
    return names


def tag_pairs() -> st.SearchStrategy[list[tuple[list[str], list[str]]]]:
    """Some utterances, each with gold and predicted tags; an `I-` may be anywhere."""
    tag = st.sampled_from(("O", "B-TIME", "I-TIME", "B-DATE", "I-DATE"))
    pair = st.lists(st.tuples(tag, tag), min_size=1, max_size=8)
    split = pair.map(lambda words: ([gold for gold, _ in words], [tag for _, tag in words]))
    return st.lists(split, min_size=1, max_size=6)
