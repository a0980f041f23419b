"""Label Studio's task JSON: annotations by people, and predictions to start from.

Offsets count characters, as Label Studio does today; older versions counted UTF-16 units, which
the text that stands beside the offsets gives away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from nerlib.atomic import whole_file
from nerlib.parsing import Span
from nerlib.tools.exchange.document import Document, ExchangeError, at_rows, shown
from nerlib.tools.exchange.json_files import (
    a_list,
    a_score,
    a_span,
    a_text,
    an_object,
    read_json_file,
    to_json,
)

FROM_NAME, TO_NAME = "label", "text"  # as in Label Studio's own template for NER

Row = dict[str, Any]


def read_label_studio(path: Path, report: Callable[[str], None] = print) -> list[Document]:
    """Return the tasks of an export (JSON or JSON-MIN) that somebody, or a model, has annotated.

    `report` hears of what is left out: tasks without annotation, results that mark no span. Raises
    `ExchangeError` with the task for what cannot be read, or annotations that contradict.
    """
    content = read_json_file(path)
    documents: list[Document] = []
    skipped, other = 0, 0
    tasks = a_list([content] if isinstance(content, dict) else content, path.name, "the file")
    for number, task in enumerate(tasks, start=1):
        document, ignored = read_task(task, f"{path.name}, task {number}")
        documents += [document] if document else []
        skipped += document is None
        other += ignored
    if skipped:
        report(f"{path.name}: {skipped} of {len(tasks)} tasks have no annotation and are left out")
    if other:
        report(f"{path.name}: {other} results that mark no span (choices, relations) are left out")
    if not documents:
        raise ExchangeError(f"{path.name} holds no task with an annotation or a prediction")
    return documents


def read_task(task: Row, where: str) -> tuple[Document | None, int]:
    """Return one task's document, if it has one, and how many results mark no span.

    >>> value = {"start": 3, "end": 7, "labels": ["time"]}
    >>> task = {"data": {"text": "at nine"}, "annotations": [{"result": [
    ...     {"type": "labels", "value": value}]}]}
    >>> read_task(task, "task 1")[0].marked
    [('time', 'nine')]
    """
    if "data" not in task:
        return _smallest(task, where), 0
    text = _text(an_object(task["data"], where, "data"), where)
    given = a_list(task.get("annotations"), where, "annotations")
    annotations = [one for one in given if not one.get("was_cancelled")]
    approved = [one for one in annotations if one.get("ground_truth")]
    predictions = [] if given else a_list(task.get("predictions"), where, "predictions")
    read = [_document(text, one, where, False) for one in approved or annotations]
    read += [_document(text, one, where, True) for one in predictions]
    if not read:
        return None, 0
    if any(document != read[0][0] for document, _ in read):
        raise ExchangeError(
            f"{where}: its {len(read)} annotations differ; delete all but one, or mark one as "
            "ground truth"
        )
    return read[0]


def write_label_studio(documents: Iterable[Document], path: Path) -> int:
    """Write documents as tasks to import, and return their number.

    What a model marked becomes predictions with scores, which Label Studio shows to start from.
    Raises `ExchangeError` for a score that JSON cannot hold.
    """
    count = 0
    with whole_file(path) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as file:
        for row, document in at_rows(documents):
            file.write(("[\n" if not count else ",\n") + to_json(label_studio_task(document), row))
            count += 1
        file.write("\n]\n" if count else "[]\n")
    return count


def label_studio_task(document: Document) -> Row:
    """Return a document as a task.

    >>> task = label_studio_task(Document("at nine", (Span("time", 3, 7),)))
    >>> task["annotations"][0]["result"][0]["value"]
    {'start': 3, 'end': 7, 'text': 'nine', 'labels': ['time']}
    """
    results = [_result(document, index) for index in range(len(document.spans))]
    task: Row = {"data": {TO_NAME: document.text}}
    if document.scores is None:
        return {**task, "annotations": [{"result": results}]}
    for result, score in zip(results, document.scores, strict=True):
        result["score"] = score
    mean = sum(document.scores) / max(1, len(document.scores))
    return {**task, "predictions": [{"model_version": "nerlib", "score": mean, "result": results}]}


def _result(document: Document, index: int) -> Row:
    span = document.spans[index]
    value = {"start": span.start, "end": span.end, "text": document.text[span.start : span.end]}
    names = {"id": f"span-{index + 1}", "from_name": FROM_NAME, "to_name": TO_NAME}
    return {**names, "type": "labels", "value": {**value, "labels": [span.type]}}


def _document(text: str, annotation: Row, where: str, predicted: bool) -> tuple[Document, int]:
    """Return what one annotation, or prediction, says, and how many results mark no span."""
    spans: list[Span] = []
    scores: list[float] = []
    results = a_list(annotation.get("result"), where, "result")
    for result in results:
        kind = str(result.get("type"))
        if kind != "labels":
            if kind.endswith("labels"):
                raise ExchangeError(f"{where}: {kind} are no spans of plain text")
            continue
        spans.append(_span(text, an_object(result.get("value"), where, "value"), where))
        if predicted:
            score = result.get("score", annotation.get("score"))
            if score is None:
                raise ExchangeError(f"{where}: a prediction without score; accept it in the tool")
            scores.append(a_score(score, where))
    try:
        document = Document(text, tuple(spans), scores=tuple(scores) if predicted else None)
    except ExchangeError as error:
        raise ExchangeError(f"{where}: {error}") from None
    return document, len(results) - len(spans)


def _span(text: str, value: Row, where: str) -> Span:
    """Return a region's span, whichever way its offsets were counted."""
    labels = value.get("labels")
    if not isinstance(labels, list) or len(labels) != 1:
        raise ExchangeError(f"{where}: a region must have one label, not {str(labels)[:40]}")
    span = a_span(value, labels[0], where)
    marked = value.get("text")
    if not isinstance(marked, str) or _same(text[max(0, span.start) : max(0, span.end)], marked):
        return span
    units = text.encode("utf-16-le", "surrogatepass")
    start, end = (
        len(units[: 2 * max(0, place)].decode("utf-16-le", "replace"))
        for place in (span.start, span.end)
    )
    if _same(text[start:end], marked):
        return Span(span.type, start, end)
    raise ExchangeError(f"{where}: the text at {shown(span)} is not {marked[:40]!r}, as it says")


def _same(found: str, marked: str) -> bool:
    """Return whether a region's copy of its text is the text; some versions escape line ends."""
    return found == marked or found.replace("\n", "\\n") == marked


def _text(data: Row, where: str) -> str:
    """Return a task's text: the field of that name, or the only one that holds text."""
    texts = [name for name, value in data.items() if isinstance(value, str)]
    name = TO_NAME if TO_NAME in data else texts[0] if len(texts) == 1 else None
    if name is None:
        raise ExchangeError(f"{where}: which field of data is the text? call it 'text'")
    return a_text(data[name], where, f"data.{name}")


def _smallest(task: Row, where: str) -> Document | None:
    """Return a row of JSON-MIN, where the regions stand beside the text."""
    text = a_text(task.get("text"), where, "text")
    lists = [v for v in task.values() if isinstance(v, list) and v and "labels" in str(v[0])[:999]]
    if len(lists) > 1:
        raise ExchangeError(f"{where}: there are {len(lists)} lists of labels; keep one")
    if not lists:
        return None
    results = [{"type": "labels", "value": value} for value in a_list(lists[0], where, "labels")]
    return _document(text, {"result": results}, where, False)[0]
