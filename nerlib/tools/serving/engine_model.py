"""An engine in the place of the torch model: the tagger cannot tell them apart.

Built in notebook 09.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor, nn
from transformers.modeling_outputs import TokenClassifierOutput

from nerlib.decoding import visible_words
from nerlib.encoders import EncoderError
from nerlib.model import NERConfig, labels_loss
from nerlib.tools.serving.engines import Engine


class EngineModel(nn.Module):
    """Has what `Tagger` and `evaluate` use of a `NERClassifier`: its settings, and the call.

    It holds no weights: they are in the engine. So it cannot be trained, saved or moved.
    """

    def __init__(self, config: NERConfig, engine: Engine) -> None:
        super().__init__()
        self.config = config
        self.engine = engine
        self.encoder = SimpleNamespace(config=config.encoder_config())
        self.device = torch.device("cpu")
        learnt = config.transitions
        self.transitions = None if learnt is None else torch.tensor(learnt)
        self.eval()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        word_ids: Tensor | None = None,
        labels: Tensor | None = None,
        num_words: int | None = None,
    ) -> TokenClassifierOutput:
        """Return logits (batch, words, tags), and the loss if labels are given, as the model."""
        if word_ids is None:
            raise ValueError("word_ids is needed: which word does each subword belong to?")
        if num_words is None:
            num_words = labels.shape[1] if labels is not None else int(word_ids.max()) + 1
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask.long()
        arrays = [tensor.cpu().numpy() for tensor in (input_ids, mask, word_ids)]
        words = np.arange(num_words, dtype=np.int64)
        logits = torch.from_numpy(self.engine(arrays[0], arrays[1], arrays[2], words))
        loss = None
        if labels is not None:
            seen = visible_words(word_ids.cpu(), num_words)
            loss = labels_loss(logits, labels.cpu(), seen, self.transitions)
        return TokenClassifierOutput(loss=loss, logits=logits)

    def save_pretrained(self, *_: Any, **__: Any) -> NoReturn:
        """Raise `EncoderError`: an export is not the model."""
        raise EncoderError(
            "an exported graph cannot be saved or published as a model: load the model with "
            'Tagger.from_pretrained(path), which is backend="torch"'
        )
