"""From a model in Python to a graph: the same computation, written down as a list of operations."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from nerlib.model import NERClassifier, count_parameters
from nerlib.tools.extras import require_extra

INPUTS = ("input_ids", "attention_mask", "word_ids", "words")
OUTPUT = "logits"
LARGEST_GRAPH = 2_000_000_000  # bytes: no file of this kind (protobuf) can be larger


class ExportError(ValueError):
    """An export that cannot be made: what was wrong and what to do."""


class GraphInputs(nn.Module):
    """The tagger as an engine calls it: of `words` (words,), 0, 1, 2, …, only the length counts."""

    def __init__(self, model: NERClassifier) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, word_ids: Tensor, words: Tensor
    ) -> Tensor:
        """Return logits (batch, words, tags); the first three are (batch, subwords)."""
        output = self.model(input_ids, attention_mask, word_ids, num_words=words.shape[0])
        return cast(Tensor, output.logits)


def write_graph(model: NERClassifier, path: str | Path) -> Path:
    """Write the model as an ONNX file, whose batch, subwords and words may have any size.

    Raises `ExtraError` without the extra `export`, `ExportError` for a model that is too large.
    """
    require_extra("export", "onnx", "onnxscript")
    if 4 * count_parameters(model) > LARGEST_GRAPH:
        raise ExportError("the model is too large for one ONNX file, which may have 2 GB")
    copy = deepcopy(model)  # the model stays as it is, whatever happens
    copy.encoder.set_attn_implementation("eager")  # in steps that engines join by themselves
    # A batch to follow through the model: no size of it is 0 or 1, which would stay fixed.
    ids, mask = torch.arange(5, 19).view(2, 7), torch.tensor([[1] * 7, [1] * 5 + [0] * 2])
    word_ids = torch.tensor([[-1, 0, 0, 1, 2, 3, -1], [-1, 0, 1, 1, -1, -1, -1]])
    example = ids, mask, word_ids, torch.arange(4)
    shapes = (*[{0: "batch", 1: "subwords"}] * 3, {0: "words"})
    with quiet(), torch.no_grad():
        program: Any = torch.onnx.export(
            GraphInputs(copy).cpu().eval(), example, input_names=INPUTS,
            output_names=(OUTPUT,), dynamic_shapes=shapes, dynamo=True, verbose=False,
        )  # fmt: skip
    proto = program.model_proto
    for part in messages(proto):  # where each operation came from: paths of this machine
        for name in {"doc_string", "metadata_props"} & set(part.DESCRIPTOR.fields_by_name):
            part.ClearField(name)
    Path(path).write_bytes(proto.SerializeToString())
    return Path(path)


def messages(message: Any) -> Iterator[Any]:
    """Yield a message of protobuf and all that it holds: nodes, weights, functions, attributes."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in [value] if hasattr(value, "ListFields") else value:
                yield from messages(inner)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the notes and warnings of other libraries off a learner's screen."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(logging.NOTSET)
