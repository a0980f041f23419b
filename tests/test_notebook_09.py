"""What notebook 09 writes by hand agrees with the library, on more data than the notebook shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_encoders import new_model, small_data, tokenizer_of
from torch import nn
from torch.nn.functional import cosine_similarity

from nerlib import Tagger
from nerlib.dataset import collate
from nerlib.extras import missing_modules
from nerlib.serving.gate import PERMITTED_LOSS, judge

PATH = Path(__file__).resolve().parents[1] / "notebooks" / "09_export_and_serve.ipynb"
CELLS = nbformat.read(PATH, as_version=4).cells
ByHand = dict[str, Any]

pytestmark = pytest.mark.skipif(
    bool(missing_modules("export", ["onnx", "onnxscript", "onnxruntime"])),
    reason="the extra `export` is not installed",
)


@pytest.fixture(scope="module")
def by_hand() -> ByHand:
    """The names that the notebook's set-up cell and its cells tagged `by-hand` define."""
    names: ByHand = {}
    for cell in CELLS:
        if cell.id == "09-setup" or cell.id.endswith("-by-hand"):
            lines = [line for line in cell.source.splitlines() if not line.startswith("%")]
            exec(compile("\n".join(lines), f"{PATH.name}:{cell.id}", "exec"), names)
    return names


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=50),
    st.sampled_from([1, 25, 50, 90, 99, 100]),
)
def test_percentiles_are_numpy_s(by_hand: ByHand, values: list[float], share: int) -> None:
    found = by_hand["percentile_by_hand"](values, share)
    assert found == np.percentile(values, share, method="inverted_cdf")


def test_arrays_are_those_of_the_dataset(by_hand: ByHand) -> None:
    data = small_data("bert", rows=5)
    tagger = Tagger(new_model("bert", data.tags), tokenizer_of("bert"), "cpu", "fp32")
    texts = [utterance.text for utterance in data.utterances]
    arrays = by_hand["inputs_by_hand"](texts, tagger)
    batch = collate([data[row] for row in range(len(data))], data.pad_id)
    for name in ("input_ids", "attention_mask", "word_ids"):
        assert np.array_equal(arrays[name], batch[name].numpy()), name
    assert len(arrays["words"]) == batch["labels"].shape[1]


@pytest.mark.parametrize("bits", [8, 4, 2])
def test_rounded_weights_have_few_values_and_lie_close(by_hand: ByHand, bits: int) -> None:
    torch.manual_seed(0)
    weights = torch.randn(5, 64)
    rounded = by_hand["rounded_by_hand"](weights, bits)
    steps = weights.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
    assert ((rounded - weights).abs() <= steps / 2 + 1e-6).all()
    assert all(len(row.unique()) <= 2**bits - 1 for row in rounded)


def test_only_linear_layers_of_a_copy_are_rounded(by_hand: ByHand) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    copy = by_hand["with_rounded_layers"](model, 3)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not torch.equal(copy[0].weight, model[0].weight)
    assert torch.equal(copy[1].weight, model[1].weight)


def test_the_cosine_is_torch_s(by_hand: ByHand) -> None:
    one, other = np.random.default_rng(0).normal(size=(2, 3, 7, 5))
    expected = cosine_similarity(torch.from_numpy(one), torch.from_numpy(other), dim=-1).mean()
    assert by_hand["cosine_by_hand"](one, other) == pytest.approx(expected.item())


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_the_gate_is_the_library_s(by_hand: ByHand, f1: int, torch_f1: int) -> None:
    found = by_hand["passes_by_hand"](f1 / 1000, torch_f1 / 1000, PERMITTED_LOSS)
    assert found == judge("a variant", f1 / 1000, torch_f1 / 1000).passed


def test_a_notebook_that_lacks_the_extra_says_so_first() -> None:
    code = [cell for cell in CELLS if cell.cell_type == "code"]
    assert 'needs_extra("export"' in code[0].source
    imports = [line for cell in code for line in cell.source.splitlines() if "import onnx" in line]
    assert all("import onnx" not in line for line in code[0].source.splitlines())
    assert imports
