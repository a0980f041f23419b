"""Variants of a graph: the same operations with 32, 16 or 8 bits a number."""

import io
import os
from contextlib import redirect_stdout
from pathlib import Path

from nerlib.tools.extras import require_extra
from nerlib.tools.serving.engines import Backend
from nerlib.tools.serving.graph import quiet

VARIANTS: dict[Backend, tuple[str, ...]] = {
    "onnx": ("fp32", "int8"),  # no bf16 on CPUs
    "openvino": ("fp32", "bf16", "int8"),
    "static": ("fp32",),
}


def write_variant(backend: Backend, variant: str, graph: Path, folder: Path) -> Path:
    """Write one variant of a graph (ONNX, fp32) to a folder; return what to load.

    Raises `ExtraError`.
    """
    if backend == "openvino":
        return _openvino(variant, graph, folder / f"{variant}.xml")
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


def _openvino(variant: str, graph: Path, path: Path) -> Path:
    """Write a variant in OpenVINO's own form: an .xml with the operations, a .bin with numbers."""
    require_extra("export", "openvino", *(["nncf"] if variant == "int8" else []))
    import openvino

    # Not `convert_model`, which reports its use to its maker.
    model = openvino.Core().read_model(graph)
    model = _compressed(model) if variant == "int8" else model
    openvino.save_model(model, path, compress_to_fp16=variant == "bf16")
    return path


def _compressed(model: object) -> object:
    """Return an OpenVINO model with weights of 8 bits; what flows is rounded as it flows.

    Scales measured beforehand are faster, but change five times as many tags.
    """
    # nncf reports its use to its maker unless it believes to be in its own tests.
    os.environ.setdefault("NNCF_CI", "1")
    with quiet(), redirect_stdout(io.StringIO()):  # its progress bars
        import nncf

        return nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_SYM)
