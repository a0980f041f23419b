"""Who tags: the tutorial's function, Hugging Face's pipeline, this course's tagger."""

import timeit
from functools import partial
from statistics import median

import torch
from torch import nn
from transformers import AutoModelForTokenClassification, pipeline

from benchmarks.bench.material import Material
from benchmarks.bench.ratios import Contender, speed
from benchmarks.measured import OURS
from nerlib.course.tutorial_rebuilt import TutorialClassifier, ner_inference
from nerlib.device import Precision
from nerlib.encoders import resolve_encoder
from nerlib.tools.tagger import Tagger

ONE_BY_ONE, PIPELINE = "tutorial's ner_inference", "pipeline, best batch"
BATCH_SIZES = (8, 16, 32, 64, 128)


def taggers(material: Material, precision: Precision) -> dict[str, Contender]:
    """Return all that tag, by name; the tutorial's function computes in fp32, as it is written."""
    texts = material.texts
    tagger = tagger_of(material, precision)
    return {
        ONE_BY_ONE: one_by_one(material),
        PIPELINE: best_pipeline(material, precision),
        OURS: lambda: speed(lambda: tagger(texts), len(texts)),
    }


def tagger_of(material: Material, precision: Precision) -> Tagger:
    """Return our tagger, untrained: what it costs does not depend on what it has learnt."""
    return Tagger(material.model(), material.tokenizer, material.config.device, precision)


def one_by_one(material: Material) -> Contender:
    """Return the tutorial's function on every eighth text, which is enough to know its speed."""
    model = TutorialClassifier(material.encoder(), len(material.tags.labels)).eval()
    nn.Module.to(model, material.compute("fp32").device)
    texts = material.texts[::8]

    @torch.no_grad()
    def work() -> object:
        return [ner_inference(text, model, material.tokenizer) for text in texts]

    return lambda: speed(work, len(texts))


def best_pipeline(material: Material, precision: Precision) -> Contender:
    """Return transformers' pipeline at the batch size that is best here; in bf16 with bf16 weights.

    It keeps whole words together, and takes the texts in the order in which they come.
    """
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    encoder, labels = resolve_encoder(material.recipe.encoder), len(material.tags.labels)
    model = AutoModelForTokenClassification.from_pretrained(encoder, num_labels=labels, dtype=kind)
    tag = pipeline(
        "token-classification",
        model=model,
        tokenizer=material.tokenizer,
        aggregation_strategy="first",
        device=material.compute(precision).device,
    )
    texts = material.texts
    few = texts[: max(8, len(texts) // 4)]

    def run(texts: list[str], batch_size: int) -> float:
        return speed(lambda: tag(texts, batch_size=batch_size), len(texts))

    speeds = {size: run(few, size) for size in BATCH_SIZES}
    best = max(BATCH_SIZES, key=lambda size: speeds[size])
    return lambda: run(texts, best)


def single_sentence(
    material: Material, precision: Precision, calls: int = 100
) -> dict[str, Contender]:
    """Return who answers one short sentence at a time: our tagger, and the bare encoder's forward
    on its subwords. Speeds are calls a second at the median."""
    tagger, encoder = tagger_of(material, precision), material.encoder().eval()
    compute = material.compute(precision)
    nn.Module.to(encoder, compute.device)
    text = sorted(material.texts, key=len)[len(material.texts) // 2]
    encoded = material.tokenizer(text, return_tensors="pt").to(compute.device)
    inputs = {name: encoded[name] for name in ("input_ids", "attention_mask")}

    @torch.inference_mode()
    def forward() -> None:
        with compute.autocast():
            encoder(**inputs)[0].float().cpu()

    times = partial(timeit.repeat, number=1, repeat=calls)
    return {
        OURS: lambda: 1 / median(times(lambda: tagger(text))),
        "bare encoder": lambda: 1 / median(times(forward)),
    }
