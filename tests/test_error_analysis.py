"""What a model did, word by word, and how its errors are sorted."""

import math
from collections import Counter

import pytest
from notebook_cells import names_by_hand
from small_runs import trained_model
from tiny_encoders import make_corpus, small_corpus, small_data, tokenizer_of

from nerlib import (
    NERDataset,
    Parser,
    Score,
    Tagger,
    TagSet,
    evaluate_tags,
    load_corpus,
    predict_tags,
)
from nerlib.analysis.error_analysis import (
    NOTHING,
    confusions,
    entity_confidences,
    entity_length,
    grouped_scores,
    kinds_of,
    mean_loss,
    most_confused,
    predict_outcomes,
    seen_or_new,
    seen_values,
    sentence_length,
    worst_outcomes,
)
from nerlib.analysis.gazetteer import Gazetteer
from nerlib.analysis.matching import count_kinds


@pytest.fixture(scope="module")
def odd_data():
    """Some plain rows, and ones with an unknown type, an unseen word, and nothing in them."""
    plain = small_corpus(30, seed=2)["annot_utt"]
    odd = ("call [song_name : anna] at [time : nine \u200b am]", "wake \u200b me", "remind me")
    corpus = make_corpus(*plain, *odd)
    return NERDataset(corpus, tokenizer_of("bert"), TagSet.from_corpus(small_corpus()))


@pytest.fixture(scope="module")
def outcomes(odd_data):
    return predict_outcomes(trained_model(), odd_data)


def test_outcomes_are_the_predictions_of_the_library(odd_data, outcomes):
    predicted, loss = predict_tags(trained_model(), odd_data)
    assert [list(outcome.predicted) for outcome in outcomes] == predicted
    assert [outcome.row_id for outcome in outcomes] == odd_data.row_ids
    assert [outcome.utterance for outcome in outcomes] == odd_data.utterances
    assert mean_loss(outcomes) == pytest.approx(loss, rel=1e-5)
    for outcome in outcomes:
        words = len(outcome.utterance.words)
        assert len(outcome.confidences) == len(outcome.losses) == words
    f1 = evaluate_tags(odd_data.gold, predicted).overall.f1
    assert 0.1 < f1 < 0.99, "right and wrong answers are needed for the tests below"


def test_what_cannot_be_known_has_no_loss(outcomes):
    unknown, unseen = outcomes[-3], outcomes[-2]
    for outcome, text in ((unknown, "anna"), (unseen, "\u200b")):
        words = [word.text for word in outcome.utterance.words]
        assert math.isnan(outcome.losses[words.index(text)])
    assert not math.isnan(unseen.highest_loss)


def test_confidences_are_the_scores_of_entities(outcomes):
    tagger = Tagger(trained_model(), tokenizer_of("bert"), "cpu", "fp32")
    texts = [outcome.utterance.text for outcome in outcomes]
    scores = [entity.score for found in tagger(texts) for entity in found]
    confidences, right = entity_confidences(outcomes)
    assert confidences == pytest.approx(scores, abs=1e-5)
    gold = [outcome.utterance.tags for outcome in outcomes]
    overall = evaluate_tags(gold, [outcome.predicted for outcome in outcomes]).overall
    assert sum(right) == overall.correct
    assert len(right) == overall.predicted


def test_worst_come_first(outcomes):
    losses = [outcome.highest_loss for outcome in worst_outcomes(outcomes, 10)]
    assert losses == sorted((outcome.highest_loss for outcome in outcomes), reverse=True)[:10]


def test_kinds_and_confusions_count_every_match_once(outcomes):
    gold = [outcome.utterance.tags for outcome in outcomes]
    expected = count_kinds(gold, [outcome.predicted for outcome in outcomes])
    by_kind = kinds_of(outcomes)
    assert {kind: len(found) for kind, found in by_kind.items()} == {
        kind: count for kind, count in expected.items() if count
    }
    counts = confusions(outcomes)
    assert sum(counts.values()) == sum(expected.values())
    assert sum(n for (gold, _), n in counts.items() if gold == NOTHING) == expected["invented"]
    assert sum(n for (_, got), n in counts.items() if got == NOTHING) == expected["missed"]


def test_most_confused_counts_both_sides_of_a_mistake():
    counts = Counter({("a", "b"): 2, ("c", "b"): 2, ("d", "d"): 50, ("c", NOTHING): 3})
    assert most_confused(counts) == ["c", "b", "a", NOTHING]
    assert most_confused(counts, most=1) == ["c", NOTHING]
    assert most_confused({("d", "d"): 5}) == [NOTHING]


def test_groups_divide_the_score(outcomes):
    utterances = [outcome.utterance for outcome in outcomes]
    predicted = [outcome.predicted for outcome in outcomes]
    overall = evaluate_tags([u.tags for u in utterances], predicted).overall
    known = seen_values(small_data("bert", rows=4).utterances)
    for group in (entity_length, sentence_length([4, 8]), seen_or_new(known)):
        scores = grouped_scores(utterances, predicted, group)
        assert len(scores) > 1
        for count in ("gold", "predicted", "correct"):
            assert sum(getattr(s, count) for s in scores.values()) == getattr(overall, count)


def test_a_value_is_seen_whatever_its_type_and_case():
    parse = Parser().parse
    known = seen_values([parse("at [time : Nine AM]")])
    rows = [parse("[date : nine am]"), parse("[time : nine]"), parse("[time : NINE am]")]
    scores = grouped_scores(rows, [row.tags for row in rows], seen_or_new(known))
    assert scores == {"new": Score(1, 1, 1), "seen": Score(2, 2, 2)}


def test_lengths_fall_into_the_right_groups():
    utterance = Parser().parse("a b [x : c d e f g] h")
    assert entity_length(utterance, ("X", 0, 1)) == "1 word"
    assert entity_length(utterance, ("X", 0, 3)) == "3 words"
    assert entity_length(utterance, ("X", 0, 4)) == "4 words or more"
    names = [sentence_length(bounds)(utterance, ("X", 2, 7)) for bounds in ([8], [7], [3, 9])]
    assert names == [" 1 to  8 words", " 8 words or more", " 4 to  9 words"]


@pytest.mark.parametrize("locale", ["en-US", "ru-RU"])
def test_the_gazetteer_is_that_of_notebook_01(locale):
    names = names_by_hand("01_data_exploration")
    rows, other = (
        [Parser().parse(text) for text in load_corpus(locale, split)["annot_utt"]]
        for split in ("train", "validation")
    )
    everything = names["gazetteer_by_hand"](rows)
    by_hand = names["reliable_by_hand"](everything, rows)
    library = Gazetteer.learn(rows)
    assert {value: name.lower() for value, name in library.types.items()} == by_hand
    assert len(library.types) < len(everything)
    for utterance in other:
        words = [word.text for word in utterance.words]
        assert library.tag(utterance) == names["tag_by_hand"](words, by_hand)
    assert Gazetteer.learn([]).tag(other[0]) == ["O"] * len(other[0].words)
