"""What notebooks 11 and 12 write by hand agrees with the library, and with what others use."""

import pytest
import torch
from notebook_cells import names_by_hand
from safetensors import safe_open
from tiny_encoders import encoder_folder, small_data

from nerlib import collate
from nerlib.addons.regularisation import mask_subwords
from nerlib.addons.used_rows import used_subwords
from nerlib.model import tagging_loss

LESSON = "11_faster_training"


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_smoothed_loss_by_hand_is_the_library_s(by_hand, smoothing):
    logits = 5 * torch.randn(7, generator=torch.Generator().manual_seed(0))
    found = by_hand["smoothed_loss_by_hand"](logits, 3, smoothing)
    library = tagging_loss(logits[None, None], torch.tensor([[3]]), smoothing)
    torch.testing.assert_close(found, library)


@pytest.mark.parametrize("share", [0.0, 0.15, 0.6])
def test_masking_by_hand_is_the_library_s(by_hand, share):
    data = small_data("bert", 24)
    batch = collate(data, data.pad_id)
    torch.manual_seed(0)
    library = mask_subwords(batch, data.mask_id, share)
    torch.manual_seed(0)
    draws = torch.rand(batch["input_ids"].shape)
    ids, word_ids = batch["input_ids"], batch["word_ids"]
    found = by_hand["mask_by_hand"](ids, word_ids, draws, share, data.mask_id)
    assert torch.equal(found, library)


def test_used_rows_by_hand_are_the_library_s(by_hand):
    data = small_data("bert", 24)
    assert by_hand["used_by_hand"](data) == used_subwords(data).tolist()


@pytest.mark.parametrize("family", ["bert", "roberta", "deberta-v2"])
def test_weights_by_hand_are_what_safetensors_reads(family):
    path = encoder_folder(family) / "model.safetensors"
    with safe_open(path, framework="pt") as file:
        expected = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    assert names_by_hand("12_long_texts")["weights_by_hand"](path) == expected
    assert expected
