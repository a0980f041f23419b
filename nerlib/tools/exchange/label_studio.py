"""Label Studio's task JSON: annotations by people, and predictions to start from."""

from __future__ import annotations

from pathlib import Path

from nerlib.parsing import Span
from nerlib.tools.exchange import json_files as js
from nerlib.tools.exchange.document import Document, ExchangeError, Reading, located, shown
from nerlib.tools.exchange.json_files import Row

FROM_NAME, TO_NAME = "label", "text"  # as in Label Studio's own template for NER


def read_label_studio(path: Path, reading: Reading | None = None) -> list[Document]:
    """Return the tasks of a JSON export that somebody, or a model, has annotated.

    `reading` is told what is left out. Raises `ExchangeError` with the task that is wrong.
    """
    content, report = js.read_json_file(path), (reading or Reading()).report
    with located(path.name):
        tasks = js.objects([content] if isinstance(content, dict) else content, "the file")
    read = [read_task(task, f"{path.name}, task {n}") for n, task in enumerate(tasks, start=1)]
    documents = [document for document, _ in read if document]
    if not documents:
        raise ExchangeError(f"{path.name} holds no task with an annotation or a prediction")
    if skipped := len(tasks) - len(documents):
        report(f"{path.name}: {skipped} of {len(tasks)} tasks have no annotation and are left out")
    if other := sum(ignored for _, ignored in read):
        report(f"{path.name}: {other} results that mark no span (choices, relations) are left out")
    return documents


def read_task(task: Row, where: str) -> tuple[Document | None, int]:
    """Return one task's document, if it has one, and how many results mark no span.

    >>> value = {"start": 3, "end": 7, "labels": ["time"]}
    >>> task = {"data": {"text": "at nine"}, "annotations": [{"result": [
    ...     {"type": "labels", "value": value}]}]}
    >>> read_task(task, "task 1")[0].marked
    [('time', 'nine')]
    """
    with located(where):
        text = _text(js.checked(task.get("data"), dict, "data"))
        given = js.objects(task.get("annotations"), "annotations")
        annotations = [one for one in given if not one.get("was_cancelled")]
        approved = [one for one in annotations if one.get("ground_truth")]
        predictions = [] if given else js.objects(task.get("predictions"), "predictions")
        read = [_document(text, one, False) for one in approved or annotations]
        read += [_document(text, one, True) for one in predictions]
        if any(document != read[0][0] for document, _ in read):
            advice = "delete all but one, or mark one as ground truth"
            raise ExchangeError(f"its {len(read)} annotations differ; {advice}")
    return read[0] if read else (None, 0)


def label_studio_task(document: Document) -> Row:
    """Return a document as a task; what a model marked becomes a prediction with scores.

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


def _document(text: str, annotation: Row, predicted: bool) -> tuple[Document, int]:
    """Return what one annotation, or prediction, says, and how many results mark no span."""
    results = js.objects(annotation.get("result"), "result")
    marks = [result for result in results if str(result.get("type")).endswith("labels")]
    spans = tuple(_span(text, mark) for mark in marks)
    scores = None
    if predicted:
        found = [mark.get("score", annotation.get("score")) for mark in marks]
        if None in found:
            raise ExchangeError("a prediction without score; accept it in the tool")
        scores = tuple(map(js.a_score, found))
    return Document(text, spans, scores=scores), len(results) - len(spans)


def _span(text: str, result: Row) -> Span:
    """Return a region's span; raises `ExchangeError` if its own copy of the text differs."""
    if result["type"] != "labels":
        raise ExchangeError(f"{result['type']} do not mark plain text")
    value = js.checked(result.get("value"), dict, "value")
    labels = value.get("labels")
    if not isinstance(labels, list) or len(labels) != 1:
        raise ExchangeError(f"a region must have one label, not {str(labels)[:40]}")
    span = js.a_span(value, labels[0])
    found = text[max(0, span.start) : max(0, span.end)]
    # Some versions escape line ends in the copy; very old ones counted UTF-16 units.
    if value.get("text") not in (None, found, found.replace("\n", "\\n")):
        raise ExchangeError(f"the text at {shown(span)} is not {str(value['text'])[:40]!r}")
    return span


def _text(data: Row) -> str:
    """Return a task's text: the field of that name, or the only one that holds text."""
    texts = [name for name, value in data.items() if isinstance(value, str)]
    name = TO_NAME if TO_NAME in data else texts[0] if len(texts) == 1 else None
    if name is None:
        raise ExchangeError("which field of data is the text? call it 'text'")
    return js.checked(data[name], str, f"data.{name}")
