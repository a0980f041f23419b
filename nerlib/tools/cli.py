"""The command line: `python -m nerlib check | recipes | validate | train | evaluate | tag | …`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from datasets import Dataset

from nerlib.addons.checkpoints import CheckpointError
from nerlib.addons.divergence import DivergenceError
from nerlib.addons.processes import FirstProcessError, ProcessError, named
from nerlib.analysis.display import visible
from nerlib.corpus import CorpusError, decode_lines
from nerlib.dataset import NERDataset
from nerlib.device import DeviceError
from nerlib.encoders import EncoderError
from nerlib.evaluation import evaluate
from nerlib.hub import DownloadError
from nerlib.metrics import Evaluation, Score
from nerlib.optimization import TrainConfig
from nerlib.parsing import AnnotationError
from nerlib.tools.bulk import command as bulk_command
from nerlib.tools.bulk.manifest import BulkError
from nerlib.tools.bulk.storage import StorageError
from nerlib.tools.commands import COMMANDS, overview_parser
from nerlib.tools.corpora import load_corpus
from nerlib.tools.demo import command as demo
from nerlib.tools.environment import check_environment
from nerlib.tools.exchange import command as exchange
from nerlib.tools.extras import ExtraError
from nerlib.tools.own_data import OwnDataError
from nerlib.tools.own_recipe import NAME as OWN
from nerlib.tools.own_recipe import corpus_from_file, count_types, own_recipe
from nerlib.tools.prefetch import prefetch
from nerlib.tools.publishing import PublishError, measure, publish
from nerlib.tools.recipes import RECIPES, Recipe, RecipeError, check_segmentation, get_recipe
from nerlib.tools.report import material_of, write_report
from nerlib.tools.serving import command as serving
from nerlib.tools.serving.errors import ExportError
from nerlib.tools.tagger import Tagger
from nerlib.tools.tour import train_and_save, walk
from nerlib.training import WorkerError

USER_MISTAKE = 2
DEFAULT_OUTPUT = "build"


class UsageError(ValueError):
    """An option whose value cannot be used: which one, and what it should be."""


MISTAKES = (
    *(AnnotationError, CheckpointError, CorpusError, DeviceError, DivergenceError, DownloadError),
    *(demo.DemoError, EncoderError, ExportError, ExtraError, ProcessError, PublishError),
    *(BulkError, RecipeError, StorageError, UsageError, WorkerError),
)
ALL_ALIKE = (DivergenceError, FirstProcessError)  # what several processes raise together


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 2 for a user's mistake, told in one line."""
    options = build_parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except OwnDataError as error:
        return _broken_lines(error)
    except MISTAKES as error:
        return _mistake(str(error), all_alike=isinstance(error, ALL_ALIKE))
    except BrokenPipeError:  # the reader of our output, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _mistake(f"{error.filename or 'file'}: {error.strerror or error}")
    except KeyboardInterrupt as stop:
        if named().first:
            print(f"nerlib: {stop or 'stopped'}", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser, commands = overview_parser()
    check = commands.add_parser("check", help=COMMANDS["check"])
    check.add_argument("--json", action="store_true", help="print JSON, for a help desk")
    _add_output(check)
    check.set_defaults(command=run_check)
    listing = commands.add_parser("recipes", help=COMMANDS["recipes"])
    listing.set_defaults(command=run_recipes)
    fetch = commands.add_parser("prefetch", help=COMMANDS["prefetch"])
    fetch.add_argument("recipe", help="a name from `nerlib recipes`")
    fetch.add_argument("--to", metavar="FOLDER", help="where to (NERLIB_CACHE): a stick, say")
    fetch.add_argument("--locale", help="another locale of the recipe's corpus, or all")
    fetch.set_defaults(command=run_prefetch)
    validation = commands.add_parser("validate", help=COMMANDS["validate"])
    validation.add_argument("file", help="a text file: one sentence a line, with brackets")
    validation.set_defaults(command=run_validate)
    conversion = commands.add_parser("convert", help=COMMANDS["convert"])
    exchange.add_arguments(conversion)
    conversion.set_defaults(command=exchange.run)
    train = commands.add_parser(
        "train",
        help=COMMANDS["train"],
        epilog="with several processes: accelerate launch --multi_gpu --num_processes 2 "
        "-m nerlib train … (without a GPU: --device cpu)",
    )
    train.add_argument("--own", metavar="FILE", help="train on the bracketed sentences of a file")
    _add_training(train)
    train.set_defaults(command=run_train, output=None)
    tour = commands.add_parser("run", help=COMMANDS["run"])
    _add_training(tour)
    tour.set_defaults(command=run_tour)
    score = commands.add_parser("evaluate", help=COMMANDS["evaluate"])
    _add_evaluation(score)
    score.set_defaults(command=run_evaluate)
    export = commands.add_parser("export", help=COMMANDS["export"])
    serving.add_arguments(export)
    export.set_defaults(command=serving.run)
    push = commands.add_parser("push", help=COMMANDS["push"])
    _add_publication(push)
    push.set_defaults(command=run_push)
    tag = commands.add_parser("tag", help=COMMANDS["tag"])
    tag.add_argument("file", nargs="?", help="a text file (default: standard input)")
    _add_model(tag)
    tag.set_defaults(command=run_tag)
    page = commands.add_parser("demo", help=COMMANDS["demo"])
    demo.add_arguments(page)
    page.set_defaults(command=demo.run)
    bulk = commands.add_parser("bulk", help=COMMANDS["bulk"])
    bulk_command.add_arguments(bulk)
    bulk.set_defaults(command=bulk_command.run)
    return parser


def run_check(options: argparse.Namespace) -> int:
    """Print the set-up check; exit status 1 if anything failed."""
    checks = check_environment(options.output)
    if options.json:
        print(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        print(*checks, sep="\n")
    return int(not all(check.ok for check in checks))


def run_recipes(options: argparse.Namespace) -> int:
    """Print the recipes with what each of them needs, downloads and takes."""
    for recipe in RECIPES.values():
        print(f"{recipe.name:<16} {recipe.summary}")
        print(f"{'':<16} needs {recipe.needs}; downloads {recipe.downloads}; takes {recipe.takes}")
    return 0


def run_prefetch(options: argparse.Namespace) -> int:
    """Fetch what a recipe needs from the network, once."""
    recipe = get_recipe(options.recipe)
    prefetch(replace(recipe, locale=options.locale or recipe.locale), options.to)
    return 0


def run_validate(options: argparse.Namespace) -> int:
    """Check a file of bracketed sentences, and count its types."""
    corpus = corpus_from_file(options.file)
    counts = count_types(corpus)
    print(f"sentences that can be read: {len(corpus)}; entities marked: {sum(counts.values())}")
    for name, count in counts.items():
        print(f"{count:>6}  {name}{'  (once only: a slip?)' if count == 1 else ''}")
    return 0


def run_train(options: argparse.Namespace) -> int:
    """Train a recipe and save model, history and learning curve.

    A model for one's own sentences does not take the place of the lessons' model.
    """
    default = f"{DEFAULT_OUTPUT}/own" if options.own else DEFAULT_OUTPUT
    options.output = options.output or default
    recipe, output = choose_recipe(options), Path(options.output)
    with named().one_speaks():
        train_and_save(recipe, output, checkpoint_folder(options), options.resume)
    return 0


def run_tour(options: argparse.Namespace) -> int:
    """Show, train, save, load and tag."""
    recipe, output = choose_recipe(options), Path(options.output)
    with named().one_speaks():
        walk(recipe, output, checkpoint_folder(options), options.resume)
    return 0


def run_evaluate(options: argparse.Namespace) -> int:
    """Score a saved model on a split; print a table, or JSON, and make a report if asked for."""
    recipe = get_recipe(options.recipe)
    if options.report:
        check_report_path(Path(options.report))
    tagger = load_tagger(options)
    made_by = getattr(tagger.model.config, "made_by", None) or {}
    corpus, place = rows_to_score(options, recipe, made_by)
    check_segmentation(tagger.parser, set(corpus["locale"]))
    data = NERDataset(corpus, tagger.tokenizer, tagger.model.config.tags, tagger.parser)
    scores, loss = evaluate(tagger.model, data, tagger.compute)
    if options.report:
        facts = {"model": options.model, "corpus": place}
        print(
            f"report in {write_report(material_of(tagger, data, facts), options.report)}",
            file=sys.stderr,
        )
    if options.json:
        print(json.dumps(evaluation_as_json(scores, loss), indent=2))
        return 0
    print(data.report)
    print_table(scores)
    return 0


def rows_to_score(
    options: argparse.Namespace, recipe: Recipe, made_by: Mapping[str, object]
) -> tuple[Dataset, str]:
    """Return the rows that `evaluate` is asked to score on, and what they are, in words.

    `made_by` is what the model remembers of its training.
    """
    locale = options.locale or recipe.locale
    if options.own:
        return corpus_from_file(options.own, locale), f"{options.own}, {locale}"
    if made_by.get("recipe") == OWN and not (options.source or options.recipe):
        raise UsageError(f"{options.model} was trained on your own sentences: give some by --own")
    source = options.source or recipe.corpus_source()
    corpus = load_corpus(locale, options.split, source)
    if not len(corpus):
        raise UsageError(f"--split {options.split} has no rows: choose an earlier start")
    return corpus, f"{source}, {locale}, {options.split}"


def run_push(options: argparse.Namespace) -> int:
    """Measure a saved model and publish it with its card."""
    tagger = load_tagger(options)
    record = getattr(tagger.model.config, "made_by", None) or {}
    measured = None
    if options.recipe or options.source or record.get("recipe") in RECIPES:
        recipe = get_recipe(options.recipe or record.get("recipe"))
        locale = options.locale or record.get("locale") or recipe.locale
        source = options.source or recipe.corpus_source()
        corpus = load_corpus(locale, options.split, source)
        if not len(corpus):
            raise UsageError(f"--split {options.split} has no rows: choose an earlier start")
        kind = recipe.source if source == recipe.corpus_source() else source
        measured = measure(tagger, corpus, kind, locale, options.split)
    place = publish(
        tagger, options.repository, measured, options.dry_run, options.private, options.license
    )
    print(place)
    return 0


def run_tag(options: argparse.Namespace) -> int:
    """Tag every line of a file or of standard input."""
    tagger = load_tagger(options)
    with open(options.file, "rb") if options.file else sys.stdin.buffer as lines:
        texts: list[str] = []  # those read but not yet answered; a bounded number
        name = options.file or "standard input"
        for found in tagger(_remember(decode_lines(lines, name, UsageError), texts)):
            record = {"text": texts.pop(0), "entities": [asdict(entity) for entity in found]}
            print(json.dumps(record, ensure_ascii=False))
    return 0


def choose_recipe(options: argparse.Namespace) -> Recipe:
    """Return the recipe with the options of the command line put over its own settings."""
    recipe = get_recipe(options.recipe)
    if getattr(options, "own", None):
        recipe = own_recipe(options.own, recipe)
    names = (
        *("epochs", "batch_size", "learning_rate", "seed", "device", "precision", "threads"),
        *("workers", "checkpoint_steps"),
    )
    chosen = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    return replace(
        recipe,
        locale=options.locale or recipe.locale,
        train_split=options.train or recipe.train_split,
        validation_split=options.validation or recipe.validation_split,
        settings=_checked_settings(recipe.settings, chosen),
    )


def checkpoint_folder(options: argparse.Namespace) -> Path | None:
    """Return where checkpoints go, if anywhere: `--resume` alone means OUTPUT/checkpoints."""
    if options.checkpoint_dir is not None:
        return Path(options.checkpoint_dir)
    return Path(options.output) / "checkpoints" if options.resume else None


def load_tagger(options: argparse.Namespace) -> Tagger:
    """Return the tagger of a model folder."""
    if not Path(options.model).is_dir() and options.model == f"{DEFAULT_OUTPUT}/model":
        raise UsageError(
            f"there is no model in {options.model} yet: run `python -m nerlib train` first, "
            "or name a folder with --model"
        )
    try:
        return Tagger.from_pretrained(options.model, options.device or "auto")
    except ValueError as error:
        raise UsageError(str(error)) from None


def check_report_path(path: Path) -> None:
    """Raise `UsageError`, or `OSError`, before the work if no report can be written there."""
    if path.is_dir():
        raise UsageError(f"--report {path} is a folder: name a file, as {path / 'report.html'}")
    path.parent.mkdir(parents=True, exist_ok=True)


def print_table(scores: Evaluation) -> None:
    """Print a line per slot type and the totals."""
    header = f"{'slot type':<22}{'gold':>6}{'found':>7}{'precision':>11}{'recall':>8}{'F1':>7}"
    print(header, "-" * len(header), sep="\n")
    for name, score in [*scores.per_type.items(), ("all (micro)", scores.overall)]:
        print(
            f"{name.lower():<22}{score.gold:>6}{score.predicted:>7}"
            f"{score.precision:>11.3f}{score.recall:>8.3f}{score.f1:>7.3f}"
        )
    print(
        f"word accuracy {scores.token_accuracy:.3f}, macro F1 {scores.macro_f1:.3f}, "
        f"MASSIVE slot F1 {scores.massive_f1:.3f}"
    )


def evaluation_as_json(scores: Evaluation, loss: float) -> dict[str, object]:
    """Return all scores as plain numbers."""
    return {
        "overall": score_as_json(scores.overall),
        "token_accuracy": scores.token_accuracy,
        "macro_f1": scores.macro_f1,
        "massive_slot_f1": scores.massive_f1,
        "loss": loss,
        "per_type": {name: score_as_json(score) for name, score in scores.per_type.items()},
    }


def score_as_json(score: Score) -> dict[str, float]:
    """Return one score's counts and ratios."""
    ratios = {"precision": score.precision, "recall": score.recall, "f1": score.f1}
    return {**asdict(score), **ratios}


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", default=DEFAULT_OUTPUT, help="where results go (build)")


def _add_training(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipe", help="a name from `nerlib recipes` (offline)")
    parser.add_argument("--locale", help="another locale of the recipe's corpus")
    parser.add_argument("--train", metavar="SPLIT", help='training rows, as "train[:1000]"')
    parser.add_argument("--validation", metavar="SPLIT", help="validation rows")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--device", help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"))
    parser.add_argument("--threads", type=int, help="CPU threads (one a core)")
    parser.add_argument("--workers", type=int, help="processes that make batches (0)")
    parser.add_argument("--checkpoint-dir", metavar="DIR", help="write checkpoints there")
    parser.add_argument("--checkpoint-steps", type=int, metavar="N", help="one every N steps (200)")
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    _add_output(parser)


def _add_evaluation(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    parser.add_argument("--recipe", help="whose corpus to score on (offline)")
    rows = parser.add_mutually_exclusive_group()
    rows.add_argument("--own", metavar="FILE", help="score on the bracketed sentences of a file")
    rows.add_argument("--source", help="sample, hub, a folder, a .jsonl or a .tar.gz")
    parser.add_argument("--locale", help="another locale of the corpus")
    parser.add_argument("--split", default="validation", help="which rows (validation)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--report", metavar="FILE", help="also write a page about all errors (.html)"
    )


def _add_publication(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("repository", help="owner/name")
    _add_model(parser)
    parser.add_argument("--dry-run", metavar="FOLDER", help="write to a folder, send nothing")
    parser.add_argument("--private", action="store_true", help="for your own eyes only")
    parser.add_argument("--license", help="the model's licence, as the Hub names it (mit, …)")
    parser.add_argument("--recipe", help="whose corpus to measure on (the model's own)")
    parser.add_argument("--source", help="sample, hub, a folder, a .jsonl or a .tar.gz")
    parser.add_argument("--locale", help="another locale of the corpus")
    parser.add_argument("--split", default="validation", help="which rows (validation)")


def _add_model(parser: argparse.ArgumentParser) -> None:
    default = f"{DEFAULT_OUTPUT}/model"
    parser.add_argument("--model", default=default, help=f"a model folder ({default})")
    parser.add_argument("--device", help="auto, cpu, cuda, cuda:1, mps")


def _checked_settings(settings: TrainConfig, chosen: dict[str, object]) -> TrainConfig:
    """Return the settings with some replaced; raises `UsageError` for impossible ones."""
    try:
        return replace(settings, **chosen)  # type: ignore[arg-type]  # argparse checked the types
    except ValueError as error:
        raise UsageError(str(error)) from None


def _remember(texts: Iterator[str], kept: list[str]) -> Iterator[str]:
    """Yield texts and keep each until its answer comes."""
    for text in texts:
        kept.append(text)
        yield text


def _broken_lines(error: OwnDataError) -> int:
    """Print every broken line with its mark and return the exit status of a user's mistake."""
    first, *others = map(visible, str(error).splitlines())
    print(f"nerlib: {first}", *others, sep="\n", file=sys.stderr)
    return USER_MISTAKE


def _mistake(message: str, all_alike: bool = False) -> int:
    """Print one line to standard error and return the exit status of a user's mistake.

    Of several processes, the first one alone says what all of them have to say.
    """
    rank = named().rank
    if not rank or not all_alike:
        name = f"nerlib, process {rank}" if rank else "nerlib"
        print(f"{name}: {visible(' '.join(message.split()))}", file=sys.stderr)
    return USER_MISTAKE
