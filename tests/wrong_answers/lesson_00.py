"""What people get wrong in lesson 00, besides the mistakes that its checks know by name."""

from __future__ import annotations

from nerlib import Parser

PAPER = {"half past six": "time", "monday": "date"}
PIPELINE = ["corpus", "parsing", "model", "training", "evaluation", "inference"]


def swapped(first, second):
    """Put two stations in each other's place."""
    names = {first: second, second: first}
    return [names.get(name, name) for name in PIPELINE]


def with_index(text, value):
    start = text.index(value)
    return start, start + len(value)


def prints_the_place(text, value):
    print(text.find(value), text.find(value) + len(value))


def pairs(text):
    return [(word.start, word.end) for word in Parser().split_words(text) if word.text == "friday"]


WRONG = {
    "00.1": [
        ({"half": "time", "past": "time", "six": "time", "monday": "date"}, "only a part"),
        ({"half past six": "time", "on monday": "date"}, "too long"),
        ({"half past six": "date", "monday": "time"}, "A clock tells"),
        ({"half past six": "time"}, "There is another one"),
        (PAPER | {"alarm": "date"}, "neither a time nor a day"),
        (PAPER | {"half past six": "hour"}, "are called `time` and `date`"),
        ({name: piece for piece, name in PAPER.items()}, "the other way round"),
        (list(PAPER), "a dictionary from strings to strings is expected"),
    ],
    "00.2": [
        (PIPELINE[::-1], "the way back"),
        (["model", "corpus", "parsing", *PIPELINE[3:]], "can answer"),
        (swapped("model", "training"), "has to be there"),
        (swapped("training", "evaluation"), "train first"),
        (swapped("evaluation", "inference"), "relies on"),
        (PIPELINE[:-1], "0 times instead of once"),
        ([name.title() for name in PIPELINE], "none of the six"),
    ],
    "00.3": [(with_index, "ValueError"), (prints_the_place, "`return` hands it on")],
    "00.4": [(pairs, "a list of Span objects is expected")],
}
