"""What people get wrong in lesson 02."""

from __future__ import annotations

from nerlib import Span, spans_to_tags, tags_to_spans

FIRST, SECOND, THIRD = "O B-PERSON I-PERSON O O O", "B-TIME O O O", "O B-ARTIST_NAME O O"


def every_word_begins(words, spans):
    tags = []
    for word in words:
        inside = [s for s in spans if s.start <= word.start and word.end <= s.end]
        tags.append(f"B-{inside[0].type.upper()}" if inside else "O")
    return tags


def end_exclusive_twice(words, spans):
    tags = ["O"] * len(words)
    for span in spans:
        prefix = "B"
        for number, word in enumerate(words):
            if span.start <= word.start and word.end < span.end:
                tags[number] = f"{prefix}-{span.type.upper()}"
                prefix = "I"
    return tags


def looks_words_up(words, spans):
    tag_of = {}
    for word, tag in zip(words, spans_to_tags(words, spans), strict=True):
        if tag != "O":
            tag_of[word.text] = tag
    return [tag_of.get(word.text, "O") for word in words]


def returns_in_the_loop(words, spans):
    tags = ["O"] * len(words)
    for span in spans:
        prefix = "B"
        for number, word in enumerate(words):
            if span.start <= word.start and word.end <= span.end:
                tags[number] = f"{prefix}-{span.type.upper()}"
                prefix = "I"
        return tags
    return tags


def small_letters(words, spans):
    return [tag[:2] + tag[2:].lower() for tag in spans_to_tags(words, spans)]


def waits_for_ever(words, spans):
    tags = []
    number = 0
    while number < len(words):
        tags.append("O")
    return tags


def tags_slots_alone(words, spans):
    return [tag for tag in spans_to_tags(words, spans) if tag != "O"]


def tags_slots_but_their_ends(words, spans):
    tags = []
    for word in words:
        for span in spans:
            if word.start >= span.start and word.end < span.end:
                tags.append(("B-" if word.start == span.start else "I-") + span.type.upper())
    return tags


def prints(words, spans):
    print(spans_to_tags(words, spans))


def forgets_to_close(words, tags):
    spans = []
    open_type = ""
    for word, tag in zip(words, tags, strict=True):
        slot_type = tag[2:].lower()
        if tag.startswith("B-"):
            spans.append(Span(slot_type, word.start, word.end))
            open_type = slot_type
        elif slot_type and slot_type == open_type:
            spans[-1] = Span(slot_type, spans[-1].start, word.end)
    return spans


def does_not_compare_types(words, tags):
    spans = []
    is_open = False
    for word, tag in zip(words, tags, strict=True):
        if tag.startswith("B-"):
            spans.append(Span(tag[2:].lower(), word.start, word.end))
            is_open = True
        elif tag.startswith("I-") and is_open:
            spans[-1] = Span(spans[-1].type, spans[-1].start, word.end)
        else:
            is_open = False
    return spans


def begins_do_not_begin(words, tags):
    return tags_to_spans(words, ["I" + tag[1:] if tag != "O" else tag for tag in tags])


def closes_too_late(words, tags):
    spans, current = [], None
    for word, tag in zip(words, tags, strict=True):
        slot_type = tag[2:].lower()
        if current and tag.startswith("I-") and slot_type == current.type:
            current = Span(slot_type, current.start, word.end)
            continue
        if current:
            spans.append(current)
        current = Span(slot_type, word.start, word.end) if tag.startswith("B-") else None
    return spans


def always_a_new_span(words, tags):
    spans = []
    for word, tag in zip(words, tags, strict=True):
        if tag != "O":
            spans.append(Span(tag[2:].lower(), word.start, word.end))
    return spans


def bioes_that(tags, ends):
    return [
        {"B": "S", "I": "E"}[tag[0]] + tag[1:] if tag != "O" and ends(tag, after) else tag
        for tag, after in zip(tags, [*tags[1:], None], strict=True)
    ]


def ends_at_outside_only(tags):
    return bioes_that(tags, lambda tag, after: after in ("O", None))


def forgets_the_last(tags):
    return bioes_that(tags, lambda tag, after: after is not None and after != f"I-{tag[2:]}")


def no_single(tags):
    return [t.replace("S-", "B-") for t in bioes_that(tags, lambda t, a: a != f"I-{t[2:]}")]


def no_end(tags):
    return [t.replace("E-", "I-") for t in bioes_that(tags, lambda t, a: a != f"I-{t[2:]}")]


def index_beyond(tags):
    richer = []
    for number, tag in enumerate(tags):
        ends = tags[number + 1] != f"I-{tag[2:]}"
        richer.append({"B": "S", "I": "E"}[tag[0]] + tag[1:] if tag != "O" and ends else tag)
    return richer


WRONG = {
    "02.1": [
        ([FIRST, "B-TIME O", THIRD], "at the edge of a word it is a word of its own"),
        ([FIRST, SECOND, "O B-ARTIST_NAME O B-ARTIST_NAME"], "look at the place"),
        (["O I-PERSON I-PERSON O O O", SECOND, THIRD], "A slot's first word gets"),
        (["O B-PERSON B-PERSON O O O", SECOND, THIRD], "Only the first word of a slot gets"),
        (["O b-person i-person O O O", SECOND, THIRD], "in capitals"),
        (["O B-PER I-PER O O O", SECOND, THIRD], "letter by letter"),
        ([FIRST, "B-TIME O O", THIRD], "are words, too"),
        (["O PERSON PERSON O O O", SECOND, THIRD], "starts with `B-` or `I-`"),
        ([FIRST.split(), SECOND.split(), THIRD.split()], "a list of strings is expected"),
    ],
    "02.2": [
        (every_word_begins, "Only the first word of a span"),
        (end_exclusive_twice, "compare with `<=`"),
        (looks_words_up, "never letters"),
        (returns_in_the_loop, "Only the first span is tagged"),
        (small_letters, "in capitals in a tag"),
        (tags_slots_alone, "One tag a word"),
        (tags_slots_but_their_ends, "And the last word of a span"),
        (waits_for_ever, "A loop that never ends?"),
        (prints, "`return` hands it on"),
    ],
    "02.3": [
        (tags_to_spans, "what the lenient reader finds"),
        (forgets_to_close, "it is closed for good"),
        (does_not_compare_types, "of *another* type"),
        (begins_do_not_begin, "always starts a new entity"),
        (closes_too_late, "Close it after the loop"),
        (always_a_new_span, "stretches the span before it"),
    ],
    "02.4": [
        (ends_at_outside_only, "does not end at an `O` only"),
        (forgets_the_last, "stayed as it was"),
        (no_single, "gets `S-`"),
        (no_end, "gets `E-`"),
        (index_beyond, "a list of n entries ends at n - 1"),
    ],
}
