# The public names and where each is defined; `__init__.py` imports them on first use.
from .addons.checkpoints import CheckpointError
from .addons.divergence import DivergenceError
from .addons.train import train
from .analysis.display import highlight, highlight_many
from .corpus import CorpusError
from .dataset import LengthBucketSampler, NERDataset, collate
from .encoders import PACKAGED, EncoderError, load_tokenizer
from .evaluation import evaluate, predict_tags
from .inference import Entity, ner_inference
from .metrics import (
    EpochRecord,
    Evaluation,
    History,
    Score,
    entity_scores,
    evaluate_tags,
    massive_slot_f1,
    token_accuracy,
)
from .model import NERClassifier, NERConfig, pool_words
from .optimization import TrainConfig
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
from .tools.corpora import load_corpus
from .tools.own_data import OwnDataError, corpus_from_lines
from .tools.recipes import RECIPES, Recipe, RecipeError, get_recipe, prepare, trained_tagger
from .tools.tagger import Tagger

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
