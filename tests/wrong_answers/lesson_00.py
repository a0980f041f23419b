"""What people get wrong in lesson 00."""

from __future__ import annotations

from nerlib import Parser, Span

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WAY = ["corpus", "parsing", "model", "training", "evaluation", "inference"]


def last_character(text, value):
    start = text.find(value)
    return (start, start + len(value) - 1) if start >= 0 else None


def from_one(text, value):
    start = text.find(value)
    return (start + 1, start + len(value)) if start >= 0 else None


def counts_words(text, value):
    words, wanted = text.split(), value.split()
    for first in range(len(words)):
        if words[first : first + len(wanted)] == wanted:
            return first, first + len(wanted)
    return None


def minus_one(text, value):
    return text.find(value), text.find(value) + len(value)


def length_for_end(text, value):
    return text.find(value), len(value)


def with_index(text, value):
    start = text.index(value)
    return start, start + len(value)


def prints_the_place(text, value):
    print(text.find(value), text.find(value) + len(value))


def returns_the_first(text):
    for word in Parser().split_words(text):
        if word.text in DAYS:
            return [Span("date", word.start, word.end)]
    return []


def finds_each_day(text):
    spans = []
    for day in DAYS:
        if day in text:
            start = text.find(day)
            spans.append(Span("date", start, start + len(day)))
    return spans


def finds_each_day_and_sorts(text):
    return sorted(finds_each_day(text), key=lambda span: span.start)


def inside_of_words(text):
    spans = [
        Span("date", start, start + len(day))
        for day in DAYS
        for start in range(len(text))
        if text.startswith(day, start)
    ]
    return sorted(spans, key=lambda span: span.start)


def splits_at_spaces(text):
    spans, cursor = [], 0
    for word in text.split(" "):
        if word in DAYS:
            spans.append(Span("date", cursor, cursor + len(word)))
        cursor += len(word) + 1
    return spans


def pairs(text):
    return [(word.start, word.end) for word in Parser().split_words(text) if word.text in DAYS]


def inclusive_end(text):
    words = Parser().split_words(text)
    return [Span("date", word.start, word.end - 1) for word in words if word.text in DAYS]


WRONG = {
    "00.1": [
        ({"half": "time", "past": "time", "six": "time", "monday": "date"}, "only a part"),
        ({"half past six": "time", "on monday": "date"}, "too long"),
        ({"half past six": "date", "monday": "time"}, "A clock tells"),
        ({"half past six": "time"}, "There is another one"),
        ({"half past six": "time", "monday": "date", "alarm": "date"}, "neither a time nor a day"),
        ({"half past six": "hour", "monday": "date"}, "are called `time` and `date`"),
        ({"time": "half past six", "date": "monday"}, "the other way round"),
        (["half past six", "monday"], "a dictionary from strings to strings is expected"),
    ],
    "00.2": [
        (WAY[::-1], "the way back"),
        (["model", "corpus", "parsing", "training", "evaluation", "inference"], "can answer"),
        (["corpus", "parsing", "training", "model", "evaluation", "inference"], "has to be there"),
        (["corpus", "parsing", "model", "evaluation", "training", "inference"], "train first"),
        (["corpus", "parsing", "model", "training", "inference", "evaluation"], "relies on"),
        (WAY[:-1], "0 times instead of once"),
        ([name.title() for name in WAY], "none of the six"),
    ],
    "00.3": [
        (last_character, "*behind* the last character"),
        (from_one, "counts characters from 0"),
        (counts_words, "You count words"),
        (minus_one, "says so with -1"),
        (length_for_end, "the length of the value"),
        (with_index, "ValueError"),
        (prints_the_place, "`return` hands it on"),
    ],
    "00.4": [
        (returns_the_first, "`return` stand inside of the loop"),
        (finds_each_day, "not of the week"),
        (finds_each_day_and_sorts, "`find` stops at the first place"),
        (inside_of_words, "*inside* of another word"),
        (splits_at_spaces, "a comma behind it"),
        (pairs, "a list of Span objects is expected"),
        (inclusive_end, "`start + len(day)`"),
    ],
}
