"""The engines that compute a graph: one small class for each, all called in the same way.

Built in notebook 09.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from nerlib.tools.extras import require_extra
from nerlib.tools.serving.graph import INPUTS

Backend = Literal["onnx", "openvino"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)
MODULES = {"onnx": ("onnxruntime", "onnx"), "openvino": ("openvino",)}
TITLES = {"onnx": "ONNX Runtime", "openvino": "OpenVINO"}
Numbers = NDArray[np.int64]


class Engine(Protocol):
    """What the tagger needs of an engine."""

    def __call__(
        self, input_ids: Numbers, attention_mask: Numbers, word_ids: Numbers, words: Numbers
    ) -> NDArray[np.float32]:
        """Return logits (batch, words, tags).

        The first three are (batch, subwords); `words` (words,) holds 0, 1, 2, …
        """


class OnnxEngine:
    """ONNX Runtime: reads one file, runs on the CPU with `threads` threads."""

    def __init__(self, path: Path, threads: int) -> None:
        require_extra("export", *MODULES["onnx"])
        import onnxruntime

        from nerlib.tools.serving.strangers import read_onnx

        if sys.platform == "win32":
            onnxruntime.disable_telemetry_events()  # what people tag is nobody's business
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors only
        # Threads that wait in a loop for the next call take the cores from torch, which decodes.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # From bytes that were looked at, so that nothing else can be read in their place.
        self._session = onnxruntime.InferenceSession(
            read_onnx(path), options, providers=["CPUExecutionProvider"]
        )

    def __call__(
        self, input_ids: Numbers, attention_mask: Numbers, word_ids: Numbers, words: Numbers
    ) -> NDArray[np.float32]:
        """Return logits (batch, words, tags)."""
        arrays = (input_ids, attention_mask, word_ids, words)
        logits: NDArray[np.float32] = self._session.run(None, dict(zip(INPUTS, arrays)))[0]  # noqa: B905
        return logits


class OpenVinoEngine:
    """OpenVINO: reads a pair of files, runs on the CPU with `threads` threads.

    With `bf16` its matrix products round to 16 bits, where the CPU has units for that.
    """

    def __init__(self, path: Path, threads: int, bf16: bool = False) -> None:
        require_extra("export", *MODULES["openvino"])
        import openvino

        from nerlib.tools.serving.strangers import read_openvino

        core = openvino.Core()
        settings = {
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32",
            "PERFORMANCE_HINT": "LATENCY",  # all threads work on one batch
        }
        compiled = core.compile_model(read_openvino(core, path), "CPU", settings)
        self._request = compiled.create_infer_request()

    def __call__(
        self, input_ids: Numbers, attention_mask: Numbers, word_ids: Numbers, words: Numbers
    ) -> NDArray[np.float32]:
        """Return logits (batch, words, tags)."""
        arrays = (input_ids, attention_mask, word_ids, words)
        result: Any = self._request.infer(dict(zip(INPUTS, arrays)))  # noqa: B905
        return np.array(result[0])  # a copy: the next call writes into the engine's own memory


def start_engine(backend: Backend, path: Path, variant: str, threads: int | None = None) -> Engine:
    """Return an engine with a graph in it; `threads` is torch's number unless it is given."""
    threads = threads or torch.get_num_threads()
    if backend == "onnx":
        return OnnxEngine(path, threads)
    return OpenVinoEngine(path, threads, bf16=variant == "bf16")


def has_bf16_units() -> bool:
    """Return whether OpenVINO can compute in bf16 on this CPU."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
