"""From text to entities: one sentence, a list, or an endless stream.

Built in notebook 06.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, overload

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from nerlib.atomic import new_folder, recover
from nerlib.bf16_weights import WeightCopy
from nerlib.decoding import best_tags, visible_words
from nerlib.device import Compute, Precision, choose_compute
from nerlib.encoders import EncoderError, check_fast, loading, max_subwords, quiet_transformers
from nerlib.model import NERClassifier, NERConfig
from nerlib.parsing import Word, tag_chunks
from nerlib.subwords import (
    encode_distinct_words,
    special_subwords,
)
from nerlib.untrusted import (
    check_fits,
    check_model,
    check_tokenizer,
    check_vocabulary,
    of_one_commit,
    read_settings,
)
from nerlib.windows import Window, pad_windows, plan_windows

# What a model folder holds: a new model takes the place of all of it.
MODEL_FILES = (
    *("config.json", "*.safetensors", "*.safetensors.index.json", "tokenizer*.json", "vocab.*"),
    *("special_tokens_map.json", "added_tokens.json", "merges.txt", "*.model"),
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


class Tagger:
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
        batch_size: int = 64,
    ) -> None:
        self.compute: Compute = choose_compute(device, precision)
        self.model: NERClassifier = nn.Module.to(model, self.compute.device)
        self.model.eval()
        self._weights = WeightCopy(self.model, self.compute)
        self.tokenizer = tokenizer
        self.parser = model.config.parser
        self.batch_size = batch_size
        self.chunk = 64 * batch_size
        self._prefix, self._suffix = special_subwords(tokenizer)

    @classmethod
    def from_pretrained(
        cls, path: str | Path, device: str = "auto", precision: Precision = "auto"
    ) -> Tagger:
        """Return the tagger that `save_pretrained` wrote to a folder, or one from the Hub.

        Raises `EncoderError` if there is none, saying what is missing.
        """
        folder = _folder_of(path)
        with loading("no tokenizer can be loaded from", folder, shown=str(path)):
            model = load_model(folder)
            check_tokenizer(folder)
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        tokenizer = check_fast(tokenizer, str(path))
        check_vocabulary(tokenizer, model.encoder.config)
        return cls(model, tokenizer, device, precision)

    def save_pretrained(self, path: str | Path) -> None:
        """Write model, settings and tokenizer to a folder, as safetensors and JSON."""
        save_model(self.model, self.tokenizer, path)

    def push_to_hub(self, repository: str, **options: Any) -> str:
        """Publish model, tokenizer and a model card as owner/name; return the address.

        `measured` (see `nerlib.publishing.measure`) puts scores on the card, `dry_run` writes all
        of it to a folder instead; the options are those of `nerlib.publishing.publish`. Raises
        `PublishError` with what to do.
        """
        from nerlib.publishing import publish  # what only those who publish need

        return publish(self, repository, **options)

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
        if isinstance(text, Sequence):
            return [found for part in self._chunks(iter(text)) for found in part]
        # `iter` of a collection that is no iterator (a set, a Series): else it never ends.
        return (found for part in self._chunks(iter(text)) for found in part)

    def tags(self, text: str) -> list[tuple[str, str]]:
        """Return each word of a text with its BIO tag."""
        words = self.parser.split_words(text)
        tags, _ = self._predict([words])[0]
        return [(word.text, tag) for word, tag in zip(words, tags, strict=True)]

    def _chunks(self, texts: Iterator[str]) -> Iterator[list[list[Entity]]]:
        """Yield the entities of some texts at a time."""
        while part := list(islice(texts, self.chunk)):
            yield self._tag(part)

    def _tag(self, texts: Sequence[str]) -> list[list[Entity]]:
        """Return the entities of every text, in order."""
        for text in texts:
            if not isinstance(text, str):
                raise TypeError(f"a text must be a string, not {type(text).__name__}")
        words = [self.parser.split_words(text) for text in texts]
        predictions = self._predict(words)
        return [
            to_entities(text, inside, tags, scores)
            for text, inside, (tags, scores) in zip(texts, words, predictions, strict=True)
        ]

    def _predict(self, words: Sequence[Sequence[Word]]) -> list[tuple[list[str], list[float]]]:
        """Return the tags and their probabilities of every utterance's words."""
        results: list[tuple[list[str], list[float]]] = [([], []) for _ in words]
        labels = self.model.config.labels
        scored = self.score_words(words)
        order = sorted(range(len(words)), key=lambda row: len(words[row]))
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            logits = pad_sequence([scored[row][0] for row in rows], True)
            visible = pad_sequence([scored[row][1] for row in rows], True, False)
            tags, probabilities = (part.tolist() for part in best_tags(logits, visible))
            for row, numbers, chances in zip(rows, tags, probabilities, strict=True):
                length = len(words[row])
                results[row] = ([labels[n] for n in numbers[:length]], chances[:length])
        return results

    @torch.inference_mode()
    def score_words(self, words: Sequence[Sequence[Word]]) -> list[tuple[Tensor, Tensor]]:
        """Return each utterance's logits (words, tags) and which words are seen (words)."""
        parts: list[list[tuple[int, Tensor, Tensor]]] = [[] for _ in words]
        windows = sorted(self._windows(words), key=lambda window: len(window.input_ids))
        for start in range(0, len(windows), self.batch_size):
            batch = windows[start : start + self.batch_size]
            for window, logits, visible in zip(batch, *self._run(batch), strict=True):
                kept = slice(window.keep_from - window.first, window.keep_to - window.first)
                parts[window.text].append((window.keep_from, logits[kept], visible[kept]))
        nothing = (0, torch.zeros(0, len(self.model.config.labels)), torch.zeros(0).bool())
        joined = (sorted(part, key=lambda piece: piece[0]) or [nothing] for part in parts)
        return [
            (torch.cat([p[1] for p in part]), torch.cat([p[2] for p in part])) for part in joined
        ]

    def _run(self, batch: Sequence[Window]) -> tuple[Tensor, Tensor]:
        """Return logits (windows, words, tags) and which words are seen (windows, words)."""
        input_ids, mask, word_ids = pad_windows(batch, int(self.tokenizer.pad_token_id or 0))
        device = self.compute.device
        num_words = max(len(window.groups) for window in batch)
        with self.compute.autocast():
            logits = self._weights.model(
                input_ids.to(device), mask.to(device), word_ids.to(device), num_words=num_words
            ).logits
        return logits.float().cpu(), visible_words(word_ids, num_words)

    def _windows(self, words: Sequence[Sequence[Word]]) -> Iterator[Window]:
        """Yield the windows of all utterances that have words: one each, unless one is too long."""
        rows = [row for row, inside in enumerate(words) if inside]
        if not rows:
            return
        encoded = encode_distinct_words(self.tokenizer, [words[row] for row in rows], special=False)
        limit = max_subwords(self.tokenizer, self._positions()) - len(self._prefix + self._suffix)
        for row, subwords in zip(rows, encoded, strict=True):
            yield from self._cut(row, subwords.input_ids, subwords.subword_group, limit)

    def _cut(
        self, row: int, ids: list[int], groups: list[tuple[int, int]], limit: int
    ) -> Iterator[Window]:
        """Yield one utterance's windows; a word of more than `limit` subwords loses the rest."""
        counts = [min(count, limit) for _, count in groups]
        for first, end, keep_from, keep_to in plan_windows(counts, limit):
            inside, local = list(self._prefix), []
            for (start, _), count in zip(groups[first:end], counts[first:end], strict=True):
                local.append((len(inside), count) if count else (0, 0))
                inside += ids[start : start + count]
            yield Window(row, inside + self._suffix, local, first, keep_from, keep_to)

    def _positions(self) -> int | None:
        """Return how many positions the encoder has, those reserved for padding not counted."""
        config = self.model.encoder.config
        positions = getattr(config, "max_position_embeddings", None)
        if positions and config.model_type in ("roberta", "xlm-roberta", "camembert"):
            return int(positions) - 2  # these start counting behind the padding's number
        return positions


def to_entities(
    text: str, words: Sequence[Word], tags: Sequence[str], scores: Sequence[float]
) -> list[Entity]:
    """Return the entities that tags describe, with offsets into the text. Built in notebook 06.

    >>> to_entities("at nine", [Word("at", 0, 2), Word("nine", 3, 7)], ["O", "B-TIME"], [1, 0.5])
    [Entity(type='time', text='nine', start=3, end=7, score=0.5)]
    """
    entities = []
    for name, first, end in tag_chunks(tags):
        start, stop = words[first].start, words[end - 1].end
        score = sum(scores[first:end]) / (end - first)
        entities.append(Entity(name.lower(), text[start:stop], start, stop, score))
    return entities


def ner_inference(text: str, model: NERClassifier, tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """Return one tag number per word of the text, as the tutorial's function of this name does."""
    tagger = Tagger(model, tokenizer, device=str(model.device), precision="fp32")
    tags = model.config.tags
    return [tags.get_id(tag) for _, tag in tagger.tags(text)]


def save_model(model: NERClassifier, tokenizer: PreTrainedTokenizerFast, path: str | Path) -> Path:
    """Write model and tokenizer to a folder that `Tagger.from_pretrained` reads; return it.

    The folder changes in one step: a model that was there before stays until the new one is whole,
    and files of other names stay where they are. Raises `OSError` if the disk takes no more.
    """
    with new_folder(path, replaces=MODEL_FILES) as folder, quiet_transformers():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return Path(path)


def load_model(path: str | Path) -> NERClassifier:
    """Return the model saved in a folder or on the Hub, in evaluation mode.

    Raises `EncoderError` if it is not there, is no model of this library, or is damaged: weights
    that are missing or left over are never replaced by random ones in silence. Nothing of a
    stranger's runs, and no memory is taken on their word: see `nerlib.untrusted`.
    """
    folder = _folder_of(path)
    with loading("no model can be loaded from", folder, shown=str(path)):
        settings = read_settings(folder) or NERConfig.get_config_dict(folder)[0]
        if settings.get("model_type") != NERConfig.model_type:
            kind = settings.get("model_type", "nothing known")
            raise EncoderError(f"{str(path)!r} holds a model of type {kind}, not one of nerlib")
        check_model(folder, NERClassifier.__name__)
        config = NERConfig.from_dict(settings)
        with torch.device("meta"):  # shapes only, no memory
            described = NERClassifier(config)
        check_fits(folder, described)
        loaded: Any = NERClassifier.from_pretrained(
            folder,
            config=config,
            ignore_mismatched_sizes=True,  # they are an error below, with their names
            output_loading_info=True,
        )
    model: NERClassifier = loaded[0]
    kinds = ("missing_keys", "unexpected_keys", "mismatched_keys")
    # Mismatched ones come as (name, shape, shape), the others as names.
    wrong = [n if isinstance(n, str) else n[0] for kind in kinds for n in loaded[1][kind]]
    if wrong:
        raise EncoderError(f"the weights in {str(path)!r} do not fit its config.json: {wrong[:3]}")
    model.eval()
    return model


def _folder_of(path: str | Path) -> str:
    """Return a model's folder, fetched from the Hub if it is none; raises `EncoderError`."""
    recover(path)
    with loading("no model can be loaded from", path):
        return of_one_commit(str(path), MODEL_FILES)
