"""Label Studio's task JSON: annotations by people, and predictions to start from."""

from pathlib import Path

from nerlib.tools.exchange import json_files as js
from nerlib.tools.exchange.document import Document, ExchangeError, Reading, each, located
from nerlib.tools.exchange.json_files import Row
from nerlib.tools.exchange.span_rows import has_spans, read_span_row

FROM_NAME, TO_NAME = "label", "text"  # as in Label Studio's own template for NER
NO_DATA = ("created_at", "updated_at")  # texts in JSON-MIN that are not the annotated one
OTHERS = "results that mark no span (choices, relations) are left out"


def read_label_studio(path: Path, reading: Reading) -> list[Document]:
    """Return the tasks of an export (JSON, JSON-MIN) that somebody, or a model, has annotated.

    `reading` is told what is left out. Raises `ExchangeError` with the task that is wrong.
    """
    content = js.read_json_file(path)
    with located(path.name):
        tasks = js.objects([content] if isinstance(content, dict) else content, "the file")
    read = each(lambda task: read_task(task, reading), tasks, f"{path.name}, task")
    return [document for document in read if document is not None]


def read_task(task: Row, reading: Reading) -> Document | None:
    """Return one task's document, if it has one; what is left out is noted.

    >>> value = {"start": 3, "end": 7, "labels": ["time"]}
    >>> task = {"data": {"text": "at nine"}, "annotations": [{"result": [
    ...     {"type": "labels", "value": value}]}]}
    >>> read_task(task, Reading()).marked
    [('time', 'nine')]
    """
    if "data" not in task and "annotations" not in task:
        return _read_flat(task, reading)
    text = js.a_text(js.checked(task.get("data"), dict, "data"), reading, "of data, ")
    given = js.objects(task.get("annotations"), "annotations")
    annotations = [one for one in given if not one.get("was_cancelled")]
    approved = [one for one in annotations if one.get("ground_truth")]
    read = [_document(text, one, None, reading) for one in approved or annotations]
    # An export may list numbers of predictions, without what they say.
    listed = [] if given else js.checked(task.get("predictions") or [], list, "predictions")
    predictions = [one for one in listed if isinstance(one, dict)]
    scored = [(one, scores) for one in predictions if (scores := _scores(one)) is not None]
    read += [_document(text, one, scores, reading) for one, scores in scored]
    if not read and reading.pool:
        return Document(text)
    if not read:
        why = "with predictions without scores" if predictions else "without an annotation"
        reading.note(f"{'cancelled tasks' if given else f'tasks {why}'} are left out")
        return None
    if any(document != read[0] for document in read):
        what = "annotations" if given else "predictions"
        advice = f"delete all but one{', or mark one as ground truth' if given else ''}"
        raise ExchangeError(f"its {len(read)} {what} differ; {advice}")
    return read[0]


def label_studio_task(document: Document) -> Row:
    """Return a document as a task; what a model marked becomes a prediction with scores.

    >>> from nerlib import Span
    >>> task = label_studio_task(Document("at nine", (Span("time", 3, 7),)))
    >>> task["annotations"][0]["result"][0]["value"]
    {'start': 3, 'end': 7, 'text': 'nine', 'labels': ['time']}
    """
    results: list[Row] = []
    for number, span in enumerate(document.spans, start=1):
        text = document.text[span.start : span.end]
        value = {"start": span.start, "end": span.end, "text": text, "labels": [span.type]}
        names = {"id": f"span-{number}", "from_name": FROM_NAME, "to_name": TO_NAME}
        results.append({**names, "type": "labels", "value": value})
    task: Row = {"data": {TO_NAME: document.text}}
    if document.scores is None:
        return {**task, "annotations": [{"result": results}]}
    for result, score in zip(results, document.scores, strict=True):
        result["score"] = score
    mean = sum(document.scores) / max(1, len(document.scores))
    return {**task, "predictions": [{"model_version": "nerlib", "score": mean, "result": results}]}


def _marks(annotation: Row) -> list[Row]:
    """Return the results of an annotation, or prediction, that mark something."""
    results = js.objects(annotation.get("result"), "result")
    return [result for result in results if str(result.get("type")).endswith("labels")]


def _scores(prediction: Row) -> tuple[float, ...] | None:
    """Return a score for each mark of a prediction, if it has them."""
    found = [mark.get("score", prediction.get("score")) for mark in _marks(prediction)]
    return None if None in found else tuple(map(js.a_score, found))


def _document(
    text: str, annotation: Row, scores: tuple[float, ...] | None, reading: Reading
) -> Document:
    """Return what one annotation, or prediction, says."""
    marks = _marks(annotation)
    other = len(js.objects(annotation.get("result"), "result")) - len(marks)
    reading.note(OTHERS, other)
    for mark in marks:
        if mark["type"] != "labels":
            raise ExchangeError(f"{mark['type']} do not mark plain text")
    regions = [_region(js.checked(mark.get("value"), dict, "value")) for mark in marks]
    return Document(text, js.marked(text, regions, reading), scores=scores)


def _read_flat(task: Row, reading: Reading) -> Document | None:
    """Return a task of JSON-MIN, where data and regions stand side by side, if it is annotated.

    An object without labels, but with spans, is a row of another program, one of a list.
    """
    lists = [value for value in task.values() if isinstance(value, list)]
    regions = [item for items in lists for item in items if isinstance(item, dict)]
    labelled = [region for region in regions if "labels" in region]
    if not labelled and "annotation_id" not in task and has_spans(task):
        return read_span_row(task, reading)
    reading.note(OTHERS, len(regions) - len(labelled))
    data = {name: value for name, value in task.items() if name not in NO_DATA}
    has_text = any(isinstance(value, str) for value in data.values())
    if has_text and not (regions or "annotation_id" in task or reading.pool):
        reading.note("tasks without an annotation are left out")
        return None
    text = js.a_text(data, reading)
    return Document(text, js.marked(text, list(map(_region, labelled)), reading))


def _region(value: Row) -> tuple[Row, str]:
    """Return a region and its label; raises `ExchangeError` unless it has one."""
    labels = value.get("labels")
    if not isinstance(labels, list) or len(labels) != 1:
        raise ExchangeError(f"a region must have one label, not {str(labels)[:40]}")
    return value, labels[0]
