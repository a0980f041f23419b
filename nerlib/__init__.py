"""nerlib: the small library that the course builds, from bracketed text to entities.

The way of the data, one room each: corpus → parsing → tags → dataset → model → training →
metrics → inference.
"""

import nerlib.installation  # noqa: F401  # first: it stops with one line if a package is missing
from nerlib.checkpoints import CheckpointError
from nerlib.corpus import CorpusError, load_corpus
from nerlib.dataset import LengthBucketSampler, NERDataset, collate
from nerlib.display import highlight, highlight_many
from nerlib.divergence import DivergenceError
from nerlib.encoders import PACKAGED, EncoderError, load_tokenizer
from nerlib.exchange.transformers_auto import register
from nerlib.history import EpochRecord, History
from nerlib.inference import Entity, Tagger, ner_inference
from nerlib.metrics import (
    Evaluation,
    Score,
    entity_scores,
    evaluate_tags,
    massive_slot_f1,
    token_accuracy,
)
from nerlib.model import NERClassifier, NERConfig, pool_words
from nerlib.own_data import OwnDataError, corpus_from_lines
from nerlib.parsing import (
    AnnotationError,
    ParsedUtterance,
    Parser,
    Span,
    Word,
    spans_to_tags,
    tags_to_spans,
)
from nerlib.recipes import RECIPES, Recipe, RecipeError, get_recipe, prepare, trained_tagger
from nerlib.saving import load_model, save_model
from nerlib.tags import TagSet
from nerlib.training import TrainConfig, evaluate, predict_tags, train

__version__ = "0.1.0"

register()  # from here on transformers' own loaders and pipelines take nerlib's models

__all__ = [
    "PACKAGED",
    "RECIPES",
    "AnnotationError",
    "CheckpointError",
    "CorpusError",
    "DivergenceError",
    "EncoderError",
    "Entity",
    "EpochRecord",
    "Evaluation",
    "History",
    "LengthBucketSampler",
    "NERClassifier",
    "NERConfig",
    "NERDataset",
    "OwnDataError",
    "ParsedUtterance",
    "Parser",
    "Recipe",
    "RecipeError",
    "Score",
    "Span",
    "TagSet",
    "Tagger",
    "TrainConfig",
    "Word",
    "collate",
    "corpus_from_lines",
    "entity_scores",
    "evaluate",
    "evaluate_tags",
    "get_recipe",
    "highlight",
    "highlight_many",
    "load_corpus",
    "load_model",
    "load_tokenizer",
    "massive_slot_f1",
    "ner_inference",
    "pool_words",
    "predict_tags",
    "prepare",
    "save_model",
    "spans_to_tags",
    "tags_to_spans",
    "token_accuracy",
    "train",
    "trained_tagger",
]
