"""What any input at all must keep: each target takes bytes and fails if a promise is broken.

`test_fuzz.py` replays the kept inputs in `tests/fuzz/`; `fuzz_run.py` looks for new ones.
"""

# ruff: noqa: PT017  (an error that is allowed is looked at, not expected)

import io
import json
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from types import SimpleNamespace
from unittest import mock

import regex
import tiny_encoders as tiny
import torch

from nerlib import (
    AnnotationError,
    CorpusError,
    NERDataset,
    Parser,
    Tagger,
    TagSet,
    Word,
    collate,
    spans_to_tags,
    tags_to_spans,
)
from nerlib.analysis.display import highlight, visible
from nerlib.corpus import COLUMNS, Split, read_rows, rows_to_dataset, short_lines, wanted_locales
from nerlib.dataset import IGNORE
from nerlib.parsing import ParsedUtterance
from nerlib.subwords import NO_WORD, plan_windows, word_ids_from_groups
from nerlib.tools import cli, commands
from nerlib.tools.own_data import corpus_from_lines
from nerlib.tools.recipes import RecipeError, get_recipe

PARSERS = (Parser(), Parser("characters"))
# Subwords of three kinds: WordPiece, byte-level BPE, Unigram.
FAMILIES = ("bert", "roberta", "xlm-roberta")
SPACE = regex.compile(r"\s++")


def as_text(data: bytes) -> str:
    """Any bytes as text: what is not UTF-8 becomes lone surrogates, which a str can hold."""
    return data.decode("utf-8", "surrogateescape")


def check_message(error: BaseException, *parts: str) -> None:
    """A message is one short line that a terminal shows as it is, and names the place."""
    message = str(error)
    assert message.isprintable(), ascii(message)
    assert len(message) <= 600, len(message)
    assert all(part in message for part in parts), message


def check_words(words: Sequence[Word], text: str) -> None:
    """Words stand where they say, in order, apart, and hold every character but spaces."""
    cursor = 0
    for word in words:
        assert cursor <= word.start < word.end
        assert text[word.start : word.end] == word.text
        cursor = word.end
    assert "".join(word.text for word in words) == SPACE.sub("", text)


def check_parsed(parsed: ParsedUtterance) -> None:
    """Everything that holds for each parsed utterance."""
    check_words(parsed.words, parsed.text)
    assert len(parsed.tags) == len(parsed.words)
    assert spans_to_tags(parsed.words, parsed.spans) == list(parsed.tags)
    found = tags_to_spans(parsed.words, parsed.tags)
    for span, kept in zip(found, parsed.spans, strict=True):
        value = parsed.text[kept.start : kept.end]
        assert SPACE.sub("", parsed.text[span.start : span.end]) == SPACE.sub("", value)


def parse_or_none(parser: Parser, text: str) -> ParsedUtterance | None:
    """The parse, or nothing where the documented error says why not."""
    try:
        return parser.parse(text, "7")
    except AnnotationError as error:
        assert text[error.position] in "[]"
        check_message(error, f"row 7, character {error.position}: ")
        return None


def parser(data: bytes) -> None:
    """Bracketed text, in both ways to cut words."""
    text = as_text(data)
    for one in PARSERS:
        parsed = parse_or_none(one, text)
        if parsed is None:
            check_words(one.split_words(text), text)
        else:
            check_parsed(parsed)
            assert one.annotate(parsed.text, parsed.spans) == text


def alignment(data: bytes) -> None:
    """Words to subwords to tensors, and back; the first byte picks the kind of subwords."""
    family, text = FAMILIES[data[0] % 3] if data else "bert", as_text(data[1:])
    plain = parse_or_none(PARSERS[0], text)
    row = {"id": "7", "locale": "", "annot_utt": text, "utt": plain.text if plain else text}
    tags = TagSet.from_corpus([row])
    assert TagSet.from_labels(tags.labels) == tags
    made = NERDataset([row], tiny.tokenizer_of(family), tags, on_error="skip")
    assert len(made) + len(made.report.skipped) == 1
    assert len(made) == (plain is not None)
    for item, utterance in zip(made.items, made.utterances, strict=True):
        check_item(item, utterance, tags)
        batch = collate([item, made.items[0]], made.pad_id)  # an item, and padding
        assert torch.equal(batch["input_ids"][0, : len(item["input_ids"])], item["input_ids"])
        assert torch.equal(batch["labels"][0, : len(item["target"])], item["target"])
        assert int(batch["attention_mask"][0].sum()) == len(item["input_ids"])


def check_item(item: dict[str, torch.Tensor], utterance: ParsedUtterance, tags: TagSet) -> None:
    """One target a word; the subwords of a word stand together, in the words' order."""
    groups, target = item["subword_group"].tolist(), item["target"].tolist()
    assert len(groups) == len(target) == len(utterance.words)
    length, cursor = len(item["input_ids"]), 0
    for (first, count), number, tag in zip(groups, target, utterance.tags, strict=True):
        if count:
            assert cursor <= first
            assert first + count <= length
            assert number == tags.get_id(tag)
            cursor = first + count
        else:
            assert (first, number) == (0, IGNORE)
    seen = word_ids_from_groups(item["subword_group"], length)
    assert int((seen != NO_WORD).sum()) == sum(count for _, count in groups)


@cache
def tagger(family: str) -> Tagger:
    """An untrained tagger: it finds nonsense everywhere, so that every offset is tried."""
    model = tiny.new_model(family, TagSet.from_types(["time", "date"]))
    return Tagger(model, tiny.tokenizer_of(family), "cpu", "fp32")


def windows(data: bytes) -> None:
    """Text that is longer than the encoder; the first bytes pick subwords and repetitions."""
    family, times = (FAMILIES[data[0] % 3], 1 + data[1] % 5) if len(data) > 1 else ("bert", 1)
    text = as_text(data[2:]) * times
    check_entities(tagger(family), text)
    assert visible(text) in repr(highlight(text, []))
    check_plan(list(data), limit=16)


def check_entities(tagger: Tagger, text: str) -> None:
    """Entities are spans of whole words, where they say."""
    found, words = tagger(text), tagger.parser.split_words(text)
    for entity in found:
        assert text[entity.start : entity.end] == entity.text
        assert 0.0 < entity.score <= 1.0
    check_words(words, text)
    tagged = tagger.tags(text)
    assert [word for word, _ in tagged] == [word.text for word in words]
    spans = tags_to_spans(words, [tag for _, tag in tagged])
    places = [(span.type, span.start, span.end) for span in spans]
    assert places == [(entity.type, entity.start, entity.end) for entity in found]


def check_plan(counts: list[int], limit: int) -> None:
    """Windows fit, go on, and keep each word exactly once."""
    counts = [min(count, limit) for count in counts]
    plan = plan_windows(counts, limit)
    kept = [word for _, _, keep_from, keep_to in plan for word in range(keep_from, keep_to)]
    assert kept == list(range(len(counts)))
    reached = 0
    for first, end, keep_from, keep_to in plan:
        assert first <= keep_from <= keep_to <= end
        assert sum(counts[first:end]) <= limit
        assert end > reached or not counts  # every window reads something new
        reached = end


def corpus(data: bytes) -> None:
    """A file of JSON lines, or of one's own bracketed lines, and what picks rows of it."""
    try:
        rows = list(read_rows(short_lines(io.BytesIO(data)), "rows.jsonl"))
    except CorpusError as error:
        check_message(error)
        assert str(error).startswith(("rows.jsonl, line ", "rows.jsonl is empty"))
    else:
        assert len({(row["locale"], row["id"]) for row in rows}) == len(rows)
        assert rows_to_dataset(rows).to_list() == rows
        assert all(tuple(row) == COLUMNS for row in rows)
    text = as_text(data)
    for ask in (Split.parse, get_recipe, lambda name: wanted_locales(name, ("en-US", "ru-RU"))):
        try:
            ask(text)
        except (CorpusError, RecipeError) as error:
            check_message(error)
    try:
        made = corpus_from_lines(text)
    except CorpusError as error:
        assert str(error).replace("\n", "").isprintable(), ascii(str(error))
    else:
        assert all(Parser().parse(row["annot_utt"]).text == row["utt"] for row in made)


def command_line(data: bytes) -> None:
    """Bytes on standard input of `nerlib tag`: JSON lines, or one line and exit status 2."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8", newline=""), io.StringIO()
    stdin = SimpleNamespace(buffer=io.BytesIO(data))
    with (
        mock.patch.object(commands, "load_tagger", return_value=tagger("bert")),
        mock.patch.object(commands.sys, "stdin", stdin),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        status = cli.main(["tag"])
    out.flush()
    printed = out.buffer.getvalue().decode()  # type: ignore[attr-defined]
    records = [json.loads(line) for line in printed.split("\n")[:-1]]
    for record in records:
        for entity in record["entities"]:
            assert record["text"][entity["start"] : entity["end"]] == entity["text"]
    said = err.getvalue()
    if status == 0:
        lines = data.decode().removesuffix("\n").split("\n") if data else []
        lines[:1] = [line.removeprefix("\ufeff") for line in lines[:1]]
        wanted = [line.rstrip("\r") for line in lines]
        assert ([record["text"] for record in records], said) == (wanted, "")
    else:
        assert status == 2
        assert said.startswith("nerlib: standard input, line ")
        assert said.endswith("\n")
        assert said[:-1].isprintable(), ascii(said)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "parser": parser,
    "alignment": alignment,
    "windows": windows,
    "corpus": corpus,
    "command_line": command_line,
}
