"""What notebook 05 writes by hand agrees with the library, on more data than the notebook shows."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from notebook_cells import tag_pairs
from tiny_encoders import make_corpus, new_model, small_corpus, small_data, tokenizer_of

from nerlib import (
    NERClassifier,
    NERDataset,
    TagSet,
    TrainConfig,
    collate,
    evaluate_tags,
    predict_tags,
)
from nerlib.analysis.plots import seen_and_scored
from nerlib.course.figures import step_moves
from nerlib.decoding import best_tags, visible_words
from nerlib.metrics import Score
from nerlib.model import tagging_loss
from nerlib.optimization import warmup_and_decay
from nerlib.training import fit

LESSON = "05_training"
CONFIG = TrainConfig(
    epochs=3, batch_size=8, learning_rate=5e-3, head_rate_factor=5,
    device="cpu", precision="fp32", threads=2, progress=False,
)  # fmt: skip
CONFIGS = {
    "long": replace(CONFIG, epochs=10),
    "long warm-up": replace(CONFIG, warmup=0.6),
    "strong decay": replace(CONFIG, weight_decay=0.5, seed=7, max_gradient_norm=0.05),
}


@given(pairs=tag_pairs())
def test_scores_by_hand_are_the_library_s(by_hand, pairs):
    gold, predicted = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    overall = evaluate_tags(gold, predicted).overall
    found = by_hand["entity_f1_by_hand"](gold, predicted)
    assert found == (overall.precision, overall.recall, overall.f1)


@pytest.mark.parametrize("seed", range(5))
def test_loss_by_hand_is_the_library_s(by_hand, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(4, 6, 5, generator=generator)
    labels = torch.randint(0, 5, (4, 6), generator=generator)
    labels[torch.rand(4, 6, generator=generator) < 0.3] = -100
    found = by_hand["batch_loss_by_hand"](logits, labels)
    torch.testing.assert_close(found, tagging_loss(logits, labels))


@given(warmup=st.integers(1, 30), rest=st.integers(0, 60))
def test_rate_factor_by_hand_is_the_library_s(by_hand, warmup, rest):
    total = warmup + rest
    for step in range(total + 3):
        found = by_hand["rate_factor_by_hand"](step, warmup, total)
        assert found == warmup_and_decay(step, warmup, total)


def odd_data() -> NERDataset:
    """Utterances with a word that no encoder sees, and with a type outside of the tag set."""
    corpus = make_corpus(
        "wake me \u200b up at [time : nine \u200b am]",
        "play [song_name : miles] on [date : friday]",
        "remind me",
    )
    return NERDataset(corpus, tokenizer_of("bert"), TagSet.from_types(["time", "date"]))


@pytest.fixture
def library_s_decoding(by_hand, monkeypatch):
    """The lesson's one short cut replaced: the best sequence, not each word's best tag."""

    def best_sequence(logits, batch):
        return best_tags(logits, visible_words(batch["word_ids"], logits.shape[1]))[0]

    monkeypatch.setitem(by_hand, "tags_by_word", best_sequence)


def test_each_word_gets_its_best_tag_and_an_unseen_one_is_o(by_hand):
    data = odd_data()
    batch = collate(data, data.pad_id)
    logits = torch.randn(*batch["labels"].shape, 5, generator=torch.Generator().manual_seed(0))
    found = by_hand["tags_by_word"](logits, batch)
    seen = visible_words(batch["word_ids"], logits.shape[1])
    assert not seen.all()
    assert torch.equal(found[seen], logits[seen].max(-1).indices)
    assert not found[~seen].any()


@pytest.mark.usefixtures("library_s_decoding")
@pytest.mark.parametrize("seed", range(5))
def test_prediction_by_hand_is_the_library_s(by_hand, seed):
    for data in (small_data("bert", rows=80), odd_data()):
        model = new_model("bert", data.tags, seed=seed)
        model.head[-1].bias.data[1:] += 1  # or an unseen word could be O by chance
        predicted, loss = by_hand["predict_by_hand"](model, data)
        assert (predicted, loss) == predict_tags(model, data)
        assert [len(tags) for tags in predicted] == [len(row.words) for row in data.utterances]
        assert not model.training


@pytest.mark.usefixtures("library_s_decoding")
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_training_by_hand_is_the_library_s_to_the_last_bit(by_hand, config):
    sets = small_data("bert", rows=41), small_data("bert", rows=30, seed=1)
    ours = new_model("bert", TagSet.from_corpus(small_corpus()))
    theirs = deepcopy(ours)
    records = by_hand["train_by_hand"](ours, *sets, config)
    history = fit(theirs, *sets, config, report=lambda line: None)
    assert records == [{name: getattr(r, name) for name in records[0]} for r in history]
    if config.epochs >= 10:
        assert records[-1]["f1"] > 0.2, "the comparison means little if nothing is found"
    weights = theirs.state_dict()
    assert all(torch.equal(found, weights[name]) for name, found in ours.state_dict().items())


def test_training_by_hand_keeps_the_earliest_of_the_best_epochs(by_hand, monkeypatch):
    scores, kept = [0.2, 0.5, 0.4, 0.5], []

    def scripted(model: NERClassifier, data: NERDataset) -> dict[str, float]:
        kept.append(deepcopy(model.state_dict()))
        return {"f1": scores[len(kept) - 1]}

    monkeypatch.setitem(by_hand, "validate_by_hand", scripted)
    data = small_data("bert", rows=20)
    model = new_model("bert", data.tags)
    by_hand["train_by_hand"](model, data, data, replace(CONFIG, epochs=len(scores)))
    name = "head.1.weight"
    assert torch.equal(model.state_dict()[name], kept[1][name])
    assert not torch.equal(kept[1][name], kept[3][name])


def test_each_type_of_the_gold_data_is_a_point_and_f1_0_is_a_cross():
    scores = {"TIME": Score(2, 2, 2), "DATE": Score(1, 0, 0), "GUESSED": Score(0, 1, 0)}
    figure = seen_and_scored([["B-TIME", "I-TIME"], ["B-TIME", "O"]], scores)
    found, lost = (points.get_offsets().tolist() for points in figure.axes[0].collections)
    assert (found, lost) == ([[2, 1]], [[0, 0]])
    assert [text.get_text() for text in figure.axes[0].texts] == ["time", "date"]


@pytest.mark.parametrize("sign", [1, -1])
def test_the_picture_of_a_step_has_each_number_in_its_place(sign):
    moves = {"before": 0.25 * sign, "gradient": -2.0 * sign, "clipped gradient": -0.5 * sign}
    left, right = step_moves({**moves, "after": 0.375 * sign}).axes
    assert [bar.get_width() for bar in left.patches] == [-2.0 * sign, -0.5 * sign]
    assert [line.get_xdata()[0] for line in right.lines] == [0.25 * sign, 0.375 * sign]
    shown = " ".join(text.get_text() for text in right.texts)
    assert all(f"{value * sign:+.4f}" in shown for value in (0.25, 0.125, 0.375))
