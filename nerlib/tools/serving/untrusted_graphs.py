"""Untrusted graphs: what is checked before an engine gets one.

A graph can name other files to read, operations of other libraries, and loops that never end.
"""

import re
from pathlib import Path
from typing import Any

from nerlib.encoders import EncoderError
from nerlib.tools.serving.graph import INPUTS, LARGEST_GRAPH, OUTPUT, messages

LARGEST_XML = 50_000_000  # bytes
DOMAINS = {"", "ai.onnx", "com.microsoft", "ai.onnx.ml"}  # ONNX's, and ONNX Runtime's own
# They hold graphs in themselves, keep something from call to call, or go round for ever.
ONNX_FORBIDDEN = {"If", "Loop", "Scan", "SequenceMap"}
OPENVINO_FORBIDDEN = {"If", "Loop", "TensorIterator", "ReadValue", "Assign"}
UNNEEDED = "holds operations that no tagger needs"


def read_onnx(path: Path) -> bytes:
    """Return an ONNX file's content, checked; raises `EncoderError` in one line."""
    import onnx

    content = _read(path, LARGEST_GRAPH)
    try:
        proto = onnx.load_model_from_string(content)
    except Exception:  # protobuf's own error, whose class depends on its version
        raise EncoderError(f"{path} is not an ONNX file") from None
    parts = list(messages(proto))
    nodes = [part for part in parts if isinstance(part, onnx.NodeProto)]
    tensors = [part for part in parts if isinstance(part, onnx.TensorProto)]
    away = [one for one in tensors if one.data_location == one.EXTERNAL or one.external_data]
    _refuse(path, "needs operations of another library", {node.domain for node in nodes} - DOMAINS)
    _refuse(path, UNNEEDED, {node.op_type for node in nodes} & ONNX_FORBIDDEN)
    _refuse(path, "defines operations of its own", {function.name for function in proto.functions})
    _refuse(path, "keeps weights in another file", {tensor.name for tensor in away})
    held = {value.name for value in proto.graph.initializer}
    inputs = [value.name for value in proto.graph.input if value.name not in held]
    _check_ends(inputs, [value.name for value in proto.graph.output], path)
    return content


def read_openvino(core: Any, path: Path) -> Any:
    """Return an OpenVINO model from its .xml and .bin, checked; raises `EncoderError`."""
    description = _read(path, LARGEST_XML)
    # XML may define words that stand for others; no program that writes graphs does so.
    if re.search(rb"<!(?:DOCTYPE|ENTITY)", description, re.IGNORECASE):
        raise EncoderError(f"{path} defines entities of its own: not loaded")
    weights = _read(path.with_suffix(".bin"), LARGEST_GRAPH)
    try:
        model = core.read_model(model=description, weights=weights)
        kinds = {operation.get_type_name() for operation in model.get_ops()}
        inputs = [value.get_any_name() for value in model.inputs]
        outputs = [value.get_any_name() for value in model.outputs]
    except RuntimeError:
        raise EncoderError(f"{path} is not an OpenVINO model, or is damaged") from None
    _refuse(path, UNNEEDED, kinds & OPENVINO_FORBIDDEN)
    _check_ends(inputs, outputs, path)
    return model


def _read(path: Path, most: int) -> bytes:
    """Return a file's bytes; raises `EncoderError` if it is missing or too large."""
    if not path.is_file():
        raise EncoderError(f"{path} is missing")
    if path.stat().st_size > most:
        raise EncoderError(f"{path} is too large: more than {most:,} bytes")
    return path.read_bytes()


def _refuse(path: Path, reason: str, names: set[str]) -> None:
    """Raise `EncoderError` if there is anything that no tagger needs."""
    if names:
        raise EncoderError(f"{path} {reason} ({min(names)}): not loaded")


def _check_ends(inputs: list[str], outputs: list[str], path: Path) -> None:
    """Raise `EncoderError` unless a graph takes and gives what a tagger's does."""
    if sorted(inputs) != sorted(INPUTS) or outputs != [OUTPUT]:
        ends = f"it takes {', '.join(inputs)} and gives {', '.join(outputs)}"
        raise EncoderError(f"{path} is not the graph of a tagger: {ends}")
