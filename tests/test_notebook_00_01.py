"""Notebooks 00 and 01: what the learner writes by hand, run on more data than the lesson shows."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nerlib import ParsedUtterance, Parser, evaluate_tags, load_corpus
from nerlib.corpus import sample_folder
from nerlib.parsing import tag_chunks

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
LOCALES = ("en-US", "ru-RU")
SPLITS = ("train", "validation", "test")


def source_of(cell: nbformat.NotebookNode) -> str:
    """Return a cell's code without the lines that only IPython understands."""
    return "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))


@pytest.fixture(scope="module")
def by_hand() -> dict[str, Any]:
    """Return the names that the set-up cell and the cells tagged `by-hand` define."""
    notebook = nbformat.read(NOTEBOOKS / "01_data_exploration.ipynb", as_version=4)
    names: dict[str, Any] = {}
    for cell in notebook.cells:
        if cell.id == "01-setup" or "by-hand" in cell.metadata.get("tags", []):
            exec(compile(source_of(cell), cell.id, "exec"), names)
    return names


@cache
def parsed(locale: str, split: str) -> tuple[ParsedUtterance, ...]:
    return tuple(Parser().parse(text) for text in load_corpus(locale, split)["annot_utt"])


def predict(by_hand: dict[str, Any], gazetteer: dict, utterances: Any) -> list[list[str]]:
    return [by_hand["tag_by_hand"]([w.text for w in u.words], gazetteer) for u in utterances]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("split", SPLITS)
def test_rows_read_by_hand_are_those_of_load_corpus(
    by_hand: dict[str, Any], locale: str, split: str
) -> None:
    path = sample_folder() / "1.1" / "data" / f"{locale}.jsonl"
    partition = {"validation": "dev"}.get(split, split)
    rows = by_hand["read_rows_by_hand"](path, partition)
    assert rows == list(load_corpus(locale, split))
    assert rows


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("split", SPLITS)
def test_slots_read_by_hand_are_those_of_the_parser(
    by_hand: dict[str, Any], locale: str, split: str
) -> None:
    for row, u in zip(load_corpus(locale, split), parsed(locale, split), strict=True):
        slots = by_hand["slots_by_hand"](row["annot_utt"])
        assert slots == [(span.type, u.text[span.start : span.end]) for span in u.spans]
        assert by_hand["plain_text_by_hand"](row["annot_utt"]) == row["utt"]


@pytest.mark.parametrize("locale", LOCALES)
def test_word_types_agree_with_the_tags(by_hand: dict[str, Any], locale: str) -> None:
    types_of = by_hand["word_types_by_hand"](parsed(locale, "train"))
    tagged = [
        (word.text.casefold(), tag[2:].lower() or "-")
        for u in parsed(locale, "train")
        for word, tag in zip(u.words, u.tags, strict=True)
    ]
    assert sum(counts.total() for counts in types_of.values()) == len(tagged)
    assert {(word, name) for word, counts in types_of.items() for name in counts} == set(tagged)


@pytest.mark.parametrize("locale", LOCALES)
def test_values_by_hand_are_the_words_of_each_slot(by_hand: dict[str, Any], locale: str) -> None:
    for u in parsed(locale, "train"):
        values = [by_hand["value_by_hand"](u, span) for span in u.spans]
        words = [word.text.casefold() for word in u.words]
        assert values == [tuple(words[first:end]) for _, first, end in tag_chunks(u.tags)]


@pytest.mark.parametrize("locale", LOCALES)
def test_the_gazetteer_finds_every_training_value_alone(
    by_hand: dict[str, Any], locale: str
) -> None:
    gazetteer = by_hand["gazetteer_by_hand"](parsed(locale, "train"))
    assert len(gazetteer) > 700
    for value, name in gazetteer.items():
        tags = [f"B-{name.upper()}"] + [f"I-{name.upper()}"] * (len(value) - 1)
        assert by_hand["tag_by_hand"](list(value), gazetteer) == tags
        assert by_hand["tag_by_hand"]([word.upper() for word in value], gazetteer) == tags


@pytest.mark.parametrize("locale", LOCALES)
def test_on_its_training_rows_the_gazetteer_misses_little(
    by_hand: dict[str, Any], locale: str
) -> None:
    rows = parsed(locale, "train")
    gazetteer = by_hand["gazetteer_by_hand"](rows)
    score = evaluate_tags([u.tags for u in rows], predict(by_hand, gazetteer, rows)).overall
    assert score.recall > 0.98


def test_the_longest_match_wins_and_nothing_overlaps(by_hand: dict[str, Any]) -> None:
    tag = by_hand["tag_by_hand"]
    gazetteer = {("nine",): "time", ("nine", "am"): "time", ("am", "radio"): "media_type"}
    assert tag(["at", "Nine", "AM"], gazetteer) == ["O", "B-TIME", "I-TIME"]
    assert tag(["nine", "am", "radio"], gazetteer) == ["B-TIME", "I-TIME", "O"]
    assert tag(["nine", "nine"], gazetteer) == ["B-TIME", "B-TIME"]
    assert tag(["nine", "am", "am", "radio"], gazetteer) == [
        *("B-TIME", "I-TIME"),
        *("B-MEDIA_TYPE", "I-MEDIA_TYPE"),
    ]
    assert tag([], gazetteer) == []
    assert tag(["at", "ten"], {}) == ["O", "O"]


def test_the_most_frequent_type_of_a_value_is_kept(by_hand: dict[str, Any]) -> None:
    texts = ["[date : May]", "[person : may]", "ask [person : may]", "[date : june]"]
    gazetteer = by_hand["gazetteer_by_hand"]([Parser().parse(text) for text in texts])
    assert gazetteer == {("may",): "person", ("june",): "date"}


def test_the_rule_drops_what_is_wrong_more_often_than_right(by_hand: dict[str, Any]) -> None:
    texts = ["turn it [change : up]", "wake me up", "get up", "in [date : may]", "may i"]
    rows = [Parser().parse(text) for text in texts]
    gazetteer = by_hand["gazetteer_by_hand"](rows)
    assert set(gazetteer) == {("up",), ("may",)}
    assert by_hand["reliable_by_hand"](gazetteer, rows) == {("may",): "date"}  # half is enough


@pytest.mark.parametrize(
    ("locale", "split", "low", "high"),
    [
        ("en-US", "validation", 0.43, 0.51),
        ("en-US", "test", 0.31, 0.39),
        ("ru-RU", "validation", 0.38, 0.45),
    ],
)
def test_the_score_to_beat(
    by_hand: dict[str, Any], locale: str, split: str, low: float, high: float
) -> None:
    train, rows = parsed(locale, "train"), parsed(locale, split)
    gazetteer = by_hand["gazetteer_by_hand"](train)
    reliable = by_hand["reliable_by_hand"](gazetteer, train)
    assert set(reliable.items()) < set(gazetteer.items())
    gold = [u.tags for u in rows]
    plain = evaluate_tags(gold, predict(by_hand, gazetteer, rows)).overall
    ruled = evaluate_tags(gold, predict(by_hand, reliable, rows)).overall
    assert ruled.precision > plain.precision
    assert low < ruled.f1 < high


def test_on_massive_the_rule_earns_its_place(by_hand: dict[str, Any], massive_dir: Path) -> None:
    parser = Parser()
    train, rows = (
        [parser.parse(text) for text in load_corpus("en-US", split, massive_dir, True)["annot_utt"]]
        for split in ("train[:1000]", "validation")
    )
    gazetteer = by_hand["gazetteer_by_hand"](train)
    gold = [u.tags for u in rows]
    plain = evaluate_tags(gold, predict(by_hand, gazetteer, rows)).overall
    reliable = by_hand["reliable_by_hand"](gazetteer, train)
    ruled = evaluate_tags(gold, predict(by_hand, reliable, rows)).overall
    assert 0.5 < plain.f1 < ruled.f1 < 0.65


def test_notebook_00_trains_little_and_into_a_folder_of_its_own() -> None:
    notebook = nbformat.read(NOTEBOOKS / "00_start_here.ipynb", as_version=4)
    source = "\n".join(source_of(cell) for cell in notebook.cells if cell.cell_type == "code")
    names: dict[str, Any] = {}
    cell = next(cell for cell in notebook.cells if cell.id == "00-train")
    setup = next(cell for cell in notebook.cells if cell.id == "00-setup")
    exec(compile(source_of(setup), "00-setup", "exec"), names)
    asked: dict[str, Any] = {}
    names["trained_tagger"] = lambda *values, **named: asked.update(values=values, **named)
    exec(compile(source_of(cell), "00-train", "exec"), names)
    recipe, folder = asked["values"]
    assert (recipe.name, folder.name) == ("offline", "quick-offline")
    assert asked["rows"] * asked["epochs"] <= 3000
    assert source.count("trained_tagger(") == 1
