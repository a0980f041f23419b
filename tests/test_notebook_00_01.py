"""Notebooks 00 and 01: what the learner writes by hand, run on more data than the lesson shows."""

from functools import cache
from typing import Any

import pytest
from notebook_cells import names_by_hand

from nerlib import ParsedUtterance, Parser, load_corpus
from nerlib.corpus import sample_folder
from nerlib.parsing import tag_chunks

LESSON = "01_data_exploration"
SPLITS = [(locale, s) for locale in ("en-US", "ru-RU") for s in ("train", "validation", "test")]
every_split = pytest.mark.parametrize(("locale", "split"), SPLITS)
both_locales = pytest.mark.parametrize("locale", ["en-US", "ru-RU"])


@cache
def parsed(locale: str, split: str) -> tuple[ParsedUtterance, ...]:
    return tuple(Parser().parse(text) for text in load_corpus(locale, split)["annot_utt"])


@every_split
def test_rows_read_by_hand_are_those_of_load_corpus(by_hand, locale, split):
    path = sample_folder() / "1.1" / "data" / f"{locale}.jsonl"
    partition = {"validation": "dev"}.get(split, split)
    rows = by_hand["read_rows_by_hand"](path, partition)
    assert rows == list(load_corpus(locale, split))
    assert rows


@every_split
def test_slots_read_by_hand_are_those_of_the_parser(by_hand, locale, split):
    for row, u in zip(load_corpus(locale, split), parsed(locale, split), strict=True):
        slots = by_hand["slots_by_hand"](row["annot_utt"])
        assert slots == [(span.type, u.text[span.start : span.end]) for span in u.spans]
        assert by_hand["plain_text_by_hand"](row["annot_utt"]) == row["utt"]


@both_locales
def test_word_types_agree_with_the_tags(by_hand, locale):
    types_of = by_hand["word_types_by_hand"](parsed(locale, "train"))
    tagged = [
        (word.text.casefold(), tag[2:].lower() or "-")
        for u in parsed(locale, "train")
        for word, tag in zip(u.words, u.tags, strict=True)
    ]
    assert sum(counts.total() for counts in types_of.values()) == len(tagged)
    assert {(word, name) for word, counts in types_of.items() for name in counts} == set(tagged)


@both_locales
def test_values_by_hand_are_the_words_of_each_slot(by_hand, locale):
    for u in parsed(locale, "train"):
        values = [by_hand["value_by_hand"](u, span) for span in u.spans]
        words = [word.text.casefold() for word in u.words]
        assert values == [tuple(words[first:end]) for _, first, end in tag_chunks(u.tags)]


def test_the_most_frequent_type_of_a_value_is_kept(by_hand):
    texts = ["[date : May]", "[person : may]", "ask [person : may]", "[date : june]"]
    gazetteer = by_hand["gazetteer_by_hand"]([Parser().parse(text) for text in texts])
    assert gazetteer == {("may",): "person", ("june",): "date"}


def test_the_rule_drops_what_is_wrong_more_often_than_right(by_hand):
    texts = ["turn it [change : up]", "wake me up", "get up", "in [date : may]", "may i"]
    rows = [Parser().parse(text) for text in texts]
    gazetteer = by_hand["gazetteer_by_hand"](rows)
    assert set(gazetteer) == {("up",), ("may",)}
    assert by_hand["reliable_by_hand"](gazetteer, rows) == {("may",): "date"}  # half is enough


def test_notebook_00_trains_little_and_into_a_folder_of_its_own():
    asked: list[Any] = []

    def ask(*arguments: Any, **named: Any) -> None:
        asked.append((arguments, named))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nerlib.trained_tagger", ask, raising=False)
        names_by_hand("00_start_here", "train")
    (((recipe, folder), named),) = asked
    assert (recipe.name, folder.name) == ("offline", "quick-offline")
    assert named["rows"] * named["epochs"] <= 3000
