"""The baseline without a network: a list of known values, and the longest match in it.

Built in notebook 01.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nerlib.parsing import ParsedUtterance, bio_tags, tag_chunks

Value = tuple[str, ...]


@dataclass(frozen=True)
class Gazetteer:
    """Slot values, as words in small letters, each with its slot type."""

    types: Mapping[Value, str]

    @classmethod
    def learn(cls, utterances: Sequence[ParsedUtterance]) -> Gazetteer:
        """Return the values of some utterances, those left out that mislead more than they help.

        Of several types a value gets its most frequent one, the first seen of equals. Then it is
        kept if at least half of its matches in the same utterances are right.

        >>> from nerlib import Parser
        >>> rows = [Parser().parse("at [time : nine]"), Parser().parse("nine [food_type : eggs]")]
        >>> sorted(Gazetteer.learn(rows).types)
        [('eggs',), ('nine',)]
        """
        counts: dict[Value, Counter[str]] = defaultdict(Counter)
        for utterance in utterances:
            for name, first, end in tag_chunks(utterance.tags):
                counts[value_of(utterance, first, end)][name] += 1
        types = {value: seen.most_common(1)[0][0] for value, seen in counts.items()}
        everything, found, right = cls(types), Counter[Value](), Counter[Value]()
        for utterance in utterances:
            gold = set(tag_chunks(utterance.tags))
            for chunk in tag_chunks(everything.tag(utterance)):
                value = value_of(utterance, *chunk[1:])
                found[value] += 1
                right[value] += chunk in gold
        return cls({v: name for v, name in types.items() if 2 * right[v] >= found[v]})

    def tag(self, utterance: ParsedUtterance) -> list[str]:
        """Return one tag a word: from left to right, the longest known value at each place.

        >>> from nerlib import Parser
        >>> Gazetteer({("nine", "am"): "TIME"}).tag(Parser().parse("at nine am"))
        ['O', 'B-TIME', 'I-TIME']
        """
        longest = max(map(len, self.types), default=0)
        count = len(utterance.words)
        words = value_of(utterance, 0, count)
        tags: list[str] = []
        while len(tags) < count:
            start = len(tags)
            ends = range(min(start + longest, count), start, -1)
            end = next((e for e in ends if words[start:e] in self.types), start)
            tags += bio_tags(self.types[words[start:end]], end - start) if end > start else ["O"]
        return tags


def value_of(utterance: ParsedUtterance, first: int, end: int) -> Value:
    """Return some words of an utterance, in small letters; `end` is exclusive.

    >>> from nerlib import Parser
    >>> value_of(Parser().parse("at Nine AM"), 1, 3)
    ('nine', 'am')
    """
    return tuple(word.text.casefold() for word in utterance.words[first:end])
