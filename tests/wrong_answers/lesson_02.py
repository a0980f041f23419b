"""What people get wrong in lesson 02, besides the mistakes that its checks know by name."""

from __future__ import annotations

from nerlib import spans_to_tags

FIRST, SECOND, THIRD = "O B-PERSON I-PERSON O O O", "B-TIME O O O", "O B-ARTIST_NAME O O"


def waits_for_ever(words, spans):
    tags = []
    while len(tags) < len(words):
        tags[:] = ["O"]
    return tags


def prints(words, spans):
    print(spans_to_tags(words, spans))


def index_beyond(tags):
    richer = []
    for number, tag in enumerate(tags):
        ends = tags[number + 1] != f"I-{tag[2:]}"
        richer.append({"B": "S", "I": "E"}[tag[0]] + tag[1:] if tag != "O" and ends else tag)
    return richer


WRONG = {
    "02.1": [
        ([FIRST, "B-TIME O", THIRD], "no_marks"),
        ([FIRST, SECOND, "O B-ARTIST_NAME O B-ARTIST_NAME"], "spelling"),
        (["O I-PERSON I-PERSON O O O", SECOND, THIRD], "continues_nothing"),
        (["O B-PERSON B-PERSON O O O", SECOND, THIRD], "begins_again"),
        ([FIRST.lower(), SECOND, THIRD], "capitals"),
        (["O B-PER I-PER O O O", SECOND, THIRD], "type"),
        ([FIRST, SECOND], "sentences"),
        ([FIRST, SECOND, "O B-ARTIST_NAME O"], "count"),
        (["O B-PERSON O O O O", SECOND, THIRD], "look_again"),
        (["B-PERSON B-PERSON I-PERSON O O O", SECOND, THIRD], "outside"),
        ([FIRST, "B-TIME O O", THIRD], "count_with_marks"),
        (["O PERSON PERSON O O O", SECOND, THIRD], "no_prefix"),
        ([FIRST.split(), SECOND.split(), THIRD.split()], "a list of strings is expected"),
    ],
    "02.2": [(waits_for_ever, "A loop that never ends?"), (prints, "`return` hands it on")],
    "02.4": [(index_beyond, "a list of n entries ends at n - 1")],
}
