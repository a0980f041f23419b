"""What `python -m nerlib tag` prints: JSON lines with a text and its entities. For reading only."""

from __future__ import annotations

from pathlib import Path

from nerlib.tools.exchange.document import Document, ExchangeError
from nerlib.tools.exchange.json_files import a_list, a_score, a_span, a_text, read_json_lines


def read_tagged(path: Path) -> list[Document]:
    """Return the texts of a file with the entities that a model found; raises `ExchangeError`."""
    documents = []
    for where, row in read_json_lines(path):
        text = a_text(row.get("text"), where, "text")
        found = a_list(row.get("entities"), where, "entities")
        spans = tuple(a_span(item, item.get("type"), where) for item in found)
        scores = tuple(a_score(item.get("score"), where) for item in found)
        try:
            documents.append(Document(text, spans, scores=scores))
        except ExchangeError as error:
            raise ExchangeError(f"{where}: {error}") from None
    return documents
