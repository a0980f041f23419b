"""Training that begins with a trained model: its weights, and new rows of the head for new types.

Built in notebook 13.
"""

from __future__ import annotations

import torch

from nerlib.model import NERClassifier, NERConfig
from nerlib.tags import TagSet


def continued(old: NERClassifier, tags: TagSet) -> NERClassifier:
    """Return a model with the old one's weights that knows its types and those of `tags`.

    The head's rows of known tags are copied; those of new ones start from random weights. The old
    model stays as it is.

    >>> config = NERConfig(
    ...     encoder={"model_type": "bert", "vocab_size": 50, "hidden_size": 8,
    ...              "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8},
    ...     labels=["O", "B-TIME", "I-TIME"],
    ... )
    >>> continued(NERClassifier(config), TagSet.from_types(["date"])).config.labels
    ['O', 'B-DATE', 'I-DATE', 'B-TIME', 'I-TIME']
    """
    known = old.config.tags
    both = TagSet.from_types([*known.types, *tags.types])
    spelled = {*(old.config.spelled or ()), *tags.spelled}
    settings = {name: getattr(old.config, name) for name in KEPT}
    new = NERClassifier(NERConfig(labels=both.labels, spelled=sorted(spelled), **settings))
    rows = torch.tensor([both.get_id(label) for label in known.labels])
    weights = new.state_dict()
    for name, values in old.state_dict().items():
        if values.shape == weights[name].shape:
            weights[name] = values
        elif name == "transitions":
            weights[name][rows[:, None], rows] = values
        else:
            weights[name][rows] = values
    new.load_state_dict(weights)
    return new


KEPT = ("encoder", "pooling", "head", "head_size", "dropout", "segmentation")
