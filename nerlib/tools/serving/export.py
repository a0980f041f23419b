"""`python -m nerlib export`: graph, variants, gate, and a folder that appears whole or not."""

import argparse
import inspect
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch

from nerlib.atomic import new_folder, whole_file
from nerlib.dataset import NERDataset
from nerlib.device import Compute, fast_bf16, set_threads
from nerlib.encoders import load_tokenizer, max_subwords
from nerlib.evaluation import evaluate
from nerlib.inference import PlainTagger
from nerlib.model import NERClassifier, NERConfig
from nerlib.parsing import Word, split_edges, tag_chunks
from nerlib.subwords import plan_windows, positions, special_subwords
from nerlib.tools.extras import require_extra
from nerlib.tools.own_recipe import NAME as OWN
from nerlib.tools.own_recipe import own_recipe
from nerlib.tools.recipes import RECIPES, Recipe, check_segmentation, get_recipe
from nerlib.tools.serving import engines
from nerlib.tools.serving.compare import compare, table
from nerlib.tools.serving.engines import BACKENDS, TITLES, Backend
from nerlib.tools.serving.gate import PERMITTED_LOSS, STATIC_LOSS, Verdict, judge
from nerlib.tools.serving.graph import ExportError, write_graph
from nerlib.tools.serving.loading import installed_backends, open_model
from nerlib.tools.serving.manifest import Manifest, hash_of
from nerlib.tools.serving.static import write_static
from nerlib.tools.serving.variants import VARIANTS, write_variant
from nerlib.tools.tagger import Tagger
from nerlib.untrusted import read_settings

EXAMPLE = Path(__file__).with_name("without_nerlib.py")
FP32 = Compute(torch.device("cpu"), "fp32")
# What an engine needs next to the graph.
SETTINGS = ("config.json", "tokenizer*.json", "vocab.*", "merges.txt", "*.model",
            "special_tokens_map.json", "added_tokens.json")  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """Training rows for a static tagger, and those for the gate: `name` says what they are."""

    train: NERDataset
    validation: NERDataset
    name: str


def export_model(
    source: str | Path,
    rows: Rows | None,
    backends: Sequence[Backend],
    variants: Sequence[str] | None = None,
    to: str | Path | None = None,
    permitted_loss: float = PERMITTED_LOSS,
    report: Callable[[str], None] = print,
    graph: str | Path | None = None,
) -> Path:
    """Export a saved model for some engines, each variant through the gate; return the folder.

    The exports go into the model's folder, or into `to`, which gets settings and tokenizer, too.
    `graph` is what `write_graph` made of the model, if that was done. Without rows there is no
    gate. Beside graphs for ONNX Runtime stands `tag.py`, which uses them without nerlib. Raises
    `ExportError` if there is nothing to write, `EncoderError` for a model that cannot be loaded.
    """
    if rows and not len(rows.validation):
        raise ExportError("the gate needs validation rows, and there are none")
    chosen = {backend: _choose_variants(backend, variants, report) for backend in backends}
    if not rows and "static" in chosen:
        raise ExportError("a static tagger learns from rows: leave out --no-gate")
    tagger = Tagger.from_pretrained(source, "cpu", "fp32")
    torch_f1 = _f1(tagger.model, rows)
    name = rows.name if rows else "no rows (--no-gate)"
    report(f"torch fp32: entity F1 {torch_f1:.4f} on {name}" if rows else f"not measured: {name}")
    folder = Path(to or source)
    for pattern in SETTINGS if to is not None else ():
        for file in Path(source).glob(pattern):
            with whole_file(folder / file.name) as unfinished:
                shutil.copyfile(file, unfinished)
    config_hash = hash_of(folder / "config.json")
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(graph or Path(scratch) / "graph.onnx")
        if not graph and set(backends) != {"static"}:
            write_graph(tagger.model, path)
        for backend, names in chosen.items():
            loss = max(permitted_loss, STATIC_LOSS) if backend == "static" else permitted_loss
            manifest = Manifest(backend, config_hash, name, torch_f1, loss, {})
            with new_folder(folder / backend) as place:
                for variant in names:
                    verdict = _write(variant, path, place, manifest, tagger.model, rows)
                    manifest.variants[variant] = verdict
                    report(f"{TITLES[backend]} {variant}: {verdict.reason}")
                if backend == "onnx":
                    (place / "tag.py").write_text(without_nerlib(tagger), encoding="utf-8")
                if not any(verdict.passed for verdict in manifest.variants.values()):
                    raise ExportError(f"no variant for {TITLES[backend]} passed the gate")
                manifest.write(place)
    return folder


def without_nerlib(tagger: PlainTagger) -> str:
    """Return `tag.py` for a tagger: the file that needs no nerlib, and what it has to know."""
    settings = settings_without_nerlib(tagger)
    text = EXAMPLE.read_text(encoding="utf-8").replace(" = {}", f" = {settings!a}", 1)
    needed: Any = (Word, split_edges, tag_chunks, plan_windows)
    sources = "\n\n".join(map(inspect.getsource, needed))
    return re.sub(r"(from nerlib\..*\n)+", lambda _: f"\n\n{sources}\n\n", text)


def settings_without_nerlib(tagger: PlainTagger) -> dict[str, Any]:
    """Return what has to be known beside a graph and tokenizer.json to use them."""
    config, tokenizer = cast(NERConfig, tagger.model.config), tagger.tokenizer
    before, after = special_subwords(tokenizer)
    most = max_subwords(tokenizer, positions(tagger.model.encoder.config))
    return {
        "labels": config.labels, "names": config.type_names, "segmentation": config.segmentation,
        "before": before, "after": after, "room": most - len(before) - len(after),
        "reserved": tokenizer.all_special_ids, "unknown": tokenizer.unk_token_id,
    }  # fmt: skip


def _write(
    name: str,
    graph: Path,
    place: Path,
    manifest: Manifest,
    made_from: NERClassifier,
    rows: Rows | None,
) -> Verdict:
    """Write a variant; return what the gate says, with its files' hashes, the one to load first."""
    if manifest.backend == "static" and rows:
        file = write_static(made_from, rows.train, place / f"{name}.safetensors")
    else:
        file = write_variant(manifest.backend, name, graph, place)
    model = open_model(cast(NERConfig, made_from.config), manifest.backend, file, name)
    verdict = Verdict(0.0, True, "not measured")
    if rows:
        verdict = judge(_f1(model, rows), manifest.torch_f1, manifest.permitted_loss)
    del model  # Windows removes no file that is in use
    files = sorted(place.glob(f"{name}.*"), key=lambda file: file.suffix == ".bin")
    if verdict.passed:
        return replace(verdict, files={file.name: hash_of(file) for file in files})
    for file in files:
        file.unlink()
    return verdict


def _choose_variants(
    backend: Backend, wanted: Sequence[str] | None, report: Callable[[str], None]
) -> list[str]:
    """Return the variants to make for an engine: those wanted, or all that make sense here."""
    known = VARIANTS[backend]
    chosen = [name for name in known if wanted is None or name in wanted]
    if not chosen:
        missing = f"{TITLES[backend]} has none of the variants {', '.join(wanted or ())}"
        raise ExportError(f"{missing}: choose from {', '.join(known)}")
    if backend == "openvino" and "int8" in chosen:
        require_extra("export", "nncf")  # asked before the work, not in the middle of it
    if "bf16" in chosen and not fast_bf16("cpu"):
        report("bf16: this CPU has no units for it, so it cannot be measured: left out")
        chosen.remove("bf16")
    return chosen


def _f1(model: Any, rows: Rows | None) -> float:
    """Return a model's entity F1 on the validation rows, 0 without any."""
    return evaluate(model, rows.validation, FP32)[0].overall.f1 if rows else 0.0


def run(options: argparse.Namespace) -> int:
    """Export a model, and print a line for each variant and the table."""
    backends = list(dict.fromkeys(options.backend or installed_backends()))
    for backend in backends or BACKENDS:
        if modules := engines.MODULES[backend]:
            require_extra("export", "onnx", "onnxscript", *modules)
    if not 0 <= options.permitted_loss <= 1:
        raise ExportError(f"--permitted-loss is from 0 to 1, not {options.permitted_loss}")
    set_threads(options.threads)
    if not Path(options.model, "config.json").is_file():
        advice = "run `python -m nerlib train` first, or name its folder"
        raise ExportError(f"there is no model in {options.model}: {advice}")
    rows = None if options.no_gate else _rows_of(options)
    how = options.variants, options.to, options.permitted_loss
    folder = export_model(options.model, rows, backends, *how)
    if rows and not options.no_table:
        print(table(compare(folder, rows.validation, backends)))
    print(f'in {folder}: Tagger.from_pretrained("{folder}", backend="{backends[0]}")')
    return 0


def _rows_of(options: argparse.Namespace) -> Rows:
    """Return the rows of the recipe that made a model: some for training, those for the gate."""
    settings = read_settings(str(options.model))
    made_by = settings.get("made_by")
    recipe = _choose_recipe(options, made_by if isinstance(made_by, dict) else {})
    split = options.split or recipe.validation_split
    config, tokenizer = NERConfig.from_dict(settings), load_tokenizer(options.model)
    validation, train = recipe.corpus(split), recipe.corpus(recipe.train_split)
    check_segmentation(config.parser, set(validation["locale"]))
    how = tokenizer, config.tags, config.parser
    name = f"{recipe.name}, {recipe.locale}, {split}"
    return Rows(NERDataset(train, *how), NERDataset(validation, *how), name)


def _choose_recipe(options: argparse.Namespace, made_by: dict[str, Any]) -> Recipe:
    """Return the recipe whose rows belong to a model; `made_by` is what the model remembers."""
    name = options.recipe or made_by.get("recipe")
    if options.own:
        recipe = get_recipe(options.recipe)
    elif name == OWN:
        raise ExportError(f"{options.model} was trained on your own sentences: give some by --own")
    elif not options.recipe and name not in RECIPES:
        advice = "name one by --recipe, or give sentences by --own"
        raise ExportError(f"{options.model} does not say which recipe made it: {advice}")
    else:
        recipe = get_recipe(name)
        recipe = replace(recipe, train_split=str(made_by.get("rows") or recipe.train_split))
    recipe = replace(recipe, locale=str(options.locale or made_by.get("locale") or recipe.locale))
    return own_recipe(options.own, recipe) if options.own else recipe
