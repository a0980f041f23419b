"""The checks of lesson 02: from brackets to tags."""

from functools import partial
from itertools import pairwise

from nerlib.course.checks.answer import Answer
from nerlib.course.checks.exercise import Comparison, Function, each
from nerlib.parsing import Parser, Span, Word, spans_to_tags, tags_to_spans

PARSER = Parser()


def tags_on_paper(answer: Answer) -> None:
    """Three strings of tags, one a sentence."""
    strings = answer.read(list[str])
    if len(strings) != len(answer.cases):
        answer.fail("sentences", count=len(answer.cases))
    for annotated, string in zip(answer.cases, strings, strict=True):
        parsed = PARSER.parse(annotated)
        words, tags = [word.text for word in parsed.words], string.split()
        answer.told = f"For `{annotated}` you write `{string}`."
        if len(tags) != len(words):
            marks = sum(not word[0].isalnum() for word in words)
            hint = "count_with_marks" if marks else "count"
            no_marks = marks and len(tags) == len(words) - marks
            answer.fail("no_marks" if no_marks else hint, tags=len(tags), words=len(words))
        if tags != list(parsed.tags):
            hint, word = _paper_hint(words, tags, list(parsed.tags))
            answer.fail(hint, word=word)


def _paper_hint(words: list[str], tags: list[str], expected: list[str]) -> tuple[str, str]:
    """Return the name of the hint for wrong tags, and the first word whose tag is wrong."""
    index = next(n for n, tag in enumerate(tags) if tag != expected[n])
    word, tag, right = words[index], tags[index], expected[index]
    inside = [tag.replace("B-", "I-") for tag in expected]
    if [tag.upper() for tag in tags] == expected:
        return "capitals", word
    if any(tag != "O" and not tag.startswith(("B-", "I-")) for tag in tags):
        return "no_prefix", word
    if any(tag[0] == "I" and before[2:] != tag[2:] for before, tag in pairwise(["O", *tags])):
        return "continues_nothing", word
    if [tag.replace("B-", "I-") for tag in tags] == inside:
        return "begins_again", word
    if tag[:2] == right[:2] != "O":
        return "type", word
    if right != "O":
        return "look_again", word
    return "spelling" if word in words[:index] else "outside", word


def _lose_last_words(words: list[Word], spans: list[Span]) -> list[str]:
    """Return the tags of somebody who writes `word.end < span.end`."""
    ends = {span.end for span in spans}
    tags = spans_to_tags(words, spans)
    return ["O" if word.end in ends else tag for word, tag in zip(words, tags, strict=True)]


def _shown(words: list[Word], others: object) -> str:
    return f"words of '{' '.join(word.text for word in words)}', {others}"


FROM_PLACES = Comparison(
    spans_to_tags,
    read=lambda annotated: (list((p := PARSER.parse(annotated)).words), list(p.spans)),
    all_begin=each(spans_to_tags, lambda tag: tag.replace("I-", "B-")),
    lose_last_words=_lose_last_words,
    all_inside=each(spans_to_tags, lambda tag: tag.replace("B-", "I-")),
    lower=each(spans_to_tags, lambda tag: tag[:2] + tag[2:].lower()),
    only_the_first=lambda words, spans: spans_to_tags(words, spans[:1]),
    name=_shown,
)


def strict_spans(
    words: list[Word],
    tags: list[str],
    continues: Function = lambda span, before, tag: before[2:] == tag[2:],
) -> list[Span]:
    """Return the spans that start with `B-`; an `I-` that continues nothing is passed over.

    The slips let it continue more. `continues` is asked with the last span, the tag before ("O" for
    one that was passed over), and this tag.
    """
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


def _with_tags(old: str, new: str) -> Function:
    return lambda words, tags: tags_to_spans(words, [tag.replace(old, new) for tag in tags])


STRICT = Comparison(
    strict_spans,
    read=lambda text, tags: (PARSER.split_words(text), tags.split()),
    capitals=each(strict_spans, lambda span: Span(span.type.upper(), span.start, span.end)),
    single_words=_with_tags("I-", "B-"),
    melted=_with_tags("B-", "I-"),
    lenient=tags_to_spans,
    any_type_continues=partial(strict_spans, continues=lambda span, before, tag: before != "O"),
    name=_shown,
)


def bioes(
    tags: list[str], ends: Function = lambda tag, after: after != f"I-{tag[2:]}"
) -> list[str]:
    """Return the tags in the code that also marks ends (`E-`) and single words (`S-`)."""
    return [
        {"B": "S", "I": "E"}[tag[0]] + tag[1:] if tag != "O" and ends(tag, after) else tag
        for tag, after in pairwise([*tags, "O"])
    ]


BIOES = Comparison(
    bioes,
    read=lambda tags: (tags.split(),),
    never_single=each(bioes, lambda tag: tag.replace("S-", "B-")),
    single_is_end=each(bioes, lambda tag: tag.replace("S-", "E-")),
    last_forgotten=lambda tags: [*bioes(tags)[:-1], *tags[-1:]],
    end_at_outside=partial(bioes, ends=lambda tag, after: after == "O"),
)

CHECKS = (tags_on_paper, FROM_PLACES, STRICT, BIOES)  # in the order of their numbers
