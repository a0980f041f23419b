"""From a folder to an engine with a graph in it; the torch weights are never touched."""

from pathlib import Path
from typing import Any

from nerlib.atomic import recover
from nerlib.device import fast_bf16
from nerlib.encoders import EncoderError
from nerlib.model import NERClassifier, NERConfig
from nerlib.tools.extras import missing_modules
from nerlib.tools.serving import engines
from nerlib.tools.serving.engines import BACKENDS, MODULES, TITLES, Backend, EngineModel
from nerlib.tools.serving.manifest import NAME, hash_of, read_manifest
from nerlib.tools.serving.static import StaticModel
from nerlib.untrusted import check_model, read_settings


def load_exported(path: str | Path, backend: str, variant: str | None = None) -> Any:
    """Return the exported graph of a model folder, in its engine: an `EngineModel`.

    Without `variant` it is bf16 where that was exported and this CPU has units for it, else fp32.
    Raises `EncoderError` for an export that is missing, refused or changed, and `ExtraError`.
    """
    if backend not in BACKENDS:
        raise EncoderError(f"unknown backend {backend!r}: use torch, {', '.join(BACKENDS)}")
    folder = Path(path) / backend
    recover(folder)
    if not (folder / NAME).is_file():
        advice = f"run python -m nerlib export {path} --backend {backend}"
        raise EncoderError(f"there is no export for {TITLES[backend]} in {str(path)!r}: {advice}")
    check_model(str(path), NERClassifier.__name__)
    manifest = read_manifest(folder, backend)
    if hash_of(Path(path) / "config.json") != manifest.config_sha256:
        raise EncoderError(f"the exports in {str(folder)!r} belong to another model: export again")
    bf16 = manifest.variants.get("bf16")
    chosen = variant or ("bf16" if bf16 and bf16.passed and fast_bf16("cpu") else "fp32")
    config = NERConfig.from_dict(read_settings(str(path)))
    graph = manifest.graph(folder, chosen)
    return open_model(config, backend, graph, chosen)


def open_model(config: NERConfig, backend: Backend, path: Path, variant: str) -> EngineModel:
    """Return what takes a model's place, from one file of its exports."""
    if backend == "static":
        return StaticModel(config, path)
    return EngineModel(config, engines.start_engine(backend, path, variant))


def installed_backends() -> list[Backend]:
    """Return the engines whose packages are installed."""
    return [b for b in BACKENDS if MODULES[b] and not missing_modules("export", MODULES[b])]
