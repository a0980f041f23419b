# The public names and where each is defined; `__init__.py` imports them on first use.
from .addons.checkpoints import CheckpointError
from .addons.divergence import DivergenceError
from .analysis.display import highlight, highlight_many
from .corpus import CorpusError, load_corpus
from .dataset import LengthBucketSampler, NERDataset, collate
from .encoders import PACKAGED, EncoderError, load_tokenizer
from .history import EpochRecord, History
from .inference import Entity, Tagger, ner_inference
from .metrics import (
    Evaluation,
    Score,
    entity_scores,
    evaluate_tags,
    massive_slot_f1,
    token_accuracy,
)
from .model import NERClassifier, NERConfig, pool_words
from .parsing import (
    AnnotationError,
    ParsedUtterance,
    Parser,
    Span,
    Word,
    spans_to_tags,
    tags_to_spans,
)
from .saving import load_model, save_model
from .tags import TagSet
from .tools.own_data import OwnDataError, corpus_from_lines
from .tools.recipes import RECIPES, Recipe, RecipeError, get_recipe, prepare, trained_tagger
from .training import TrainConfig, evaluate, predict_tags, train

__version__: str

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
