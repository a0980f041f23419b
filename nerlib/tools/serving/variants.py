"""Variants of a graph: the same operations with 32, 16 or 8 bits a number."""

import io
import os
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from nerlib.dataset import NERDataset, collate
from nerlib.tools.extras import require_extra
from nerlib.tools.serving.engines import Backend, Inputs
from nerlib.tools.serving.graph import INPUTS, quiet

VARIANTS: dict[Backend, tuple[str, ...]] = {
    "onnx": ("fp32", "int8"),  # no bf16 on CPUs
    "openvino": ("fp32", "bf16", "int8"),
    "static": ("fp32",),
}
CALIBRATION_ROWS = 300


def write_variant(
    backend: Backend, variant: str, graph: Path, folder: Path, calibration: NERDataset | None
) -> Path:
    """Write one variant of a graph (ONNX, fp32) to a folder; return what to load.

    int8 for OpenVINO takes its scales from `calibration`. Raises `ExtraError`.
    """
    if backend == "openvino":
        return _openvino(variant, graph, folder / f"{variant}.xml", calibration)
    path = folder / f"{variant}.onnx"
    if variant == "int8":
        quantise_onnx(graph, path)
    else:
        path.write_bytes(graph.read_bytes())
    return path


def quantise_onnx(graph: Path, path: Path) -> None:
    """Write a graph with matrices of 8 bits a number, one scale a column. Built in notebook 09."""
    require_extra("export", "onnx", "onnxruntime")
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with quiet():
        quantize_dynamic(
            graph, path, per_channel=True, weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Gemm", "Gather"],
        )  # fmt: skip


def _openvino(variant: str, graph: Path, path: Path, calibration: NERDataset | None) -> Path:
    """Write a variant in OpenVINO's own form: an .xml with the operations, a .bin with numbers."""
    require_extra("export", "openvino", *(["nncf"] if variant == "int8" else []))
    import openvino

    # Not `convert_model`, which reports its use to its maker.
    model = openvino.Core().read_model(graph)
    model = _quantised(model, calibration) if variant == "int8" and calibration else model
    openvino.save_model(model, path, compress_to_fp16=variant == "bf16")
    return path


def _quantised(model: object, calibration: NERDataset) -> object:
    """Return an OpenVINO model in 8 bits, its scales measured beforehand ("static")."""
    inputs: list[Inputs] = []
    rows = range(min(CALIBRATION_ROWS, len(calibration)))
    for start in rows[::4]:
        batch = collate([calibration[row] for row in rows[start : start + 4]], calibration.pad_id)
        words = np.arange(max(1, batch["labels"].shape[1]), dtype=np.int64)
        inputs.append({**{name: batch[name].numpy() for name in INPUTS[:3]}, "words": words})
    # nncf reports its use to its maker unless it believes to be in its own tests.
    os.environ.setdefault("NNCF_CI", "1")
    with quiet(), redirect_stdout(io.StringIO()):  # its progress bars
        import nncf

        # Smoothing, which nncf does to transformers, leaves these encoders without an answer.
        plain = nncf.AdvancedSmoothQuantParameters(matmul=-1)
        how = {"model_type": nncf.ModelType.TRANSFORMER, "subset_size": len(inputs)}
        how["advanced_parameters"] = nncf.AdvancedQuantizationParameters(smooth_quant_alphas=plain)
        return nncf.quantize(model, nncf.Dataset(inputs), **how)
