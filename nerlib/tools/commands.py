"""What the command line does with recipes and saved models: the options, and what runs.

What a command needs is imported when it runs: `--help` and a mistyped option are answered at once.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, redirect_stdout
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Dataset

    from nerlib.analysis.significance import Interval
    from nerlib.dataset import NERDataset
    from nerlib.inference import PlainTagger
    from nerlib.metrics import Evaluation, Score
    from nerlib.tools.recipes import Recipe
    from nerlib.tools.tagger import Tagger

OUTPUT = "build"
BLOCK = 2**16  # bytes that `tag` reads at a time


class UsageError(ValueError):
    """An option whose value cannot be used: which one, and what it should be."""


def run_recipes(options: argparse.Namespace) -> int:
    """Print the recipes with what each of them needs, downloads and takes."""
    from nerlib.tools.recipes import RECIPES

    if options.json:
        names = ("name", "summary", "needs", "locale", "encoder", "downloads", "takes")
        print_json([{name: getattr(one, name) for name in names} for one in RECIPES.values()])
        return 0
    for recipe in RECIPES.values():
        print(f"{recipe.name:<20} {recipe.summary}")
        print(f"{'':<20} needs {recipe.needs}; downloads {recipe.downloads}; takes {recipe.takes}")
    return 0


def run_prefetch(options: argparse.Namespace) -> int:
    """Fetch what a recipe needs from the network, once."""
    from nerlib.tools.prefetch import prefetch
    from nerlib.tools.recipes import get_recipe

    recipe = get_recipe(options.recipe)
    prefetch(recipe.in_locale(options.locale or recipe.locale), options.to)
    return 0


def run_validate(options: argparse.Namespace) -> int:
    """Check a file of one's own sentences, count its types, and say what is worth a look."""
    from nerlib.parsing import Parser
    from nerlib.tools.own_checks import remarks, segmentation_of
    from nerlib.tools.own_recipe import corpus_from_file

    corpus = corpus_from_file(options.file)
    parser = Parser(segmentation_of(corpus["utt"]))
    sentences = corpus["annot_utt"][:]
    counts = Counter(span.type for line in sentences for span in parser.parse(line).spans)
    if options.json:
        told = list(remarks(sentences, parser))
        print_json({"sentences": len(sentences), "types": dict(counts), "remarks": told})
        return 0
    print(f"sentences that can be read: {len(sentences)}; entities marked: {counts.total()}")
    for name, count in counts.most_common():
        print(f"{count:>6}  {name}{'  (once only: a slip?)' if count == 1 else ''}")
    for remark in remarks(sentences, parser):
        print(remark)
    return 0


def run_train(options: argparse.Namespace) -> int:
    """Train a recipe and save model, history and learning curve; the tour also tags with it.

    A model for one's own sentences does not take the place of the lessons' model.
    """
    from nerlib.addons.processes import named
    from nerlib.tools.own_checks import remarks
    from nerlib.tools.own_recipe import OwnRecipe
    from nerlib.tools.tour import train_and_save, walk

    recipe = choose_recipe(options)
    output = Path(options.output or (f"{OUTPUT}/own" if vars(options).get("own") else OUTPUT))
    checkpoints = options.checkpoint_dir or (output / "checkpoints" if options.resume else None)
    action: Callable[..., object] = walk if options.name == "run" else train_and_save
    with nullcontext() if named().first else redirect_stdout(io.StringIO()):  # one process speaks
        if isinstance(recipe, OwnRecipe):
            print(*remarks(recipe.rows["annot_utt"][:], recipe.parser()), sep="\n")
        action(recipe, output, checkpoints and Path(checkpoints), options.resume)
    return 0


run_run = run_train  # which also walks the rest of the way


def choose_recipe(options: argparse.Namespace) -> Recipe:
    """Return the recipe with the options of the command line put over its own settings."""
    from nerlib.tools.hub import tell
    from nerlib.tools.own_recipe import own_recipe
    from nerlib.tools.recipes import get_recipe

    given = {name: value for name, value in vars(options).items() if value is not None}
    recipe = get_recipe(options.recipe)
    if "locale" in given:
        chosen, recipe = recipe.encoder, recipe.in_locale(options.locale)
        if recipe.encoder != chosen and not {"encoder", "from_model"} & given.keys():
            tell(f"{options.locale}: {recipe.encoder} takes the place of {chosen}, an English one")
    if "own" in given:
        recipe = own_recipe(options.own, recipe, given.get("segmentation"), start_of(given))
    elif "from_model" in given:
        raise UsageError("--from needs --own: the sentences to train on")
    if "encoder" in given:  # of which all layers are kept
        kept = {name: v for name, v in recipe.model_settings.items() if name != "layers"}
        recipe = replace(recipe, model_settings=kept)
    names = {"encoder": "encoder", "train": "train_split", "validation": "validation_split"}
    changed = {field: given[option] for option, field in names.items() if option in given}
    settings = {name: given[name] for name in asdict(recipe.settings) if name in given}
    try:
        return replace(recipe, settings=replace(recipe.settings, **settings), **changed)
    except ValueError as error:
        raise UsageError(str(error)) from None


def start_of(given: Mapping[str, Any]) -> PlainTagger | None:
    """Return the model that `train --from` names; raises `UsageError` for what excludes it."""
    from nerlib.inference import PlainTagger

    if "from_model" not in given:
        return None
    if clash := {"encoder", "segmentation"} & given.keys():
        raise UsageError(f"--from excludes --{min(clash)}: the model has its own")
    return PlainTagger.from_pretrained(given["from_model"], "cpu")


def run_review(options: argparse.Namespace) -> int:
    """Write which of one's own sentences look wrongly labelled; the file stays as it is."""
    from nerlib.tools.exchange.formats import format_of
    from nerlib.tools.folds import out_of_fold, score_of
    from nerlib.tools.review import write_review

    if (folder := Path(options.output)).is_file():
        raise UsageError(f"--output {folder} is a file: name a folder")
    found = out_of_fold(choose_recipe(options), options.folds)
    score, outcomes = score_of(found), [*chain(*found)]
    what = "line" if format_of(Path(options.own)) == "brackets" else "text"
    doubtful = write_review(outcomes, options.own, folder, score, what)
    print(f"{len(doubtful)} of {len(outcomes)} sentences look worth another reading; {score}")
    for suspect in doubtful[:10]:
        print(f"{what} {suspect.line}, {suspect.quality:.3f}: {', '.join(suspect.reasons)}")
    print(f"all of them in {folder / 'review.html'} and {folder / 'review.jsonl'}")
    return 0


def run_crossvalidate(options: argparse.Namespace) -> int:
    """Score one's own sentences out of fold; print a table, or JSON."""
    from nerlib.analysis.error_analysis import mean_loss
    from nerlib.metrics import evaluate_tags
    from nerlib.tools.compare import intervals
    from nerlib.tools.folds import f1_by_fold, out_of_fold, score_of, tags_of
    from nerlib.tools.own_checks import spellings

    found = out_of_fold(choose_recipe(options), options.folds)
    outcomes = [*chain(*found)]
    scores, sure = evaluate_tags(*tags_of(outcomes)), intervals(*tags_of(outcomes))
    names = spellings(one.utterance for one in outcomes)
    if options.json:
        record = evaluation_as_json(scores, mean_loss(outcomes), names, sure)
        print_json(record | {"f1_by_fold": f1_by_fold(found)})
    else:
        print_table(scores, names, sure)
        print(score_of(found))
    return 0


def run_evaluate(options: argparse.Namespace) -> int:
    """Score a saved model on a split; print a table, or JSON, and make a report if asked for."""
    from nerlib.evaluation import predict_tags
    from nerlib.metrics import evaluate_tags
    from nerlib.tools.compare import advice, intervals
    from nerlib.tools.own_checks import spellings, told_of_exam

    check_evaluation(options)  # before the work
    if options.folds is not None:
        return run_crossvalidate(options)
    tagger, data, tags, place = tagged_rows(options)
    scores, sure = evaluate_tags(data.gold, tags), intervals(data.gold, tags)
    names = spellings(data.utterances) | tagger.model.config.type_names
    told = told_of_exam(tagger, data)
    if options.report:
        from nerlib.tools.report import material_of, write_report

        facts = {"model": options.model, "corpus": place}
        material = material_of(tagger, data, facts, names, tags)
        print(f"report in {write_report(material, options.report)}", file=sys.stderr)
    learnt = getattr(tagger.model.config, "learnt_from", None) or {}
    next_step = advice(scores.per_type, names, learnt)
    unknown = {names[name]: count for name, count in data.report.unknown_types.items()}
    if options.json:
        _, loss = predict_tags(tagger.model, data, tagger.compute)
        record = evaluation_as_json(scores, loss, names, sure) | {"unknown_types": unknown} | told
        print_json(record | {"advice": next_step})
    else:
        # Words beyond the window are no loss: the plain text is tagged, in windows.
        print(replace(data.report, words_cut_off=0, unknown_types=unknown))
        for what, count in told.items():
            if count:
                of = f" of {len(data)}" if what.startswith("sentences") else ""
                print(f"{what.replace('_', ' ')}: {count}{of}")
        print_table(scores, names, sure)
        print(next_step)
    return 0


def run_compare(options: argparse.Namespace) -> int:
    """Score two models on the same rows, and say which one is better, if that can be told."""
    from nerlib.analysis.significance import bootstrap_difference, bootstrap_f1, count_entities
    from nerlib.tools.compare import in_words
    from nerlib.tools.own_checks import told_of_exam

    check_evaluation(options)
    folders = {"A": options.first, "B": options.second}
    counts, told = {}, {}
    for name, folder in folders.items():
        options.model = folder
        tagger, data, tags, _ = tagged_rows(options)
        counts[name], told[name] = count_entities(data.gold, tags), told_of_exam(tagger, data)
    difference = bootstrap_difference(counts["A"], counts["B"])
    said = in_words(difference, len(counts["A"]))
    sure = {name: bootstrap_f1(each) for name, each in counts.items()}
    if options.json:
        models = {n: {"model": folders[n], "f1": asdict(sure[n]), **told[n]} for n in folders}
        print_json({**models, "difference": asdict(difference), "says": said})
        return 0
    for name, folder in folders.items():
        trained = told[name]["sentences_that_were_trained_on"]
        known = f"; {trained} of {len(counts[name])} sentences were trained on" if trained else ""
        print(f"{name}  entity F1 {sure[name]}  {folder}{known}")
    print(said)
    return 0


def tagged_rows(options: argparse.Namespace) -> tuple[Tagger, NERDataset, list[list[str]], str]:
    """Return the model of the options, the rows to score it on, its tags for them, their name."""
    from nerlib.dataset import NERDataset
    from nerlib.tools.recipes import check_segmentation
    from nerlib.tools.tagger import tag_plain_text

    tagger = load_tagger(options)
    corpus, place = evaluation_rows(options, tagger)
    if not options.own:  # whose words are found as in training, whatever the locale
        check_segmentation(tagger.parser, set(corpus["locale"]))
    data = NERDataset(corpus, tagger.tokenizer, tagger.model.config.tags, tagger.parser)
    return tagger, data, tag_plain_text(tagger, data), place


def check_evaluation(options: argparse.Namespace) -> None:
    """Raise an error for options that cannot be used together, or a page that cannot be written."""
    from nerlib.tools.recipes import get_recipe

    get_recipe(options.recipe)  # a mistyped name is reported before anything is loaded
    for name in ("source", "split"):
        if options.own and getattr(options, name):
            raise UsageError(f"--own and --{name} exclude each other")
    if vars(options).get("folds") is not None and (not options.own or options.report):
        raise UsageError("--folds scores the sentences of --own, and makes no --report")
    if vars(options).get("report"):
        path = Path(options.report)
        if path.is_dir():
            raise UsageError(f"--report {path} is a folder: name a file, as {path / 'report.html'}")
        path.parent.mkdir(parents=True, exist_ok=True)


def evaluation_rows(options: argparse.Namespace, tagger: Tagger) -> tuple[Dataset, str]:
    """Return the rows to score a model on, and what they are called."""
    from nerlib.tools.own_recipe import NAME as OWN
    from nerlib.tools.own_recipe import corpus_from_file
    from nerlib.tools.recipes import get_recipe, record_of

    recipe = get_recipe(options.recipe)
    locale, split = options.locale or recipe.locale, options.split or "validation"
    if options.own:
        return corpus_from_file(options.own, locale), f"{options.own}, {locale}"
    made_by = record_of(tagger.model.config)
    if made_by.get("recipe") == OWN and not (options.source or options.recipe):
        raise UsageError(f"{options.model} was trained on your own sentences: give some by --own")
    source = options.source or recipe.corpus_source()
    return load_rows(locale, split, source), f"{source}, {locale}, {split}"


def load_rows(locale: str, split: str, source: str) -> Dataset:
    """Return the rows of a corpus; raises `UsageError` where there are none."""
    from nerlib.tools.corpora import load_corpus

    corpus = load_corpus(locale, split, source)
    if not len(corpus):
        raise UsageError(f"--split {split} has no rows: choose an earlier start")
    return corpus


def run_push(options: argparse.Namespace) -> int:
    """Measure a saved model, where its corpus is known, and publish it with its card."""
    from nerlib.tools.own_recipe import NAME as OWN
    from nerlib.tools.own_recipe import corpus_from_file
    from nerlib.tools.publishing import measure, publish
    from nerlib.tools.recipes import RECIPES, get_recipe, record_of

    tagger = load_tagger(options)
    made_by = record_of(tagger.model.config)
    measured = None
    if options.own:
        if options.recipe or options.source or options.split:
            raise UsageError("--own excludes --recipe, --source and --split")
        locale = options.locale or made_by.get("locale") or get_recipe().locale
        rows, name = corpus_from_file(options.own, locale), Path(options.own).name
        measured = measure(tagger, rows, OWN, locale, name)
    elif options.recipe or options.source or made_by.get("recipe") in RECIPES:
        recipe = get_recipe(options.recipe or made_by.get("recipe"))
        locale = options.locale or made_by.get("locale") or recipe.locale
        split = options.split or "validation"
        corpus = load_rows(locale, split, options.source or recipe.corpus_source())
        measured = measure(tagger, corpus, options.source or recipe.source, locale, split)
    how = options.dry_run, options.private, options.license
    print(publish(tagger, options.repository, measured, *how))
    return 0


def run_tag(options: argparse.Namespace) -> int:
    """Tag every line of a file or of standard input, as soon as it is there."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # JSON is UTF-8 on Windows, too
    from nerlib.tools.answers import Wanted, answers

    tagger = load_tagger(options)
    wanted = Wanted(options.min_score, options.types, options.alternatives)
    wanted.check(list(tagger.model.config.type_names.values()))
    with open(options.text, "rb") if options.text else sys.stdin.buffer as lines:
        for texts in lines_as_they_come(lines, options.text or "standard input"):
            for text, found in zip(texts, answers(tagger, texts, wanted), strict=True):
                print(json.dumps({"text": text, "entities": found}, ensure_ascii=False))
            sys.stdout.flush()
    return 0


def lines_as_they_come(file: Any, name: str) -> Iterator[list[str]]:
    """Yield a file's lines, of a pipe those that have arrived; raises `UsageError` for bad ones."""
    from nerlib.corpus import MOST_BYTES, decode_lines

    rest, number, block = b"", 1, b"\n"
    while block:
        block = file.read1(BLOCK)
        whole, end, rest = (rest + block).rpartition(b"\n")
        if not block or len(rest) > MOST_BYTES:  # the last line, or one that is none
            end, rest = end + rest, b""
        lines = list(decode_lines(io.BytesIO(whole + end), name, UsageError, number))
        number += len(lines)
        yield lines


def run_bulk(options: argparse.Namespace) -> int:
    """Tag files in bulk and say what was done; exit status 2 if some shards could not be done."""
    from nerlib.tools.bulk.manifest import BulkSettings
    from nerlib.tools.bulk.run import MANY, tag_in_bulk
    from nerlib.tools.hub import tell

    if options.workers < 0:
        raise UsageError("--workers must be 0 or more")
    places = options.input, options.output, options.model
    names = ("column", "format", "shard_rows", "max_characters", "precision")
    settings = BulkSettings(*(getattr(options, name) for name in names))
    try:
        how = settings, options.workers, options.device
        report = tell if options.json or options.quiet else print
        summary = tag_in_bulk(*places, *how, report=report)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped: the same command resumes") from None
    if options.json:
        print_json(asdict(summary))
    else:
        print(summary)
    return 2 if summary.undone else int(summary.failed > MANY * summary.rows)


def load_tagger(options: argparse.Namespace) -> Tagger:
    """Return the tagger of a model folder."""
    from nerlib.tools.tagger import Tagger

    if not Path(options.model).is_dir() and options.model == f"{OUTPUT}/model":
        advice = "run `python -m nerlib train` first, or name a folder with --model"
        raise UsageError(f"there is no model in {options.model} yet: {advice}")
    try:
        return Tagger.from_pretrained(options.model, options.device or "auto")
    except ValueError as error:
        raise UsageError(str(error)) from None


def print_json(record: object) -> None:
    """Print a result as JSON."""
    print(json.dumps(record, indent=2, ensure_ascii=False))


def print_table(scores: Evaluation, names: Mapping[str, str], sure: Mapping[str, Interval]) -> None:
    """Print a line per slot type, spelled as `names` says, and the totals, with intervals of F1."""
    from pandas import DataFrame

    from nerlib.tools.compare import TOTAL

    rows: dict[str, dict[str, Any]] = {}
    for name, score in {**scores.per_type, TOTAL: scores.overall}.items():
        interval = f"{sure[name].low:.3f} to {sure[name].high:.3f}"
        rows[names.get(name, name.lower())] = score_as_json(score) | {"95 % interval": interval}
    table = DataFrame.from_dict(rows, orient="index").drop(columns="correct")
    print(table.to_string(float_format="%.3f"))
    print(
        f"word accuracy {scores.token_accuracy:.3f}, macro F1 {scores.macro_f1:.3f}, "
        f"MASSIVE slot F1 {scores.massive_f1:.3f}"
    )


def evaluation_as_json(
    scores: Evaluation, loss: float, names: Mapping[str, str], sure: Mapping[str, Interval]
) -> dict[str, object]:
    """Return all scores as plain numbers, by types that are spelled as `names` says."""
    from nerlib.tools.compare import TOTAL

    rows = {
        name: score_as_json(score) | {"f1_interval": [sure[name].low, sure[name].high]}
        for name, score in {**scores.per_type, TOTAL: scores.overall}.items()
    }
    return {
        "overall": rows.pop(TOTAL),
        "token_accuracy": scores.token_accuracy,
        "macro_f1": scores.macro_f1,
        "massive_slot_f1": scores.massive_f1,
        "loss": loss,
        "per_type": {names.get(name, name.lower()): row for name, row in rows.items()},
    }


def score_as_json(score: Score) -> dict[str, float]:
    """Return one score's counts and ratios."""
    return asdict(score) | {name: getattr(score, name) for name in ("precision", "recall", "f1")}
