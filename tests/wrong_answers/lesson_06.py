"""What people get wrong in lesson 06."""

from __future__ import annotations

import math

from nerlib import Entity


def replaces_forwards(text, entities):
    for entity in entities:
        text = text[: entity.start] + f"[{entity.type}]" + text[entity.end :]
    return text


def replaces_letters(text, entities):
    for entity in entities:
        text = text.replace(entity.text, f"[{entity.type}]")
    return text


def starts_again_each_time(text, entities):
    result = text
    for entity in entities:
        result = text[: entity.start] + f"[{entity.type}]" + text[entity.end :]
    return result


def leaves_at_once(text, entities):
    for entity in entities:
        return text[: entity.start] + f"[{entity.type}]" + text[entity.end :]
    return text


def takes_one_too_many(text, entities):
    for entity in reversed(entities):
        text = text[: entity.start] + f"[{entity.type}]" + text[entity.end + 1 :]
    return text


def keeps_the_value(text, entities):
    for e in reversed(entities):
        text = f"{text[: e.start]}[{e.type} : {e.text}]{text[e.end :]}"
    return text


def same_numbers(text, start, end):
    return start, end


def bytes_of_utf8(text, start, end):
    return len(text[:start].encode()), len(text[:end].encode())


def with_byte_order_mark(text, start, end):
    return tuple(len(text[:place].encode("utf-16")) // 2 for place in (start, end))


def bytes_of_utf16(text, start, end):
    return tuple(len(text[:place].encode("utf-16-le")) for place in (start, end))


def entities_with(score, text, words, tags, scores):
    groups = []
    for number, tag in enumerate(tags):
        if tag.startswith("B-"):
            groups.append([number])
        elif tag.startswith("I-"):
            groups[-1].append(number)
    found = []
    for group in groups:
        start, end = words[group[0]].start, words[group[-1]].end
        value = score([scores[number] for number in group])
        found.append(Entity(tags[group[0]][2:].lower(), text[start:end], start, end, value))
    return found


def takes_the_mean(text, words, tags, scores):
    return entities_with(lambda s: sum(s) / len(s), text, words, tags, scores)


def takes_the_highest(text, words, tags, scores):
    return entities_with(max, text, words, tags, scores)


def takes_the_product(text, words, tags, scores):
    return entities_with(math.prod, text, words, tags, scores)


def joins_with_spaces(text, words, tags, scores):
    return [
        Entity(e.type, " ".join(text[e.start : e.end].split()), e.start, e.end, e.score)
        for e in entities_with(min, text, words, tags, scores)
    ]


def lets_begins_continue(text, words, tags, scores):
    before, changed = "O", []
    for tag in tags:
        changed.append("I" + tag[1:] if tag[0] == "B" and before[2:] == tag[2:] != "" else tag)
        before = tag
    return entities_with(min, text, words, changed, scores)


def one_entity_a_word(text, words, tags, scores):
    return entities_with(min, text, words, [t.replace("I-", "B-") for t in tags], scores)


def best_of_each_word(rows, labels):
    return [labels[row.index(max(row))] for row in rows]


def walk(rows, labels, may, join, start):
    ways = start
    for row in rows:
        longer = {}
        for tag, chance in zip(labels, row, strict=True):
            fine = [way for before, way in ways.items() if may(before, tag)]
            if fine:
                total, tags = max(fine)
                longer[tag] = (join(total, chance), [*tags, tag])
        ways = longer
    return max(ways.values())[1]


def may_follow(before, tag):
    return not tag.startswith("I-") or before[2:] == tag[2:]


def adds_probabilities(rows, labels):
    return walk(rows, labels, may_follow, lambda a, b: a + b, {"O": (0.0, [])})


def forgets_the_types(rows, labels):
    def may(before, tag):
        return not tag.startswith("I-") or before != "O"

    return walk(rows, labels, may, lambda a, b: a * b, {"O": (1.0, [])})


def lets_anything_begin(rows, labels):
    start = {label: (1.0, []) for label in labels}
    return walk(rows, labels, may_follow, lambda a, b: a * b, start)


def decides_at_each_word(rows, labels):
    tags = []
    for row in rows:
        before = tags[-1] if tags else "O"
        fine = [tag for tag in labels if may_follow(before, tag)]
        tags.append(max(fine, key=lambda tag: row[labels.index(tag)]))
    return tags


def tries_all(rows, labels):
    best, ways = (-1.0, []), [(1.0, [])]
    for row in rows:
        ways = [
            (total * chance, [*tags, tag])
            for total, tags in ways
            for tag, chance in zip(labels, row, strict=True)
            if may_follow(tags[-1] if tags else "O", tag)
        ]
        for way in ways:
            best = max(best, way) if len(way[1]) == len(rows) else best
    return best[1]


WRONG = {
    "06.1": [
        ({"nine am": (17, 23), "tomorrow": (25, 32)}, "The end is exclusive"),
        ({"nine am": (18, 25), "tomorrow": (26, 34)}, "counted from 0"),
        ({"nine am": (17, 7), "tomorrow": (25, 8)}, "is the length"),
        ({"nine am": (5, 6), "tomorrow": (7, 7)}, "numbers of words"),
        ({"nine am": (17, 24), "tomorrow": (24, 33)}, "' tomorrow'"),
        ({"time": (17, 24), "date": (25, 33)}, "The keys are"),
    ],
    "06.2": [
        (replaces_forwards, "has changed the length of the text"),
        (replaces_letters, "because they are spelt alike"),
        (starts_again_each_time, "Does each round start from the first text?"),
        (leaves_at_once, "Does a `return` stand inside"),
        (takes_one_too_many, "the end is exclusive"),
        (keeps_the_value, "only its type stays"),
    ],
    "06.3": [
        (same_numbers, "Python's characters"),
        (bytes_of_utf8, "bytes in UTF-8"),
        (with_byte_order_mark, "the order of the bytes"),
        (bytes_of_utf16, "each unit of UTF-16 has two"),
    ],
    "06.4": [
        (takes_the_mean, "That is the mean"),
        (takes_the_highest, "the surest word"),
        (takes_the_product, "the product of all words"),
        (joins_with_spaces, "cut out of the input"),
        (lets_begins_continue, "always starts a new entity"),
        (one_entity_a_word, "belong together"),
    ],
    "06.5": [
        (best_of_each_word, "Each word for itself"),
        (adds_probabilities, "the highest *sum*"),
        (forgets_the_types, "Compare the types"),
        (lets_anything_begin, "nothing that it could continue"),
        (decides_at_each_word, "Do not decide for good"),
        (tries_all, "still not finished"),
    ],
}
