"""What `tag` and `serve` answer: filtered as asked for, with other types and their scores."""

import math

import pytest
from small_runs import trained_model
from tiny_encoders import small_corpus, tokenizer_of

from nerlib import Tagger
from nerlib.tools.answers import AnswerError, Wanted, answers, type_scores

TEXTS = [*small_corpus(12, seed=3)["utt"], "", "nine " * 80]


@pytest.fixture
def tagger() -> Tagger:
    return Tagger(trained_model(), tokenizer_of("bert"), "cpu", "fp32")


def test_every_type_has_the_score_that_the_entity_would_have(tagger: Tagger) -> None:
    found = answers(tagger, TEXTS, Wanted(alternatives=9))
    plain = [[(e.type, e.start, e.end, e.score) for e in row] for row in tagger(TEXTS)]
    assert [[(e["type"], e["start"], e["end"], e["score"]) for e in row] for row in found] == plain
    assert any(found)
    names = list(tagger.model.config.type_names.values())
    for text, row in zip(TEXTS, found, strict=True):
        words = tagger.parser.split_words(text)
        table = tagger.score_words([words])[0][0].softmax(-1)
        for one in row:
            inside = [i for i, w in enumerate(words) if one["start"] <= w.start < one["end"]]
            scores = dict(zip(names, type_scores(table[inside]).tolist(), strict=True))
            assert scores.pop(one["type"]) == pytest.approx(one["score"], abs=1e-5)
            others = {other["type"]: other["score"] for other in one["alternatives"]}
            assert others == pytest.approx(scores, abs=1e-5)
            assert list(others.values()) == sorted(others.values(), reverse=True)


def test_only_what_is_asked_for_is_given(tagger: Tagger) -> None:
    everything = [one for row in answers(tagger, TEXTS, Wanted()) for one in row]
    middle = sorted(one["score"] for one in everything)[len(everything) // 2]
    wanted = Wanted(middle, ("time", "date"))
    kept = [one for row in answers(tagger, TEXTS, wanted) for one in row]
    right = [o for o in everything if o["score"] >= middle and o["type"] in ("time", "date")]
    assert kept == right
    assert 0 < len(kept) < len(everything)
    few = [one for row in answers(tagger, TEXTS, Wanted(alternatives=1)) for one in row]
    assert {len(one["alternatives"]) for one in few} == {1}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(types=("tiem",)), "did you mean time?"),
        (Wanted(min_score=1.5), "0 to 1"),
        (Wanted(min_score=math.nan), "0 to 1"),
        (Wanted(alternatives=-1), "0 to 100"),
    ],
)
def test_what_a_model_cannot_answer_is_refused(wanted: Wanted, said: str) -> None:
    with pytest.raises(AnswerError) as refused:
        wanted.check(["time", "date"])
    assert said in refused.value.advice
