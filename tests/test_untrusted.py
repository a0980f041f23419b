"""Models from strangers: refused in one line before anything runs, or memory is taken."""

import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_encoders import FAMILIES, encoder_folder, new_model, tokenizer_of

from nerlib import EncoderError, NERClassifier, Tagger, TagSet, load_tokenizer, save_model
from nerlib.encoders import quiet_transformers
from nerlib.model import load_encoder
from nerlib.untrusted import check_plain_name

Damage = Callable[[Path], object]
TOKENIZER = "tokenizer_config.json"


@pytest.fixture
def tagger_folder(tmp_path) -> Path:
    """A tagger from a stranger, to be damaged."""
    return save_model(new_model("bert"), tokenizer_of("bert"), tmp_path / "model")


@pytest.fixture
def encoder(tmp_path) -> Path:
    """An encoder from a stranger, to be damaged."""
    return Path(shutil.copytree(encoder_folder("bert"), tmp_path / "encoder"))


@pytest.fixture
def reached(monkeypatch) -> list[str]:
    """Which of transformers' loaders that fill memory or read a tokenizer were reached."""
    calls: list[str] = []
    for place in ("saving.NERClassifier", "model.AutoModel", "encoders.AutoTokenizer"):
        loader = f"nerlib.{place}.from_pretrained"
        monkeypatch.setattr(loader, lambda *_, place=place, **__: calls.append(place))
    return calls


def change(folder: Path, file: str = "config.json", inside: str = "", **settings: Any) -> None:
    """Set some values in a JSON file, or in an object inside of it."""
    content = json.loads((folder / file).read_text())
    (content[inside] if inside else content).update(settings)
    (folder / file).write_text(json.dumps(content))


def header(folder: Path, size: int | None = None, change: Callable[[Any], object] = id) -> None:
    """Write another header over the weights' own: another length, or another content."""
    path = folder / "model.safetensors"
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    described = json.loads(content[8 : 8 + length])
    change(described)
    text = json.dumps(described).encode()
    length = len(text) if size is None else size
    path.write_bytes(struct.pack("<Q", length) + text + content[8 + len(text) :])


def larger(described: Any) -> None:
    """Claim a shape that the file has no room for."""
    name = next(key for key in described if key != "__metadata__")
    described[name]["shape"] = [1_000_000, 1_000_000]


def only_pickled(folder: Path, name: str) -> None:
    """Leave the weights as a pickle only."""
    torch.save(load_file(folder / "model.safetensors"), folder / name)
    (folder / "model.safetensors").unlink()


def index(folder: Path, *files: object) -> None:
    """Replace the weights by an index that lists some files."""
    (folder / "model.safetensors").rename(folder.parent / "outside.safetensors")
    listed = {"metadata": {}, "weight_map": dict(enumerate(files))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(listed))


def pipe(path: Path) -> None:
    """Put a pipe in a file's place: reading it would wait for ever."""
    path.unlink()
    os.mkfifo(path)


def cut(path: Path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])


def config(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)


def encoder_settings(**settings: Any) -> Damage:
    return lambda folder: change(folder, inside="encoder", **settings)


def tokenizer_settings(**settings: Any) -> Damage:
    return lambda folder: change(folder, TOKENIZER, **settings)


HUGE = 10**9
WEIGHTS: dict[str, tuple[Damage, str]] = {
    "pickled bin": (lambda f: only_pickled(f, "pytorch_model.bin"), r"only pickled .*model\.bin"),
    "pickled pt": (lambda f: only_pickled(f, "weights.pt"), "only pickled weights"),
    "header cut": (lambda f: cut(f / "model.safetensors", 6), "damaged or not safetensors"),
    "data cut": (lambda f: cut(f / "model.safetensors", -4), "damaged or not safetensors"),
    "header too long": (lambda f: header(f, 2**60), "damaged or not safetensors"),
    "header beyond the end": (lambda f: header(f, 90_000_000), "damaged or not safetensors"),
    "header no JSON": (lambda f: header(f, 7), "damaged or not safetensors"),
    "shape too large": (lambda f: header(f, change=larger), "damaged or not safetensors"),
    "index above": (lambda f: index(f, "../outside.safetensors"), "is not the name of a file"),
    "index absolute": (lambda f: index(f, "/etc/outside.safetensors"), "is not the name of a"),
    "index backwards": (lambda f: index(f, r"..\outside.safetensors"), "is not the name of a"),
    "index number": (lambda f: index(f, 7), "is not the name of a file"),
    "index pickle": (lambda f: index(f, "config.json"), "which is no such file"),
    "index nothing": (lambda f: index(f, "model-1.safetensors"), "which is no such file"),
    "index empty": (index, "lists no weights"),
    "a pipe": (lambda f: pipe(f / "model.safetensors"), "is not a regular file"),
    "none": (lambda f: (f / "model.safetensors").unlink(), "no file named model.safetensors"),
    "no folder": (shutil.rmtree, "there is no such folder"),
    "empty": (lambda f: cut(f / "model.safetensors", 0), "damaged or not safetensors"),
}
DEEP = '{"a":' + "[" * 10**6 + "]" * 10**6 + "}"
CODE: dict[str, tuple[Damage, str]] = {
    "auto_map": (lambda f: change(f, auto_map={"AutoModel": "modeling_x.X"}), r"\(auto_map in"),
    "kernel": (lambda f: change(f, attn_implementation="a/kernel"), "attn_implementation in"),
    "quantised": (lambda f: change(f, quantization_config={"a": 1}), "quantization_config in"),
    "weights file": (lambda f: change(f, transformers_weights="../x.safetensors"), "from elsewh"),
    "adapter": (lambda f: (f / "adapter_config.json").write_text("{}"), "is an adapter"),
    "config huge": (lambda f: config(f, '"' + "x" * 4_000_001 + '"'), "too large for settings"),
    "config deep": (lambda f: config(f, DEEP), "nested too deep"),
    "no config": (lambda f: (f / "config.json").unlink(), "not a text encoder|folder of a nerlib"),
    "config pipe": (lambda f: pipe(f / "config.json"), "is not a regular file"),
    "config list": (lambda f: config(f, "[]"), "must hold a JSON object"),
    "config no JSON": (lambda f: config(f, "{"), "not a valid JSON"),
}
SIZES = {
    "hidden_size": 16_000,
    "num_hidden_layers": HUGE,
    "num_attention_heads": HUGE,
    "intermediate_size": 1_900_000,
    "vocab_size": 10**12,
    "max_position_embeddings": 1_900_000,
    "type_vocab_size": 1_900_000,
    "num_labels": HUGE,
}
ENCODER = WEIGHTS | CODE
TAGGER: dict[str, tuple[Damage, str]] = {
    **ENCODER,
    "another class": (lambda f: change(f, architectures=["Evil"]), "names a class of another kind"),
    "another type": (lambda f: change(f, model_type="evil"), "a model of type evil"),
    "code inside": (encoder_settings(auto_map={"AutoModel": "x.X"}), r"\(auto_map in"),
    "kernel inside": (encoder_settings(_attn_implementation="a/kernel"), "_attn_implementation in"),
    "encoder unknown": (encoder_settings(model_type="x"), "not a text encoder"),
    "encoder composite": (encoder_settings(vision_config={"model_type": "clip"}), "not a text enc"),
    "no encoder": (lambda f: change(f, encoder=[]), "says nothing about an encoder"),
    "labels text": (lambda f: change(f, labels="O"), "labels must be a list"),
    "labels numbers": (lambda f: change(f, labels=[0, 1]), "labels must be a list"),
    "labels many": (lambda f: change(f, labels=["O"] * 30_000), "labels must be a list"),
    "labels wrong": (lambda f: change(f, labels=["O", "I-X", "B-X"]), "labels must be 'O'"),
    "pooling": (lambda f: change(f, pooling="__import__('os')"), "unknown pooling"),
    "segmentation": (lambda f: change(f, segmentation="x"), "unknown segmentation"),
    "dropout": (lambda f: change(f, dropout=-1), "dropout from 0"),
    "head_size": (lambda f: change(f, head_size=1_000_000), "head_size must be"),
}
STEP = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
DOUBLING = {"type": "Sequence", "normalizers": [STEP] * 24}
TOKENIZERS: dict[str, tuple[Damage, str]] = {
    "auto_map": (tokenizer_settings(auto_map={"AutoTokenizer": ["t.X", None]}), r"\(auto_map in"),
    "class": (tokenizer_settings(tokenizer_class="Evil"), "not in transformers: 'Evil"),
    "class no name": (tokenizer_settings(tokenizer_class=["x"]), "not in transformers"),
    "class in config": (lambda f: change(f, tokenizer_class="Evil"), "not in transformers"),
    "slow": (tokenizer_settings(tokenizer_class="RagTokenizer"), "a slow one without"),
    "vocabulary": (tokenizer_settings(vocab_file="../vocab.txt"), "vocab_file in tok"),
    "absolute": (tokenizer_settings(tokenizer_file="/etc/passwd"), "tokenizer_file in"),
    "versions": (tokenizer_settings(fast_tokenizer_files=["../x.json"]), "fast_tokenizer_files in"),
    "length no number": (tokenizer_settings(model_max_length="9"), "model_max_length is"),
    "length too short": (tokenizer_settings(model_max_length=2), "model_max_length is 2"),
    "deep": (lambda f: (f / TOKENIZER).write_text(DEEP), "nested too deep"),
    "pipe": (lambda f: pipe(f / TOKENIZER), "is not a regular file"),
    "doubling": (lambda f: change(f, "tokenizer.json", normalizer=DOUBLING), "makes texts longer"),
    "huge": (lambda f: os.truncate(f / "tokenizer.json", 200_000_001), "larger than any"),
}


def refused(load: Callable[[str], object], folder: Path, message: str) -> None:
    """Assert that loading fails in one line that names the folder."""
    with pytest.raises(EncoderError, match=message) as error:
        load(str(folder))
    assert len(str(error.value).splitlines()) == 1
    assert str(folder) in str(error.value)


@pytest.mark.parametrize(("damage", "message"), TAGGER.values(), ids=TAGGER)
def test_a_tagger_is_refused_before_anything_is_loaded(damage, message, tagger_folder, reached):
    damage(tagger_folder)
    refused(Tagger.from_pretrained, tagger_folder, message)
    assert reached == []


@pytest.mark.parametrize(("damage", "message"), ENCODER.values(), ids=ENCODER)
def test_an_encoder_is_refused_before_anything_is_loaded(damage, message, encoder, reached):
    damage(encoder)
    refused(load_encoder, encoder, message)
    assert reached == []


@pytest.mark.parametrize(("damage", "message"), TOKENIZERS.values(), ids=TOKENIZERS)
def test_a_tokenizer_is_refused_before_anything_is_loaded(
    damage, message, encoder, tagger_folder, reached, monkeypatch
):
    model = SimpleNamespace(encoder=SimpleNamespace(config=None))
    monkeypatch.setattr("nerlib.inference.load_model", lambda path: model)
    for folder, load in ((encoder, load_tokenizer), (tagger_folder, Tagger.from_pretrained)):
        damage(folder)
        refused(load, folder, message)
    assert reached == []


@pytest.mark.parametrize("size", SIZES)
def test_no_memory_is_taken_on_a_stranger_s_word(size, encoder, tagger_folder, reached):
    message = f"{size}|do not fit its config.json|multiple of|positions of size"
    change(encoder, **{size: SIZES[size]})
    refused(load_encoder, encoder, message)
    change(tagger_folder, inside="encoder", **{size: SIZES[size]})
    refused(Tagger.from_pretrained, tagger_folder, message)
    assert reached == []


def resave(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the weights."""
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def cut_embeddings(weights: dict[str, Any]) -> None:
    name = next(name for name in weights if name.endswith("word_embeddings.weight"))
    weights[name] = weights[name][:-1].clone()


# What shows only in loading.
UNFIT: dict[str, tuple[Damage, str]] = {
    "tokenizer cut": (lambda f: cut(f / "tokenizer.json", 300), "not a valid JSON file"),
    "no vocabulary": (lambda f: (f / "tokenizer.json").unlink(), "has no vocabulary"),
    "fewer labels": (lambda f: change(f, labels=["O"]), "do not fit its config.json"),
    "head size": (lambda f: change(f, head_size="big"), "no model can be loaded"),
    "hidden size": (lambda f: change(f, inside="encoder", hidden_size="many"), "expected int"),
    "left over": (lambda f: resave(f, lambda w: w.update(x=torch.zeros(1))), r"not fit .*\['x"),
    "missing": (lambda f: resave(f, lambda w: w.pop("head.1.bias")), r"not fit .*\['head"),
    "shape": (lambda f: resave(f, cut_embeddings), "do not fit its config.json"),
}


@pytest.mark.parametrize(("damage", "message"), UNFIT.values(), ids=UNFIT)
def test_a_tagger_that_does_not_fit_is_refused(damage, message, tagger_folder):
    damage(tagger_folder)
    refused(Tagger.from_pretrained, tagger_folder, message)


def test_a_tokenizer_of_another_model_is_refused(tmp_path):
    save_model(new_model("bert"), tokenizer_of("roberta"), tmp_path)
    with pytest.raises(EncoderError, match="do not belong together"):
        Tagger.from_pretrained(tmp_path)


def drop_layer(weights: dict[str, Any]) -> None:
    for name in [name for name in weights if "layer.1." in name]:
        del weights[name]


@pytest.mark.parametrize(
    ("change", "message"),
    [(cut_embeddings, "no encoder can be"), (drop_layer, r"lacks weights: \['encoder\.layer\.1\.")],
)
def test_an_encoder_that_does_not_fit_is_refused(change, message, encoder):
    resave(encoder, change)
    refused(load_encoder, encoder, message)


def test_a_file_is_no_folder(tagger_folder):
    for load in (Tagger.from_pretrained, load_encoder):
        refused(load, tagger_folder / "model.safetensors", "is a file: name the folder")


@dataclass
class Trap:
    """Leaves a mark when it is unpickled."""

    mark: Path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def set_traps(folder: Path, mark: Path) -> None:
    """Put code and pickles into a model folder, each of which leaves a mark when it runs."""
    for name in ("modeling_x", "configuration_x", "tokenization_x", "__init__", "conftest"):
        (folder / f"{name}.py").write_text(f"open({str(mark)!r}, 'w').close()\nclass X: pass\n")
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt", "spiece.pkl"):
        (folder / name).write_bytes(pickle.dumps(Trap(mark)))


@pytest.mark.parametrize("pointed_at", [False, True])
@pytest.mark.parametrize("weights", [True, False], ids=["with safetensors", "pickles only"])
def test_no_code_from_the_folder_runs(
    pointed_at, weights, encoder, tagger_folder, tmp_path, monkeypatch
):
    """Whether the settings point at the code or not, and wherever one stands."""
    mark = tmp_path / "mark"
    for folder, load in ((encoder, load_encoder), (tagger_folder, Tagger.from_pretrained)):
        set_traps(folder, mark)
        monkeypatch.chdir(folder)
        if not weights:
            (folder / "model.safetensors").unlink()
        if pointed_at:
            code = {"AutoConfig": "configuration_x.X", "AutoModel": "modeling_x.X"}
            change(folder, auto_map=code)
            change(folder, TOKENIZER, auto_map={"AutoTokenizer": ["tokenization_x.X"] * 2})
        for use in (load, load_tokenizer):
            if not pointed_at and (weights or use is load_tokenizer):
                assert use(str(folder)) is not None
            else:
                refused(use, folder, "from elsewhere|only pickled")
        assert not mark.exists()


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_right_still_loads(family, tmp_path):
    """Every family, whole and in several files, as tagger and as encoder."""
    model = new_model(family)
    save_model(model, tokenizer_of(family), tmp_path / "model")
    assert Tagger.from_pretrained(tmp_path / "model", "cpu", "fp32")("nine") is not None
    with quiet_transformers():
        shutil.copytree(tmp_path / "model", tmp_path / "parts")
        (tmp_path / "parts" / "model.safetensors").unlink()
        model.save_pretrained(tmp_path / "parts", max_shard_size="20KB")
    assert len(list((tmp_path / "parts").glob("model-*.safetensors"))) > 1
    parts = Tagger.from_pretrained(tmp_path / "parts", "cpu", "fp32").model.state_dict()
    assert all(torch.equal(value, parts[name]) for name, value in model.state_dict().items())
    NERClassifier.from_encoder(str(encoder_folder(family)), TagSet.from_types(["time"]))


def test_a_model_on_the_hub_is_checked_in_the_same_way(
    tagger_folder, encoder, reached, monkeypatch
):
    folders = {"someone/tagger": tagger_folder, "someone/encoder": encoder}
    monkeypatch.setattr("nerlib.saving.snapshot_download", lambda name, **_: folders[name])
    monkeypatch.setattr("nerlib.tools.hub.encoder_folder", folders.get)
    change(encoder, num_hidden_layers=HUGE)
    change(encoder, TOKENIZER, vocab_file="../../secret")
    change(tagger_folder, inside="encoder", auto_map={"AutoModel": "modeling_x.X"})
    for load, name, message in (
        (load_encoder, "someone/encoder", "num_hidden_layers is 1,000,000,000"),
        (load_tokenizer, "someone/encoder", "vocab_file in"),
        (Tagger.from_pretrained, "someone/tagger", r"\(auto_map in"),
    ):
        with pytest.raises(EncoderError, match=message):
            load(name)
    assert reached == []


def test_on_the_command_line_it_is_one_line(tagger_folder, says):
    only_pickled(tagger_folder, "pytorch_model.bin")
    said = says("tag", "--model", tagger_folder, status=2)
    assert "holds only pickled weights (pytorch_model.bin)" in said


@pytest.mark.parametrize("value", ["..", "a/b", "/a", "C:\\a", ".a", "", "a\0b", "~", 5, ["a"]])
def test_only_plain_names_are_names(value):
    with pytest.raises(EncoderError, match="is not the name of a file in that folder"):
        check_plain_name(value, "here")
