"""Find entities with the graph in this folder, without nerlib, PyTorch or transformers.

    python tag.py "wake me at nine"             # or a text a line on standard input

It needs `pip install onnxruntime tokenizers regex`, a graph (.onnx) beside it, and tokenizer.json
in the folder above. One text at a time, of any length; the answers are those
of `python -m nerlib tag`. Copy it and change it: nerlib writes it, and never reads it.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence  # noqa: F401 (what export puts in needs them)
from dataclasses import dataclass  # noqa: F401
from itertools import pairwise  # noqa: F401
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import regex
from numpy.typing import NDArray
from tokenizers import Tokenizer

from nerlib.parsing import split_edges, tag_chunks
from nerlib.subwords import plan_windows

Array = NDArray[Any]
_EDGE = regex.compile(r"[\p{P}\p{Sc}\p{Sm}^`](?!\p{M})")
CHUNK = {
    "spaces": regex.compile(r"\S++"),
    "characters": regex.compile(r"(?:[!-~]\p{M}*+)++|\S\p{M}*+"),
}
SETTINGS: dict[str, Any] = {}  # of the model: export puts them in


class GraphTagger:
    """Finds entities in a text with an exported graph."""

    def __init__(self, folder: Path) -> None:
        """Read the graph in the folder, fp32 before int8, and the tokenizer in the one above."""
        self.tokenizer = Tokenizer.from_file(str(folder.parent / "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.tokenizer.encode_special_tokens = True  # a "[SEP]" in the text is text
        self.engine = onnxruntime.InferenceSession(
            min(folder.glob("*.onnx")), providers=["CPUExecutionProvider"]
        )

    def __call__(self, text: str) -> list[dict[str, Any]]:
        """Return the entities: type, text, start, end (exclusive) and score."""
        chunks = CHUNK[SETTINGS["segmentation"]].finditer(text)
        words = [word for one in chunks for word in split_edges(one[0], one.start())]
        if not words:
            return []
        pieces = [self.subwords(word.text) for word in words]
        tags, chances = best_tags(self.logits(pieces), np.array([bool(one) for one in pieces]))
        entities: list[dict[str, Any]] = []
        for name, first, end in tag_chunks([SETTINGS["labels"][tag] for tag in tags]):
            start, stop = words[first].start, words[end - 1].end
            found = {"type": SETTINGS["names"][name], "text": text[start:stop]}
            score = float(np.mean(chances[first:end]))
            entities.append(found | {"start": start, "end": stop, "score": score})
        return entities

    def subwords(self, word: str) -> list[int]:
        """Return a word's subwords, as many as fit; special ones count as unknown."""
        plain = word.encode("utf-8", "replace").decode("utf-8")  # half a character becomes "?"
        ids = self.tokenizer.encode([plain], is_pretokenized=True, add_special_tokens=False).ids
        if SETTINGS["unknown"] is not None:
            ids = [SETTINGS["unknown"] if i in SETTINGS["reserved"] else i for i in ids]
        return ids[: SETTINGS["room"]]

    def logits(self, pieces: list[list[int]]) -> Array:
        """Return logits (words, tags), of a long text put together from windows."""
        kept, before, after = [], SETTINGS["before"], SETTINGS["after"]
        wanted = {one.name for one in self.engine.get_inputs()}
        for first, end, keep_from, keep_to in plan_windows([*map(len, pieces)], SETTINGS["room"]):
            inside = pieces[first:end]
            ids = [*before, *(i for piece in inside for i in piece), *after]
            numbers = [n for n, piece in enumerate(inside) for _ in piece]
            numbers = [-1] * len(before) + numbers + [-1] * len(after)
            rows = {"input_ids": [ids], "attention_mask": [[1] * len(ids)], "word_ids": [numbers]}
            inputs = {n: np.array(row, np.int64) for n, row in rows.items() if n in wanted}
            inputs["words"] = np.arange(end - first)
            kept.append(self.engine.run(None, inputs)[0][0, keep_from - first : keep_to - first])
        return np.concatenate(kept)


def best_tags(logits: Array, seen: Array) -> tuple[list[int], list[float]]:
    """Return the best tags that BIO allows (Viterbi), and their probabilities, both (words)."""
    chances = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    scores = np.where(seen[:, None], chances, -np.inf)
    scores[~seen, 0] = 0.0  # what the encoder does not see is in no entity
    tags = scores.shape[1]
    steps = np.zeros((tags, tags))
    for inside in range(2, tags, 2):  # I-X follows B-X and I-X alone
        steps[:, inside] = -np.inf
        steps[inside - 1 : inside + 1, inside] = 0.0
    best, came_from = scores[0].copy(), []
    best[2::2] = -np.inf
    for word in scores[1:]:
        arrived = best[:, None] + steps
        came_from.append(arrived.argmax(0))
        best = arrived.max(0) + word
    path = [int(best.argmax())]
    for before in reversed(came_from):
        path.append(int(before[path[-1]]))
    path.reverse()
    return path, np.exp(chances[np.arange(len(path)), path]).tolist()


if __name__ == "__main__":
    tagger = GraphTagger(Path(__file__).parent)
    with open(0, encoding="utf-8", newline="\n") as lines:  # 0 is standard input
        try:
            for line in sys.argv[1:] or lines:
                text = line.removesuffix("\n").removesuffix("\r")
                print(json.dumps({"text": text, "entities": tagger(text)}), flush=True)
        except UnicodeDecodeError as error:
            print(f"the input is not UTF-8 ({error}): save it so", file=sys.stderr)
            sys.exit(2)
        except BrokenPipeError:  # whoever reads the answers has enough, as `head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
