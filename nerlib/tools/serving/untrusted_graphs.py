"""Untrusted graphs: what is checked before an engine gets one.

A graph cannot run code of its own as a pickle can, but it can name other files to read, operations
of other libraries, and loops that never end. None of these is in a tagger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nerlib.encoders import EncoderError
from nerlib.tools.serving.graph import INPUTS, LARGEST_GRAPH, OUTPUT

LARGEST_XML = 50_000_000  # bytes
# ONNX's own operations, and those that ONNX Runtime's quantisation and optimisation bring.
DOMAINS = frozenset({"", "ai.onnx", "com.microsoft", "ai.onnx.ml"})
# They hold graphs in themselves, keep something from call to call, or go round for ever.
ONNX_FORBIDDEN = frozenset({"If", "Loop", "Scan", "SequenceMap"})
OPENVINO_FORBIDDEN = frozenset({"If", "Loop", "TensorIterator", "ReadValue", "Assign"})
# An XML file may define words that stand for others; no program that writes graphs does so.
_ENTITIES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def read_onnx(path: Path) -> bytes:
    """Return an ONNX file's content, checked; raises `EncoderError` in one line."""
    import onnx

    content = _read(path, LARGEST_GRAPH)
    try:
        proto = onnx.load_model_from_string(content)
    except Exception:  # protobuf's own error, whose class depends on its version
        raise EncoderError(f"{path} is not an ONNX file") from None
    foreign = sorted({node.domain for node in proto.graph.node} - DOMAINS)
    if foreign:
        raise EncoderError(f"{path} needs operations of another library ({foreign[0]}): not loaded")
    _check_operations({node.op_type for node in proto.graph.node}, ONNX_FORBIDDEN, path)
    if proto.functions:
        raise EncoderError(f"{path} defines operations of its own: not loaded")
    for tensor in _tensors(proto.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise EncoderError(f"{path} keeps weights in another file ({tensor.name}): not loaded")
    held = {value.name for value in proto.graph.initializer}
    inputs = [value.name for value in proto.graph.input if value.name not in held]
    check_ends(inputs, [value.name for value in proto.graph.output], path)
    return content


def read_openvino(core: Any, path: Path) -> Any:
    """Return an OpenVINO model from its .xml and .bin, checked; raises `EncoderError`."""
    description = _read(path, LARGEST_XML)
    if _ENTITIES.search(description):
        raise EncoderError(f"{path} defines entities of its own: not loaded")
    weights = _read(path.with_suffix(".bin"), LARGEST_GRAPH)
    try:
        model = core.read_model(model=description, weights=weights)
        kinds = {operation.get_type_name() for operation in model.get_ops()}
        inputs = [value.get_any_name() for value in model.inputs]
        outputs = [value.get_any_name() for value in model.outputs]
    except RuntimeError:
        raise EncoderError(f"{path} is not an OpenVINO model, or is damaged") from None
    _check_operations(kinds, OPENVINO_FORBIDDEN, path)
    check_ends(inputs, outputs, path)
    return model


def check_ends(inputs: list[str], outputs: list[str], path: Path) -> None:
    """Raise `EncoderError` unless a graph takes and gives what a tagger's does."""
    if sorted(inputs) != sorted(INPUTS) or outputs != [OUTPUT]:
        raise EncoderError(
            f"{path} is not the graph of a tagger: it takes {', '.join(inputs)} and gives "
            f"{', '.join(outputs)}"
        )


def _read(path: Path, most: int) -> bytes:
    """Return a file's bytes; raises `EncoderError` if it is missing or too large."""
    if not path.is_file():
        raise EncoderError(f"{path} is missing")
    if path.stat().st_size > most:
        raise EncoderError(f"{path} is too large: more than {most:,} bytes")
    return path.read_bytes()


def _check_operations(found: set[str], forbidden: frozenset[str], path: Path) -> None:
    """Raise `EncoderError` for an operation that no tagger needs."""
    wrong = sorted(found & forbidden)
    if wrong:
        raise EncoderError(f"{path} holds operations that no tagger needs ({wrong[0]}): not loaded")


def _tensors(graph: Any) -> Iterator[Any]:
    """Yield every tensor that a graph holds, also those inside of its operations."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
