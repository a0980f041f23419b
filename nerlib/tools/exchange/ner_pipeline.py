"""transformers' pipeline for a nerlib model: words, windows and tags are those of `Tagger`."""

# transformers' own pipelines give these methods signatures of their own as well.
# mypy: disable-error-code="override"

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, cast

from torch import Tensor
from transformers.pipelines.token_classification import (
    AggregationStrategy,
    TokenClassificationPipeline,
)

from nerlib.decoding import best_tags
from nerlib.device import Precision
from nerlib.encoders import check_fast
from nerlib.inference import to_entities
from nerlib.model import NERClassifier
from nerlib.parsing import OUTSIDE, Word
from nerlib.tools.tagger import Tagger

Row = dict[str, Any]


class NERPipeline(TokenClassificationPipeline):
    """What `pipeline("ner", model=folder)` gives for a nerlib model.

    Call it as any pipeline: with a text, a list, a generator or a dataset, and `batch_size`. With
    `aggregation_strategy="none"` (transformers' default) a text gives one row a word with its BIO
    tag; with any other strategy whole entities, those that `Tagger` finds: a word has one vector
    here, so there are no subwords to reconcile, and all strategies say the same. Texts of any
    length are read whole, in windows; `stride` changes nothing. `precision` is that of `Tagger`.
    Scores are plain numbers. Raises `ValueError` for what is neither text nor, with
    `is_split_into_words`, a list of words.
    """

    def __init__(self, *arguments: Any, precision: Precision = "auto", **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        model, tokenizer = cast(NERClassifier, self.model), cast(Any, self.tokenizer)
        check_fast(tokenizer, str(model.config.name_or_path))
        self.tagger = Tagger(model, tokenizer, str(self.device), precision)

    def check_model_type(self, supported_models: Any) -> None:
        """Accept the model: only nerlib's come here, and transformers' list names its own alone."""

    def _sanitize_parameters(
        self,
        ignore_labels: Sequence[str] | None = None,
        aggregation_strategy: AggregationStrategy | str | None = None,
        offset_mapping: object = None,
        is_split_into_words: bool = False,
        stride: int | None = None,
        delimiter: str | None = None,
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Return what was asked for, sorted by the step that it concerns."""
        if offset_mapping is not None:
            raise ValueError("offset_mapping is of no use here: offsets are those of the text")
        before: dict[str, Any] = {}
        if is_split_into_words:
            before["delimiter"] = " " if delimiter is None else delimiter
        after: dict[str, Any] = {}
        if ignore_labels is not None:
            after["ignore_labels"] = ignore_labels
        if aggregation_strategy is not None:
            after["aggregation_strategy"] = AggregationStrategy(aggregation_strategy)
        return before, {}, after

    def preprocess(self, sentence: Any, delimiter: str | None = None) -> Iterator[Row]:
        """Yield a text's words; they were found before if `delimiter` is what stands between."""
        if delimiter is not None:
            words = _given_words(sentence, delimiter)
            sentence = delimiter.join(word.text for word in words)
        elif isinstance(sentence, str):
            words = self.tagger.parser.split_words(sentence)
        else:
            raise ValueError(f"a text must be a string, not {type(sentence).__name__}")
        yield {"text": sentence, "words": words, "is_last": True}

    def _forward(self, model_inputs: Row) -> Row:
        """Return the logits of a text's words, or of a batch's: then every value is a list."""
        alone = isinstance(model_inputs["text"], str)
        words = [model_inputs["words"]] if alone else model_inputs["words"]
        scored = self.tagger.score_words(words)
        if alone:
            logits, visible = (part.unsqueeze(0) for part in scored[0])
            return {**model_inputs, "logits": logits, "visible": visible}
        columns = {"logits": [pair[0] for pair in scored], "visible": [pair[1] for pair in scored]}
        return {**model_inputs, **columns}

    def postprocess(
        self,
        all_outputs: Sequence[Row],
        aggregation_strategy: AggregationStrategy = AggregationStrategy.NONE,
        ignore_labels: Sequence[str] = (OUTSIDE,),
    ) -> list[Row]:
        """Return rows by word, or entities, without those whose label is to be ignored."""
        (output,) = all_outputs  # long texts are cut into windows, and joined, by the tagger
        text, words = output["text"], output["words"]
        tags, scores = self._tags(output["logits"], output["visible"])
        if aggregation_strategy is AggregationStrategy.NONE:
            rows = word_rows(words, tags, scores)
            return [row for row in rows if row["entity"] not in ignore_labels]
        ignored = {label.lower() for label in ignore_labels}
        rows = entity_rows(text, words, tags, scores)
        return [row for row in rows if row["entity_group"].lower() not in ignored]

    def _tags(self, logits: Tensor, visible: Tensor) -> tuple[list[str], list[float]]:
        """Return one text's tags and their probabilities, from (1, words, tags) and (1, words)."""
        best = best_tags(logits, visible, self.model.transitions)
        numbers, scores = (part[0].tolist() for part in best)
        return [self.model.config.labels[number] for number in numbers], scores


def word_rows(words: Sequence[Word], tags: Sequence[str], scores: Sequence[float]) -> list[Row]:
    """Return a row a word, in the form of transformers' pipelines; `index` counts from 0.

    >>> word_rows([Word("nine", 3, 7)], ["B-TIME"], [0.5])
    [{'entity': 'B-TIME', 'score': 0.5, 'index': 0, 'word': 'nine', 'start': 3, 'end': 7}]
    """
    return [
        {
            "entity": tag,
            "score": score,
            "index": index,
            "word": word.text,
            "start": word.start,
            "end": word.end,
        }
        for index, (word, tag, score) in enumerate(zip(words, tags, scores, strict=True))
    ]


def entity_rows(
    text: str, words: Sequence[Word], tags: Sequence[str], scores: Sequence[float]
) -> list[Row]:
    """Return the entities in the form of transformers' pipelines, and what lies between them.

    The latter have the group `O`, as there, and are ignored unless somebody asks for them.

    >>> rows = entity_rows("at nine", [Word("at", 0, 2), Word("nine", 3, 7)], ["O", "B-TIME"],
    ...                    [1.0, 0.5])
    >>> [(row["entity_group"], row["word"], row["score"]) for row in rows]
    [('O', 'at', 1.0), ('time', 'nine', 0.5)]
    """
    rows = [
        _group(entity.type, entity.text, entity.start, entity.end, entity.score)
        for entity in to_entities(text, words, tags, scores)
    ]
    for tag, run in groupby(range(len(tags)), key=tags.__getitem__):
        if tag == OUTSIDE:
            places = list(run)
            start, end = words[places[0]].start, words[places[-1]].end
            score = sum(scores[place] for place in places) / len(places)
            rows.append(_group(OUTSIDE, text[start:end], start, end, score))
    return sorted(rows, key=lambda row: row["start"])


def _group(name: str, text: str, start: int, end: int, score: float) -> Row:
    return {"entity_group": name, "score": score, "word": text, "start": start, "end": end}


def _given_words(words: Any, delimiter: str) -> list[Word]:
    """Return words that somebody else has split, with their places in the joined text."""
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError("with is_split_into_words a text must be a list of words")
    placed, start = [], 0
    for word in words:
        placed.append(Word(word, start, start + len(word)))
        start += len(word) + len(delimiter)
    return placed
