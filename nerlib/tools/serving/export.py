"""Graph, variants, gate, and a folder that appears whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch

from nerlib.atomic import new_folder, whole_file
from nerlib.dataset import NERDataset
from nerlib.device import Compute, fast_bf16
from nerlib.evaluation import evaluate
from nerlib.model import NERConfig
from nerlib.tools.extras import require_extra
from nerlib.tools.serving.engines import TITLES, Backend, EngineModel, start_engine
from nerlib.tools.serving.gate import PERMITTED_LOSS, Verdict, judge
from nerlib.tools.serving.graph import ExportError, write_graph
from nerlib.tools.serving.manifest import Manifest, hash_of
from nerlib.tools.serving.variants import VARIANTS, write_variant
from nerlib.tools.tagger import Tagger

FP32 = Compute(torch.device("cpu"), "fp32")
# What an engine needs next to the graph.
SETTINGS = ("config.json", "tokenizer*.json", "vocab.*", "merges.txt", "*.model",
            "special_tokens_map.json", "added_tokens.json")  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """Training rows for scales, and validation rows for the gate: `name` says what they are."""

    train: NERDataset
    validation: NERDataset
    name: str


def export_model(
    source: str | Path,
    rows: Rows,
    backends: Sequence[Backend],
    variants: Sequence[str] | None = None,
    to: str | Path | None = None,
    permitted_loss: float = PERMITTED_LOSS,
    report: Callable[[str], None] = print,
    graph: str | Path | None = None,
) -> Path:
    """Export a saved model for some engines, each variant through the gate; return the folder.

    The exports go into the model's folder, or into `to`, which gets settings and tokenizer, too.
    `graph` is what `write_graph` made of the model, if that was done. A folder of an engine changes
    in one step. Raises `ExportError` if there is nothing to write, `EncoderError` for a model that
    cannot be loaded.
    """
    if not len(rows.validation):
        raise ExportError("the gate needs validation rows, and there are none")
    chosen = {backend: _choose_variants(backend, variants, report) for backend in backends}
    tagger = Tagger.from_pretrained(source, "cpu", "fp32")
    torch_f1, config = _f1(tagger.model, rows), cast(NERConfig, tagger.model.config)
    report(f"torch fp32: entity F1 {torch_f1:.4f} on {rows.name}")
    folder = Path(to or source)
    for pattern in SETTINGS if to is not None else ():
        for file in Path(source).glob(pattern):
            with whole_file(folder / file.name) as unfinished:
                shutil.copyfile(file, unfinished)
    config_hash = hash_of(folder / "config.json")
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(graph) if graph else write_graph(tagger.model, Path(scratch) / "graph.onnx")
        for backend, names in chosen.items():
            manifest = Manifest(backend, config_hash, rows.name, torch_f1, permitted_loss, {})
            with new_folder(folder / backend) as place:
                for name in names:
                    verdict = _write(name, path, place, manifest, config, rows)
                    manifest.variants[name] = verdict
                    report(f"{TITLES[backend]} {name}: {verdict.reason}")
                if not any(verdict.passed for verdict in manifest.variants.values()):
                    raise ExportError(f"no variant for {TITLES[backend]} passed the gate")
                manifest.write(place)
    return folder


def _write(
    name: str, graph: Path, place: Path, manifest: Manifest, config: NERConfig, rows: Rows
) -> Verdict:
    """Write a variant; return what the gate says, with its files' hashes, the one to load first."""
    file = write_variant(manifest.backend, name, graph, place, rows.train)
    model = EngineModel(config, start_engine(manifest.backend, file, name))
    verdict = judge(_f1(model, rows), manifest.torch_f1, manifest.permitted_loss)
    del model  # Windows removes no file that is in use
    files = sorted(place.glob(f"{name}.*"), key=lambda file: file.suffix == ".bin")
    if verdict.passed:
        return replace(verdict, files={file.name: hash_of(file) for file in files})
    for file in files:
        file.unlink()
    return verdict


def _choose_variants(
    backend: Backend, wanted: Sequence[str] | None, report: Callable[[str], None]
) -> list[str]:
    """Return the variants to make for an engine: those wanted, or all that make sense here."""
    known = VARIANTS[backend]
    chosen = [name for name in known if wanted is None or name in wanted]
    if not chosen:
        missing = f"{TITLES[backend]} has none of the variants {', '.join(wanted or ())}"
        raise ExportError(f"{missing}: choose from {', '.join(known)}")
    if backend == "openvino" and "int8" in chosen:
        require_extra("export", "nncf")  # asked before the work, not in the middle of it
    if "bf16" in chosen and not fast_bf16("cpu"):
        report("bf16: this CPU has no units for it, so it cannot be measured: left out")
        chosen.remove("bf16")
    return chosen


def _f1(model: Any, rows: Rows) -> float:
    """Return a model's entity F1 on the validation rows."""
    return evaluate(model, rows.validation, FP32)[0].overall.f1
