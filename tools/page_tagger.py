"""The tagger in pages of the book: model and ONNX Runtime as one script, for `static/tagger.js`.

A page opened from a folder may fetch nothing, but it may load a script.
"""

import gzip
import hashlib
import json
import shutil
import subprocess
import tempfile
from base64 import b64encode
from pathlib import Path

import numpy as np

from nerlib.atomic import new_folder
from nerlib.tools.serving.export import settings_without_nerlib
from nerlib.tools.serving.graph import write_graph
from nerlib.tools.tagger import Tagger

LOCKED = Path(__file__).with_name("npm")  # package-lock.json names versions and hashes
RUNTIME = {"runtime": "ort.wasm.bundle.min.mjs", "wasm": "ort-wasm-simd-threaded.wasm"}
PIECE = 3_000_000  # bytes
MOST = 60_000_000  # parameters: in two bytes each, what a phone can load
BOX = '<div class="tagger" data-mb="{:.0f}"></div><script src="../_static/tagger.js"></script>'


class PageError(RuntimeError):
    """Why a book has no tagger in its pages."""


def tagger_box(static: Path, build: Path) -> str:
    """Write the script into the book's static files; return the box for a page, or why none is."""
    try:
        script = pack(build / "model", build)
    except PageError as error:
        print(f"The book has no tagger in its pages: {error}")
        return f"*This book was made without the tagger: {error}.*"
    (static / "tagger_data.js").write_text(script, encoding="ascii")
    return BOX.format(len(script) / 1e6)


def runtime(build: Path) -> Path:
    """Return the folder with ONNX Runtime Web, which npm fills when the lock has changed."""
    lock = hashlib.sha256((LOCKED / "package-lock.json").read_bytes()).hexdigest()
    place, npm = build / f"onnxruntime-web-{lock[:12]}", shutil.which("npm")
    if place.is_dir():
        return place
    if npm is None:
        raise PageError("it needs Node.js, and npm was not found")
    with tempfile.TemporaryDirectory() as scratch, new_folder(place) as folder:
        shutil.copytree(LOCKED, scratch, dirs_exist_ok=True)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        if subprocess.run(command, cwd=scratch).returncode:
            raise PageError("npm could not get onnxruntime-web")
        for name in RUNTIME.values():
            shutil.copy(Path(scratch, "node_modules/onnxruntime-web/dist", name), folder)
    return place


def pack(model: Path, build: Path) -> str:
    """Return the script with a saved model and ONNX Runtime, compressed and in Base64."""
    if not (model / "config.json").is_file():
        raise PageError("no trained model was found, and make run trains one")
    tagger, vocabulary = Tagger.from_pretrained(model, "cpu", "fp32"), model / "tokenizer.json"
    wordpiece = json.loads(vocabulary.read_bytes())["model"]["type"] == "WordPiece"
    if not wordpiece or tagger.model.num_parameters() > MOST:
        raise PageError("the model has no WordPiece tokenizer, or more than 60 million weights")
    engine = runtime(build)
    parts = {name: (engine / file).read_bytes() for name, file in RUNTIME.items()}
    with tempfile.TemporaryDirectory() as scratch:
        graph = write_graph(tagger.model, Path(scratch, "graph.onnx"))
        parts["graph"], parts["weights"] = split_weights(graph)
    parts["settings"] = json.dumps(settings_without_nerlib(tagger)).encode()
    parts["tokenizer"] = vocabulary.read_bytes()
    # Weights in fp16 hardly shrink, and take their time to be unpacked.
    packed = {name: pieces(part, 0 if name == "weights" else 9) for name, part in parts.items()}
    return f"window.nerlibTaggerData = {json.dumps(packed)};\n"


def pieces(part: bytes, level: int) -> list[str]:
    """Return bytes as gzip in Base64, in strings that a browser reads twice as fast as one."""
    packed = gzip.compress(part, level)
    return [b64encode(packed[at : at + PIECE]).decode() for at in range(0, len(packed), PIECE)]


def split_weights(graph: Path) -> tuple[bytes, bytes]:
    """Return an optimised ONNX graph and its weights, which it expects beside it, in fp16."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(graph.with_name("optimised.onnx"))
    onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    model, weights = onnx.load(options.optimized_model_filepath), b""
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size > 1000:
            place = {"location": "weights", "offset": 2 * len(weights), "length": values.nbytes}
            tensor.ClearField("raw_data")
            tensor.data_location = tensor.EXTERNAL
            for key, value in place.items():
                tensor.external_data.add(key=key, value=str(value))
            weights += values.astype(np.float16).tobytes()
    return model.SerializeToString(), weights
