"""The checks of lesson 06: from text to entities."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Exercise
from nerlib.inference import Entity
from nerlib.parsing import Parser, Word, tag_chunks

PARSER = Parser()

# 06.1 --------------------------------------------------------------------------------------------
ON_PAPER = "olly, wake me at [time : nine am] [date : tomorrow]!"


def places_on_paper(answer: Answer) -> None:
    """A dictionary from two pieces of a text to their places."""
    told = answer.read(dict[str, tuple[int, int]])
    parsed = PARSER.parse(ON_PAPER)
    expected = {parsed.text[s.start : s.end]: (s.start, s.end) for s in parsed.spans}
    if told.keys() != expected.keys():
        raise answer.hint(f"The keys are {' and '.join(f'`{text!r}`' for text in expected)}.")
    for text, place in expected.items():
        if told[text] != place:
            answer.told = f"For `{text}` you write `{told[text]}`."
            raise answer.hint(_place_idea(parsed.text, told[text], place))


def _place_idea(text: str, found: tuple[int, int], place: tuple[int, int]) -> str:
    """Return what was counted in place of the offsets."""
    start, end = place
    if found == (start, end - 1):
        return "The end is exclusive: the first character that does *not* belong to it any more."
    if found in ((start + 1, end + 1), (start + 1, end)):
        return "Characters are counted from 0: the first letter of the text is character 0."
    if found == (start, end - start):
        return "The second number is the length. Write down where it ends."
    words = [word.start for word in PARSER.split_words(text)]
    if found[0] in (words.index(start), len(text[:start].split())):
        return "These are numbers of words. Count characters, spaces and marks as well."
    return f"`text[{found[0]}:{found[1]}]` is `{text[slice(*found)]!r}`."


# 06.2 --------------------------------------------------------------------------------------------
TO_REDACT = (
    "wake me at [time : nine am]",
    "wake me up at [time : nine am] on [date : friday]",
    "nothing to find here",
    "play [song_name : five] at [time : five] with five friends",
    "[person : anna] calls [person : bo] [timeofday : tonight]",
)


def _entities(annotated: str) -> tuple[str, list[Entity]]:
    """Return a text and its entities."""
    parsed = PARSER.parse(annotated)
    spans = parsed.spans
    return parsed.text, [
        Entity(s.type, parsed.text[s.start : s.end], s.start, s.end, 0.9) for s in spans
    ]


def redact(text: str, entities: list[Entity]) -> str:
    """Return the text with a type in square brackets in place of each entity."""
    for entity in sorted(entities, key=lambda e: e.start, reverse=True):
        text = f"{text[: entity.start]}[{entity.type}]{text[entity.end :]}"
    return text


def _forwards(text: str, entities: list[Entity]) -> str:
    for entity in entities:
        text = f"{text[: entity.start]}[{entity.type}]{text[entity.end :]}"
    return text


def _by_spelling(text: str, entities: list[Entity]) -> str:
    for entity in entities:
        text = text.replace(entity.text, f"[{entity.type}]")
    return text


def _by_spelling_once(text: str, entities: list[Entity]) -> str:
    for entity in reversed(entities):
        text = text.replace(entity.text, f"[{entity.type}]", 1)
    return text


def _no_brackets(text: str, entities: list[Entity]) -> str:
    return redact(text, entities).translate({ord("["): None, ord("]"): None})


def _only_one(text: str, entities: list[Entity]) -> str:
    return redact(text, entities[:1])


def _only_the_last(text: str, entities: list[Entity]) -> str:
    return redact(text, entities[-1:])


def _one_too_many(text: str, entities: list[Entity]) -> str:
    return redact(text, [replace(entity, end=entity.end + 1) for entity in entities])


def _keeps_the_text(text: str, entities: list[Entity]) -> str:
    for e in reversed(entities):
        text = f"{text[: e.start]}[{e.type} : {e.text}]{text[e.end :]}"
    return text


REDACT_SLIPS = (
    (_keeps_the_text, "The text of the entity has to go: only its type stays."),
    (_no_brackets, "The type stands in square brackets."),
    (_one_too_many, "A character behind the entity is gone, too: the end is exclusive."),
    (_only_the_last, "Only the last entity is replaced. Does each round start from the first "
     "text?"),
    (_only_one, "Only the first entity is replaced. Does a `return` stand inside of the loop?"),
    (_forwards, "The first replacement has changed the length of the text, and with it all offsets "
     "behind it. In which order do they stay right?"),
    (_by_spelling, "Words outside of the entities are replaced as well, because they are spelt "
     "alike. Use the offsets."),
    (_by_spelling_once, "The same letters stand in several places, and the wrong one is replaced. "
     "Use the offsets."),
)  # fmt: skip


def redacted(answer: Answer) -> None:
    """A function from a text and its entities to the text without them."""
    for annotated in TO_REDACT:
        text, entities = _entities(annotated)
        answer.compare(
            redact, (text, entities), str, REDACT_SLIPS, f"'{text}', {len(entities)} entities"
        )


# 06.3 --------------------------------------------------------------------------------------------
STARTS = (
    "wake me at [time : nine am]",
    "👋 wake me at [time : nine am]",
    "разбуди меня в [time : девять]",
    "👋🏽 👋🏽 olly, [date : tomorrow]",
    "café at [time : nine]",
)


def browser_places(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a place counted in UTF-16 units."""
    return _units(text[:start]), _units(text[:end])


def _units(text: str, encoding: str = "utf-16-le", size: int = 2) -> int:
    return len(text.encode(encoding)) // size


def _unchanged(text: str, start: int, end: int) -> tuple[int, int]:
    return start, end


def _counted_in(encoding: str, size: int) -> Callable[[str, int, int], tuple[int, int]]:
    """Return the slip of somebody who counts with another encoding."""

    def places(text: str, start: int, end: int) -> tuple[int, int]:
        return _units(text[:start], encoding, size), _units(text[:end], encoding, size)

    return places


def _end_from_length(text: str, start: int, end: int) -> tuple[int, int]:
    return _units(text[:start]), end


PLACE_SLIPS = (
    (_counted_in("utf-16", 2), "It is one too many, everywhere: `encode('utf-16')` writes a mark "
     "in front that says the order of the bytes. `'utf-16-le'` does not."),
    (_counted_in("utf-16-le", 1), "These are bytes: each unit of UTF-16 has two."),
    (_unchanged, "These are Python's characters. An emoji is one of them, or two, and has two or "
     "four units in UTF-16."),
    (_counted_in("utf-8", 1), "These are bytes in UTF-8, in which a Russian letter has two. A "
     "browser counts UTF-16 units."),
    (_end_from_length, "The end has to be counted anew as well."),
)  # fmt: skip


def units(answer: Answer) -> None:
    """A function from a place in characters to a place in UTF-16 units."""
    for annotated in STARTS:
        text, (entity,) = _entities(annotated)
        arguments = (text, entity.start, entity.end)
        answer.compare(browser_places, arguments, tuple[int, int], PLACE_SLIPS)


# 06.4 --------------------------------------------------------------------------------------------
TAGGED = (
    ("wake me at nine am", "O O O B-TIME I-TIME", (0.9, 0.9, 0.9, 0.8, 0.6)),
    ("nothing to find", "O O O", (0.9, 0.9, 0.9)),
    ("nine  am on friday", "B-TIME I-TIME O B-DATE", (0.5, 0.7, 0.9, 0.8)),
    ("buy milk bread", "O B-FOOD B-FOOD", (0.9, 0.7, 0.6)),
    ("tomorrow nine am", "B-DATE B-TIME I-TIME", (0.9, 0.5, 0.75)),
)


def cautious_entities(
    text: str, words: list[Word], tags: list[str], scores: list[float]
) -> list[Entity]:
    """Return the entities of correct BIO tags; the score of each is that of its weakest word."""
    return _with_score(min, text, words, tags, scores)


def _with_score(
    score: Callable[[Sequence[float]], float],
    text: str,
    words: list[Word],
    tags: list[str],
    scores: list[float],
) -> list[Entity]:
    found = []
    for name, first, end in tag_chunks(tags):
        start, last = words[first].start, words[end - 1].end
        found.append(Entity(name.lower(), text[start:last], start, last, score(scores[first:end])))
    return found


def _mean(text: str, words: list[Word], tags: list[str], scores: list[float]) -> list[Entity]:
    return _with_score(lambda s: sum(s) / len(s), text, words, tags, scores)


def _highest(text: str, words: list[Word], tags: list[str], scores: list[float]) -> list[Entity]:
    return _with_score(max, text, words, tags, scores)


def _first_score(
    text: str, words: list[Word], tags: list[str], scores: list[float]
) -> list[Entity]:
    return _with_score(lambda s: s[0], text, words, tags, scores)


def _product(text: str, words: list[Word], tags: list[str], scores: list[float]) -> list[Entity]:
    return _with_score(math.prod, text, words, tags, scores)


def _joined(text: str, words: list[Word], tags: list[str], scores: list[float]) -> list[Entity]:
    """Return the entities of somebody who joins words with one space."""
    entities = cautious_entities(text, words, tags, scores)
    return [Entity(e.type, " ".join(e.text.split()), e.start, e.end, e.score) for e in entities]


def _melted(text: str, words: list[Word], tags: list[str], scores: list[float]) -> list[Entity]:
    without = [tag.replace("B-", "I-") for tag in tags]
    return cautious_entities(text, words, without, scores)


def _each_word(text: str, words: list[Word], tags: list[str], scores: list[float]) -> list[Entity]:
    return cautious_entities(text, words, [tag.replace("I-", "B-") for tag in tags], scores)


def _capitals(text: str, words: list[Word], tags: list[str], scores: list[float]) -> list[Entity]:
    entities = cautious_entities(text, words, tags, scores)
    return [Entity(e.type.upper(), e.text, e.start, e.end, e.score) for e in entities]


ENTITY_SLIPS = (
    (_capitals, "The type of an entity is in small letters: `time` for `B-TIME`."),
    (_each_word, "Words of one entity belong together: an `I-` goes on with the one before."),
    (_mean, "That is the mean. Here the weakest word decides."),
    (_highest, "That is the surest word. Here the weakest one decides."),
    (_first_score, "That is the score of the first word. The weakest one may be another."),
    (_product, "That is the product of all words. Take the lowest one alone."),
    (_joined, "The text of an entity is cut out of the input, so that `text[start:end]` is always "
     "its text, doubled spaces included."),
    (_melted, "A `B-` always starts a new entity, also right behind one of the same type."),
)  # fmt: skip


def cautious(answer: Answer) -> None:
    """A function from tags and scores to entities."""
    for text, tags, scores in TAGGED:
        arguments = (text, PARSER.split_words(text), tags.split(), list(scores))
        case = f"'{text}', its words, {tags.split()}, {list(scores)}"
        answer.compare(cautious_entities, arguments, list[Entity], ENTITY_SLIPS, case)


# 06.5 --------------------------------------------------------------------------------------------
LABELS = ["O", "B-TIME", "I-TIME", "B-DATE", "I-DATE"]
SENTENCES = (
    [[0.7, 0.1, 0.05, 0.1, 0.05], [0.2, 0.6, 0.1, 0.05, 0.05]],
    [[0.6, 0.34, 0.02, 0.02, 0.02], [0.16, 0.1, 0.7, 0.02, 0.02]],
    [[0.1, 0.1, 0.7, 0.05, 0.05]],
    [[0.02, 0.3, 0.02, 0.64, 0.02], [0.04, 0.02, 0.9, 0.02, 0.02]],
    [[0.9, 0.08, 0.01, 0.005, 0.005], [0.05, 0.03, 0.85, 0.04, 0.03]],
    [[0.5, 0.4, 0.04, 0.03, 0.03], [0.45, 0.03, 0.46, 0.03, 0.03]],
    [[0.5, 0.3, 0.1, 0.05, 0.05], [0.4, 0.1, 0.4, 0.05, 0.05], [0.05, 0.05, 0.8, 0.05, 0.05]],
    [[0.9, 0.07, 0.01, 0.01, 0.01], [0.04, 0.02, 0.9, 0.02, 0.02], [0.9, 0.07, 0.01, 0.01, 0.01]],
)  # fmt: skip


def allowed(before: str, tag: str) -> bool:
    """Return whether BIO lets a tag follow another one."""
    return not tag.startswith("I-") or before[2:] == tag[2:]


def _best(
    rows: list[list[float]],
    labels: list[str],
    may: Callable[[str, str], bool] = allowed,
    value: Callable[[Sequence[float]], float] = math.prod,
) -> list[str]:
    """Return the allowed sequence with the highest value, by trying all of them."""
    sequences = itertools.product(range(len(labels)), repeat=len(rows))
    named = ([labels[n] for n in numbers] for numbers in sequences)
    fine = (tags for tags in named if all(map(may, ["O", *tags], tags)))
    return max(fine, key=lambda tags: _value(tags, rows, labels, value))


def _value(
    tags: list[str],
    rows: list[list[float]],
    labels: list[str],
    value: Callable[[Sequence[float]], float],
) -> float:
    chances = [row[labels.index(tag)] for tag, row in zip(tags, rows, strict=True)]
    return value(chances)


def best_sequence(rows: list[list[float]], labels: list[str]) -> list[str]:
    """Return the most probable sequence of tags that BIO allows."""
    return _best(rows, labels)


def _word_by_word(rows: list[list[float]], labels: list[str]) -> list[str]:
    return [labels[row.index(max(row))] for row in rows]


def _greedy(rows: list[list[float]], labels: list[str]) -> list[str]:
    """Return the tags of somebody who takes the best allowed tag at each word, for good."""
    tags: list[str] = []
    for row in rows:
        before = tags[-1] if tags else "O"
        fine = [n for n, tag in enumerate(labels) if allowed(before, tag)]
        tags.append(labels[max(fine, key=lambda n: row[n])])
    return tags


def _sum(rows: list[list[float]], labels: list[str]) -> list[str]:
    return _best(rows, labels, value=sum)


def _any_type(rows: list[list[float]], labels: list[str]) -> list[str]:
    return _best(rows, labels, may=lambda before, tag: tag[0] != "I" or before != "O")


def _any_start(rows: list[list[float]], labels: list[str]) -> list[str]:
    """Return the tags of somebody who forgets that nothing stands before the first word."""
    sequences = itertools.product(labels, repeat=len(rows))
    fine = (list(tags) for tags in sequences if all(map(allowed, tags, tags[1:])))
    return max(fine, key=lambda tags: _value(tags, rows, labels, math.prod))


SEQUENCE_SLIPS = (
    (_word_by_word, "Each word for itself has its best tag here, but BIO does not allow this "
     "sequence: an `I-` continues a `B-` or an `I-` of its type, and the first word has nothing to "
     "continue."),
    (_any_start, "The first tag is an `I-`, and there is nothing that it could continue."),
    (_any_type, "An `I-` of one type follows a tag of another type. Compare the types."),
    (_greedy, "BIO allows it, but another sequence is more probable: a less probable tag for one "
     "word can be worth it because of what may follow. Do not decide for good at each word."),
    (_sum, "This sequence has the highest *sum* of probabilities. What counts is their product, or "
     "the sum of their logarithms."),
)  # fmt: skip


def sequence(answer: Answer) -> None:
    """A function from probabilities to the best sequence of tags."""
    for rows in SENTENCES:
        found = answer.compare(best_sequence, (rows, LABELS), list[str], SEQUENCE_SLIPS)
        if len(found) != len(rows):
            raise answer.hint("One tag for each word is needed.")
    # With five tags and 40 words there are 5 to the power of 40 sequences.
    long = [SENTENCES[1][number % 2] for number in range(40)]
    expected = best_sequence(SENTENCES[1], LABELS) * 20
    case = "40 words, 5 tags"
    if answer.call(long, LABELS, kind=list[str], case=case) != expected:
        raise answer.hint("On short sentences it is right. Do products of 40 numbers vanish?")


EXERCISES = (
    Exercise(
        "06.1", "Places on paper", places_on_paper,
        "Offsets count characters from 0, and the end is the first one that is not in it.",
    ),
    Exercise(
        "06.2", "Redact", redacted,
        "Replace from the back: then all offsets that are still needed hold.",
    ),
    Exercise(
        "06.3", "Places for a browser", units,
        "An offset is a number with a unit: characters, UTF-16 units or bytes.",
    ),
    Exercise(
        "06.4", "Cautious entities", cautious,
        "An entity is cut out of the input, and what its score means is a decision.",
    ),
    Exercise(
        "06.5", "The best sequence", sequence,
        "The best way to a tag needs only the best ways to the word before: that is Viterbi.",
    ),
)  # fmt: skip
