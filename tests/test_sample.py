"""The sample corpus: built from its sources byte for byte, and as hard and as fair as promised."""

import collections
import json
import re
from functools import cache
from typing import Any

import pytest
from several_processes import python_output

from nerlib import Parser, load_corpus
from nerlib.corpus import COLUMNS, sample_folder
from nerlib.parsing import ParsedUtterance
from tools import build_sample as builder

FOLDER = sample_folder()
LOCALES = ("en-US", "ru-RU")
PARTS = ("train", "dev", "test")
_SCENARIOS = (
    "alarm audio calendar cooking datetime email general iot lists music news play qa "
    "recommendation social takeaway transport weather"
)
# MASSIVE's slot types (FitzGerald et al., 2022).
_SLOT_TYPES = (
    "alarm_type app_name artist_name audiobook_author audiobook_name business_name business_type "
    "change_amount coffee_type color_type cooking_type currency_name date definition_word "
    "device_type drink_type email_address email_folder event_name food_type game_name game_type "
    "general_frequency house_place ingredient joke_type list_name meal_type media_type movie_name "
    "movie_type music_album music_descriptor music_genre news_topic order_type person "
    "personal_info place_name player_setting playlist_name podcast_descriptor podcast_name "
    "radio_name relation song_name sport_type time time_zone timeofday transport_agency "
    "transport_descriptor transport_name transport_type weather_descriptor"
)
SCENARIOS, SLOT_TYPES = set(_SCENARIOS.split()), set(_SLOT_TYPES.split())


@cache
def rows_of(locale: str) -> list[dict[str, Any]]:
    """Return the committed rows as they stand in the file."""
    text = (FOLDER / "1.1" / "data" / f"{locale}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@cache
def parsed_of(locale: str) -> list[ParsedUtterance]:
    return [Parser().parse(row["annot_utt"], row["id"]) for row in rows_of(locale)]


def values_of(locale: str, part: str) -> set[tuple[str, str]]:
    """Return the different (slot type, value) pairs of a partition."""
    return {
        (span.type, parsed.text[span.start : span.end])
        for row, parsed in zip(rows_of(locale), parsed_of(locale), strict=True)
        for span in parsed.spans
        if row["partition"] == part
    }


def is_neighbours(parsed: ParsedUtterance) -> bool:
    """Return whether two slots stand side by side, with nothing but a space between."""
    pairs = zip(parsed.spans, parsed.spans[1:], strict=False)
    return any(not parsed.text[left.end : right.start].strip() for left, right in pairs)


def recurs(parsed: ParsedUtterance) -> bool:
    """Return whether a word of a slot occurs outside of every slot as well."""
    pairs = {(w.text, tag != "O") for w, tag in zip(parsed.words, parsed.tags, strict=True)}
    return len(pairs) > len({text for text, _ in pairs})


def is_long(parsed: ParsedUtterance, words: int = 5) -> bool:
    """Return whether a slot has at least so many words."""
    lengths = (sum(s.start <= w.start < s.end for w in parsed.words) for s in parsed.spans)
    return max(lengths, default=0) >= words


class TestBuild:
    def test_the_committed_files_are_what_the_script_builds(self, tmp_path):
        builder.write(tmp_path)
        for path in (tmp_path / "1.1" / "data").iterdir():
            assert path.read_bytes() == (FOLDER / "1.1" / "data" / path.name).read_bytes()

    def test_the_order_of_hashing_changes_nothing(self):
        """Sets have another order in every process: none may leak into the result."""
        code = (
            "import hashlib; from tools import build_sample as b;"
            "print(hashlib.sha256(repr(b.build()).encode()).hexdigest())"
        )
        said = {python_output("-c", code, PYTHONHASHSEED=s, PYTHONUTF8="1") for s in ("1", "2")}
        assert len(said) == 1


@pytest.mark.parametrize("locale", LOCALES)
class TestEachLocale:
    def test_size_and_fields(self, locale):
        rows = rows_of(locale)
        counts = collections.Counter(row["partition"] for row in rows)
        assert counts == {"train": 1000, "dev": 200, "test": 300}
        assert [row["id"] for row in rows] == [str(number) for number in range(1, 1501)]
        extra = ["slot_method", "judgments"] if locale != "en-US" else []
        assert {tuple(row) for row in rows} == {(*COLUMNS, "worker_id", *extra)}
        assert {row["locale"] for row in rows} == {locale}

    def test_annotations_fit_their_utterances(self, locale):
        for row, parsed in zip(rows_of(locale), parsed_of(locale), strict=True):
            assert parsed.text == row["utt"]
            assert row["utt"] == " ".join(row["utt"].split())
            for span in parsed.spans:
                value = parsed.text[span.start : span.end]
                assert value == value.strip()

    def test_all_scenarios_and_slot_types_of_massive(self, locale):
        for part in PARTS:
            assert {r["scenario"] for r in rows_of(locale) if r["partition"] == part} == SCENARIOS
        found = {span.type for parsed in parsed_of(locale) for span in parsed.spans}
        assert found == {slot_type for slot_type, _ in values_of(locale, "train")} == SLOT_TYPES
        assert len(found) == 55

    def test_an_intent_starts_with_its_scenario(self, locale):
        for row in rows_of(locale):
            assert row["intent"].startswith(f"{row['scenario']}_")
        assert len({row["intent"] for row in rows_of(locale)}) == 60

    @pytest.mark.parametrize("part", PARTS)
    def test_more_than_a_fifth_of_the_rows_has_no_slot(self, locale, part):
        rows = [row for row in rows_of(locale) if row["partition"] == part]
        assert sum("[" not in row["annot_utt"] for row in rows) > len(rows) / 5

    @pytest.mark.parametrize("part", ["dev", "test"])
    def test_most_values_are_new_in(self, locale, part):
        values = values_of(locale, part)
        assert len(values) >= 100
        assert len(values & values_of(locale, "train")) <= 0.7 * len(values)

    def test_the_hard_things_are_there(self, locale):
        for kind in (recurs, is_neighbours, is_long):
            assert sum(kind(parsed) for parsed in parsed_of(locale)) >= 75, kind.__name__
        texts = [parsed.text for parsed in parsed_of(locale)]
        for mark in r"\d", r"\.", ",", "%":
            assert sum(bool(re.search(mark, text)) for text in texts) >= 25, mark
        if locale == "en-US":
            assert sum("'" in text for text in texts) >= 75

    def test_the_tutorial_opens_the_train_split(self, locale):
        fixed = builder.read_fixed(FOLDER / "sources")
        assert len(fixed) == 10
        corpus = load_corpus(locale, "train[:10]")
        side = LOCALES.index(locale)
        assert corpus["annot_utt"] == [utterance.annotated[side] for utterance in fixed]


def test_rows_are_parallel_by_id():
    for english, russian in zip(rows_of("en-US"), rows_of("ru-RU"), strict=True):
        for name in ("id", "scenario", "intent", "partition"):
            assert english[name] == russian[name]
    for english, russian in zip(parsed_of("en-US"), parsed_of("ru-RU"), strict=True):
        left, right = (sorted(span.type for span in p.spans) for p in (english, russian))
        assert left == right, english.text


def test_no_base_utterance_of_validation_or_test_occurs_in_train():
    bases = builder.read_bases(FOLDER / "sources")
    for side in (0, 1):
        names = {p: {base.templates[side] for base in bases if base.partition == p} for p in PARTS}
        assert not names["train"] & (names["dev"] | names["test"])
        assert not names["dev"] & names["test"]
