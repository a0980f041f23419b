"""From text to entities: one sentence, a list, or an endless stream.

Built in notebook 06.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Self, overload

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from nerlib.decoding import best_tags, visible_words
from nerlib.device import Compute, Precision, choose_compute
from nerlib.encoders import loading, max_subwords
from nerlib.model import NERClassifier
from nerlib.parsing import Word, tag_chunks
from nerlib.saving import folder_of, load_model, load_saved_tokenizer, save_model
from nerlib.subwords import (
    Window,
    cut_into_windows,
    pad_windows,
    positions,
    special_subwords,
    windows_by_length,
)


@dataclass(frozen=True, slots=True)
class Entity:
    """A piece of text with its type; `text[start:end]` of the input equals `text`.

    `score` is the model's mean probability, over the entity's words, of the tags it chose.
    """

    type: str
    text: str
    start: int
    end: int
    score: float


class PlainTagger:
    """Finds entities in text with a trained model. Built in notebook 06.

    Call it with one text, a list of texts, or an iterator, which it answers with a generator that
    holds only `chunk` texts at a time. `nerlib.Tagger` is this one with all that makes it faster.
    """

    def __init__(
        self,
        model: NERClassifier,
        tokenizer: PreTrainedTokenizerFast,
        device: str = "auto",
        precision: Precision = "auto",
        batch_size: int = 128,
    ) -> None:
        self.compute: Compute = choose_compute(device, precision)
        self.model: NERClassifier = nn.Module.to(model, self.compute.device)
        self.model.eval()
        self.tokenizer = tokenizer
        self.parser = model.config.parser
        self.batch_size = batch_size
        self.chunk = 32 * batch_size
        self._special = special_subwords(tokenizer)

    @classmethod
    def from_pretrained(
        cls, path: str | Path, device: str = "auto", precision: Precision = "auto"
    ) -> Self:
        """Return the tagger that `save_pretrained` wrote to a folder, or one from the Hub.

        Raises `EncoderError` if there is none, saying what is missing.
        """
        folder = folder_of(path)  # once: of a moving repository, both come from one commit
        with loading("no model can be loaded from", folder, shown=str(path)):
            model = load_model(folder)
            tokenizer = load_saved_tokenizer(folder, model.encoder.config)
        return cls(model, tokenizer, device, precision)

    def save_pretrained(self, path: str | Path) -> None:
        """Write model, settings and tokenizer to a folder, as safetensors and JSON."""
        save_model(self.model, self.tokenizer, path)

    def compute_logits(
        self, input_ids: Tensor, attention_mask: Tensor, word_ids: Tensor, num_words: int
    ) -> Tensor:
        """Return the network's logits (batch, words, tags); the inputs are (batch, subwords).

        A tagger that computes in another way overrides this.
        """
        with self.compute.autocast():
            output = self.model(input_ids, attention_mask, word_ids, num_words=num_words)
        logits: Tensor = output.logits
        return logits

    @overload
    def __call__(self, text: str) -> list[Entity]: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, text: Sequence[str]) -> list[list[Entity]]: ...
    @overload
    def __call__(self, text: Iterator[str]) -> Iterator[list[Entity]]: ...

    def __call__(
        self, text: str | Sequence[str] | Iterator[str]
    ) -> list[Entity] | list[list[Entity]] | Iterator[list[Entity]]:
        """Return the entities of one text, of each text of a list, or of an iterator lazily."""
        if isinstance(text, str):
            return self._tag([text])[0]
        # An iterator, whatever the collection is (a set, a Series): else it never ends.
        texts = map(_checked_text, count(1), text)
        chunks = iter(lambda: list(islice(texts, self.chunk)), [])
        found = (entities for chunk in chunks for entities in self._tag(chunk))
        return list(found) if isinstance(text, Sequence) else found

    def tags(self, text: str) -> list[tuple[str, str]]:
        """Return each word of a text with its BIO tag."""
        words = self.parser.split_words(text)
        tags, _ = self.predict_words([words])[0]
        return [(word.text, tag) for word, tag in zip(words, tags, strict=True)]

    def _tag(self, texts: Sequence[str]) -> list[list[Entity]]:
        """Return the entities of every text, in order."""
        words = [self.parser.split_words(text) for text in texts]
        predictions, names = self.predict_words(words), self.model.config.type_names
        return [
            to_entities(text, inside, tags, scores, names)
            for text, inside, (tags, scores) in zip(texts, words, predictions, strict=True)
        ]

    def predict_words(self, words: Sequence[Sequence[Word]]) -> list[tuple[list[str], list[float]]]:
        """Return the tags and their probabilities of every utterance's words."""
        results: list[tuple[list[str], list[float]]] = [([], []) for _ in words]
        windows = list(self._windows(words))
        parts = Counter(window.text for window in windows)
        whole = [window for window in windows if parts[window.text] == 1]
        for batch, logits, visible in self._batches(whole):
            lengths = [len(window.groups) for window in batch]
            for window, found in zip(batch, self._decode(logits, visible, lengths), strict=True):
                results[window.text] = found
        long = [window for window in windows if parts[window.text] > 1]
        for text, (logits, visible) in self._join(long).items():
            results[text] = self._decode(logits[None], visible[None], [len(logits)])[0]
        return results

    def _decode(
        self, logits: Tensor, visible: Tensor, lengths: Sequence[int]
    ) -> list[tuple[list[str], list[float]]]:
        """Return the tags and probabilities of each row of a batch, as many as it has words."""
        labels = self.model.config.labels
        numbers, probabilities = (part.tolist() for part in best_tags(logits, visible))
        return [
            ([labels[number] for number in numbers[row][:length]], probabilities[row][:length])
            for row, length in enumerate(lengths)
        ]

    def score_words(self, words: Sequence[Sequence[Word]]) -> list[tuple[Tensor, Tensor]]:
        """Return each utterance's logits (words, tags) and which words are seen (words)."""
        nothing = torch.zeros(0, len(self.model.config.labels)), torch.zeros(0).bool()
        scored = self._join(list(self._windows(words)))
        return [scored.get(text, nothing) for text in range(len(words))]

    def _join(self, windows: Sequence[Window]) -> dict[int, tuple[Tensor, Tensor]]:
        """Return, for each utterance, logits and seen words, put together from its windows."""
        parts: dict[int, list[tuple[int, Tensor, Tensor]]] = {}
        for batch, all_logits, all_visible in self._batches(windows):
            for window, logits, visible in zip(batch, all_logits, all_visible, strict=True):
                kept = slice(window.keep_from - window.first, window.keep_to - window.first)
                piece = window.keep_from, logits[kept], visible[kept]
                parts.setdefault(window.text, []).append(piece)
        joined = {text: sorted(part, key=lambda piece: piece[0]) for text, part in parts.items()}
        return {
            text: (torch.cat([p[1] for p in part]), torch.cat([p[2] for p in part]))
            for text, part in joined.items()
        }

    def _batches(
        self, windows: Sequence[Window]
    ) -> Iterator[tuple[Sequence[Window], Tensor, Tensor]]:
        """Yield windows of like length, their logits and which words are seen."""
        for batch in windows_by_length(windows, self.batch_size):
            yield batch, *self._run(batch)

    @torch.inference_mode()
    def _run(self, batch: Sequence[Window]) -> tuple[Tensor, Tensor]:
        """Return logits (windows, words, tags) and which words are seen (windows, words)."""
        input_ids, mask, word_ids = pad_windows(batch, int(self.tokenizer.pad_token_id or 0))
        num_words = max(len(window.groups) for window in batch)
        device = self.compute.device
        inputs = input_ids.to(device), mask.to(device), word_ids.to(device)
        logits = self.compute_logits(*inputs, num_words)
        return logits.float().cpu(), visible_words(word_ids, num_words)

    def _windows(self, words: Sequence[Sequence[Word]]) -> Iterator[Window]:
        """Yield the windows of all utterances that have words: one each, unless one is too long."""
        most = max_subwords(self.tokenizer, positions(self.model.encoder.config))
        return cut_into_windows(self.tokenizer, words, most, self._special)


def _checked_text(number: int, text: object) -> str:
    """Return a text of many; raises `TypeError` for what is none, counted from 1."""
    if not isinstance(text, str):
        shown = "" if text is None else f" ({text!r:.40})"
        raise TypeError(f"text {number}: must be a string, not {type(text).__name__}{shown}")
    return text


def to_entities(
    text: str,
    words: Sequence[Word],
    tags: Sequence[str],
    scores: Sequence[float],
    names: Mapping[str, str] | None = None,
) -> list[Entity]:
    """Return the entities that tags describe, with offsets into the text. Built in notebook 06.

    `names` says how a type is spelled, by default in lower case.

    >>> to_entities("at nine", [Word("at", 0, 2), Word("nine", 3, 7)], ["O", "B-TIME"], [1, 0.5])
    [Entity(type='time', text='nine', start=3, end=7, score=0.5)]
    """
    entities, names = [], names or {}
    for name, first, end in tag_chunks(tags):
        start, stop = words[first].start, words[end - 1].end
        score = sum(scores[first:end]) / (end - first)
        entities.append(Entity(names.get(name, name.lower()), text[start:stop], start, stop, score))
    return entities


def ner_inference(text: str, model: NERClassifier, tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """Return one tag number per word of the text, as the tutorial's function of this name does."""
    tagger = PlainTagger(model, tokenizer, device=str(model.device), precision="fp32")
    tags = model.config.tags
    return [tags.get_id(tag) for _, tag in tagger.tags(text)]
