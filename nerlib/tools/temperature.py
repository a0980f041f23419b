"""Scores that mean something: a model's logits scaled by how often it is right on rows held out."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from nerlib.dataset import NERDataset
from nerlib.evaluation import predict_batches
from nerlib.model import NERClassifier


def set_temperature(model: NERClassifier, held_out: NERDataset) -> None:
    """Scale a model's logits so that its scores fit how often it is right on rows held out.

    The last layer is divided by the temperature, the settings' `score_temperature`, so that an
    exported graph, too, gives these scores. Tags stay the same.
    """
    parts = [
        (output.logits.float().cpu()[known], batch["labels"][known])
        for _, batch, output in predict_batches(model, held_out, None)
        # Words in entities alone: the scores that users see are theirs.
        for known in [(batch["labels"] >= 0) & (output.logits.argmax(-1).cpu() > 0)]
    ]
    temperature = fit_temperature(*(torch.cat(side) for side in zip(*parts, strict=True)))
    with torch.no_grad():
        for weights in model.head[-1].parameters():
            weights.div_(temperature)
    model.config.score_temperature = temperature


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature by which logits (words, tags) make the labels (words) most probable.

    As if one of two further words were wrong, so that no score becomes 1 because a few words are
    all right (Platt 1999); 1 without words.
    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, section 4.2.

    >>> sure = torch.tensor([[4.0, 0.0]]).repeat(1000, 1)  # right in 900
    >>> temperature = fit_temperature(sure, torch.tensor([0] * 900 + [1] * 100))
    >>> [round(chance, 2) for chance in (sure[0] / temperature).softmax(-1).tolist()]
    [0.9, 0.1]
    """
    if not len(labels):
        return 1.0
    doubt = logits.shape[-1] / (logits.shape[-1] - 1) / (len(labels) + 2)
    tried: list[float] = torch.logspace(-1, 1, 201).tolist()
    return min(tried, key=lambda t: float(cross_entropy(logits / t, labels, label_smoothing=doubt)))
