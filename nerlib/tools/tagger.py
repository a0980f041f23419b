"""The tagger that users get: the plain one with other engines, faster networks and publishing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from torch import Tensor
from transformers import PreTrainedTokenizerFast

from nerlib.addons.attention import attend_together
from nerlib.addons.bf16_weights import WeightCopy
from nerlib.dataset import NERDataset
from nerlib.device import Precision
from nerlib.encoders import loading
from nerlib.inference import PlainTagger
from nerlib.model import NERClassifier
from nerlib.parsing import Span, Word, spans_to_tags
from nerlib.saving import folder_of, load_saved_tokenizer


class Tagger(PlainTagger):
    """Finds entities in text with a trained model. Built in notebook 06.

    Call it with one text, a list of texts, or an iterator, which it answers with a generator that
    holds only `chunk` texts at a time.
    """

    def __init__(
        self,
        model: NERClassifier,
        tokenizer: PreTrainedTokenizerFast,
        device: str = "auto",
        precision: Precision = "auto",
        batch_size: int = 128,
    ) -> None:
        super().__init__(model, tokenizer, device, precision, batch_size)
        attend_together(self.model.encoder)
        self._weights = WeightCopy(self.model, self.compute)

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        device: str = "auto",
        precision: Precision = "auto",
        backend: str = "torch",
        variant: str | None = None,
    ) -> Self:
        """Return the tagger that `save_pretrained` wrote to a folder, or one from the Hub.

        `backend` "onnx", "openvino" or "static" takes what `python -m nerlib export` wrote there,
        on the CPU, and `variant` says which of it; see `nerlib.tools.serving`. Raises
        `EncoderError` if there is none, saying what is missing.
        """
        if backend == "torch":
            return super().from_pretrained(path, device, precision)
        from nerlib.tools.serving.loading import load_exported  # what only the extra needs

        folder = folder_of(path)
        with loading("no model can be loaded from", folder, shown=str(path)):
            model = load_exported(folder, backend, variant)
            tokenizer = load_saved_tokenizer(folder, model.encoder.config)
        return cls(model, tokenizer, "cpu", "fp32")

    def compute_logits(
        self, input_ids: Tensor, attention_mask: Tensor, word_ids: Tensor, num_words: int
    ) -> Tensor:
        """Return the network's logits, computed in bf16 weights where that is the precision."""
        self._weights.refresh()
        output = self._weights.model(input_ids, attention_mask, word_ids, num_words=num_words)
        logits: Tensor = output.logits
        return logits

    def predict_words(self, words: Sequence[Sequence[Word]]) -> list[tuple[list[str], list[float]]]:
        """Return the tags and their probabilities of every utterance's words."""
        static = getattr(self.model, "predict_words", None)  # it reads words, not subwords
        return static(words, self.tokenizer) if static else super().predict_words(words)

    def push_to_hub(self, repository: str, **options: Any) -> str:
        """Publish model, tokenizer and a model card as owner/name; return the address.

        `measured` (see `nerlib.tools.publishing.measure`) puts scores on the card, `dry_run` writes
        all of it to a folder instead; the options are those of `nerlib.tools.publishing.publish`.
        Raises `PublishError` with what to do.
        """
        from nerlib.tools.publishing import publish  # what only those who publish need

        return publish(self, repository, **options)


def tag_plain_text(tagger: PlainTagger, data: NERDataset) -> list[list[str]]:
    """Return, for the words of a dataset's utterances, the tags of what is found in their texts.

    The tagger gets the plain text, as from a user: it does not know where the annotation cuts
    words, and reads long texts in windows.
    """
    found = tagger([utterance.text for utterance in data.utterances])
    return [
        spans_to_tags(utterance.words, [Span(one.type, one.start, one.end) for one in entities])
        for utterance, entities in zip(data.utterances, found, strict=True)
    ]
