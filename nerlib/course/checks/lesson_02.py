"""The checks of lesson 02: from brackets to tags."""

from __future__ import annotations

from collections.abc import Sequence

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Exercise
from nerlib.parsing import Parser, Span, Word, spans_to_tags, tags_to_spans

PARSER = Parser()

# 02.1 --------------------------------------------------------------------------------------------
ON_PAPER = (
    "text [person : john smith] that i'm late",
    "[time : 7.30], please!",
    "play [artist_name : them] for them",
)


def tags_on_paper(answer: Answer) -> None:
    """Three strings of tags, one a sentence."""
    strings = answer.read(list[str])
    if len(strings) != len(ON_PAPER):
        raise answer.hint(f"There are {len(ON_PAPER)} sentences: one string of tags for each.")
    for annotated, string in zip(ON_PAPER, strings, strict=True):
        answer.told = f"For `{annotated}` you write `{string}`."
        if idea := _paper_idea(annotated, string.split()):
            raise answer.hint(idea)


def _paper_idea(annotated: str, tags: list[str]) -> str:
    """Return what is wrong with the tags of one sentence, in words; nothing if they are right."""
    parsed = PARSER.parse(annotated)
    expected = list(parsed.tags)
    texts = [word.text for word in parsed.words]
    if tags == expected:
        return ""
    if [tag.upper() for tag in tags] == expected:
        return "Tags are written in capitals."
    if any(tag != "O" and not tag.startswith(("B-", "I-")) for tag in tags):
        return "Each tag is `O`, or starts with `B-` or `I-` and then names the type."
    marks = sum(not text[0].isalnum() for text in texts)
    if marks and len(tags) == len(texts) - marks:
        return (
            "A tag is missing for a punctuation mark: at the edge of a word it is a word of its "
            "own. (Inside, as in `i'm` or `7.30`, it stays where it is.)"
        )
    if len(tags) != len(texts):
        signs = " Punctuation marks at the edge of a word are words, too." if marks else ""
        return f"There are {len(tags)} tags for {len(texts)} words. Count the words again.{signs}"
    if any(_prefixes(tags, index) == "II" for index in range(len(tags))):
        return "A slot's first word gets `B-`; an `I-` continues what stands before it."
    if [tag.replace("B-", "I-") for tag in tags] == [tag.replace("B-", "I-") for tag in expected]:
        return "Only the first word of a slot gets `B-`; the words after it continue it with `I-`."
    return _wrong_word(texts, tags, expected)


def _prefixes(tags: Sequence[str], index: int) -> str:
    """Return "II" where a tag starts an entity with `I-`."""
    before = tags[index - 1] if index else "O"
    starts = tags[index].startswith("I-") and before[2:] != tags[index][2:]
    return "II" if starts else ""


def _wrong_word(texts: list[str], tags: list[str], expected: list[str]) -> str:
    index = next(
        i for i, (one, other) in enumerate(zip(tags, expected, strict=True)) if one != other
    )
    word = texts[index]
    if tags[index][:2] == expected[index][:2] != "O":
        return f"The type in the tag of `{word}` is the one before the colon, letter by letter."
    if expected[index] == "O" and word in texts[:index]:
        return (
            f"This `{word}` stands outside of the brackets. The same letters elsewhere are another "
            "word: look at the place, not at the spelling."
        )
    if expected[index] == "O":
        return f"`{word}` stands outside of any slot."
    return (
        f"Look again at the tag of `{word}`: which slot is it in, and is it the first word there?"
    )


# 02.2 --------------------------------------------------------------------------------------------
TO_TAG = (
    "wake me at [time : nine]",
    "wake me up at [time : nine am] on [date : friday]",
    "nothing to find here",
    "play [artist_name : them] for them",
    "buy [food : milk] [food : brown bread] today",
    "[date : friday]",
    "show [person : anna]'s list at [place_name : st. john's], please!",
)


def _with_inclusive_ends(words: list[Word], spans: list[Span]) -> list[str]:
    return spans_to_tags(words, [Span(s.type, s.start, s.end - 1) for s in spans])


def _all_begin(words: list[Word], spans: list[Span]) -> list[str]:
    return [tag.replace("I-", "B-") for tag in spans_to_tags(words, spans)]


def _all_inside(words: list[Word], spans: list[Span]) -> list[str]:
    return [tag.replace("B-", "I-") for tag in spans_to_tags(words, spans)]


def _lower(words: list[Word], spans: list[Span]) -> list[str]:
    return [tag[:2] + tag[2:].lower() for tag in spans_to_tags(words, spans)]


def _by_spelling(words: list[Word], spans: list[Span]) -> list[str]:
    """Return the tags of somebody who looks words up by their letters."""
    pairs = zip(words, spans_to_tags(words, spans), strict=True)
    known = {word.text: tag for word, tag in pairs if tag != "O"}
    return [known.get(word.text, "O") for word in words]


def _slots_alone(words: list[Word], spans: list[Span]) -> list[str]:
    return [tag for tag in spans_to_tags(words, spans) if tag != "O"]


def _slots_without_last(words: list[Word], spans: list[Span]) -> list[str]:
    return [tag for tag in _lose_last_words(words, spans) if tag != "O"]


def _only_the_first(words: list[Word], spans: list[Span]) -> list[str]:
    return spans_to_tags(words, spans[:1])


def _lose_last_words(words: list[Word], spans: list[Span]) -> list[str]:
    """Return the tags of somebody who writes `word.end < span.end`."""
    ends = {span.end for span in spans}
    tags = spans_to_tags(words, spans)
    return ["O" if word.end in ends else tag for word, tag in zip(words, tags, strict=True)]


SPAN_SLIPS = (
    (_all_begin, "Only the first word of a span gets `B-`; the others continue it with `I-`."),
    (_lose_last_words, "The last word of a span is lost. Ends are exclusive, of words and spans: "
     "the last word *ends where the span ends*, so compare with `<=`."),
    (_with_inclusive_ends, "The last word of a span is lost: does your code take one off its end? "
     "Ends are exclusive, as in `text[start:end]`."),
    (_slots_alone, "A word outside of all spans has a tag as well: `O`. One tag a word."),
    (_slots_without_last, "A word outside of all spans has a tag as well: `O`. And the last word "
     "of a span is lost: its end *equals* that of the span (`<=`)."),
    (_all_inside, "An entity begins with `B-`: without it, two that touch become one."),
    (_lower, "The type stands in capitals in a tag: `B-TIME` for `time`."),
    (_by_spelling, "A word outside of the span is tagged because it is *spelt* like one inside. "
     "Compare places (`start`, `end`), never letters."),
    (_only_the_first, "Only the first span is tagged. Does a `return` stand inside of the loop?"),
)  # fmt: skip


def tags_from_places(answer: Answer) -> None:
    """A function from words and spans to tags."""
    for annotated in TO_TAG:
        parsed = PARSER.parse(annotated)
        words, spans = list(parsed.words), list(parsed.spans)
        case = f"words and spans of '{annotated}'"
        answer.compare(spans_to_tags, (words, spans), list[str], SPAN_SLIPS, case)


# 02.3 --------------------------------------------------------------------------------------------
PREDICTED = (
    ("nine am on friday", ["B-TIME", "I-TIME", "O", "B-DATE"]),
    ("at nine am", ["O", "B-TIME", "I-TIME"]),
    ("milk brown bread", ["B-FOOD", "B-FOOD", "I-FOOD"]),
    ("at nine am", ["O", "I-TIME", "I-TIME"]),
    ("at nine friday", ["O", "B-TIME", "I-DATE"]),
    ("at nine friday noon", ["O", "B-TIME", "I-DATE", "I-TIME"]),
    ("nine or ten am", ["B-TIME", "O", "I-TIME", "I-TIME"]),
    ("nothing here", ["O", "O"]),
)


def strict_spans(words: list[Word], tags: list[str]) -> list[Span]:
    """Return the spans that start with `B-`; an `I-` that continues nothing is passed over."""
    spans: list[Span] = []
    open_type = ""
    for word, tag in zip(words, tags, strict=True):
        name = tag[2:].lower()
        if tag.startswith("B-"):
            spans.append(Span(name, word.start, word.end))
        elif name and name == open_type:
            spans[-1] = Span(name, spans[-1].start, word.end)
        else:
            name = ""
        open_type = name
    return spans


def _never_closed(words: list[Word], tags: list[str]) -> list[Span]:
    """Return the spans of somebody who forgets to empty `previous` when an `I-` is passed over."""
    spans: list[Span] = []
    for word, tag in zip(words, tags, strict=True):
        name = tag[2:].lower()
        if tag.startswith("B-"):
            spans.append(Span(name, word.start, word.end))
        elif name and spans and spans[-1].type == name:
            spans[-1] = Span(name, spans[-1].start, word.end)
    return spans


def _any_type_continues(words: list[Word], tags: list[str]) -> list[Span]:
    """Return the spans of somebody who does not compare the types."""
    spans: list[Span] = []
    is_open = False
    for word, tag in zip(words, tags, strict=True):
        if tag.startswith("B-"):
            spans.append(Span(tag[2:].lower(), word.start, word.end))
        elif tag.startswith("I-") and is_open:
            spans[-1] = Span(spans[-1].type, spans[-1].start, word.end)
        is_open = tag.startswith("B-") or (tag.startswith("I-") and is_open)
    return spans


def _melted(words: list[Word], tags: list[str]) -> list[Span]:
    """Return the spans of somebody who lets a `B-` continue."""
    return tags_to_spans(words, [tag.replace("B-", "I-") for tag in tags])


def _single_words(words: list[Word], tags: list[str]) -> list[Span]:
    """Return one span a word."""
    pairs = zip(words, tags, strict=True)
    return [Span(tag[2:].lower(), word.start, word.end) for word, tag in pairs if tag != "O"]


def _capitals(words: list[Word], tags: list[str]) -> list[Span]:
    return [Span(s.type.upper(), s.start, s.end) for s in strict_spans(words, tags)]


def _without_last(words: list[Word], tags: list[str]) -> list[Span]:
    """Return the spans of somebody who writes one down only when the next word ends it."""
    last_word = words[-1].end
    return [span for span in strict_spans(words, tags) if span.end != last_word]


STRICT_SLIPS = (
    (_capitals, "The type of a span is in small letters: `time` for `B-TIME`."),
    (_without_last, "An entity at the very end of the sentence is lost: nothing comes after it "
     "that would close it. Close it after the loop, too."),
    (_single_words, "Words of one entity belong into one span: an `I-` stretches the span "
     "before it."),
    (_melted, "A `B-` always starts a new entity, also right behind one of the same type."),
    (tags_to_spans, "That is what the lenient reader finds. The strict one passes over every `I-` "
     "that continues nothing: only a `B-` starts an entity."),
    (_any_type_continues, "An `I-` of *another* type continues nothing: compare the type with that "
     "of the entity that is open."),
    (_never_closed, "An entity is continued although it had ended before. Once a word does not "
     "belong to it (an `O`, or an `I-` that is passed over), it is closed for good."),
)  # fmt: skip


def strict_reader(answer: Answer) -> None:
    """A function from words and tags to spans."""
    for text, tags in PREDICTED:
        case = f"words of '{text}', {tags}"
        words = PARSER.split_words(text)
        answer.compare(strict_spans, (words, tags), list[Span], STRICT_SLIPS, case)


# 02.4 --------------------------------------------------------------------------------------------
TO_BIOES = (
    ["O", "B-TIME", "I-TIME", "O"],
    ["O", "B-DATE", "O"],
    ["B-TIME", "I-TIME", "I-TIME", "O", "B-DATE", "O"],
    ["O", "B-TIME", "I-TIME"],
    ["B-DATE"],
    ["B-FOOD", "B-FOOD", "I-FOOD", "O"],
    ["B-DATE", "I-DATE", "B-TIME", "O"],
)


def bioes(tags: list[str]) -> list[str]:
    """Return the tags in the code that also marks ends (`E-`) and single words (`S-`)."""
    following = [*tags[1:], "O"]
    return [_bioes_tag(tag, after) for tag, after in zip(tags, following, strict=True)]


def _bioes_tag(tag: str, after: str) -> str:
    if tag == "O" or after == f"I-{tag[2:]}":
        return tag
    return {"B": "S", "I": "E"}[tag[0]] + tag[1:]


def _never_single(tags: list[str]) -> list[str]:
    return [tag.replace("S-", "B-") for tag in bioes(tags)]


def _single_is_end(tags: list[str]) -> list[str]:
    return [tag.replace("S-", "E-") for tag in bioes(tags)]


def _never_end(tags: list[str]) -> list[str]:
    return [tag.replace("E-", "I-") for tag in bioes(tags)]


def _end_at_outside(tags: list[str]) -> list[str]:
    """Return the tags of somebody who asks only whether an `O` follows."""
    pairs = zip(tags, [*tags[1:], "O"], strict=True)
    return [_bioes_tag(tag, "O" if after == "O" else f"I-{tag[2:]}") for tag, after in pairs]


def _last_forgotten(tags: list[str]) -> list[str]:
    """Return the tags of somebody who leaves the last tag as it is."""
    return [*bioes(tags)[:-1], *tags[-1:]]


def _last_dropped(tags: list[str]) -> list[str]:
    return bioes(tags)[:-1]


BIOES_SLIPS = (
    (_never_single, "An entity of a single word gets `S-`: it is first and last at once."),
    (_single_is_end, "An entity of a single word is first *and* last: its tag is `S-`, not `E-`."),
    (_never_end, "The last word of an entity of several words gets `E-`."),
    (_last_dropped, "The last tag of the sentence is gone: nothing follows it, but it needs an "
     "answer as well."),
    (_last_forgotten, "The last tag of the sentence stayed as it was. Nothing follows it, so if it "
     "is in an entity, the entity ends there."),
    (_end_at_outside, "An entity does not end at an `O` only: a new `B-` right behind it ends it, "
     "too. It goes on only if an `I-` of the same type follows."),
)  # fmt: skip


def richer_code(answer: Answer) -> None:
    """A function from BIO tags to BIOES tags."""
    for tags in TO_BIOES:
        answer.compare(bioes, (tags,), list[str], BIOES_SLIPS)


EXERCISES = (
    Exercise(
        "02.1", "Tags on paper", tags_on_paper,
        "Every word has one tag, punctuation at its edges is a word, and places decide.",
    ),
    Exercise(
        "02.2", "From places to tags", tags_from_places,
        "Offsets with exclusive ends say without doubt which words lie in a span.",
    ),
    Exercise(
        "02.3", "A strict reader", strict_reader,
        "Two readings of the same tags find different entities: a score has to say which it uses.",
    ),
    Exercise(
        "02.4", "A richer code", richer_code,
        "BIOES says the same as BIO: whether a word is the last one only the next tag tells.",
    ),
)  # fmt: skip
