"""`python -m nerlib export`: a saved model for other engines."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from nerlib.dataset import NERDataset
from nerlib.device import set_threads
from nerlib.encoders import load_tokenizer
from nerlib.model import NERConfig
from nerlib.tools.extras import require_extra
from nerlib.tools.own_recipe import NAME as OWN
from nerlib.tools.own_recipe import own_recipe
from nerlib.tools.recipes import RECIPES, Recipe, check_segmentation, get_recipe
from nerlib.tools.serving.compare import compare, table
from nerlib.tools.serving.engines import BACKENDS, MODULES, Backend
from nerlib.tools.serving.export import Rows, export_model
from nerlib.tools.serving.gate import PERMITTED_LOSS
from nerlib.tools.serving.graph import ExportError
from nerlib.tools.serving.loading import installed_backends
from nerlib.tools.serving.variants import CALIBRATION_ROWS, VARIANTS
from nerlib.untrusted import read_settings

DEFAULT_MODEL = "build/model"
ALL_VARIANTS = tuple(dict.fromkeys(name for names in VARIANTS.values() for name in names))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    folder = f"a model folder ({DEFAULT_MODEL})"
    parser.add_argument("model", nargs="?", default=DEFAULT_MODEL, help=folder)
    parser.add_argument("--to", metavar="FOLDER", help="another folder, without torch weights")
    engines = "for which engines (all installed)"
    parser.add_argument("--backend", nargs="+", choices=BACKENDS, help=engines)
    parser.add_argument("--variants", nargs="+", choices=ALL_VARIANTS, help="which ones (all)")
    loss = parser.add_argument("--permitted-loss", type=float, default=PERMITTED_LOSS, metavar="F1")
    loss.help = f"how much entity F1 a variant may lose ({PERMITTED_LOSS})"
    parser.add_argument("--recipe", help="whose rows the gate scores on (the model's own)")
    parser.add_argument("--own", metavar="FILE", help="the sentences that the model was trained on")
    parser.add_argument("--locale", help="another locale of the recipe's corpus")
    parser.add_argument("--split", help='validation rows, as "validation[:500]"')
    parser.add_argument("--threads", type=int, help="CPU threads (one a core)")
    parser.add_argument("--no-table", action="store_true", help="do not measure speed")


def run(options: argparse.Namespace) -> int:
    """Export a model, and print a line for each variant and the table."""
    backends = _backends(options.backend)
    if not 0 <= options.permitted_loss <= 1:
        raise ExportError(f"--permitted-loss is from 0 to 1, not {options.permitted_loss}")
    try:
        set_threads(options.threads)
    except ValueError as error:
        raise ExportError(f"--{error}") from None
    if not Path(options.model, "config.json").is_file():
        advice = "run `python -m nerlib train` first, or name its folder"
        raise ExportError(f"there is no model in {options.model}: {advice}")
    rows = _rows_of(options)
    chosen = options.variants, options.to, options.permitted_loss
    folder = export_model(options.model, rows, backends, *chosen)
    if not options.no_table:
        print(table(compare(folder, rows.validation, backends)))
    print(f'in {folder}: Tagger.from_pretrained("{folder}", backend="{backends[0]}")')
    return 0


def _backends(wanted: list[Backend] | None) -> list[Backend]:
    """Return the engines to export for; raises `ExtraError` if a package is missing."""
    require_extra("export", "onnx", "onnxscript")
    chosen = list(dict.fromkeys(wanted or installed_backends()))
    for backend in chosen or BACKENDS:
        require_extra("export", *MODULES[backend])
    return chosen


def _rows_of(options: argparse.Namespace) -> Rows:
    """Return the rows of the recipe that made a model: some for training, those for the gate."""
    settings = read_settings(str(options.model))
    made_by = settings.get("made_by")
    recipe = _choose_recipe(options, made_by if isinstance(made_by, dict) else {})
    split = options.split or recipe.validation_split
    config, tokenizer = NERConfig.from_dict(settings), load_tokenizer(options.model)
    validation, train = recipe.corpus(split), recipe.corpus(recipe.train_split)
    check_segmentation(config.parser, set(validation["locale"]))
    train = train.select(range(min(CALIBRATION_ROWS, len(train))))
    seen, unseen = (
        NERDataset(rows, tokenizer, config.tags, config.parser) for rows in (train, validation)
    )
    return Rows(seen, unseen, f"{recipe.name}, {recipe.locale}, {split}")


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
