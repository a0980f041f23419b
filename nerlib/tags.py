"""The closed set of tags that a model can predict, and their numbers.

Built in notebook 02.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from nerlib.parsing import OUTSIDE, AnnotationError, Parser


@dataclass(frozen=True)
class TagSet:
    """A frozen list of slot types with the BIO tags that follow from it.

    `O` is number 0; then every type, in alphabetical order, has its `B-` and its `I-` tag, whether
    the training rows showed both or not. Built in notebook 02.

    >>> tags = TagSet.from_types(["time", "date"])
    >>> tags.labels
    ('O', 'B-DATE', 'I-DATE', 'B-TIME', 'I-TIME')
    >>> tags.get_id("B-TIME"), tags.get_label(3)
    (3, 'B-TIME')
    """

    types: tuple[str, ...]
    # As the training rows spell those types that do not come back as lower case: `GeoLoc`.
    spelled: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @classmethod
    def from_types(cls, types: Iterable[str]) -> "TagSet":
        """Return the tag set of some slot types, in any order and letter case."""
        return cls(tuple(sorted({name.upper() for name in types})))

    @classmethod
    def from_labels(cls, labels: Iterable[str]) -> "TagSet":
        """Return the tag set that has these labels, as a saved model lists them.

        Raises `ValueError` for a list that no tag set has.
        """
        labels = tuple(labels)
        tags = cls.from_types(label[2:] for label in labels if label.startswith("B-"))
        if tags.labels != labels:
            raise ValueError("labels must be 'O', then 'B-X' and 'I-X' of every type X in order")
        return tags

    @classmethod
    def from_corpus(
        cls, corpus: Iterable[Mapping[str, Any]], parser: Parser | None = None
    ) -> "TagSet":
        """Return the tag set of a corpus. Give it training rows only: a type that only validation
        rows show cannot be learnt, and must not change the model. Rows that cannot be parsed are
        passed over here; `NERDataset` reports them.
        """
        parser = parser or Parser()
        found: set[str] = set()
        for row in corpus:
            if "[" in row["annot_utt"]:
                with suppress(AnnotationError):
                    found.update(span.type for span in parser.parse(row["annot_utt"]).spans)
        spelled = tuple(name for name in sorted(found) if name != name.upper().lower())
        return replace(cls.from_types(found), spelled=spelled)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """All tags in the order of their numbers."""
        return OUTSIDE, *(f"{kind}-{name}" for name in self.types for kind in "BI")

    @cached_property
    def tag_to_id(self) -> Mapping[str, int]:
        """Tag → number, read-only."""
        return MappingProxyType({tag: number for number, tag in enumerate(self.labels)})

    @cached_property
    def id_to_tag(self) -> Mapping[int, str]:
        """Number → tag, read-only."""
        return MappingProxyType(dict(enumerate(self.labels)))

    def get_id(self, tag: str) -> int:
        """Return a tag's number; raises `KeyError` for a tag outside of the set."""
        if tag not in self.tag_to_id:
            raise KeyError(f"tag {tag!r} is not in this set of {len(self)} tags")
        return self.tag_to_id[tag]

    def get_label(self, number: int) -> str:
        """Return the tag with this number; raises `KeyError` for a number outside of the set."""
        if number not in self.id_to_tag:
            raise KeyError(f"there is no tag {number!r}: numbers go from 0 to {len(self) - 1}")
        return self.id_to_tag[number]

    def __reduce__(self) -> tuple[type["TagSet"], tuple[tuple[str, ...], tuple[str, ...]]]:
        return TagSet, (self.types, self.spelled)  # read-only mappings cannot be copied or pickled

    def __len__(self) -> int:
        return len(self.labels)
