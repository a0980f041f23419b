"""What makes training harder, so that less is learnt by heart: masked subwords, two readings.

Built in notebook 05.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nerlib.dataset import IGNORE, Batch
from nerlib.model import NERClassifier

if TYPE_CHECKING:  # `training` imports this room
    from nerlib.training import TrainConfig


def training_loss(model: NERClassifier, batch: Batch, mask_id: int, config: TrainConfig) -> Tensor:
    """Return the loss of one batch, a scalar, with what the settings add to make it harder.

    With `consistency`, each utterance is read twice, with other subwords masked and other neurons
    dropped, and the two answers shall agree.
    Source: Liang et al. (2021), R-Drop: Regularized Dropout for Neural Networks.
    """
    if config.consistency:
        batch = {name: torch.cat((values, values)) for name, values in batch.items()}
    if config.masked_subwords:
        batch["input_ids"] = mask_subwords(batch, mask_id, config.masked_subwords)
    output = model(**batch, label_smoothing=config.label_smoothing)
    loss: Tensor = output.loss
    if config.consistency:
        loss = loss + config.consistency * disagreement(output.logits, batch["labels"])
    return loss


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

    The model then has to lean on the context, which helps with values it has never seen.
    """
    chosen = torch.rand(batch["input_ids"].shape, device=batch["input_ids"].device) < share
    return batch["input_ids"].masked_fill(chosen & (batch["word_ids"] >= 0), mask_id)
