"""The parser: exact offsets, exact round trips, and errors that say where and what to do."""

import os
import pickle

import pytest
from fuzz_targets import check_parsed
from hypothesis import given
from hypothesis import strategies as st

from nerlib import AnnotationError, Parser, Span, Word, load_corpus, spans_to_tags, tags_to_spans
from nerlib.parsing import CHARACTER_LOCALES, ParsedUtterance, tag_chunks

SPACES, CHARACTERS = Parser(), Parser("characters")
MASSIVE = os.environ.get("NERLIB_MASSIVE_DIR")

# Letters of several scripts, punctuation, marks, emoji, joiners, spaces and direction marks.
ALPHABET = (
    "abÇß019 .,:;!?'’\"-_/%$€+()«»\t\n\u00a0\u3000"
    "жёйשלעربी日本語ไทยá́̈👍👩\u200d🏽\ufe0f\u200b\u00ad\u202e\u200f"
)
anything = st.one_of(
    st.text(alphabet=ALPHABET, max_size=12),
    st.text(alphabet=st.characters(exclude_characters="[]", codec="utf-8"), max_size=12),
)
slot_types = st.from_regex(r"[a-z]+(_[a-z]+)?", fullmatch=True)
values = anything.filter(lambda text: text.strip())
tidy_values = values.map(str.strip)


def annotations(slot_values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return a strategy for bracketed utterances with these slot values."""
    slots = st.builds("[{} : {}]".format, slot_types, slot_values)
    return st.lists(st.one_of(anything, slots), max_size=8).map("".join)


def words_of(text: str) -> list[str]:
    return [word.text for word in SPACES.split_words(text)]


@pytest.mark.parametrize("parser", [SPACES, CHARACTERS], ids=["spaces", "characters"])
class TestRoundTrips:
    @given(annotated=annotations(values))
    def test_any_annotation_comes_back_with_exact_offsets(self, parser, annotated):
        parsed = parser.parse(annotated)
        check_parsed(parsed)
        assert parser.annotate(parsed.text, parsed.spans) == annotated
        assert parser(parsed.text, annotated) == list(parsed.tags)

    @given(annotated=annotations(tidy_values))
    def test_spans_to_tags_and_back(self, parser, annotated):
        parsed = parser.parse(annotated)
        assert tags_to_spans(parsed.words, parsed.tags) == list(parsed.spans)


TIME = ("B-TIME", "I-TIME")


class TestTutorialExamples:
    # The tag lists that the tutorial prints for its first rows; the sample opens with them.
    PRINTED = (
        [*"OOO", *TIME, "O", "B-DATE"],
        [*"OO", *TIME, "I-TIME", "I-TIME"],
        ["O", "O"],
        ["O"],
        [*"OOO", *TIME],
        [*"OO", *TIME],
    )

    def test_tags_are_those_that_the_tutorial_prints(self):
        rows = load_corpus("ru-RU", "train[:6]")
        found = [SPACES(row["utt"], row["annot_utt"]) for row in rows]
        assert found == list(self.PRINTED)

    def test_a_parse_says_everything(self):
        words = (Word("at", 0, 2), Word("nine", 3, 7), Word("am", 8, 10))
        parsed = ParsedUtterance("at nine am", words, (Span("time", 3, 10),), ("O", *TIME))
        assert SPACES.parse("at [time : nine am]") == parsed


class TestWords:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("don't stop, please!", ["don't", "stop", ",", "please", "!"]),
            ("nine o'clock", ["nine", "o'clock"]),
            ("it’s", ["it’s"]),
            ("'quoted'", ["'", "quoted", "'"]),
            ("«olly»...", ["«", "olly", "»", ".", ".", "."]),
            ("(7.30, 3,5 and 20%)", ["(", "7.30", ",", "3,5", "and", "20", "%", ")"]),
            ("$5 +3 = €2", ["$", "5", "+", "3", "=", "€", "2"]),
            ("e-mail me@home.org.", ["e-mail", "me@home.org", "."]),
            ("?!", ["?", "!"]),
            ("a\u00a0b\u3000c\td\ne", ["a", "b", "c", "d", "e"]),
            ("", []),
            (" \t\n", []),
        ],
    )
    def test_punctuation_is_split_off_at_the_edges_only(self, text, words):
        assert words_of(text) == words

    @pytest.mark.parametrize(
        "word",
        [
            "👩\u200d👩\u200d👧",  # a family, held together by joiners
            "👍🏽",  # a thumb with a skin tone
            "#\ufe0f\u20e3",  # a keycap: '#' belongs to it, though it is punctuation
            "e\u0301te\u0301",  # accents as marks of their own
            "не\u00adт",  # a soft hyphen
            "a\u200bb",  # a space of no width
            "\u202eabc",  # a direction override
            "שלום",
            "مرحبا",
            "हिन्दी",
        ],
        ids=ascii,
    )
    def test_one_word_stays_one_word(self, word):
        assert words_of(f"say {word} now") == ["say", word, "now"]

    @pytest.mark.parametrize("locale", sorted(CHARACTER_LOCALES))
    def test_chinese_and_japanese_are_split_into_characters(self, locale):
        parser = Parser.for_locale(locale)
        parsed = parser.parse("明日の[time : 午前9時30分]にjazz fmを")
        words = [*"明日の午前9時", "30", *"分に", "jazz", "fm", "を"]
        assert [w.text for w in parsed.words] == words
        assert list(parsed.tags) == [*"OOO", "B-TIME", *["I-TIME"] * 5, *"OOOO"]

    @pytest.mark.parametrize("locale", ["en-US", "ru-RU", "ko-KR", "th-TH"])
    def test_other_locales_are_split_at_spaces(self, locale):
        assert Parser.for_locale(locale) == SPACES

    def test_an_unknown_segmentation_is_refused(self):
        with pytest.raises(ValueError, match="unknown segmentation 'syllables'"):
            Parser("syllables")


class TestSlots:
    @pytest.mark.parametrize(
        ("annotated", "words", "tags"),
        [
            # Neighbours of one type stay two entities, and a word ends where a slot ends.
            ("[date : monday] [date : friday am]", "monday friday am", "B-DATE B-DATE I-DATE"),
            ("[who : anna]'s [time : 9][day : pm]", "anna ' s 9 pm", "B-WHO O O B-TIME B-DAY"),
            # Punctuation inside a slot belongs to it; a value may hold the separator.
            ("at [time : nine, am]!", "at nine , am !", "O B-TIME I-TIME I-TIME O"),
            ("[time : 9 : 30]", "9 : 30", "B-TIME I-TIME I-TIME"),
        ],
    )
    def test_words_and_tags_of_slots(self, annotated, words, tags):
        parsed = SPACES.parse(annotated)
        assert ([w.text for w in parsed.words], list(parsed.tags)) == (words.split(), tags.split())

    def test_annotate_sorts_spans(self):
        spans = [Span("b", 2, 3), Span("a", 0, 1)]
        assert SPACES.annotate("x y", spans) == "[a : x] [b : y]"

    @pytest.mark.parametrize(
        "spans",
        [
            [Span("a", 0, 3), Span("b", 2, 4)],
            [Span("a", 2, 2)],
            [Span("a", 3, 2)],
            [Span("a", -1, 2)],
            [Span("a", 3, 6)],
        ],
        ids=["overlap", "empty", "backwards", "before", "behind"],
    )
    def test_annotate_refuses_impossible_spans(self, spans):
        with pytest.raises(ValueError, match="overlaps another span, is empty or lies outside"):
            SPACES.annotate("abcde", spans)

    def test_spans_and_tags_that_do_not_fit_the_words(self):
        with pytest.raises(ValueError, match="covers no whole word"):
            spans_to_tags(SPACES.split_words("morning"), [Span("time", 0, 4)])
        with pytest.raises(ValueError, match="2 words but 1 tags"):
            tags_to_spans(SPACES.split_words("at nine"), ["O"])

    @pytest.mark.parametrize(
        ("tags", "chunks"),
        [
            (["I-X"], [("X", 0, 1)]),
            (["O", "I-X", "I-X"], [("X", 1, 3)]),
            (["B-X", "I-Y"], [("X", 0, 1), ("Y", 1, 2)]),
            (["B-X", "B-X", "I-X"], [("X", 0, 1), ("X", 1, 3)]),
            (["B-X", "O", "I-X"], [("X", 0, 1), ("X", 2, 3)]),
            ([], []),
        ],
    )
    def test_tags_that_no_annotation_gives(self, tags, chunks):
        assert tag_chunks(tags) == chunks


# annotation, position of the fault, words of what is wrong and of what to do
BROKEN = {
    "never closed": ("at [time : nine", 3, "never closed", "add the ']'"),
    "closed twice": ("[time : nine]]", 13, "closes no slot", "remove it"),
    "stray closing": ("nine]", 4, "closes no slot", "remove it"),
    "nested": ("x [time : at [date : now]]", 2, "inside another slot", "close the first"),
    "literal brackets": ("press [5] now", 6, "[5] has no", "a literal bracket"),
    "empty brackets": ("[]", 0, "[] has no", "a literal bracket"),
    "no spaces at the colon": ("at [time:nine]", 3, "[time:nine] has no", "[type : value]"),
    "one space at the colon": ("[time: nine]", 0, "[time: nine] has no", "[type : value]"),
    "empty type": ("at [ : nine]", 3, "has no type", "[type : value]"),
    "empty value": ("at [time : ]", 3, "'time' has no value", "[type : value]"),
    "blank value": ("[time :  \t]", 0, "'time' has no value", "[type : value]"),
    "space in the type": ("[place name : rome]", 0, "contains a space", "with underscores"),
    "space before the type": ("[ time : nine]", 0, "contains a space", "with underscores"),
    "second slot at fault": ("[a : b] [c]", 8, "[c] has no", "a literal bracket"),
}


class TestErrors:
    @pytest.mark.parametrize(
        ("annotated", "position", "reason", "advice"), BROKEN.values(), ids=BROKEN
    )
    def test_every_fault_is_named(self, annotated, position, reason, advice):
        with pytest.raises(AnnotationError) as caught:
            SPACES.parse(annotated, row_id="17")
        error = caught.value
        assert (error.row_id, error.position) == ("17", position)
        assert reason in error.reason
        assert advice in error.advice
        assert str(error) == f"row 17, character {position}: {error.reason}; {error.advice}"

    @pytest.mark.parametrize(
        ("sentence", "position", "found", "wanted"),
        [
            ("at nine pm", 8, "am", "pm"),
            ("at nine", 7, " am", ""),
            ("at nine am now", 10, "", " now"),
            ("", 0, "at nine am", ""),
        ],
    )
    def test_an_annotation_of_another_sentence(self, sentence, position, found, wanted):
        with pytest.raises(AnnotationError) as caught:
            SPACES(sentence, "at [time : nine am]", row_id="4")
        error = caught.value
        assert (error.row_id, error.position) == ("4", position)
        assert f"{found!r} instead of {wanted!r}" in error.reason

    def test_it_is_a_value_error_and_one_short_line(self):
        with pytest.raises(ValueError, match="has no ' : '") as caught:
            SPACES.parse(f"[{'x' * 10_000}]")
        assert len(str(caught.value)) < 200
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("row_id", [None, "8"])
    def test_it_survives_pickling(self, row_id):
        error = AnnotationError("never closed", "close it", 3, row_id)
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is AnnotationError
        assert (str(again), vars(again)) == (str(error), vars(error))


@pytest.mark.skipif(not MASSIVE, reason="NERLIB_MASSIVE_DIR names no folder with MASSIVE's files")
def test_every_row_of_massive():
    for split, count in (("train", 11_514), ("validation", 2_033)):
        rows = load_corpus("en-US", split, MASSIVE)
        assert len(rows) == count
        for row in rows:
            parsed = SPACES.parse(row["annot_utt"], row["id"])
            check_parsed(parsed)
            assert parsed.text == row["utt"]
            assert SPACES.annotate(parsed.text, parsed.spans) == row["annot_utt"]
            assert tags_to_spans(parsed.words, parsed.tags) == list(parsed.spans)
