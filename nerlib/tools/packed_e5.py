"""The file that multilingual-e5-small comes in: a vocabulary, and weights of 4 bits each.

All that the file says of itself is checked against its length before memory is taken for it, and
whatever does not fit raises `EncoderError` in one line. See `nerlib.tools.multilingual_e5`.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nerlib.untrusted import EncoderError

BLOCK = 32  # weights that share one scale
PLAIN, PACKED = 0, 1  # the kinds of tensors: fp32, and blocks of 4 bits a weight
BYTES = {PLAIN: (1, 4), PACKED: (BLOCK, 18)}  # so many weights take so many bytes
MATRICES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
SPECIAL = ("<s>", "</s>", "<pad>", "<unk>")  # in the order in which the file has their numbers


@dataclass(frozen=True)
class Sizes:
    """The numbers of a BERT: `inner` is the width between the two halves of a feed-forward part."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float


@dataclass(frozen=True)
class Entry:
    """One tensor in the file: its kind, number of weights, first byte, and number of bytes."""

    kind: int
    count: int
    offset: int
    size: int


@dataclass(frozen=True)
class Wanted:
    """One tensor of a BERT: its name in transformers and in the file, its shape and kind."""

    name: str
    stored: str
    shape: tuple[int, ...]
    kind: int = PLAIN


@dataclass(frozen=True)
class PackedE5:
    """An encoder as its file has it: the vocabulary read, the weights still packed."""

    sizes: Sizes
    pieces: list[tuple[str, float]]  # with their scores, in the order of their numbers
    entries: dict[str, Entry]
    content: bytes

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Return the weights in fp32, by transformers' names; raises `EncoderError`."""
        # All are checked before memory is taken, and the first that is missing ends it.
        used = [(wanted, self._find(wanted)) for wanted in wanted_tensors(self.sizes)]
        if sum(entry.size for _, entry in used) > len(self.content):
            raise damaged("its tensors overlap")
        return {wanted.name: self._unpacked(wanted, entry) for wanted, entry in used}

    def _find(self, wanted: Wanted) -> Entry:
        """Return where a tensor lies, with the kind and size that it must have."""
        entry, count = self.entries.get(wanted.stored), prod(wanted.shape)
        if entry is None or (entry.kind, entry.count) != (wanted.kind, count):
            raise damaged(f"{wanted.stored} is missing, or does not hold {count:,} weights")
        weights, size = BYTES[wanted.kind]
        if count % weights or entry.size != count // weights * size:
            raise damaged(f"{wanted.stored} has {entry.size:,} bytes for {count:,} weights")
        if entry.offset + entry.size > len(self.content):
            raise damaged(f"{wanted.stored} lies outside of the file")
        return entry

    def _unpacked(self, wanted: Wanted, entry: Entry) -> NDArray[np.float32]:
        """Return the values of a tensor in its shape."""
        stored = np.frombuffer(self.content, np.uint8, entry.size, entry.offset)
        values = unpack_blocks(stored) if wanted.kind == PACKED else stored.view("<f4")
        if not np.isfinite(values).all():
            raise damaged(f"{wanted.stored} holds values that are not finite")
        return values.astype(np.float32, copy=False).reshape(wanted.shape)


class Cursor:
    """Reads a file from front to back, and never past its end."""

    def __init__(self, content: bytes) -> None:
        self._content, self._place = content, 0

    def take(self, size: int) -> bytes:
        """Return the next bytes; raises `EncoderError` if the file does not have so many."""
        end = self._place + size
        if not self._place <= end <= len(self._content):
            raise damaged(f"it ends before byte {end:,}")
        taken, self._place = self._content[self._place : end], end
        return taken

    def numbers(self, layout: str) -> tuple[Any, ...]:
        """Return the next numbers, in the notation of `struct`, little endian."""
        return struct.unpack(f"<{layout}", self.take(struct.calcsize(f"<{layout}")))

    def array(self, kind: str, count: int) -> NDArray[Any]:
        """Return the next `count` numbers of four bytes."""
        return np.frombuffer(self.take(4 * count), kind)


def read_packed(content: bytes) -> PackedE5:
    """Return what a file holds; raises `EncoderError` if it is damaged or of another kind."""
    cursor = Cursor(content)
    if cursor.take(4) != b"E5S1" or cursor.numbers("I") != (1,):
        raise damaged("it does not begin with E5S1, version 1")
    sizes = Sizes(*cursor.numbers("7if"))
    positive = all(value > 0 for value in vars(sizes).values())  # so written, NaN is refused
    if not positive or cursor.numbers("i") != (BLOCK,):
        raise damaged("its sizes make no encoder")
    if sizes.hidden % sizes.heads or sizes.hidden % BLOCK or sizes.inner % BLOCK:
        raise damaged("its sizes do not divide by its heads, and by its blocks")
    pieces = read_pieces(cursor)
    if len(pieces) > sizes.vocabulary:
        raise damaged(f"it has {len(pieces):,} pieces, but {sizes.vocabulary:,} vectors")
    entries = read_entries(cursor)
    types = entries.get("emb.type")
    if types and types.count == sizes.hidden:  # one row is enough: nothing has a second type
        sizes = replace(sizes, types=1)
    return PackedE5(sizes, pieces, entries, content)


def read_pieces(cursor: Cursor) -> list[tuple[str, float]]:
    """Return the vocabulary with its scores; the map for normalisation behind it is passed over."""
    count, *special, length = cursor.numbers("5iQ")
    if count < 1:
        raise damaged(f"it has {count:,} pieces")
    offsets = cursor.array("<u4", count + 1).astype(np.int64)
    scores = cursor.array("<f4", count)
    if not np.isfinite(scores).all():
        raise damaged("its scores are not finite")
    pieces = cut_pieces(cursor.take(length), offsets)
    if [pieces[number : number + 1] for number in special] != [[name] for name in SPECIAL]:
        raise damaged(f"the numbers of {', '.join(SPECIAL)} are not those of these pieces")
    _, size = cursor.numbers("iI")
    cursor.take(size)
    return list(zip(pieces, scores.tolist(), strict=True))


def cut_pieces(text: bytes, offsets: NDArray[np.int64]) -> list[str]:
    """Return the pieces that `text` consists of: each goes from one of the offsets to the next."""
    if offsets[0] != 0 or offsets[-1] != len(text) or (np.diff(offsets) <= 0).any():
        raise damaged("its pieces do not follow one another")
    try:
        pieces = [text[first:end].decode() for first, end in pairwise(offsets.tolist())]
    except UnicodeDecodeError:
        raise damaged("its pieces are not UTF-8") from None
    if len({*pieces}) != len(pieces) or pieces[-1] != "<mask>":
        raise damaged("it has a piece twice, or its last one is not <mask>")
    return pieces


def read_entries(cursor: Cursor) -> dict[str, Entry]:
    """Return where the tensors are, by their names in the file."""
    entries: dict[str, Entry] = {}
    for _ in range(*cursor.numbers("i")):
        (length,) = cursor.numbers("H")
        name = cursor.take(length).decode("ascii", "replace")
        if name in entries:
            raise damaged(f"it has {name[:20]!r} twice")
        entries[name] = Entry(*cursor.numbers("BIQQ"))
    return entries


def wanted_tensors(sizes: Sizes) -> Iterator[Wanted]:
    """Yield the tensors that a BERT of these sizes consists of."""
    hidden, inner = sizes.hidden, sizes.inner
    shapes = {"fi": (inner, hidden), "fo": (hidden, inner)}
    table = "embeddings.{}_embeddings.weight".format
    yield Wanted(table("word"), "emb.word", (sizes.vocabulary, hidden), PACKED)
    yield Wanted(table("position"), "emb.pos", (sizes.positions, hidden))
    yield Wanted(table("token_type"), "emb.type", (sizes.types, hidden))
    yield from _norm("embeddings.LayerNorm", "emb.ln", hidden)
    for number in range(sizes.layers):
        for short, name in MATRICES.items():
            shape = shapes.get(short, (hidden, hidden))
            name, stored = f"encoder.layer.{number}.{name}", f"l{number}.{short}"
            yield Wanted(f"{name}.weight", f"{stored}.w", shape, PACKED)
            yield Wanted(f"{name}.bias", f"{stored}.b", shape[:1])
        for short, name in NORMS.items():
            yield from _norm(f"encoder.layer.{number}.{name}", f"l{number}.{short}", hidden)


def _norm(name: str, stored: str, hidden: int) -> Iterator[Wanted]:
    """Yield the two tensors of a layer normalisation."""
    yield Wanted(f"{name}.weight", f"{stored}.w", (hidden,))
    yield Wanted(f"{name}.bias", f"{stored}.b", (hidden,))


def unpack_blocks(stored: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the weights of blocks of 18 bytes each: a scale in fp16, then 32 weights of 4 bits.

    Byte j of the 16 holds weight j in its lower half and weight j + 16 in its upper half; a weight
    is (half - 8) times the scale, which is exact in fp32. (bytes) → (blocks, 32)

    >>> one = np.frombuffer(bytes([0, 0x3C] + [0x9A] * 16), np.uint8)  # 0x3C00 is 1.0
    >>> unpack_blocks(one)[0, [0, 15, 16, 31]].tolist()
    [2.0, 2.0, 1.0, 1.0]
    """
    blocks = stored.reshape(-1, BYTES[PACKED][1])
    scales, halves = blocks[:, :2].copy().view("<f2").astype(np.float32), blocks[:, 2:]
    values = np.concatenate((halves & 15, halves >> 4), axis=1).astype(np.float32)
    values -= 8
    values *= scales
    return values


def damaged(reason: str) -> EncoderError:
    """Return the error for a file that cannot be used."""
    return EncoderError(f"the file with the packed weights cannot be used: {reason}")
