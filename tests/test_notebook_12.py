"""What notebook 12 writes by hand does the same as the library that others use."""

import pytest
from notebook_cells import names_by_hand
from safetensors import safe_open
from tiny_encoders import encoder_folder


@pytest.mark.parametrize("family", ["bert", "roberta", "deberta-v2"])
def test_weights_by_hand_are_what_safetensors_reads(family):
    path = encoder_folder(family) / "model.safetensors"
    with safe_open(path, framework="pt") as file:
        expected = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    assert names_by_hand("12_long_texts")["weights_by_hand"](path) == expected
    assert expected
