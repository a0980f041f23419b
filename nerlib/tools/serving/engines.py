"""The engines that compute a graph, and what takes the torch model's place then."""

import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any, Literal, NoReturn, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers.modeling_outputs import TokenClassifierOutput

from nerlib.encoders import EncoderError
from nerlib.model import NERConfig, tagging_loss
from nerlib.tools.extras import require_extra
from nerlib.tools.serving.graph import INPUTS
from nerlib.tools.serving.untrusted_graphs import read_onnx, read_openvino

Backend = Literal["onnx", "openvino", "static"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)
MODULES = {"onnx": ("onnxruntime", "onnx"), "openvino": ("openvino",), "static": ()}
TITLES = {"onnx": "ONNX Runtime", "openvino": "OpenVINO", "static": "static"}

# Arrays by the names of `INPUTS`: three of (batch, subwords), and `words` (words,) with 0, 1, 2, …
Inputs = dict[str, NDArray[np.int64]]
Engine = Callable[[Inputs], NDArray[np.float32]]  # returns logits (batch, words, tags)


def start_engine(backend: Backend, path: Path, variant: str, threads: int | None = None) -> Engine:
    """Return an engine on the CPU with a checked graph in it; `threads` are torch's by default.

    Raises `EncoderError` for a graph that is refused, `ExtraError` if a package is missing.
    """
    require_extra("export", *MODULES[backend])
    threads = threads or torch.get_num_threads()
    return _onnx(path, threads) if backend == "onnx" else _openvino(path, threads, variant)


def _onnx(path: Path, threads: int) -> Engine:
    """Return ONNX Runtime with a graph."""
    import onnxruntime

    if sys.platform == "win32":
        onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors only
    # Threads that wait in a loop for the next call take the cores from torch, which decodes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # From the bytes that were checked, so that nothing else can be read in their place.
    graph = read_onnx(path)
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, inputs)[0]


def _openvino(path: Path, threads: int, variant: str) -> Engine:
    """Return OpenVINO with a graph; in bf16 it rounds in the products of matrices only."""
    import openvino

    core = openvino.Core()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "bf16" if variant == "bf16" else "f32",
        "PERFORMANCE_HINT": "LATENCY",  # all threads work on one batch
        # With weights of 8 bits: how many of the numbers that flow share a scale.
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": 64,
    }
    request = core.compile_model(read_openvino(core, path), "CPU", settings).create_infer_request()
    turn = Lock()

    def compute(inputs: Inputs) -> NDArray[np.float32]:
        with turn:  # and a copy, as the next call, of another thread, writes into the same memory
            return np.array(request.infer(inputs)[0])

    return compute


class EngineModel(nn.Module):
    """An engine in the place of a `NERClassifier`, which cannot be trained, saved or moved."""

    def __init__(self, config: NERConfig, engine: Engine) -> None:
        super().__init__()
        self.config = config
        self.engine = engine
        self.encoder = SimpleNamespace(config=config.encoder_config())
        self.device = torch.device("cpu")
        self.eval()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        word_ids: Tensor,
        labels: Tensor | None = None,
        num_words: int = 0,
    ) -> TokenClassifierOutput:
        """Return logits (batch, words, tags), and the loss; without labels, pass `num_words`."""
        num_words = num_words if labels is None else labels.shape[1]
        tensors = (input_ids, attention_mask.long(), word_ids, torch.arange(num_words))
        arrays = (tensor.numpy() for tensor in tensors)
        logits = torch.from_numpy(self.engine(dict(zip(INPUTS, arrays, strict=True))))
        loss = None if labels is None else tagging_loss(logits, labels)
        return TokenClassifierOutput(loss=loss, logits=logits)

    def save_pretrained(self, *_: Any, **__: Any) -> NoReturn:
        """Raise `EncoderError`: an export is not the model."""
        advice = 'load the model with Tagger.from_pretrained(path), which is backend="torch"'
        raise EncoderError(f"an exported graph cannot be saved or published as a model: {advice}")
