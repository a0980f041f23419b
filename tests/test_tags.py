"""The tag set: closed, the same whatever the order of the rows, and impossible to change."""

import copy
import dataclasses
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nerlib import Parser, TagSet, load_corpus

names = st.from_regex(r"[a-z]{1,4}(_[a-z]{1,4})?", fullmatch=True)
ROWS = [
    {"annot_utt": "wake me at [time : nine am] on [date : friday]"},
    {"annot_utt": "nothing here"},
    {"annot_utt": "in [place_name : rome]"},
]


@given(types=st.lists(names))
def test_o_is_zero_and_every_b_has_its_i(types: list[str]) -> None:
    tags = TagSet.from_types(types)
    assert tags.get_id("O") == 0
    assert len(tags) == 1 + 2 * len(set(types))
    for name in types:
        assert tags.get_id(f"I-{name.upper()}") == tags.get_id(f"B-{name.upper()}") + 1


@given(types=st.lists(names))
def test_numbers_and_tags_are_inverse(types: list[str]) -> None:
    tags = TagSet.from_types(types)
    assert list(tags.id_to_tag) == list(range(len(tags)))
    assert [tags.get_id(tags.get_label(number)) for number in tags.id_to_tag] == list(
        tags.id_to_tag
    )
    assert {tag: number for number, tag in tags.id_to_tag.items()} == dict(tags.tag_to_id)
    assert TagSet.from_labels(tags.labels) == tags


@given(order=st.permutations(ROWS))
def test_the_order_of_rows_changes_nothing(order: list[dict[str, str]]) -> None:
    assert TagSet.from_corpus(order).labels == (
        *("O", "B-DATE", "I-DATE"),
        *("B-PLACE_NAME", "I-PLACE_NAME", "B-TIME", "I-TIME"),
    )


def test_rows_that_cannot_be_read_are_passed_over() -> None:
    rows = [*ROWS, {"annot_utt": "[broken : row"}, {"annot_utt": "[nor this]"}]
    assert TagSet.from_corpus(rows) == TagSet.from_corpus(ROWS)
    assert TagSet.from_corpus(rows, Parser("characters")) == TagSet.from_corpus(ROWS)


def test_the_sample_has_all_tags_in_train() -> None:
    tags = TagSet.from_corpus(load_corpus("en-US", "train"))
    assert len(tags) == 1 + 2 * 55
    assert tags == TagSet.from_corpus(load_corpus("ru-RU", "train"))
    assert tags.types == tuple(sorted(tags.types))


class TestFrozen:
    tags = TagSet.from_corpus(ROWS)

    def test_nothing_can_be_replaced(self) -> None:
        with pytest.raises(dataclasses.FrozenInstanceError):
            self.tags.types = ("X",)  # type: ignore[misc]
        with pytest.raises(TypeError):
            self.tags.tag_to_id["B-NEW"] = 99  # type: ignore[index]
        with pytest.raises(TypeError):
            self.tags.id_to_tag[0] = "X"  # type: ignore[index]

    @pytest.mark.parametrize(
        "again", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))]
    )
    def test_it_can_be_copied_and_pickled_after_use(self, again: object) -> None:
        assert self.tags.get_id("B-TIME") == self.tags.tag_to_id["B-TIME"]
        copied = again(self.tags)  # type: ignore[operator]
        assert copied == self.tags
        assert hash(copied) == hash(self.tags)
        assert copied.get_label(1) == "B-DATE"


class TestErrors:
    tags = TagSet.from_types(["time"])

    @pytest.mark.parametrize("tag", ["B-DATE", "TIME", "b-time", "", "I-"])
    def test_an_unknown_tag(self, tag: str) -> None:
        with pytest.raises(KeyError, match=f"tag '{tag}' is not in this set of 3 tags"):
            self.tags.get_id(tag)

    @pytest.mark.parametrize("number", [-1, 3, 1000])
    def test_an_unknown_number(self, number: int) -> None:
        with pytest.raises(KeyError, match=f"no tag {number}: numbers go from 0 to 2"):
            self.tags.get_label(number)

    @pytest.mark.parametrize(
        "labels",
        ["", "B-X I-X", "O B-X", "O I-X B-X", "O B-Y I-Y B-X I-X", "O B-x I-x", "LABEL_0 LABEL_1"],
    )
    def test_labels_that_no_tag_set_has(self, labels: str) -> None:
        with pytest.raises(ValueError, match="labels must be"):
            TagSet.from_labels(labels.split())


def test_spelling_is_kept_but_makes_no_difference() -> None:
    rows = [{"annot_utt": f"in [{name} : rome]"} for name in ("GeoLoc", "PER", "time", "Straße")]
    tags = TagSet.from_corpus(rows)
    assert tags.spelled == ("GeoLoc", "PER", "Straße")
    assert tags == TagSet.from_types(["geoloc", "per", "time", "STRASSE"])
    assert pickle.loads(pickle.dumps(tags)).spelled == copy.copy(tags).spelled == tags.spelled
