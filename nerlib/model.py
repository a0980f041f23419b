"""The tagger's network: an encoder, one vector a word, a small head.

Built in notebook 04.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForTokenClassification,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.modeling_outputs import TokenClassifierOutput

from nerlib.dataset import IGNORE, LengthBucketSampler, NERDataset, collate
from nerlib.encoders import EncoderError, loading, resolve_encoder
from nerlib.parsing import Parser, Segmentation
from nerlib.tags import TagSet
from nerlib.untrusted import check_encoder, check_fits, check_settings

Pooling = Literal["mean", "first", "last", "max"]


class NERConfig(PretrainedConfig):
    """Everything that a saved model needs to come back: encoder, tags, pooling, parser settings.

    `encoder` is the encoder's own configuration as a dictionary, `labels` the tags in the order of
    their numbers; `spelled` are the types that the training rows do not write in lower case.
    Raises `ValueError` for settings that make no model.

    >>> NERConfig(labels=["O", "B-TIME", "I-TIME"]).tags.get_id("I-TIME")
    2
    """

    model_type = "nerlib"

    def __init__(
        self,
        encoder: dict[str, Any] | None = None,
        labels: Sequence[str] = ("O",),
        pooling: Pooling = "mean",
        head_size: int = 256,
        dropout: float = 0.1,
        segmentation: Segmentation = "spaces",
        spelled: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        if pooling not in get_args(Pooling):
            raise ValueError(f"unknown pooling {pooling!r}: use one of {get_args(Pooling)}")
        if not 1 <= head_size <= 65_536 or not 0 <= dropout < 1:
            raise ValueError("head_size must be 1 to 65,536 and dropout from 0 to below 1")
        self.encoder = encoder or {}
        self.labels = list(TagSet.from_labels(labels).labels)
        self.pooling = pooling
        self.head_size = head_size
        self.dropout = dropout
        self.segmentation = Parser(segmentation).segmentation
        self.spelled = list(map(str, spelled)) if spelled else None
        # transformers' own tools look for these two.
        kwargs["id2label"] = dict(enumerate(self.labels))
        kwargs["label2id"] = {label: number for number, label in enumerate(self.labels)}
        super().__init__(**kwargs)

    @property
    def tags(self) -> TagSet:
        """The tag set that the head predicts."""
        return TagSet.from_labels(self.labels)

    @property
    def type_names(self) -> dict[str, str]:
        """Each slot type, in capitals as in the tags, as the training rows spell it."""
        spelled = {name.upper(): name for name in self.spelled or ()}
        return {name: spelled.get(name, name.lower()) for name in self.tags.types}

    @property
    def parser(self) -> Parser:
        """The parser that splits text into words as in training."""
        return Parser(self.segmentation)

    def encoder_config(self) -> PretrainedConfig:
        """Return the encoder's configuration as an object."""
        settings = dict(self.encoder)
        check_settings(settings, "the encoder")  # whoever asks: transformers' own tools do as well
        return AutoConfig.for_model(settings.pop("model_type"), **settings)


class NERClassifier(PreTrainedModel):
    """Tags words: encoder → one vector a word → Linear, ReLU, Linear. Built in notebook 04.

    >>> config = NERConfig(
    ...     encoder={"model_type": "bert", "vocab_size": 50, "hidden_size": 8,
    ...              "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8},
    ...     labels=["O", "B-TIME", "I-TIME"],
    ... )
    >>> model = NERClassifier(config).eval()
    >>> output = model(torch.tensor([[2, 7, 8, 3]]), word_ids=torch.tensor([[-1, 0, 0, -1]]))
    >>> output.logits.shape  # one utterance, one word, three tags
    torch.Size([1, 1, 3])
    """

    config_class = NERConfig
    base_model_prefix = "encoder"
    _supports_sdpa = True
    _supports_flash_attn = True

    def __init__(self, config: NERConfig) -> None:
        super().__init__(config)
        if config.id2label != dict(enumerate(config.labels)):  # `num_labels=…` has changed them
            raise ValueError("num_labels, id2label: a model keeps its tags; train one for others")
        encoder_config = config.encoder_config()
        # Weights come later, from `from_pretrained` or `from_encoder`: never from inside here.
        self.encoder = _encoder_without_pooler(encoder_config)
        hidden, tags = int(encoder_config.hidden_size), len(config.labels)
        self.head = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(hidden, config.head_size),
            nn.ReLU(),
            nn.Linear(config.head_size, tags),
        )
        self.post_init()

    @classmethod
    def from_pretrained(cls, *arguments: Any, **settings: Any) -> Any:
        """Return a saved model as transformers does, but never from pickled weights.

        `load_model` checks more: use it for untrusted models.
        """
        found = super().from_pretrained(*arguments, **{**settings, "use_safetensors": True})
        dtype = settings.get("dtype", settings.get("torch_dtype"))
        if isinstance(dtype, torch.dtype):  # the encoder inside has not heard of it
            nn.Module.to(found[0] if isinstance(found, tuple) else found, dtype)
        return found

    def _init_weights(self, module: nn.Module) -> None:
        """Start the head as PyTorch does. transformers' own start, a deviation of 0.02 whatever the
        size, makes logits so small that the first epochs pass before the head says anything."""
        if isinstance(module, nn.Linear):
            module.reset_parameters()
        else:
            super()._init_weights(module)

    @classmethod
    def from_encoder(
        cls, name_or_path: str, tags: TagSet, layers: int | None = None, **settings: Any
    ) -> "NERClassifier":
        """Return a new classifier on a pre-trained encoder; its head starts from random weights.

        `name_or_path` is a folder, a name on the Hub or `nerlib.PACKAGED`; of its layers the first
        `layers` are kept, by default all. `settings` go to `NERConfig` (`pooling`,
        `head_size`, `dropout`, `segmentation`).
        Raises `EncoderError` if the encoder cannot be had, `ValueError` if it has fewer layers.
        """
        encoder = load_encoder(name_or_path)
        deepest = encoder.config.num_hidden_layers
        if layers is not None and not 1 <= layers <= deepest:
            raise ValueError(f"layers must be 1 to {deepest}, as many as {name_or_path} has")
        encoder.config.num_hidden_layers = layers or deepest
        encoder_settings = encoder.config.to_dict()
        encoder_settings.pop("_name_or_path", None)  # a path of this machine is nobody's business
        settings["spelled"] = tags.spelled
        config = NERConfig(encoder=encoder_settings, labels=tags.labels, **settings)
        model = cls(config)
        # All that the model has: the pooler and the layers above stay behind.
        model.encoder.load_state_dict(encoder.state_dict(), strict=False)
        return model

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        word_ids: Tensor | None = None,
        labels: Tensor | None = None,
        num_words: int | None = None,
        label_smoothing: float = 0.0,
    ) -> TokenClassifierOutput:
        """Return logits (batch, words, tags), and the mean loss over words if labels are given.

        `input_ids`, `attention_mask` and `word_ids` are (batch, subwords), where `word_ids` says
        which word a subword belongs to and -1 means none; `labels` is (batch, words) with -100 for
        words to leave out. `num_words` sets the second dimension; without it, and without labels,
        it is the highest word number plus one.
        """
        if word_ids is None:
            raise ValueError("word_ids is needed: which word does each subword belong to?")
        if num_words is None:
            num_words = labels.shape[1] if labels is not None else int(word_ids.max()) + 1
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask)[0]
        words = pool_words(hidden, word_ids, num_words, self.config.pooling)
        logits = self.head(words)  # (batch, words, tags)
        loss = None if labels is None else tagging_loss(logits, labels, label_smoothing)
        return TokenClassifierOutput(loss=loss, logits=logits)


def pool_words(
    hidden: Tensor, word_ids: Tensor, num_words: int, pooling: Pooling = "mean"
) -> Tensor:
    """Return one vector per word from the hidden states of its subwords. Built in notebook 04.

    `hidden` (batch, subwords, hidden), `word_ids` (batch, subwords) → (batch, words, hidden).
    A word without subwords gets zeros, never NaN.

    >>> hidden = torch.tensor([[[9.0], [2.0], [4.0], [9.0]]])
    >>> pool_words(hidden, torch.tensor([[-1, 0, 0, -1]]), num_words=2).tolist()
    [[[3.0], [0.0]]]
    """
    numbers = torch.arange(num_words, device=word_ids.device)
    belongs = word_ids.unsqueeze(1) == numbers.unsqueeze(1)  # (batch, words, subwords)
    if pooling == "mean":
        counts = belongs.sum(-1, keepdim=True).clamp(min=1)
        return (belongs / counts).to(hidden.dtype) @ hidden  # a mean is a product of matrices
    if pooling == "max":
        return _max_pool(hidden, word_ids, num_words)
    position = torch.arange(word_ids.shape[1], device=word_ids.device)
    if pooling == "last":
        chosen = (belongs * (position + 1)).argmax(-1)
    else:
        chosen = belongs.int().argmax(-1)  # (batch, words): of equal values the first wins
    picked = hidden.gather(1, chosen.unsqueeze(-1).expand(-1, -1, hidden.shape[-1]))
    return picked * belongs.any(-1, keepdim=True)


def _max_pool(hidden: Tensor, word_ids: Tensor, num_words: int) -> Tensor:
    """Return the largest value of each dimension over a word's subwords."""
    batch, _, size = hidden.shape
    # Special subwords go to one row too many, which is cut off again.
    target = word_ids.where((word_ids >= 0) & (word_ids < num_words), num_words)
    lowest = hidden.new_full((batch, num_words + 1, size), float("-inf"))
    pooled = lowest.scatter_reduce(1, target.unsqueeze(-1).expand_as(hidden), hidden, "amax")
    pooled = pooled[:, :num_words]  # (batch, words, hidden)
    return pooled.masked_fill(pooled == float("-inf"), 0.0)


@torch.inference_mode()
def word_vectors(model: NERClassifier, dataset: NERDataset, batch_size: int = 64) -> list[Tensor]:
    """Return the pooled vectors of every utterance's words, each (words, hidden), in order.

    They are what the head gets to see, computed with dropout off. Built in notebook 04.
    """
    was_training = model.training
    model.eval()
    vectors = [torch.empty(0)] * len(dataset)
    for rows in LengthBucketSampler(dataset.lengths, batch_size, shuffle=False):
        batch = collate([dataset[row] for row in rows], dataset.pad_id)
        inputs = {name: values.to(model.device) for name, values in batch.items()}
        labels, word_ids = inputs.pop("labels"), inputs.pop("word_ids")
        hidden = model.encoder(**inputs)[0]
        pooled = pool_words(hidden, word_ids, labels.shape[1], model.config.pooling)
        for row, inside in zip(rows, pooled.cpu(), strict=True):
            vectors[row] = inside[: len(dataset[row]["target"])]  # the rest is padding
    model.train(was_training)
    return vectors


def tagging_loss(logits: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return the mean cross-entropy over all words that have a label. Built in notebook 05.

    `logits` (batch, words, tags), `labels` (batch, words) → a scalar; 0 if no word has a label.
    """
    total = nn.functional.cross_entropy(
        logits.flatten(0, 1).float(),
        labels.flatten(),
        ignore_index=IGNORE,
        label_smoothing=label_smoothing,
        reduction="sum",
    )
    return total / (labels != IGNORE).sum().clamp(min=1)


def load_encoder(name_or_path: str) -> PreTrainedModel:
    """Return a pre-trained encoder. Only weights are read: no pickled objects, no foreign code.

    Raises `EncoderError` if it cannot be had, or if its file lacks weights that words need.
    """
    path = resolve_encoder(name_or_path)
    with loading("no encoder can be loaded from", path, shown=name_or_path):
        check_encoder(path)
        config = AutoConfig.from_pretrained(path, trust_remote_code=False)
        with torch.device("meta"):  # shapes only, no memory
            described = _encoder_without_pooler(config)
        check_fits(path, described)
        encoder, info = AutoModel.from_pretrained(
            path,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    # The sentence pooler is not used here, and many published encoders come without one.
    missing = sorted(name for name in info["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise EncoderError(f"{name_or_path!r} lacks weights: {missing[:3]}")
    if not isinstance(encoder, PreTrainedModel) or not hasattr(encoder.config, "hidden_size"):
        raise EncoderError(f"{name_or_path!r} is not a text encoder")
    return encoder


def _encoder_without_pooler(config: PretrainedConfig) -> PreTrainedModel:
    """Return an untrained encoder, without BERT's sentence pooler, whose output is never used."""
    model: PreTrainedModel
    try:
        model = AutoModel.from_config(config, trust_remote_code=False, add_pooling_layer=False)
    except TypeError:  # DistilBERT and others have no pooler to leave out
        model = AutoModel.from_config(config, trust_remote_code=False)
    return model


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


# `import nerlib.model` is enough for transformers' own loaders to know what a folder of ours holds.
AutoConfig.register(NERConfig.model_type, NERConfig, exist_ok=True)
AutoModelForTokenClassification.register(NERConfig, NERClassifier, exist_ok=True)
