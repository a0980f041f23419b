"""An exported tagger answers as the torch model does, and a graph that is not it is refused."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from safetensors.torch import save_file
from several_processes import FORK, in_processes
from small_runs import files
from tiny_encoders import new_model, small_corpus, small_data, tokenizer_of

from nerlib import (
    EncoderError,
    NERDataset,
    Tagger,
    TagSet,
    TrainConfig,
    load_corpus,
    save_model,
    train,
)
from nerlib.atomic import new_folder
from nerlib.inference import PlainTagger
from nerlib.tools.cli import TABLES, main
from nerlib.tools.extras import EXTRAS
from nerlib.tools.serving import engines, export, loading
from nerlib.tools.serving.compare import compare, table
from nerlib.tools.serving.export import Rows, export_model
from nerlib.tools.serving.gate import PERMITTED_LOSS, judge
from nerlib.tools.serving.graph import INPUTS, ExportError, write_graph
from nerlib.tools.serving.manifest import NAME, hash_of, read_manifest
from nerlib.tools.serving.static import PIECE
from nerlib.tools.serving.variants import VARIANTS, quantise_onnx

TEXTS = [
    "wake me up at nine am on friday",
    "what's the weather like in new york next friday?",
    "",
    "   ",
    "разбуди меня в девять утра в пятницу",
    "[SEP] <s> [PAD] at nine [MASK]",
    "👋 don't (wake) me \u200b at 7:30, ok\u00ad?",
    "\u200b",
    "日本語 ملف नौ בשעה nine",
    "lone \ud800 surrogate at nine",
    "a" * 300,
    "call me at nine on friday in new york " * 40,
]
BACKENDS = ("onnx", "openvino")


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Rows for a static tagger and for the gate."""
    return Rows(small_data("bert", 20, seed=1), small_data("bert", 40, seed=2), "forty rows")


@pytest.fixture(scope="module")
def original(tmp_path_factory, rows) -> Path:
    """A model that has learnt something, with all of its exports; not to be changed."""
    folder = tmp_path_factory.mktemp("serving") / "model"
    model = new_model("bert", TagSet.from_corpus(small_corpus()))
    settings = TrainConfig(epochs=12, learning_rate=5e-3, progress=False, device="cpu")
    train(model, small_data("bert", 40), rows.validation, settings, report=lambda _: None)
    save_model(model, tokenizer_of("bert"), folder)
    export_model(folder, rows, BACKENDS, permitted_loss=0.05, report=lambda _: None)
    return folder


@pytest.fixture
def known_graph(original, monkeypatch) -> None:
    """The graph is written in no time: it is the one that was exported before."""
    graph = original / "onnx" / "fp32.onnx"
    monkeypatch.setattr(export, "write_graph", lambda _, path: Path(shutil.copy(graph, path)))


@pytest.fixture
def folder(original, tmp_path) -> Path:
    """A copy of the exported model, to be broken."""
    return Path(shutil.copytree(original, tmp_path / "model"))


def load(folder: Path, backend: str = "torch", variant: str | None = None) -> Tagger:
    return Tagger.from_pretrained(folder, "cpu", "fp32", backend, variant)


def refused(message: str, folder: Path, *which: str) -> None:
    """Assert that loading fails in one line that says why."""
    with pytest.raises(EncoderError, match=message) as error:
        load(folder, *which)
    assert len(str(error.value).splitlines()) == 1


def interrupt(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def answer_from_threads(tagger: Tagger) -> None:
    """Ask from four threads, a text at a time: each gets the answers that one thread gets."""
    texts = [f"{text} number{number}" for number in range(20) for text in TEXTS if text.strip()]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(tagger, texts))
    assert places(found) == places([tagger(text) for text in texts])


def places(answers: list[list[Any]]) -> list[list[tuple[str, int, int, str]]]:
    return [[(e.type, e.start, e.end, e.text) for e in found] for found in answers]


def quietly(*arguments: Any) -> list[str]:
    """Export, and return what was reported."""
    said: list[str] = []
    export_model(*arguments, report=said.append)
    return said


def change(path: Path, changed: dict[str, Any]) -> None:
    """Change entries of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changed), "utf-8")


def rehash(folder: Path, backend: str) -> None:
    """Write into the manifest what an attacker would: the hashes of the files as they are now."""
    variants = json.loads((folder / backend / NAME).read_text("utf-8"))["variants"]
    files = variants["fp32"]["files"]
    files |= {name: hash_of(folder / backend / name) for name in files}
    change(folder / backend / NAME, {"variants": variants})


class TestAnswers:
    @pytest.mark.parametrize("backend", BACKENDS)
    def test_the_entities_are_those_of_torch(self, original, backend):
        expected, found = load(original)(TEXTS), load(original, backend, "fp32")(TEXTS)
        assert places(found) == places(expected)
        assert sum(map(len, expected)) > 20
        assert places([load(original, backend, "fp32")(text) for text in TEXTS]) == places(expected)
        exact, scores = ([e.score for one in answers for e in one] for answers in (expected, found))
        assert scores == pytest.approx(exact, abs=1e-4)

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_threads_share_an_engine(self, original, backend):
        answer_from_threads(load(original, backend))

    def test_fewer_bits_drift_but_a_little(self, original):
        words = [load(original).parser.split_words(text) for text in TEXTS]
        exact = torch.cat([logits for logits, _ in load(original).score_words(words)])
        for backend, variant in (("openvino", "bf16"), ("openvino", "int8"), ("onnx", "int8")):
            passed = read_manifest(original / backend, backend).variants.get(variant)
            if passed is None and variant == "bf16":
                continue  # a CPU without units for it
            scored = load(original, backend, variant).score_words(words)
            drifted = torch.cat([logits for logits, _ in scored])
            cosine = torch.cosine_similarity(exact, drifted, dim=-1).mean()
            assert 0.9 < cosine < 1 - 1e-9, (backend, variant)


WITHOUT = """
import runpy, sys
for name in ("torch", "transformers", "nerlib", "datasets", "huggingface_hub"):
    sys.modules[name] = None
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


class TestWithoutNerlib:
    @pytest.mark.parametrize(
        ("family", "settings"),
        [
            ("bert", {}),
            ("bert", {"segmentation": "characters"}),
            ("xlm-roberta", {}),  # Unigram
            ("roberta", {}),  # bytes
        ],
    )
    def test_the_file_beside_the_graph_finds_the_same(self, tmp_path, family, settings):
        tags = TagSet.from_types(["time", "Date", "place_name"])
        model = new_model(family, tags, seed=3, **settings)
        model.config.spelled = ["Date"]
        folder = save_model(model, tokenizer_of(family), tmp_path / "model")
        export_model(folder, None, ["onnx"], ["fp32"], report=lambda _: None)
        many = load_corpus(split="validation")["utt"][:200]
        texts = [*(text for text in TEXTS if "\ud800" not in text), *many]
        expected = load(folder)(texts)
        assert sum(map(len, expected)) > 20
        command = [sys.executable, "-c", WITHOUT, str(folder / "onnx" / "tag.py")]
        bad = subprocess.run(command, input=b"caf\xe9\n", capture_output=True, cwd=tmp_path)
        assert (bad.returncode, bad.stderr[:22]) == (2, b"the input is not UTF-8")
        lines = "\n".join(texts).encode()
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with subprocess.Popen(command, cwd=tmp_path, **pipes) as cut_off:
            cut_off.stdout.close()  # as `head` does
            assert cut_off.communicate(lines)[1] == b""
        assert cut_off.returncode == 0
        done = subprocess.run(command, input=lines, capture_output=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr.decode()
        answers = [json.loads(line)["entities"] for line in done.stdout.decode().splitlines()]
        found = [[(e["type"], e["start"], e["end"], e["text"]) for e in row] for row in answers]
        assert found == places(expected)
        scores = [e["score"] for row in answers for e in row]
        assert scores == pytest.approx([e.score for row in expected for e in row], abs=1e-4)

    def test_without_a_gate_only_by_its_word(self, folder, known_graph):
        shutil.rmtree(folder / "onnx")
        command = ["export", str(folder), "--backend", "onnx", "--variants", "fp32"]
        assert main(command) == 2
        assert not (folder / "onnx").exists()
        assert main([*command, "--no-gate"]) == 0
        manifest = read_manifest(folder / "onnx", "onnx")
        assert "--no-gate" in manifest.rows
        assert "not measured" in manifest.variants["fp32"].reason
        assert places(load(folder, "onnx")(TEXTS)) == places(load(folder)(TEXTS))
        assert main([*command[:2], "--backend", "openvino", "--no-gate"]) == 0
        assert "int8" in read_manifest(folder / "openvino", "openvino").variants


class TestGraph:
    @pytest.mark.parametrize(("family", "pooling"), [("bert", "mean"), ("xlm-roberta", "max")])
    def test_every_size_may_change(self, tmp_path, family, pooling):
        model = new_model(family, pooling=pooling).train()
        path = write_graph(model, tmp_path / "graph.onnx")
        assert model.training, "the model is as it was"
        assert model.head.training
        model.eval()
        engine = engines.start_engine("onnx", path, "fp32", threads=1)
        generator = torch.Generator().manual_seed(0)
        for batch, subwords, words in ((1, 1, 1), (1, 3, 1), (2, 9, 5), (5, 40, 11), (3, 7, 20)):
            ids = torch.randint(5, 40, (batch, subwords), generator=generator)
            mask = torch.ones_like(ids)
            mask[-1, subwords // 2 + 1 :] = 0
            word_ids = torch.randint(-1, words, ids.shape, generator=generator).sort()[0]
            with torch.inference_mode():
                expected = model(ids, mask, word_ids, num_words=words).logits
            arrays = (ids.numpy(), mask.numpy(), word_ids.numpy(), np.arange(words))
            found = engine(dict(zip(INPUTS, arrays, strict=True)))
            assert found.shape == expected.shape
            assert torch.allclose(torch.from_numpy(found), expected, atol=1e-5)

    def test_it_tells_nothing_of_this_machine(self, original):
        for file in [*original.glob("onnx/*"), *original.glob("openvino/*.xml")]:
            content = file.read_bytes()
            for part in (b"site-packages", b"nerlib/model.py", bytes(Path(export.__file__).parent)):
                assert part not in content, file.name

    def test_eight_bits_take_less_room(self, original, tmp_path):
        graph = original / "onnx" / "fp32.onnx"
        quantise_onnx(graph, tmp_path / "int8.onnx")
        weights = [onnx.load(path).graph.initializer for path in (graph, tmp_path / "int8.onnx")]
        sizes = [sum(len(w.raw_data) for w in one) for one in weights]
        assert sizes[1] < 0.5 * sizes[0]

    def test_a_model_too_large_for_one_file_is_message(self, tmp_path, monkeypatch):
        monkeypatch.setattr("nerlib.tools.serving.graph.LARGEST_GRAPH", 1000)
        with pytest.raises(ExportError, match="2 GB"):
            write_graph(new_model("bert"), tmp_path / "graph.onnx")


class TestGate:
    def test_the_limit_itself_passes(self):
        assert judge(0.698, 0.7, 0.002).passed
        assert not judge(0.6979, 0.7, 0.002).passed
        assert judge(0.9, 0.7, 0).passed

    def test_what_loses_too_much_is_refused_and_not_kept(
        self, folder, rows, known_graph, monkeypatch
    ):
        """A variant that gives every tag the opposite of its logit."""

        def negated(graph: Path, path: Path) -> None:
            proto = onnx.load(graph)
            proto.graph.node[-1].output[0] = "logit"
            proto.graph.node.append(helper.make_node("Neg", ["logit"], ["logits"]))
            onnx.save(proto, path)

        monkeypatch.setattr("nerlib.tools.serving.variants.quantise_onnx", negated)
        said = quietly(folder, rows, ["onnx"])
        assert any(line.startswith("ONNX Runtime int8: refused") for line in said)
        assert sorted(file.name for file in (folder / "onnx").iterdir()) == [
            "fp32.onnx",
            NAME,
            "tag.py",
        ]
        refused("'int8' did not pass", folder, "onnx", "int8")
        with pytest.raises(ExportError, match="no variant for ONNX"):
            quietly(folder, rows, ["onnx"], ["int8"])
        assert places(load(folder, "onnx")(TEXTS)) == places(load(folder)(TEXTS))

    def test_the_scores_are_those_of_the_evaluation(self, original, rows):
        manifest = read_manifest(original / "onnx", "onnx")
        scores = export.evaluate(load(original).model, rows.validation, export.FP32)[0]
        assert manifest.torch_f1 == pytest.approx(scores.overall.f1)
        assert manifest.torch_f1 > 0.5
        assert manifest.variants["fp32"].f1 == pytest.approx(manifest.torch_f1, abs=0.002)

    def test_no_rows_no_gate(self, folder, rows):
        nothing = NERDataset(small_corpus().select([]), tokenizer_of("bert"), rows.train.tags)
        with pytest.raises(ExportError, match="validation rows"):
            export_model(folder, Rows(rows.train, nothing, "none"), ["onnx"])


class TestStatic:
    @pytest.fixture(scope="class")
    def static(self, original, rows, tmp_path_factory) -> Path:
        """A static tagger that has learnt from the model's answers, beside it."""
        folder = Path(shutil.copytree(original, tmp_path_factory.mktemp("static") / "model"))
        export_model(folder, rows, ["static"], permitted_loss=0.5, report=lambda _: None)
        return folder

    def test_it_learns_what_the_model_says(self, static, rows):
        words = [list(one.words) for one in rows.train.utterances]
        taught, learnt = (
            [tags for tags, _ in load(static, backend).predict_words(words)]
            for backend in ("torch", "static")
        )
        pairs = list(zip(chain(*taught), chain(*learnt), strict=True))
        assert sum(one != "O" for one, _ in pairs) > 20
        assert sum(one == other for one, other in pairs) > 0.95 * len(pairs)

    def test_its_short_way_gives_what_the_long_way_gives(self, static, monkeypatch):
        tagger = load(static, "static")
        torch.nn.init.normal_(tagger.model.network.head.weight)  # tags that BIO forbids
        words = [tagger.parser.split_words(text) for text in [*TEXTS[:-1], *TEXTS[::-1][1:]]]
        expected = PlainTagger.predict_words(tagger, words)
        assert {tag for tags, _ in expected for tag in tags} > {"O"}
        for piece in (PIECE, 5):  # however many words are computed at once
            monkeypatch.setattr("nerlib.tools.serving.static.PIECE", piece)
            for found, one in zip(tagger.predict_words(words), expected, strict=True):
                assert found[0] == one[0]
                assert found[1] == pytest.approx(one[1], abs=1e-5)
        assert tagger.predict_words([]) == []

    def test_it_forgets_words_and_answers_as_before(self, static, monkeypatch):
        tagger = load(static, "static")
        before = tagger(TEXTS)
        monkeypatch.setattr("nerlib.tools.serving.static.MOST_WORDS", 1)
        assert places(tagger(TEXTS[::-1])[::-1]) == places(before)
        tagger(TEXTS[:1])
        assert len(tagger.model._known) == len(TEXTS[0].split()) == tagger.model._used - 1

    @pytest.mark.parametrize("nothing", ["", "  ", [""], []])
    def test_a_text_without_words_has_no_entities(self, nothing, static):
        assert load(static, "static")(nothing) == ([] if nothing != [""] else [[]])

    def test_an_interrupt_leaves_it_as_it_was(self, static, monkeypatch):
        tagger = load(static, "static")
        with monkeypatch.context() as patch:
            patch.setattr("nerlib.tools.serving.static.embedding_bag", interrupt)
            with pytest.raises(KeyboardInterrupt):
                tagger(TEXTS[0])
        assert places(tagger(TEXTS)) == places(load(static, "static")(TEXTS))

    def test_words_are_met_one_by_one_as_all_at_once(self, static):
        words = " ".join(f"w{number}" for number in range(1_500))
        one_by_one, at_once = load(static, "static"), load(static, "static")
        for word in words.split():
            one_by_one(word)
        assert places([one_by_one(words)]) == places([at_once(words)])

    def test_threads_share_it(self, static):
        answer_from_threads(load(static, "static"))

    def test_a_file_of_another_shape_is_refused(self, static, tmp_path):
        folder = Path(shutil.copytree(static, tmp_path / "model"))
        save_file({"table.weight": torch.zeros(3, 2)}, folder / "static" / "fp32.safetensors")
        rehash(folder, "static")
        refused("no static tagger", folder, "static")

    def test_without_rows_there_is_nothing_to_learn(self, original):
        assert main(["export", str(original), "--backend", "static", "--no-gate"]) == 2


class TestFolder:
    def test_no_torch_weights_are_needed(self, original, tmp_path, rows, known_graph):
        target = tmp_path / "served"
        quietly(original, rows, ["onnx"], ["fp32"], target)
        assert not list(target.rglob("*.safetensors"))
        assert places(load(target, "onnx")(TEXTS)) == places(load(original)(TEXTS))
        assert [row.name for row in compare(target, rows.validation, ["onnx"], rounds=1)] == [
            "ONNX Runtime fp32"
        ]

    @pytest.mark.skipif(not FORK, reason="forks")
    def test_a_kill_leaves_the_old_export(self, folder):
        def killed() -> None:
            with new_folder(folder / "onnx") as place:
                (place / "fp32.onnx").write_bytes(b"half")
                os._exit(9)

        before = files(folder)
        assert in_processes(1, killed) == [9]
        assert files(folder).items() >= before.items()

    def test_an_error_leaves_the_old_export(self, folder, rows, known_graph, monkeypatch):
        before = files(folder)
        monkeypatch.setattr(export.Manifest, "write", interrupt)
        with pytest.raises(KeyboardInterrupt):
            quietly(folder, rows, ["onnx"], ["fp32"])
        assert files(folder) == before

    def test_a_new_model_takes_the_old_exports_away(self, folder):
        save_model(new_model("bert"), tokenizer_of("bert"), folder)
        refused("--backend openvino", folder, "openvino")

    def test_the_table_has_a_line_for_each(self, original, rows):
        lines = table(compare(original, rows.validation, BACKENDS, rounds=1)).splitlines()
        found = read_manifest(original / "openvino", "openvino").variants.values()
        passed = [one for one in found if one.passed]
        assert sum(line.startswith("OpenVINO") for line in lines) == len(passed)
        assert lines[2].startswith("torch fp32")
        assert len({len(line) for line in lines}) == 1


# What no tagger's graph holds: weights in another file, a loop, a foreign operation, a function.
AWAY = TensorProto(name="away", dims=[1], data_type=1, data_location=TensorProto.EXTERNAL)
AWAY.external_data.add(key="location", value="../../secret")
CONSTANT = helper.make_node("Constant", [], ["away"], value=AWAY)
LOOP = helper.make_node("Loop", ["", ""], ["x"], body=helper.make_graph([], "body", [], []))
FOREIGN = helper.make_node("Run", ["logits"], ["x"], domain="evil")
FUNCTION = helper.make_function("own", "f", [], [], [], [])
ENTITY = b'<!DOCTYPE net [<!ENTITY a "b">]><net'


def onnx_with(change: Callable[[Any], object]) -> Callable[[bytes], bytes]:
    """A function that changes a graph in its file's bytes."""

    def altered(content: bytes) -> bytes:
        proto = onnx.load_model_from_string(content)
        change(proto)
        return proto.SerializeToString()

    return altered


NO_MANIFEST = {"format": 2, "backend": "openvino", "variants": [], "extra": 1}
VERDICT = {"f1": 1, "passed": True, "reason": ""}


def one_variant(verdict: dict[str, Any]) -> dict[str, Any]:
    return {"variants": {"fp32": verdict}}


class TestRefusals:
    @pytest.mark.parametrize("name", ["onnx/fp32.onnx", "openvino/fp32.bin"])
    def test_a_graph_that_is_changed_or_gone(self, folder, name):
        path = folder / name
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        refused(f"{path.name} is not the file", folder, path.parent.name, "fp32")
        path.unlink()
        refused(f"{path.name} is missing", folder, path.parent.name, "fp32")

    def test_exports_of_another_model(self, folder):
        labels = json.loads((folder / "config.json").read_text("utf-8"))["labels"]
        change(folder / "config.json", {"labels": [labels[0], labels[2], labels[1], *labels[3:]]})
        refused("another model", folder, "onnx")

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            *(({name: value}, "not a manifest") for name, value in NO_MANIFEST.items()),
            (one_variant({}), "not a manifest"),
            (one_variant({**VERDICT, "files": ["a"]}), "not a manifest"),
            (one_variant({**VERDICT, "files": {"../a": ""}}), r"\.\./a"),
            (one_variant({**VERDICT, "files": {"a": "b"}}), "a is missing"),
            (one_variant({**VERDICT, "files": {}}), "pass"),
        ],
    )
    def test_a_manifest_that_is_not_one(self, folder, changed, message):
        change(folder / "onnx" / NAME, changed)
        refused(message, folder, "onnx")

    @pytest.mark.parametrize(
        ("name", "alter", "message"),
        [
            ("onnx/fp32.onnx", onnx_with(lambda p: p.graph.initializer.append(AWAY)), "another f"),
            ("onnx/fp32.onnx", onnx_with(lambda p: p.graph.node.insert(0, CONSTANT)), "another f"),
            ("onnx/fp32.onnx", onnx_with(lambda p: p.graph.node.append(LOOP)), r"\(Loop\)"),
            ("onnx/fp32.onnx", onnx_with(lambda p: p.graph.node.append(FOREIGN)), r"\(evil\)"),
            ("onnx/fp32.onnx", onnx_with(lambda p: p.graph.input.pop()), "graph of a tagger"),
            ("onnx/fp32.onnx", onnx_with(lambda p: p.functions.append(FUNCTION)), r"own \(f\)"),
            ("onnx/fp32.onnx", lambda _: b"not a graph", "not an ONNX"),
            ("openvino/fp32.xml", lambda xml: xml.replace(b"<net", ENTITY, 1), "entities"),
            ("openvino/fp32.xml", lambda xml: xml.replace(b"word_ids", b"ids"), "of a tagger"),
            ("openvino/fp32.xml", lambda xml: xml[: len(xml) // 2], "damaged"),
            ("openvino/fp32.bin", lambda _: b"0" * 100, "damaged"),
        ],
    )
    def test_a_file_that_is_untrusted(self, folder, name, alter, message):
        path = folder / name
        path.write_bytes(alter(path.read_bytes()))
        rehash(folder, path.parent.name)
        refused(message, folder, path.parent.name, "fp32")

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_a_file_that_is_too_large(self, original, backend, monkeypatch):
        monkeypatch.setattr("nerlib.tools.serving.untrusted_graphs.LARGEST_GRAPH", 1000)
        refused("too large", original, backend)

    def test_what_is_not_there(self, original, tmp_path):
        for wrong, message in (("tensorrt",), "backend 'tensorrt'"), (("onnx", "fp8"), "'fp8'"):
            refused(message, original, *wrong)
        with pytest.raises(EncoderError, match="cannot be saved"):
            load(original, "onnx").save_pretrained(tmp_path)


class TestCommand:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["nowhere"], "no model in nowhere"),
            (["MODEL"], "name one by --recipe"),
            (["MODEL", "--recipe", "offlin"], "did you mean offline?"),
            (["MODEL", "--recipe", "offline", "--permitted-loss", "2"], "--permitted-loss"),
            (["MODEL", "--recipe", "offline", "--threads", "0"], "--threads"),
            (["MODEL", "--recipe", "offline", "--backend", "onnx", "--variants", "bf16"],
             "bf16: choose from fp32, int8"),
            (["MODEL", "--recipe", "offline", "--split", "validation[999:]"], "validation rows"),
            (["MODEL", "--own", "nowhere.txt"], "nowhere.txt"),
        ],
    )  # fmt: skip
    def test_a_mistake_is_one_line(self, original, says, arguments, message):
        chosen = [original if word == "MODEL" else word for word in arguments]
        assert message in says("export", *chosen, status=2)

    def test_a_missing_extra_is_one_line(self, original, says, monkeypatch):
        monkeypatch.setitem(engines.MODULES, "onnx", ("a_package_that_nobody_has",))
        said = says("export", original, "--backend", "onnx", status=2)
        assert 'pip install "nerlib[export]"' in said
        refused(r"pip install \"nerlib\[export\]\"", original, "onnx")
        assert "openvino" in loading.installed_backends()

    def test_it_exports_and_says_how_to_load(self, folder, says):
        options = ["--recipe", "offline", "--split", "validation[:20]", "--threads", "1"]
        chosen = ["--backend", "onnx", "--variants", "fp32"]
        said = says("export", folder, *options, *chosen)
        assert f'Tagger.from_pretrained("{folder}", backend="onnx")' in said
        assert "ONNX Runtime fp32: passed" in said
        assert "texts/s" in said
        assert read_manifest(folder / "onnx", "onnx").rows == "offline, en-US, validation[:20]"


@pytest.fixture(autouse=True)
def nothing_is_sent(monkeypatch) -> Iterator[None]:
    """Neither an engine nor what quantises reports anything to its maker."""
    asked: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *host, **_: asked.append(host))
    yield
    assert not asked


def test_extras_name_what_the_engines_need():
    assert {name for names in engines.MODULES.values() for name in names} <= set(EXTRAS["export"])


def test_the_command_offers_what_there_is():
    options = TABLES["options"]
    assert tuple(options["--backend"]["choices"]) == engines.BACKENDS
    assert set(options["--variants"]["choices"]) == {*chain(*VARIANTS.values())}
    assert options["--permitted-loss"]["default"] == PERMITTED_LOSS
