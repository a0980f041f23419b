"""transformers' pipeline for a nerlib model: words, windows and tags are those of `Tagger`."""

# transformers' own pipelines give these methods signatures of their own as well.
# mypy: disable-error-code="override"

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, cast

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
    """`pipeline("ner", model=folder, pipeline_class=NERPipeline)` for a nerlib model.

    Call it as any pipeline: with a text, a list, a generator or a dataset, and `batch_size`. With
    `aggregation_strategy="none"` (transformers' default) a text gives one row a word with its BIO
    tag; with any other strategy whole entities, those that `Tagger` finds: a word has one vector
    here, so there are no subwords to reconcile, and all strategies say the same. Texts of any
    length are read whole, in windows. `precision` is that of `Tagger`. Scores are plain numbers.
    Raises `ValueError` for what is not a text.
    """

    def __init__(self, *arguments: Any, precision: Precision = "auto", **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        model, tokenizer = cast(NERClassifier, self.model), cast(Any, self.tokenizer)
        check_fast(tokenizer, str(model.config.name_or_path))
        self.tagger = Tagger(model, tokenizer, str(self.device), precision)

    def check_model_type(self, supported_models: Any) -> None:
        """Accept the model: transformers' list has only models of its own."""

    def _sanitize_parameters(
        self,
        ignore_labels: Sequence[str] | None = None,
        aggregation_strategy: AggregationStrategy | str | None = None,
        is_split_into_words: bool = False,
        delimiter: str | None = None,
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Return what was asked for, sorted by the step that it concerns."""
        if is_split_into_words or delimiter:  # transformers always passes these two on
            raise ValueError("is_split_into_words is not supported: give the whole text")
        after: dict[str, Any] = {}
        if ignore_labels is not None:
            after["ignore_labels"] = ignore_labels
        if aggregation_strategy is not None:
            after["aggregation_strategy"] = AggregationStrategy(aggregation_strategy)
        return {}, {}, after

    def preprocess(self, sentence: Any) -> Iterator[Row]:
        """Yield a text's words, all in one row: the tagger cuts windows itself."""
        if not isinstance(sentence, str):
            raise ValueError(f"a text must be a string, not {type(sentence).__name__}")
        yield {"text": sentence, "words": self.tagger.parser.split_words(sentence), "is_last": True}

    def _forward(self, model_inputs: Row) -> Row:
        """Return the logits of a text's words, or of a batch's: then every value is a list."""
        if isinstance(model_inputs["text"], str):
            (scored,) = self.tagger.score_words([model_inputs["words"]])
            logits, visible = (part.unsqueeze(0) for part in scored)
            return {**model_inputs, "logits": logits, "visible": visible}
        scored_texts = self.tagger.score_words(model_inputs["words"])
        every_logits, every_visible = map(list, zip(*scored_texts, strict=True))
        return {**model_inputs, "logits": every_logits, "visible": every_visible}

    def postprocess(
        self,
        all_outputs: Sequence[Row],
        aggregation_strategy: AggregationStrategy = AggregationStrategy.NONE,
        ignore_labels: Sequence[str] = (OUTSIDE,),
    ) -> list[Row]:
        """Return rows by word, or entities, without those whose label is to be ignored."""
        (output,) = all_outputs  # long texts are cut into windows, and joined, by the tagger
        text, words, model = output["text"], output["words"], self.tagger.model
        best = best_tags(output["logits"], output["visible"], model.transitions)
        numbers, scores = (part[0].tolist() for part in best)
        tags = [model.config.labels[number] for number in numbers]
        if aggregation_strategy is AggregationStrategy.NONE:
            rows = word_rows(words, tags, scores)
            return [row for row in rows if row["entity"] not in ignore_labels]
        ignored = {label.lower() for label in ignore_labels}
        rows = entity_rows(text, words, tags, scores)
        return [row for row in rows if row["entity_group"].lower() not in ignored]


def word_rows(words: Sequence[Word], tags: Sequence[str], scores: Sequence[float]) -> list[Row]:
    """Return a row a word, in the form of transformers' pipelines; `index` counts from 0.

    >>> word_rows([Word("nine", 3, 7)], ["B-TIME"], [0.5])
    [{'entity': 'B-TIME', 'score': 0.5, 'index': 0, 'word': 'nine', 'start': 3, 'end': 7}]
    """
    columns = ("entity", "score", "index", "word", "start", "end")
    return [
        dict(zip(columns, (tag, score, index, word.text, word.start, word.end), strict=True))
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
