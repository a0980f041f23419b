"""The checks of lesson 02: from brackets to tags."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Comparison, each
from nerlib.parsing import Parser, Span, Word, spans_to_tags, tags_to_spans

PARSER = Parser()
ReadTags = Callable[[list[Word], list[str]], list[Span]]


# 02.1 --------------------------------------------------------------------------------------------
def tags_on_paper(answer: Answer) -> None:
    """Three strings of tags, one a sentence."""
    strings = answer.read(list[str])
    if len(strings) != len(answer.cases):
        answer.fail("sentences", count=len(answer.cases))
    for annotated, string in zip(answer.cases, strings, strict=True):
        parsed = PARSER.parse(annotated)
        texts, tags = [word.text for word in parsed.words], string.split()
        answer.told = f"For `{annotated}` you write `{string}`."
        if tags == list(parsed.tags):
            continue
        if len(tags) != len(texts):
            _wrong_count(answer, texts, tags)
        if hint := _paper_hint(tags, list(parsed.tags)):
            answer.fail(hint)
        _wrong_word(answer, texts, tags, list(parsed.tags))


def _wrong_count(answer: Answer, texts: list[str], tags: list[str]) -> None:
    """Raise the hint for too many or too few tags."""
    marks = sum(not text[0].isalnum() for text in texts)
    if marks and len(tags) == len(texts) - marks:
        answer.fail("no_marks")
    hint = "count_with_marks" if marks else "count"
    answer.fail(hint, tags=len(tags), words=len(texts))


def _paper_hint(tags: list[str], expected: list[str]) -> str:
    """Return the name of the hint for what is wrong with all tags; nothing if it is one of them."""
    if [tag.upper() for tag in tags] == expected:
        return "capitals"
    if any(tag != "O" and not tag.startswith(("B-", "I-")) for tag in tags):
        return "no_prefix"
    pairs = pairwise(["O", *tags])
    if any(tag.startswith("I-") and before[2:] != tag[2:] for before, tag in pairs):
        return "continues_nothing"
    inside = [tag.replace("B-", "I-") for tag in expected]
    return "begins_again" if [tag.replace("B-", "I-") for tag in tags] == inside else ""


def _wrong_word(answer: Answer, texts: list[str], tags: list[str], expected: list[str]) -> None:
    """Raise the hint for the first tag that differs."""
    pairs = zip(texts, tags, expected, strict=True)
    index, (word, tag, right) = next(
        (index, found) for index, found in enumerate(pairs) if found[1] != found[2]
    )
    if tag[:2] == right[:2] != "O":
        answer.fail("type", word=word)
    if right != "O":
        answer.fail("look_again", word=word)
    answer.fail("spelling" if word in texts[:index] else "outside", word=word)


# 02.2 --------------------------------------------------------------------------------------------
def _lose_last_words(words: list[Word], spans: list[Span]) -> list[str]:
    """Return the tags of somebody who writes `word.end < span.end`."""
    ends = {span.end for span in spans}
    tags = spans_to_tags(words, spans)
    return ["O" if word.end in ends else tag for word, tag in zip(words, tags, strict=True)]


def _by_spelling(words: list[Word], spans: list[Span]) -> list[str]:
    """Return the tags of somebody who looks words up by their letters."""
    pairs = zip(words, spans_to_tags(words, spans), strict=True)
    known = {word.text: tag for word, tag in pairs if tag != "O"}
    return [known.get(word.text, "O") for word in words]


def _slots_alone(tags: list[str]) -> list[str]:
    return [tag for tag in tags if tag != "O"]


def _shown(words: list[Word]) -> str:
    return f"words of '{' '.join(word.text for word in words)}'"


FROM_PLACES = Comparison(
    spans_to_tags,
    read=lambda annotated: (list((p := PARSER.parse(annotated)).words), list(p.spans)),
    all_begin=each(spans_to_tags, lambda tag: tag.replace("I-", "B-")),
    lose_last_words=_lose_last_words,
    slots_alone=lambda words, spans: _slots_alone(spans_to_tags(words, spans)),
    slots_without_last=lambda words, spans: _slots_alone(_lose_last_words(words, spans)),
    all_inside=each(spans_to_tags, lambda tag: tag.replace("B-", "I-")),
    lower=each(spans_to_tags, lambda tag: tag[:2] + tag[2:].lower()),
    by_spelling=_by_spelling,
    only_the_first=lambda words, spans: spans_to_tags(words, spans[:1]),
    name=lambda words, spans: f"{_shown(words)}, {spans}",
)


# 02.3 --------------------------------------------------------------------------------------------
def strict_spans(words: list[Word], tags: list[str]) -> list[Span]:
    """Return the spans that start with `B-`; an `I-` that continues nothing is passed over."""
    return _spans_where(lambda span, before, tag: before[2:] == tag[2:])(words, tags)


def _spans_where(continues: Callable[[Span, str, str], bool]) -> ReadTags:
    """Return a reader with another idea of when an `I-` continues the last span.

    It is asked with that span, the tag before ("O" for one that was passed over), and this tag.
    """

    def spans_of(words: list[Word], tags: list[str]) -> list[Span]:
        spans: list[Span] = []
        before = "O"
        for word, tag in zip(words, tags, strict=True):
            if tag.startswith("B-"):
                spans.append(Span(tag[2:].lower(), word.start, word.end))
            elif tag != "O" and spans and continues(spans[-1], before, tag):
                spans[-1] = Span(spans[-1].type, spans[-1].start, word.end)
            else:
                tag = "O"
            before = tag
        return spans

    return spans_of


def _with_tags(old: str, new: str) -> ReadTags:
    """Return the lenient reader of tags in which a prefix is replaced."""
    return lambda words, tags: tags_to_spans(words, [tag.replace(old, new) for tag in tags])


def _without_last(words: list[Word], tags: list[str]) -> list[Span]:
    """Return the spans of somebody who writes one down only when the next word ends it."""
    return [span for span in strict_spans(words, tags) if span.end != words[-1].end]


STRICT = Comparison(
    strict_spans,
    read=lambda text, tags: (PARSER.split_words(text), tags.split()),
    capitals=each(strict_spans, lambda span: Span(span.type.upper(), span.start, span.end)),
    without_last=_without_last,
    single_words=_with_tags("I-", "B-"),
    melted=_with_tags("B-", "I-"),
    lenient=tags_to_spans,
    any_type_continues=_spans_where(lambda span, before, tag: before != "O"),
    never_closed=_spans_where(lambda span, before, tag: span.type == tag[2:].lower()),
    name=lambda words, tags: f"{_shown(words)}, {tags}",
)


# 02.4 --------------------------------------------------------------------------------------------
def bioes(tags: list[str]) -> list[str]:
    """Return the tags in the code that also marks ends (`E-`) and single words (`S-`)."""
    return _marked_where(lambda tag, after: after != f"I-{tag[2:]}")(tags)


def _marked_where(ends: Callable[[str, str], bool]) -> Callable[[list[str]], list[str]]:
    """Return a function that marks where an entity ends, given a tag and the one after it."""

    def marked(tags: list[str]) -> list[str]:
        pairs = zip(tags, [*tags[1:], "O"], strict=True)
        return [
            {"B": "S", "I": "E"}[tag[0]] + tag[1:] if tag != "O" and ends(tag, after) else tag
            for tag, after in pairs
        ]

    return marked


BIOES = Comparison(
    bioes,
    read=lambda tags: (tags.split(),),
    never_single=each(bioes, lambda tag: tag.replace("S-", "B-")),
    single_is_end=each(bioes, lambda tag: tag.replace("S-", "E-")),
    never_end=each(bioes, lambda tag: tag.replace("E-", "I-")),
    last_dropped=lambda tags: bioes(tags)[:-1],
    last_forgotten=lambda tags: [*bioes(tags)[:-1], *tags[-1:]],
    end_at_outside=_marked_where(lambda tag, after: after == "O"),
)

CHECKS = (tags_on_paper, FROM_PLACES, STRICT, BIOES)
