"""What makes training harder, so that less is memorised: masked subwords, two readings.

Adds: a loss in place of the plain one. Costs: two readings make a step a quarter to a third slower.
Brings: the rows "no subwords masked" and "each utterance read once" of `make results`. Notebook 11.
"""

import torch
from torch import Tensor

from nerlib.dataset import IGNORE, Batch
from nerlib.model import NERClassifier
from nerlib.optimization import TrainConfig
from nerlib.training import ComputeLoss


def regularised_loss(config: TrainConfig, mask_id: int) -> ComputeLoss:
    """Return what computes the loss of a batch with the settings that make it harder.

    With `consistency`, each utterance is read twice, with other subwords masked and other neurons
    dropped, and the two answers should agree.
    Source: Liang et al. (2021), R-Drop: Regularized Dropout for Neural Networks.
    """

    def compute_loss(model: NERClassifier, batch: Batch) -> Tensor:
        if config.consistency:
            batch = {name: torch.cat((values, values)) for name, values in batch.items()}
        if config.masked_subwords:
            masked = mask_subwords(batch, mask_id, config.masked_subwords)
            batch = {**batch, "input_ids": masked}
        output = model(**batch, label_smoothing=config.label_smoothing)
        loss: Tensor = output.loss
        if config.consistency:
            loss = loss + config.consistency * disagreement(output.logits, batch["labels"])
        return loss

    return compute_loss


def disagreement(logits: Tensor, labels: Tensor) -> Tensor:
    """Return how far the first half of a batch is from the second, which has the same words.

    `logits` (2 · batch, words, tags), `labels` (2 · batch, words) → a scalar: the mean of both
    Kullback-Leibler divergences, over the words that have a label; 0 if there are none.

    >>> logits = torch.tensor([[[0.0, 0.0]], [[0.0, 0.0]]])
    >>> disagreement(logits, torch.tensor([[1], [1]])).item()
    0.0
    """
    first, second = logits[labels != IGNORE].float().log_softmax(-1).chunk(2)
    if not len(first):
        return logits.sum() * 0.0
    return ((first.exp() - second.exp()) * (first - second)).sum(-1).mean() / 2


def mask_subwords(batch: Batch, mask_id: int, share: float) -> Tensor:
    """Return `input_ids` (batch, subwords) with a random share of the words' subwords masked.

    The model then has to rely on the context, which helps with values it has never seen.
    """
    chosen = torch.rand(batch["input_ids"].shape, device=batch["input_ids"].device) < share
    return batch["input_ids"].masked_fill(chosen & (batch["word_ids"] >= 0), mask_id)
