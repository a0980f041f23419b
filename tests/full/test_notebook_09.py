"""What notebook 09 writes by hand does the same as nerlib; without its extra it skips."""

import nbformat
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from notebook_cells import NOTEBOOKS
from tiny_encoders import new_model, tokenizer_of

from nerlib import Tagger
from nerlib.tools import extras
from nerlib.tools.extras import EXTRAS
from nerlib.tools.serving.gate import judge
from nerlib.tools.serving.graph import INPUTS
from tools.colab import ALWAYS, colab_copy
from tools.project import read_publication

LESSON = "09_export_and_serve"
NOTEBOOK = NOTEBOOKS / f"{LESSON}.ipynb"
CELLS = nbformat.read(NOTEBOOK, as_version=4).cells
TIMES = st.lists(st.floats(0, 1e4), min_size=1, max_size=60)


def test_without_the_extra_it_says_one_line_and_does_nothing(shell, monkeypatch, capsys):
    monkeypatch.setattr(extras, "missing_modules", lambda *_: ["onnx"])
    said = []
    for cell in CELLS:
        if cell.cell_type == "code":
            # A plain IPython has no window for figures, and prints the value of the last line.
            left_out = ("%matplotlib inline", "recipe")
            source = "\n".join(x for x in cell.source.splitlines() if x not in left_out)
            assert shell.run_cell(source).success, cell.id
            said += capsys.readouterr().out.splitlines()
    assert said == [
        'Skipped: onnx is not installed: pip install "nerlib[export]", and run this cell again.'
    ]
    assert "tagger" not in shell.user_ns


def test_every_cell_may_be_skipped_in_a_comparison_of_outputs():
    code = [cell for cell in CELLS if cell.cell_type == "code"]
    assert [one.id for one in code if "nbval-ignore-output" not in one.metadata.tags] == []


def test_the_copy_for_colab_installs_the_extra():
    copy = colab_copy(nbformat.read(NOTEBOOK, as_version=4), read_publication(), "notebooks")
    assert all(f'"{name}"' in copy.cells[0].source for name in EXTRAS["export"])
    plain = colab_copy(nbformat.v4.new_notebook(), read_publication(), "notebooks")
    assert all(f'"{name}"' in plain.cells[0].source for name in ALWAYS)
    assert not any(f'"{name}"' in plain.cells[0].source for name in EXTRAS["export"])


@given(values=TIMES, share=st.integers(1, 100))
def test_the_percentile_by_hand_is_numpy_s(by_hand, values, share):
    expected = np.percentile(values, share, method="inverted_cdf")
    assert by_hand["percentile_by_hand"](values, share) == expected


@pytest.mark.parametrize("bits", [8, 4, 2])
def test_rounding_by_hand_is_torch_s(by_hand, bits):
    model = new_model("bert")
    weights = model.head[1].weight.detach()
    most = 2 ** (bits - 1) - 1
    scale, zeros = weights.abs().amax(1) / most, torch.zeros(len(weights), dtype=torch.int32)
    expected = torch.fake_quantize_per_channel_affine(weights, scale, zeros, 0, -most, most)
    rounded = by_hand["with_rounded_layers"](model, bits).head[1].weight
    assert torch.allclose(rounded, expected, atol=1e-6)
    assert not torch.equal(rounded, model.head[1].weight)  # the model itself stays


def test_the_cosine_by_hand_is_torch_s(by_hand):
    one, other = (np.random.default_rng(n).normal(size=(2, 5, 8)).astype("f") for n in (1, 2))
    expected = torch.cosine_similarity(torch.from_numpy(one), torch.from_numpy(other), dim=-1)
    assert by_hand["cosine_by_hand"](one, other) == pytest.approx(expected.mean().item(), abs=1e-6)


@given(f1=st.floats(0, 1), torch_f1=st.floats(0, 1))
def test_the_gate_by_hand_is_the_library_s(by_hand, f1, torch_f1):
    assert by_hand["passes_by_hand"](f1, torch_f1) == judge(f1, torch_f1).passed


def test_the_inputs_by_hand_are_the_tagger_s(by_hand):
    tagger = Tagger(new_model("bert"), tokenizer_of("bert"), "cpu", "fp32")
    texts = ["wake me up at nine", "call anna"]
    arrays = by_hand["inputs_by_hand"](texts, tagger)
    assert tuple(arrays) == INPUTS
    tensors = [torch.from_numpy(arrays[name]) for name in INPUTS[:3]]
    with torch.inference_mode():
        logits = tagger.model(*tensors, num_words=len(arrays["words"])).logits
    scored = tagger.score_words([tagger.parser.split_words(text) for text in texts])
    for found, (expected, _) in zip(logits, scored, strict=True):
        assert torch.allclose(found[: len(expected)], expected, atol=1e-5)
