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
        ({"half": "time", "past": "time", "six": "time", "monday": "date"}, "part"),
        ({"half past six": "time", "on monday": "date"}, "too_long"),
        ({"half past six": "date", "monday": "time"}, "wrong_type"),
        ({"half past six": "time"}, "another"),
        (PAPER | {"alarm": "date"}, "no_entity"),
        (PAPER | {"half past six": "hour"}, "other_types"),
        ({name: piece for piece, name in PAPER.items()}, "other_way_round"),
        (PAPER | {"tuesday": "date"}, "not_there"),
        ({"half past six": "Time"}, "capitals"),
        (list(PAPER), "a dictionary from strings to strings is expected"),
    ],
    "00.2": [
        (PIPELINE[::-1], "backwards"),
        (["model", "corpus", "parsing", *PIPELINE[3:]], "parsing_first"),
        (["parsing", "corpus", *PIPELINE[2:]], "corpus_first"),
        (swapped("model", "training"), "model_first"),
        (swapped("training", "evaluation"), "training_first"),
        (swapped("evaluation", "inference"), "evaluation_first"),
        (PIPELINE[:-1], "not_once"),
        ([name.title() for name in PIPELINE], "none_of_them"),
    ],
    "00.3": [(with_index, "ValueError"), (prints_the_place, "`return` hands it on")],
    "00.4": [(pairs, "a list of Span objects is expected")],
}
