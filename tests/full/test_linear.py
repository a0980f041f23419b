"""Twice the text is twice the work, up to a megabyte: counted in calls, not in seconds."""

import gc
import io
import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from tiny_encoders import make_row, new_model, tokenizer_of

from nerlib import AnnotationError, Parser, Tagger, evaluate_tags
from nerlib.corpus import read_rows, short_lines
from nerlib.decoding import best_tags
from nerlib.subwords import plan_windows
from nerlib.tools.own_data import corpus_from_lines

# Texts that grow by repetition, as people write and as nobody should.
PIECES = (
    *("wake me at [time : nine am], please! ", "[a : b]", "word ", "a", " ", "!", "«a»! ", "'\""),
    *("\u0301", "👩\u200d", "打开[设备 : 灯]", " : ", "\x1b\u202e", "x [a : b] y."),
)
BROKEN = ("[", "[a : ", "[a", "]", "[]")
MEGABYTE = 2**20


def count_calls(function: Callable[[], Any]) -> int:
    """Return how many functions, Python's own included, are called while it runs."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    gc.disable()  # what it calls back, now and then, is not the function's work
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(None)
        gc.enable()
    return calls


def check_linear(work: Callable[[int], object]) -> None:
    """Check that twice the size takes at most twice the calls."""
    work(500)  # what is done once, such as filling a cache
    small, large = (count_calls(partial(work, size)) for size in (500, 1000))
    assert large <= 2 * small


@pytest.mark.parametrize("segmentation", ["spaces", "characters"])
@pytest.mark.parametrize("piece", PIECES, ids=ascii)
def test_a_megabyte_is_read_exactly_with_linear_work(piece, segmentation):
    parser = Parser(segmentation)
    check_linear(lambda size: parser.parse(piece * size))
    long = piece * (MEGABYTE // len(piece.encode()))
    parsed = parser.parse(long)
    assert parser.annotate(parsed.text, parsed.spans) == long


@pytest.mark.parametrize("piece", BROKEN)
def test_a_fault_in_a_megabyte_is_found(piece):
    for before in ("", "[a : b]" * 50_000):
        with pytest.raises(AnnotationError) as caught:
            Parser().parse(before + piece * (MEGABYTE // len(piece)))
        assert caught.value.position == len(before)


TAGS = ("O", "B-TIME", "I-TIME", "B-DATE", "O", "I-TIME", "B-TIME")
ROW = json.dumps(make_row(0, "at nine")).encode().replace(b'"0"', b'"%d"')
ACTIONS: dict[str, Callable[[int], object]] = {
    "scores": lambda size: evaluate_tags([TAGS * size], [TAGS[::-1] * size]),
    "decoding": lambda size: best_tags(torch.zeros(1, size, 5), torch.ones(1, size).bool()),
    "windows": lambda size: plan_windows([1, 0, 64, 0, 0, 3] * size, 64),
    "own lines": lambda size: corpus_from_lines("at [time : nine]\n" * size),
    "rows": lambda size: list(read_rows((ROW % number for number in range(size)), "x.jsonl")),
    "lines": lambda size: list(short_lines(io.BytesIO(b"wake me up\n" * size))),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_many_words_and_rows_take_linear_work(action):
    check_linear(ACTIONS[action])


@pytest.mark.parametrize("text", ["wake me up at 9:30 ", "a", "."])
def test_a_long_text_is_tagged_to_its_end(text):
    tagger = Tagger(new_model("bert"), tokenizer_of("bert"), "cpu", "fp32")
    long = text * (MEGABYTE // 16 // len(text))
    words = tagger.parser.split_words(long)
    assert [word for word, _ in tagger.tags(long)] == [word.text for word in words]
