"""Twice the text is at most twice the work, up to a megabyte: counted in steps, not in seconds.

Work that starts with something fixed and then goes on evenly is `fixed + rate * length`, and of
that twice the length takes at most twice as much: no tolerance is needed. Where a long text is cut
into windows, each joint of two copies may cost as much as one window.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import regex
import torch
from step_counting import Search, Text, TooManySteps, executed_lines, patterns
from tiny_encoders import (
    MAX_SUBWORDS,
    new_model,
    one_thread,  # noqa: F401  # a fixture for this module
    tokenizer_of,
)

from nerlib import AnnotationError, CorpusError, NERDataset, Parser, Span, Tagger, TagSet
from nerlib.analysis.display import (
    alignment_table,
    highlight,
    highlight_pairs,
    highlight_terminal,
    isolated,
    shade_words,
    tag_table,
    visible,
)
from nerlib.analysis.matching import count_kinds
from nerlib.corpus import read_rows, short_lines
from nerlib.dataset import subword_groups, word_ids_from_groups
from nerlib.decoding import best_tags
from nerlib.inference import to_entities
from nerlib.metrics import evaluate_tags
from nerlib.parsing import check_same_text, spans_to_tags, tags_to_spans
from nerlib.subwords import plan_windows
from nerlib.tools.own_data import corpus_from_lines

SIZE = 2_000  # characters, about
DOUBLED = (1, 2, 4)  # times SIZE
MEGABYTE = (1, 500)

# Texts that grow by repetition, as people write and as nobody should.
PIECES = {
    "sentence": "wake me at [time : nine am] on [date : friday], please! ",
    "touching slots": "[a : b]",
    "no slots": "wake me up at 9:30 ",
    "one word": "a",
    "spaces": " ",
    "punctuation": ".",
    "marks": "a\u0301\u0301",
    "only marks": "\u0301",
    "emoji": "👩🏽\u200d🚀",
    "wide": "打开[设备 : 灯]",
    "opening": "[",
    "closing": "]",
    "pairs": "[]",
    "nested": "[a : ",
    "separators": " : ",
    "control": "\x1b\u202e",
    "HTML": '<b>&"',
}
AROUND = {
    "one long slot": ("[a : ", "x.", "]"),
    "never closed": ("x [a : ", "x.", ""),
    "one long type": ("[", "x.", " : b]"),
    "late error": ("", PIECES["sentence"], "[a : b] [a : b"),
    **{name: ("", piece, "") for name, piece in PIECES.items()},
}
AT_A_MEGABYTE = ("one word", "one long slot", "never closed")  # quick
ALSO = ("parse", "own lines, many", "file, one row")  # these with sentences too


def text_of(kind: str, times: int) -> str:
    """A text of about this many times SIZE; its middle is exactly so many times as long."""
    before, piece, after = AROUND[kind]
    return f"{before}{piece * (SIZE // len(piece) * times)}{after}"


def check_linear(
    work: Callable[[int], int], all_times: tuple[int, ...] = DOUBLED, joint: int = 0
) -> None:
    """So many times the length takes at most so many times the work, and a joint in between."""
    counts = {times: work(times) for times in all_times}
    for before, after in itertools.pairwise(all_times):
        ratio = after / before
        most = ratio * counts[before] + (ratio - 1) * joint
        assert counts[after] <= most, f"{counts}: more than linear"


def steps(action: Callable[[str], object], text: str) -> int:
    """What an action does with a text: lines that run, and characters gone through."""
    seen = Text(text)
    return executed_lines(lambda: _tried(action, seen)) + seen.seen


def _tried(action: Callable[[str], object], text: str) -> None:
    with suppress(AnnotationError, CorpusError):
        action(text)


def there_and_back(text: str) -> None:
    """Brackets to words, spans and tags, and back again."""
    parsed = Parser().parse(text)
    spans = tags_to_spans(parsed.words, spans_to_tags(parsed.words, parsed.spans))
    Parser().annotate(parsed.text, spans)
    to_entities(parsed.text, parsed.words, parsed.tags, [0.5] * len(parsed.words))
    check_same_text(parsed.text, parsed.text + "x")


def shown(text: str) -> None:
    """Everything that displays a text."""
    half = len(text) // 2
    spans = [Span("time", place, place + 1) for place in range(0, half, 70)]
    highlight(text, spans)
    highlight_pairs([(text, spans, spans[::2])])
    highlight_terminal(text, spans)
    isolated(visible(text))


def tables(text: str) -> None:
    """Everything that displays words."""
    parsed = Parser().parse(text)
    words = [word.text for word in parsed.words]
    tag_table(parsed)
    shade_words(words, [1.0] * len(words))
    alignment_table(words, words, range(len(words)))


def row_of(text: str, number: str = "1") -> bytes:
    """A line of a corpus file with this utterance."""
    row = dict.fromkeys(("id", "locale", "partition", "scenario", "intent"), number)
    return json.dumps({**row, "utt": text, "annot_utt": text}).encode()


def read_long_row(text: str) -> None:
    list(read_rows(short_lines(io.BytesIO(row_of(text))), "rows.jsonl"))


ACTIONS: dict[str, Callable[[str], object]] = {
    "parse": Parser().parse,
    "parse characters": Parser("characters").parse,
    "words": Parser().split_words,
    "words as characters": Parser("characters").split_words,
    "there and back": there_and_back,
    "display": shown,
    "own lines, one": corpus_from_lines,
    "own lines, many": lambda text: corpus_from_lines(text.replace(" ", "\n")),
    "file, one row": read_long_row,
}


@pytest.mark.parametrize("kind", AROUND)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_text_takes_linear_work(action: str, kind: str) -> None:
    steps(ACTIONS[action], text_of(kind, 1))  # what is done once, such as filling a cache
    long = kind in AT_A_MEGABYTE or (kind == "sentence" and action in ALSO)
    sizes = MEGABYTE if long else DOUBLED
    check_linear(lambda times: steps(ACTIONS[action], text_of(kind, times)), sizes)


class TestManyWords:
    """Work that goes by words, tags and rows: up to so many as a megabyte holds."""

    TAGS = ("O", "B-TIME", "I-TIME", "B-DATE", "O", "I-TIME", "B-TIME")
    OTHER = ("B-DATE", "I-DATE", "I-DATE", "O", "O", "B-TIME", "I-TIME")
    WORDS = (1, 50)  # times 1,000

    def check(
        self, action: Callable[[int], object], all_times: tuple[int, ...] = WORDS, joint: int = 0
    ) -> None:
        """Check what an action does with so many times 1,000 of something."""
        action(1)
        check_linear(lambda times: executed_lines(lambda: action(times)), all_times, joint)

    def test_scores(self) -> None:
        self.check(
            lambda times: evaluate_tags([self.TAGS * 143 * times], [self.OTHER * 143 * times])
        )

    def test_matching(self) -> None:
        self.check(
            lambda times: count_kinds([self.TAGS * 143 * times], [self.OTHER * 143 * times]),
        )

    def test_the_best_tags(self) -> None:
        logits = torch.zeros(1, 8_000, 5)
        seen = torch.ones(1, 8_000, dtype=torch.bool)
        self.check(
            lambda times: best_tags(logits[:, : 1000 * times], seen[:, : 1000 * times]), (1, 2, 8)
        )

    def test_words_and_their_subwords(self) -> None:
        def there_and_back(times: int) -> None:
            numbers = [None, *(word // 3 for word in range(3000 * times)), None]
            groups = subword_groups(numbers, 1000 * times)
            word_ids_from_groups(torch.tensor(groups), len(numbers))

        self.check(there_and_back)

    @pytest.mark.parametrize(
        "counts", [[1], [0], [64], [200], [1, 0, 64, 0, 0, 3], [16, 64]], ids=str
    )
    def test_a_plan_of_windows(self, counts: list[int]) -> None:
        fitting = [min(count, 64) for count in counts]
        # A window is planned in at most three lines for every word that it shares, and ten more.
        work = lambda times: plan_windows(fitting * (1200 // len(counts)) * times, 64)  # noqa: E731
        self.check(work, joint=64 * 3 + 10)

    def test_rows_of_a_file(self) -> None:
        def read(times: int) -> None:
            lines = (row_of("at [time : nine]", str(number)) for number in range(1000 * times))
            list(read_rows(lines, "rows.jsonl"))

        self.check(read, (1, 2, 10))


class TestTheTagger:
    """A long text is read in windows: the encoder sees at most so much more than there is."""

    @pytest.fixture(scope="class")
    def tagger(self) -> Tagger:
        model: Any = new_model("bert", TagSet.from_types(["time", "date"]))
        return Tagger(model, tokenizer_of("bert"), "cpu", "fp32")

    @pytest.mark.parametrize("kind", ["no slots", "one word", "spaces", "wide"])
    def test_windows_up_to_a_megabyte(self, tagger: Tagger, kind: str) -> None:
        def read_by_the_encoder(times: int) -> int:
            words = tagger.parser.split_words(text_of(kind, times))
            return sum(len(window.input_ids) for window in tagger._windows([words]))

        check_linear(read_by_the_encoder, MEGABYTE, joint=MAX_SUBWORDS)

    @pytest.mark.parametrize("kind", ["no slots", "one word", "punctuation"])
    def test_all_of_it(self, tagger: Tagger, kind: str) -> None:
        tagger(text_of(kind, 1))
        # Ten lines for each subword of one window more.
        check_linear(lambda times: steps(tagger, text_of(kind, times)), joint=10 * MAX_SUBWORDS)

    @pytest.mark.parametrize("kind", ["sentence", "touching slots", "wide", "one word"])
    def test_a_dataset(self, kind: str) -> None:
        tags, tokenizer = TagSet.from_types(["time", "date"]), tokenizer_of("bert")

        def make(text: str) -> None:
            row = {"id": "7", "utt": Parser().parse(text).text, "annot_utt": text}
            NERDataset([row], tokenizer, tags, Parser())

        make(text_of(kind, 1))
        # Only of the words that are cut off it is asked whether they have subwords at all.
        unasked = 100 * MAX_SUBWORDS
        check_linear(lambda times: steps(make, text_of(kind, times)), joint=unasked)


class Counting(io.BytesIO):
    """A file that counts the bytes that are read of it."""

    taken = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self.taken += len(line)
        return line


@pytest.mark.parametrize("end", ["", "\n"], ids=["one line", "many lines"])
def test_every_byte_of_a_file_is_read_once(end: str) -> None:
    file = Counting(("wake me up " + end).encode() * 100_000)
    assert sum(map(len, short_lines(file))) == file.taken == len(file.getvalue())


TIMES = (100, 200, 400)  # beyond every {1,96} in a pattern


def attacks(search: Search) -> Iterator[Callable[[int], str]]:
    """Texts meant to make a pattern try again and again: a part of them is repeated many times."""
    example, letters = search.example(), search.letters()
    pairs = ("".join(pair) for pair in itertools.permutations(letters[:6], 2))
    for pump in (*letters, *pairs):
        for cut in range(len(example) + 1):
            for after in ("", "\0", example[cut:]):
                yield (
                    lambda times, pump=pump, cut=cut, after=after: (  # type: ignore[misc]
                        example[:cut] + pump * times + after
                    )
                )


def check_pattern(pattern: str, everywhere: bool) -> int:
    """Check that no attack takes more than linear work, and that the counter finds the same."""
    search, real, tried = Search(pattern), regex.compile(pattern), 0
    for attack in attacks(search):
        counts = []
        for times in TIMES:
            text = attack(times)
            limit = 200 * (len(text) + 1)
            if everywhere:
                found = search.find(text, limit)
                assert found == [match.span() for match in real.finditer(text)], ascii(text)
            else:
                assert search.fits(text, limit) == bool(real.fullmatch(text)), ascii(text)
            counts.append(search.steps)
        # In steps of the repeated part: from 200 to 400 at most twice what 100 to 200 took.
        assert counts[2] - counts[1] <= 2 * (counts[1] - counts[0]), (ascii(attack(1)), counts)
        tried += 1
    return tried


ALL_PATTERNS = list(patterns())


class TestPatterns:
    @pytest.mark.parametrize(
        ("module", "pattern", "everywhere"),
        ALL_PATTERNS,
        ids=[f"{m} {p}" for m, p, _ in ALL_PATTERNS],
    )
    def test_no_text_makes_a_pattern_try_without_end(
        self, module: str, pattern: str, everywhere: bool
    ) -> None:
        assert check_pattern(pattern, everywhere) >= 3

    def test_all_of_them_are_found(self) -> None:
        where = {module for module, _, _ in ALL_PATTERNS}
        assert {"parsing", "corpus", "own_data", "hub", "untrusted"} <= where

    @pytest.mark.parametrize("pattern", [r"(a+)+b", r"(a|a)*b", r"(?:\w+ ?)+!", r"\s+$", r"a*a*b"])
    def test_the_counter_knows_a_catastrophe(self, pattern: str) -> None:
        with pytest.raises((TooManySteps, AssertionError)):
            check_pattern(pattern, everywhere=True)


class TestTheCounters:
    """A counter that cannot go up proves nothing: with quadratic code it must go red."""

    def test_a_loop_in_a_loop_is_noticed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("nerlib.parsing.tag_chunks", lambda tags: [])
        words, quadratic = Parser().split_words, tags_to_spans
        with pytest.raises(AssertionError, match="more than linear"):
            check_linear(
                lambda times: executed_lines(
                    lambda: [quadratic(words("a " * n), ["O"] * n) for n in range(times * 20)]
                )
            )

    def test_copies_of_the_rest_of_a_text_are_noticed(self) -> None:
        def quadratic(text: str) -> None:
            while text:
                text = text[1:]

        with pytest.raises(AssertionError, match="more than linear"):
            check_linear(lambda times: steps(quadratic, text_of("one word", times)))
