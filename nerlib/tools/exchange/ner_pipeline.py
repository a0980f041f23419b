"""transformers' pipeline for a nerlib model: words, windows and tags are those of `Tagger`."""

# transformers' own pipelines give these methods signatures of their own as well.
# mypy: disable-error-code="override"

from collections.abc import Iterator, Sequence
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
from nerlib.parsing import OUTSIDE
from nerlib.tools.tagger import Tagger

Row = dict[str, Any]


class NERPipeline(TokenClassificationPipeline):
    """`pipeline("ner", model=folder, pipeline_class=NERPipeline)` for a nerlib model.

    With `aggregation_strategy="none"` (transformers' default) a text of any length gives one row a
    word with its BIO tag; with any other, the entities that `Tagger` finds. `precision` is that of
    `Tagger`. Raises `ValueError` for what is not a text.
    """

    def __init__(self, *arguments: Any, precision: Precision = "auto", **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        model, tokenizer = cast(NERClassifier, self.model), cast(Any, self.tokenizer)
        check_fast(tokenizer, str(model.config.name_or_path))
        self.tagger = Tagger(model, tokenizer, str(self.device), precision)

    def check_model_type(self, supported_models: Any) -> None:
        """Accept the model: transformers' list has only models of its own."""

    def _sanitize_parameters(self, **options: Any) -> tuple[Row, Row, Row]:
        """Return what was asked for, sorted by the step that it concerns."""
        if options.get("is_split_into_words"):
            raise ValueError("is_split_into_words is not supported: give the whole text")
        _, _, after = super()._sanitize_parameters(**options)
        return {}, {}, after

    def preprocess(self, sentence: Any) -> Iterator[Row]:
        """Yield a text's words, all in one row: the tagger cuts windows itself."""
        if not isinstance(sentence, str):
            raise ValueError(f"a text must be a string, not {type(sentence).__name__}")
        yield {"text": sentence, "words": self.tagger.parser.split_words(sentence), "is_last": True}

    def _forward(self, model_inputs: Row) -> Row:
        """Score a text's words, or a batch's: then every value is a list."""
        words, single = model_inputs["words"], isinstance(model_inputs["text"], str)
        scored = self.tagger.score_words([words] if single else words)
        return {**model_inputs, "scored": scored[0] if single else scored}

    def postprocess(
        self,
        all_outputs: Sequence[Row],
        aggregation_strategy: AggregationStrategy = AggregationStrategy.NONE,
        ignore_labels: Sequence[str] = (OUTSIDE,),
    ) -> list[Row]:
        """Return rows by word, or entities, without those whose label is to be ignored."""
        (output,) = all_outputs  # long texts are cut into windows, and joined, by the tagger
        logits, visible = output["scored"]
        best = best_tags(logits[None], visible[None])
        numbers, scores = (part[0].tolist() for part in best)
        tags = [self.tagger.model.config.labels[number] for number in numbers]
        if aggregation_strategy is AggregationStrategy.NONE:
            rows = zip(tags, scores, output["words"], strict=True)
            return [
                {"entity": tag, "score": score, "index": index,
                 "word": word.text, "start": word.start, "end": word.end}
                for index, (tag, score, word) in enumerate(rows) if tag not in ignore_labels
            ]  # fmt: skip
        names = self.tagger.model.config.type_names
        ignored = {label.lower() for label in ignore_labels}
        return [
            {"entity_group": entity.type, "score": entity.score,
             "word": entity.text, "start": entity.start, "end": entity.end}
            for entity in to_entities(output["text"], output["words"], tags, scores, names)
            if entity.type.lower() not in ignored
        ]  # fmt: skip
