"""Training that begins with a trained model: its weights, and new rows of the head for new types.

Built in notebook 13.
"""

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
    spelled = sorted({*(old.config.spelled or ()), *tags.spelled})
    settings = old.config.to_dict() | {"labels": both.labels, "spelled": spelled}
    new = NERClassifier(NERConfig.from_dict(settings))
    rows = torch.tensor([both.get_id(label) for label in known.labels])
    for name, place in new.state_dict().items():  # the very memory of the weights
        values = old.state_dict()[name]
        place[rows if place.shape != values.shape else slice(None)] = values
    return new
