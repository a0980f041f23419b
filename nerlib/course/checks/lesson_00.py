"""The checks of lesson 00: what a tagger finds, and how it is built."""

from __future__ import annotations

from itertools import pairwise

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Exercise
from nerlib.course.figures import course_map
from nerlib.parsing import Parser, Span

# 00.1 --------------------------------------------------------------------------------------------
MARKED = "set an alarm for [time : half past six] on [date : monday]"


def entities_on_paper(answer: Answer) -> None:
    """A dictionary from the pieces of the text to their types."""
    found = answer.read(dict[str, str])
    parsed = Parser().parse(MARKED)
    expected = {parsed.text[span.start : span.end]: span.type for span in parsed.spans}
    for piece, name in found.items():
        answer.told = f"You mark `{piece}` as `{name}`."
        if idea := _piece_idea(piece, name, parsed.text, expected):
            raise answer.hint(idea)
    answer.told = f"You mark {len(found)} piece{'s' * (len(found) != 1)} in the sentence."
    if len(found) < len(expected):
        raise answer.hint("There is another one. Ask both questions: at what time? On which day?")


def _piece_idea(piece: str, name: str, text: str, expected: dict[str, str]) -> str:
    """Return what is wrong with one entity, in words; nothing if it is right."""
    if piece in expected.values() and name in expected:
        return "It is the other way round: the piece comes first, then a colon, then its type."
    if piece not in text:
        return f"The sentence has no such piece: copy it letter by letter from `{text}`."
    whole = next((value for value in expected if piece in value or value in piece), None)
    if whole is None:
        return "This piece says neither a time nor a day."
    if len(piece) < len(whole):
        return (
            "It is only a part: words that belong together are *one* entity, from the first to the "
            "last word that says when."
        )
    if len(piece) > len(whole):
        return "It is too long: *for* and *on* lead to the entity, they are not inside of it."
    if name.lower() not in expected.values():
        return "The two types here are called `time` and `date`."
    if name != name.lower():
        return "Types are written in small letters."
    return "" if name == expected[whole] else "A clock tells the `time`, a calendar the `date`."


# 00.2 --------------------------------------------------------------------------------------------
SCRAMBLED = ("training", "inference", "parsing", "corpus", "evaluation", "model")
REASONS = {
    "corpus": "There have to be sentences before anything in them can be read.",
    "parsing": "The tags that parsing reads decide what the model can answer, so they come first.",
    "model": "Training adjusts a model: it has to be there before.",
    "training": "A score of a model that has learnt nothing tells nothing: train first.",
    "evaluation": "Measure a tagger before somebody relies on what it finds.",
}


def stations_in_order() -> list[str]:
    """Return the stations of the exercise as the map of the course has them."""
    texts = course_map().axes[0].texts
    names = [text.get_text().strip() for text in texts if text.get_bbox_patch() is not None]
    return [name for name in names if name in SCRAMBLED]


def way_of_the_data(answer: Answer) -> None:
    """A list of the stations."""
    found = answer.read(list[str])
    expected = stations_in_order()
    for name in found:
        if name not in expected:
            raise answer.hint(f"`{name}` is none of the six: copy their names.")
    for name in expected:
        if found.count(name) != 1:
            raise answer.hint(f"`{name}` stands in it {found.count(name)} times instead of once.")
    if found == expected[::-1]:
        raise answer.hint("That is the way back. Data enters where the sentences are.")
    for before, after in pairwise(expected):
        if found.index(before) > found.index(after):
            raise answer.hint(f"`{after}` comes before `{before}` there. {REASONS[before]}")


# 00.3 --------------------------------------------------------------------------------------------
TEXT = "wake me up at nine am on friday"
TO_PLACE = (
    (TEXT, "friday"), (TEXT, "nine am"), (TEXT, "wake"), (TEXT, "monday"), ("nine or nine", "nine"),
)  # fmt: skip


def place_of(text: str, value: str) -> tuple[int, int] | None:
    """Return start and end of the first occurrence."""
    start = text.find(value)
    return None if start < 0 else (start, start + len(value))


def _inclusive(text: str, value: str) -> tuple[int, int]:
    return text.index(value), text.index(value) + len(value) - 1


def _from_one(text: str, value: str) -> tuple[int, int]:
    return text.index(value) + 1, text.index(value) + len(value)


def _from_one_exclusive(text: str, value: str) -> tuple[int, int]:
    return text.index(value) + 1, text.index(value) + len(value) + 1


def _length_as_end(text: str, value: str) -> tuple[int, int]:
    return text.index(value), len(value)


def _in_words(text: str, value: str) -> tuple[int, int]:
    first = len(text[: text.index(value)].split())
    return first, first + len(value.split())


def _not_found(text: str, value: str) -> tuple[int, int]:
    return text.find(value), text.find(value) + len(value)


def _last(text: str, value: str) -> tuple[int, int] | None:
    start = text.rfind(value)
    return None if start < 0 else (start, start + len(value))


PLACE_SLIPS = (
    (_inclusive, "The end is exclusive: the number *behind* the last character, so that "
     "`text[start:end]` gives the value."),
    (_from_one, "Python counts characters from 0, and the end is exclusive: try "
     "`text[start:end]` with your numbers."),
    (_from_one_exclusive, "Python counts characters from 0: try `text[start:end]` with your "
     "numbers."),
    (_length_as_end, "That is the length of the value, not its end: the end is counted from the "
     "beginning of the *text*."),
    (_in_words, "You count words. Offsets count characters, spaces included."),
    (_not_found, "The value is not in the text, and `find` says so with -1: return `None` then."),
    (_last, "The value stands in the text twice: the first place is asked for."),
)  # fmt: skip


def place(answer: Answer) -> None:
    """A function from a text and a value to offsets."""
    for arguments in TO_PLACE:
        answer.compare(place_of, arguments, tuple[int, int] | None, PLACE_SLIPS)


# 00.4 --------------------------------------------------------------------------------------------
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WITH_DAYS = (
    "wake me up at nine am on friday",
    "what is the time",
    "am i free on monday or tuesday",
    "first tuesday then monday",
    "not this friday but next friday",
    "see you on sunday, then",
    "a mondayish mood",
)


def spans_of_days(text: str) -> list[Span]:
    """Return the days among the words of a text."""
    words = Parser().split_words(text)
    return [Span("date", word.start, word.end) for word in words if word.text in DAYS]


def _only_first(text: str) -> list[Span]:
    return spans_of_days(text)[:1]


def _each_once(text: str) -> list[Span]:
    """Return the spans of somebody who asks `find` once a day, in the order of the week."""
    places = [(day, text.find(day)) for day in DAYS]
    return [Span("date", start, start + len(day)) for day, start in places if start >= 0]


def _once_in_order(text: str) -> list[Span]:
    return sorted(_each_once(text), key=lambda span: span.start)


def _by_week(text: str) -> list[Span]:
    return sorted(spans_of_days(text), key=lambda s: DAYS.index(text[s.start : s.end]))


def _by_letters(text: str) -> list[Span]:
    """Return the spans of somebody who also finds days inside of other words."""
    places = [(day, i) for i in range(len(text)) for day in DAYS if text.startswith(day, i)]
    return [Span("date", start, start + len(day)) for day, start in places]


def _at_spaces(text: str) -> list[Span]:
    """Return the spans of somebody who splits at spaces only."""
    found, cursor = [], 0
    for word in text.split():
        start = text.index(word, cursor)
        cursor = start + len(word)
        found += [Span("date", start, cursor)] * (word in DAYS)
    return found


def _too_short(text: str) -> list[Span]:
    return [Span(s.type, s.start, s.end - 1) for s in spans_of_days(text)]


def _of_type_day(text: str) -> list[Span]:
    return [Span("day", s.start, s.end) for s in spans_of_days(text)]


DAY_SLIPS = (
    (_too_short, "The end of a span is exclusive: `start + len(day)`."),
    (_of_type_day, "The type of a day is `date` here, as in the corpus."),
    (_only_first, "There is another day behind the first one. Does a `return` stand inside of the "
     "loop?"),
    (_by_week, "Spans are wanted in the order of the text, not of the week."),
    (_once_in_order, "The same day comes twice, and `find` stops at the first place."),
    (_at_spaces, "A day with a comma behind it is overlooked. `Parser().split_words(text)` splits "
     "punctuation off, and knows the offsets."),
    (_by_letters, "A day was found *inside* of another word. Compare whole words: "
     "`Parser().split_words(text)` gives them."),
)  # fmt: skip


def days_tagger(answer: Answer) -> None:
    """A function from a text to spans."""
    for text in WITH_DAYS:
        answer.compare(spans_of_days, (text,), list[Span], DAY_SLIPS)


EXERCISES = (
    Exercise(
        "00.1", "Mark the entities", entities_on_paper,
        "An entity is a piece of the text, from its first word to its last, and a type.",
    ),
    Exercise(
        "00.2", "The way of the data", way_of_the_data,
        "Data goes one way: each station needs what the one before it made.",
    ),
    Exercise(
        "00.3", "Where does it stand?", place,
        "Two numbers say where an entity stands, and `text[start:end]` gives it back.",
    ),
    Exercise(
        "00.4", "A tagger without learning", days_tagger,
        "A list finds what it holds, every time, and nothing else: no *tomorrow*, no *new year*.",
    ),
)  # fmt: skip
