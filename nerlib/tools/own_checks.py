"""What is worth a look in one's own sentences before anything is trained: types, repeats, words."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from unicodedata import normalize

import regex
from transformers import PretrainedConfig

from nerlib.dataset import NERDataset
from nerlib.inference import PlainTagger
from nerlib.parsing import ParsedUtterance, Parser, Segmentation, Span
from nerlib.tools.exchange.document import repeats

# Scripts that put no blank between words.
_NO_BLANKS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")


def segmentation_of(texts: Iterable[str]) -> Segmentation:
    """Return how to find words: "characters" if most letters are of scripts without blanks.

    >>> segmentation_of(["wake me", "ปลุกฉันตอนเก้าโมง"]), segmentation_of(["wake me up"])
    ('characters', 'spaces')
    """
    text = "".join(texts)
    without, letters = (len(regex.findall(kind, text)) for kind in (_NO_BLANKS, r"\p{L}"))
    return "characters" if without > letters / 2 else "spaces"


def spellings(utterances: Iterable[ParsedUtterance]) -> dict[str, str]:
    """Return how slot types are spelled in some utterances, by their names in tags.

    >>> spellings([Parser().parse("at [Time : nine]")])
    {'TIME': 'Time'}
    """
    return {span.type.upper(): span.type for one in utterances for span in one.spans}


def remarks(sentences: Sequence[str], parser: Parser) -> Iterator[str]:
    """Yield what to look at in bracketed sentences that can all be read.

    >>> list(remarks(["[Date : today]", "[DATE : today]"], Parser()))[0]
    "types that differ in case and count as one: 'DATE' (1), 'Date' (1)"
    """
    parsed = [parser.parse(line) for line in sentences]
    yield from _types(Counter(span.type for one in parsed for span in one.spans))
    yield from repeats(parsed)
    hidden = [(one.text, span) for one in parsed for span in unreachable(one, parser)]
    if hidden:
        text, span = hidden[0]
        example = f"{text[span.start : span.end]!r} in {text[:60]!r}"
        what = "entities begin or end inside a word, so that no tagger finds them"
        yield f"{len(hidden):,} {what}, as {example}"


def unreachable(parsed: ParsedUtterance, parser: Parser) -> list[Span]:
    """Return the spans that do not begin and end with words of the plain text.

    >>> unreachable(Parser().parse("[place : Berlin]-based"), Parser())
    [Span(type='place', start=0, end=6)]
    >>> unreachable(Parser().parse("in [place : Berlin ]"), Parser())
    []
    """
    words = parser.split_words(parsed.text)
    inside = {place for word in words for place in range(word.start + 1, word.end)}
    return [span for span in parsed.spans if {span.start, span.end} & inside]


def told_of_exam(tagger: PlainTagger, data: NERDataset) -> dict[str, int]:
    """Return how many sentences a model was trained with, and how many entities cannot be found."""
    known = trained_on(tagger.model.config)
    hidden = [unreachable(one, tagger.parser) for one in data.utterances]
    return {
        "sentences_that_were_trained_on": sum(digest(one.text) in known for one in data.utterances),
        "entities_that_end_inside_words": sum(map(len, hidden)),
    }


def trained_on(config: PretrainedConfig) -> set[str]:
    """Return the hashes of the sentences that a model was trained with, if it remembers them."""
    return set(str(getattr(config, "trained_on", None) or "").split())


def digest(text: str) -> str:
    """Return a short hash of a sentence, by which a model knows it again."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _types(counts: Counter[str]) -> Iterator[str]:
    """Yield remarks on types that look alike, and on those that look like tags."""
    alike = defaultdict[str, list[str]](list)
    for name in sorted(counts):
        alike[normalize("NFC", name).upper()].append(name)
    for names in (names for names in alike.values() if len(names) > 1):
        one = len({name.upper() for name in names}) == 1
        what = "differ in case and count as one" if one else "look the same and count as several"
        shown = (f"{(repr if one else ascii)(name)} ({counts[name]})" for name in names)
        yield f"types that {what}: {', '.join(shown)}"
    for name in counts:
        if tag := re.fullmatch(r"O|[BIESLU]-(.*)", name):
            advice = f"write {tag[1]}" if tag[1] else "leave the brackets out"
            yield f"the type {name!r} looks like a tag: {advice}"
