"""The whole way: graph, variants, gate, and a folder that appears whole or not at all.

Built in notebook 09.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch

from nerlib.atomic import new_folder, whole_file
from nerlib.dataset import NERDataset
from nerlib.device import Compute
from nerlib.evaluation import evaluate
from nerlib.model import NERConfig
from nerlib.tools.extras import require_extra
from nerlib.tools.serving.engine_model import EngineModel
from nerlib.tools.serving.engines import TITLES, Backend, has_bf16_units, start_engine
from nerlib.tools.serving.errors import ExportError
from nerlib.tools.serving.gate import PERMITTED_LOSS, Verdict, judge
from nerlib.tools.serving.graph import write_graph
from nerlib.tools.serving.manifest import Manifest, Variant, hash_of
from nerlib.tools.serving.variants import VARIANTS, write_variant
from nerlib.tools.tagger import Tagger

FP32 = Compute(torch.device("cpu"), "fp32")
# What an engine needs beside the graph.
SETTINGS = ("config.json", "tokenizer*.json", "vocab.*", "merges.txt", "*.model",
            "special_tokens_map.json", "added_tokens.json")  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """The rows that an export looks at: training rows for scales, validation rows for the gate.

    `told` says in words what the validation rows are.
    """

    train: NERDataset
    validation: NERDataset
    told: str


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

    The exports go into the model's own folder, or with `to` into another one that holds settings
    and tokenizer, too, but no torch weights. `graph` is what `write_graph` made of the same model,
    if there is one already; `report` gets a line for each variant. A folder of an engine changes in
    one step, after all of its variants. Raises `ExportError` if there is nothing to write,
    `EncoderError` for a model that cannot be loaded.
    """
    if not len(rows.validation):
        raise ExportError("the gate needs validation rows, and there are none")
    chosen = {backend: choose_variants(backend, variants, report) for backend in backends}
    tagger = Tagger.from_pretrained(source, "cpu", "fp32")
    torch_f1 = evaluate(tagger.model, rows.validation, FP32)[0].overall.f1
    report(f"torch fp32: entity F1 {torch_f1:.4f} on {rows.told}")
    folder = Path(to or source)
    if to is not None:
        copy_settings(Path(source), folder)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(graph) if graph else write_graph(tagger.model, Path(scratch) / "graph.onnx")
        for backend, names in chosen.items():
            with _engine_folder(folder, backend) as place:
                verdicts = [
                    _make(backend, name, path, place, tagger, rows, torch_f1, permitted_loss)
                    for name in names
                ]
                for verdict in verdicts:
                    report(f"{TITLES[backend]} {verdict.variant}: {verdict.reason}")
                if not any(verdict.passed for verdict in verdicts):
                    raise ExportError(f"no variant for {TITLES[backend]} passed the gate")
                _manifest(backend, folder, rows, torch_f1, permitted_loss, verdicts, place)
    return folder


def choose_variants(
    backend: Backend, wanted: Sequence[str] | None, report: Callable[[str], None] = print
) -> list[str]:
    """Return the variants to make for an engine: those wanted, or all that make sense here."""
    known = VARIANTS[backend]
    chosen = [name for name in known if wanted is None or name in wanted]
    if not chosen:
        raise ExportError(
            f"{TITLES[backend]} has none of the variants {', '.join(wanted or ())}: "
            f"choose from {', '.join(known)}"
        )
    if backend == "openvino" and "int8" in chosen:
        require_extra("export", "nncf")  # asked before the work, not in the middle of it
    if "bf16" in chosen and not has_bf16_units():
        report("bf16: this CPU has no units for it, so it cannot be measured: left out")
        chosen.remove("bf16")
    return chosen


def _make(
    backend: Backend,
    variant: str,
    graph: Path,
    folder: Path,
    tagger: Tagger,
    rows: Rows,
    torch_f1: float,
    permitted_loss: float,
) -> Verdict:
    """Write one variant and hear the gate; the files of one that is refused go again."""
    path = write_variant(backend, variant, graph, folder, rows.train)
    model = EngineModel(cast(NERConfig, tagger.model.config), start_engine(backend, path, variant))
    f1 = evaluate(model, rows.validation, FP32)[0].overall.f1  # type: ignore[arg-type]
    verdict = judge(variant, f1, torch_f1, permitted_loss)
    if not verdict.passed:
        del model  # Windows removes no file that is in use
        for file in _files(folder, variant):
            file.unlink()
    return verdict


def _manifest(
    backend: Backend,
    model: Path,
    rows: Rows,
    torch_f1: float,
    permitted_loss: float,
    verdicts: Sequence[Verdict],
    folder: Path,
) -> None:
    """Write down what the gate said, and the hash of every file that passed."""
    variants = {
        v.variant: Variant(
            v.f1, v.passed, v.reason,
            {file.name: hash_of(file) for file in _files(folder, v.variant)},
        )
        for v in verdicts
    }  # fmt: skip
    config = hash_of(model / "config.json")
    Manifest(backend, config, rows.told, torch_f1, permitted_loss, variants).write(folder)


def _files(folder: Path, variant: str) -> list[Path]:
    """Return a variant's files, the one to load first."""
    return sorted(folder.glob(f"{variant}.*"), key=lambda file: file.suffix == ".bin")


@contextmanager
def _engine_folder(folder: Path, backend: Backend) -> Iterator[Path]:
    """Yield a folder to write into, which takes the engine's place at the end, at once."""
    try:
        with new_folder(folder / backend) as place:
            yield place
    except ValueError as error:
        raise error if isinstance(error, ExportError) else ExportError(str(error)) from None


def copy_settings(source: Path, target: Path) -> None:
    """Copy settings and tokenizer, each file whole, so that the exports need nothing else."""
    for pattern in SETTINGS:
        for file in source.glob(pattern):
            with whole_file(target / file.name) as unfinished:
                shutil.copyfile(file, unfinished)
