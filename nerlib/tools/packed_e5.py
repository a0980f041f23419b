"""The file that multilingual-e5-small comes in: a vocabulary, and weights of 4 bits each.

Only the one file whose hash `nerlib.tools.multilingual_e5` knows is ever read, so that nothing that
it says of itself has to be doubted.
"""

import io
import struct
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 18  # a scale in fp16, and 32 weights of 4 bits that share it
PACKED = 1  # the kind of a tensor in blocks; 0 is fp32
TABLES = {"word": "word", "pos": "position", "type": "token_type"}
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
MATRICES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}


# The numbers with which the file begins, as transformers calls them.
SIZES = [
    *("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"),
    *("vocab_size", "max_position_embeddings", "type_vocab_size", "layer_norm_eps"),
]


class PackedE5(NamedTuple):
    """An encoder: its sizes, its pieces with their scores, its weights in fp32 by their names."""

    sizes: dict[str, Any]
    pieces: list[tuple[str, float]]
    weights: dict[str, NDArray[np.float32]]


def read_packed(content: bytes) -> PackedE5:
    """Return what the file holds."""
    file = io.BytesIO(content)

    def numbers(layout: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{layout}", file.read(struct.calcsize(f"<{layout}")))

    file.seek(8)  # E5S1, version 1
    sizes = dict(zip(SIZES, numbers("7if"), strict=True))
    file.seek(4, io.SEEK_CUR)  # the number of weights in a block
    count, *_, length = numbers("5iQ")  # the numbers of the special pieces are those of their names
    offsets, scores, text = numbers(f"{count + 1}I"), numbers(f"{count}f"), file.read(length)
    pieces = [text[first:end].decode() for first, end in pairwise(offsets)]
    _, length = numbers("iI")
    file.seek(length, io.SEEK_CUR)  # a map for normalisation
    weights = {}
    for _ in range(*numbers("i")):
        stored = file.read(*numbers("H")).decode()
        kind, _, place, size = numbers("BIQQ")
        values = np.frombuffer(content, np.uint8, size, place)
        name, width = published_name(stored, sizes["hidden_size"], sizes["intermediate_size"])
        flat = unpack_blocks(values).ravel() if kind == PACKED else values.view("<f4")
        weights[name] = flat.reshape(-1, width) if width else flat
    return PackedE5(sizes, list(zip(pieces, scores, strict=True)), weights)


def published_name(stored: str, hidden: int, inner: int) -> tuple[str, int]:
    """Return a tensor's name in transformers, and the width of its rows; 0 if it has none.

    >>> published_name("l3.fo.w", hidden=384, inner=1536)
    ('encoder.layer.3.output.dense.weight', 1536)
    """
    place, short, *part = stored.split(".")
    if not part:
        return f"embeddings.{TABLES[short]}_embeddings.weight", hidden
    module = f"encoder.layer.{place[1:]}.{(NORMS | MATRICES).get(short)}"
    name = f"{'embeddings.LayerNorm' if place == 'emb' else module}."
    if part == ["b"]:
        return name + "bias", 0
    width = inner if short == "fo" else hidden
    return name + "weight", width if short in MATRICES else 0


def unpack_blocks(stored: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the weights of blocks of 18 bytes each: a scale in fp16, then 32 weights of 4 bits.

    Byte j of the 16 holds weight j in its lower half and weight j + 16 in its upper half; a weight
    is (half - 8) times the scale, which is exact in fp32. (bytes) → (blocks, 32)

    >>> one = np.frombuffer(bytes([0, 0x3C] + [0x9A] * 16), np.uint8)  # 0x3C00 is 1.0
    >>> unpack_blocks(one)[0, [0, 15, 16, 31]].tolist()
    [2.0, 2.0, 1.0, 1.0]
    """
    blocks = stored.reshape(-1, BLOCK_BYTES)
    scales, halves = blocks[:, :2].copy().view("<f2").astype(np.float32), blocks[:, 2:]
    values = np.concatenate((halves & 15, halves >> 4), axis=1).astype(np.float32)
    values -= 8
    values *= scales
    return values
