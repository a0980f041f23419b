"""Who finds entities: a list, a CRF, spaCy, Hugging Face's Trainer, this course by engine.

Each is a function that trains on an experiment's rows, writes what it needs to a folder, and
returns what finds the entities of texts.
"""

import random
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.bench.train_contenders import first_subword_labels, make_trainer
from benchmarks.measured import OURS, TRAINER, write_json
from nerlib.addons.train import train
from nerlib.analysis.gazetteer import Gazetteer
from nerlib.device import choose_compute
from nerlib.metrics import Evaluation, evaluate_tags
from nerlib.parsing import OUTSIDE, ParsedUtterance, Span, Word, spans_to_tags, tags_to_spans
from nerlib.tools.recipes import Experiment
from nerlib.tools.serving.engines import Backend
from nerlib.tools.serving.export import Rows, export_model
from nerlib.tools.tagger import Tagger

EVERY, PATIENCE, MOST = 200, 800, 20_000  # spaCy's steps: to the next score, and to the end

Texts = Sequence[str]
Words = Sequence[Sequence[Word]]
Find = Callable[[Texts], list[list[Span]]]
TagWords = Callable[[Texts, Words], Iterable[Sequence[str]]]


def finder(made: Experiment, tag: TagWords) -> Find:
    """Return what finds entities by one tag for each word that nerlib's parser splits."""

    def find(texts: Texts) -> list[list[Span]]:
        words = [made.model.config.parser.split_words(text) for text in texts]
        return [tags_to_spans(*pair) for pair in zip(words, tag(texts, words), strict=True)]

    return find


def score(made: Experiment, find: Find) -> Evaluation:
    """Return the scores, printed as well, of what is found in the validation rows."""
    rows = made.validation_set.utterances
    found = zip(rows, find([row.text for row in rows]), strict=True)
    scores = evaluate_tags([r.tags for r in rows], [spans_to_tags(r.words, s) for r, s in found])
    print(f"  F1 {scores.overall.f1:.3f}", flush=True)
    return scores


def known_values(made: Experiment, folder: Path) -> Find:
    """Return the baseline of lesson 01: at each place the longest value that training rows have."""
    known = Gazetteer.learn(made.train_set.utterances)
    values = {" ".join(value): kind for value, kind in known.types.items()}
    write_json(folder / "values.json", values)

    def tag(texts: Texts, words: Words) -> Iterable[Sequence[str]]:
        for text, some in zip(texts, words, strict=True):
            yield known.tag(ParsedUtterance(text, tuple(some), (), ()))

    return finder(made, tag)


def features(words: Sequence[Word]) -> list[dict[str, Any]]:
    """Return each word's features: itself, its ends and form, and two neighbours on each side.

    >>> features([Word("at", 0, 2), Word("Nine", 3, 7)])[1]["-1"]
    'at'
    """
    texts = ["", "", *(word.text.casefold() for word in words), "", ""]
    return [
        {
            **dict(zip(("-2", "-1", "word", "+1", "+2"), texts[place : place + 5], strict=True)),
            "start": word.text[:3], "end": word.text[-3:], "last": word.text[-2:],
            "title": word.text.istitle(), "upper": word.text.isupper(),
            "digit": word.text.isdigit(),
        }
        for place, word in enumerate(words)
    ]  # fmt: skip


def crf(made: Experiment, folder: Path) -> Find:
    """Return a CRF on features made by hand, with the settings of sklearn-crfsuite's tutorial."""
    from sklearn_crfsuite import CRF

    settings = {"c1": 0.1, "c2": 0.1, "max_iterations": 100, "all_possible_transitions": True}
    model = CRF("lbfgs", **settings, model_filename=str(folder / "model.crfsuite"))
    rows = made.train_set.utterances
    model.fit([features(row.words) for row in rows], [list(row.tags) for row in rows])
    return finder(made, lambda _, words: model.predict([features(some) for some in words]))


def spacy_cnn(made: Experiment, folder: Path) -> Find:
    """Return spaCy's `ner`, a CNN with random weights at first, until 800 steps bring nothing."""
    import spacy
    from spacy.tokens import Doc
    from thinc.api import fix_random_seed

    config, rows = made.recipe.settings, made.train_set.utterances
    fix_random_seed(config.seed)
    nlp = spacy.blank(made.recipe.locale.partition("-")[0])
    nlp.add_pipe("ner")

    def doc(words: Sequence[Word], tags: Sequence[str] = ()) -> Doc:
        return Doc(nlp.vocab, words=[word.text for word in words], ents=list(tags) or None)

    def tag(_: Texts, words: Words) -> Iterable[Sequence[str]]:
        for found in nlp.pipe(map(doc, words)):
            yield [f"{t.ent_iob_}-{t.ent_type_}" if t.ent_type_ else OUTSIDE for t in found]

    def batches() -> Iterator[Any]:
        while True:
            order.shuffle(examples)
            yield from spacy.util.minibatch(examples, config.batch_size)

    examples = [spacy.training.Example(doc(r.words), doc(r.words, r.tags)) for r in rows]
    optimizer, find = nlp.initialize(lambda: examples), finder(made, tag)
    order, best, best_step = random.Random(config.seed), -1.0, 0
    for step, batch in enumerate(islice(batches(), MOST), 1):
        nlp.update(batch, sgd=optimizer, drop=0.1)
        if step % EVERY == 0 and (f1 := score(made, find).overall.f1) > best:
            best, best_step = f1, step
            nlp.to_disk(folder)
        elif step - best_step >= PATIENCE:
            break
    nlp.from_disk(folder)
    return find


def hugging_face(made: Experiment, folder: Path) -> Find:
    """Return transformers' model for tokens, trained by Trainer and used in a pipeline.

    A word has the tag of its first subword, as in Hugging Face's course.
    """
    from transformers import pipeline

    config, labels = made.recipe.settings, made.tags.labels
    sets = made.train_set, made.validation_set
    compute = choose_compute(config.device, config.precision)
    rows, held = ([first_subword_labels(item) for item in data.items] for data in sets)

    def metrics(found: Any) -> dict[str, float]:
        known = found.label_ids >= 0
        gold, best = (
            [[labels[tag] for tag in row[k]] for row, k in zip(tags, known, strict=True)]
            for tags in (found.label_ids, found.predictions.argmax(-1))
        )
        print(f"  F1 {(f1 := evaluate_tags(gold, best).overall.f1):.3f}", flush=True)
        return {"f1": f1}

    best = {"load_best_model_at_end": True, "metric_for_best_model": "f1", "save_strategy": "best"}
    best |= {"eval_strategy": "epoch", "save_only_model": True, "save_total_limit": 1}
    with tempfile.TemporaryDirectory() as scratch:
        judged = {"eval_dataset": held, "compute_metrics": metrics}
        loop = make_trainer(made, config, rows, scratch, best, **judged)
        loop.train()
        loop.save_model(str(folder))
        made.tokenizer.save_pretrained(folder)
    kind = "bfloat16" if compute.precision == "bf16" else "float32"
    run: Any = pipeline("token-classification", str(folder), device=compute.device, dtype=kind)

    def tag(texts: Texts, words: Words) -> Iterable[Sequence[str]]:
        found = run(list(texts), batch_size=config.batch_size, ignore_labels=[])
        for some, subwords in zip(words, found, strict=True):
            tags = {subword["start"]: subword["entity"] for subword in subwords}
            yield [tags.get(word.start, OUTSIDE) for word in some]

    return finder(made, tag)


def this_course(made: Experiment, folder: Path) -> Find:
    """Return this course's tagger, trained as the recipe says."""
    config = made.recipe.settings
    train(made.model, made.train_set, made.validation_set, config)
    tagger = Tagger(made.model, made.tokenizer, config.device, config.precision)
    tagger.save_pretrained(folder)
    return spans_of(tagger)


def spans_of(tagger: Tagger) -> Find:
    """Return what finds entities by a tagger of this course."""
    return lambda texts: [[Span(e.type, e.start, e.end) for e in found] for found in tagger(texts)]


def exported(made: Experiment, folder: Path, backend: Backend, variant: str) -> Find:
    """Return the tagger that `this_course` has left beside this folder, in another engine.

    No gate: the F1 that an engine costs stands in the table.
    """
    rows = Rows(made.train_set, made.validation_set, "validation")
    export_model(folder.parent / OURS, rows, [backend], [variant], folder, permitted_loss=1.0)
    return spans_of(Tagger.from_pretrained(folder, "cpu", "fp32", backend, variant))


CONTENDERS: dict[str, Callable[[Experiment, Path], Find]] = {
    "list of known values": known_values,
    "CRF, features by hand": crf,
    "spaCy, CNN from blank": spacy_cnn,
    TRAINER: hugging_face,
    OURS: this_course,
    "… ONNX Runtime": partial(exported, backend="onnx", variant="fp32"),
    "… ONNX Runtime, int8": partial(exported, backend="onnx", variant="int8"),
    "… OpenVINO": partial(exported, backend="openvino", variant="fp32"),
    "… OpenVINO, int8": partial(exported, backend="openvino", variant="int8"),
    "… static": partial(exported, backend="static", variant="fp32"),
}
