"""What notebook 05 writes by hand agrees with the library, on more data than the notebook shows."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from notebook_cells import names_by_hand, tag_pairs
from tiny_encoders import make_corpus, new_model, small_corpus, small_data, tokenizer_of

from nerlib import NERClassifier, NERDataset, TagSet, TrainConfig, evaluate_tags, predict_tags
from nerlib.model import tagging_loss
from nerlib.optimization import warmup_and_decay
from nerlib.training import fit

CONFIG = TrainConfig(
    epochs=3, batch_size=8, learning_rate=5e-3, head_rate_factor=5,
    device="cpu", precision="fp32", threads=2, progress=False,
)  # fmt: skip
CONFIGS = {
    "long": replace(CONFIG, epochs=10),
    "long warm-up": replace(CONFIG, warmup=0.6),
    "strong decay": replace(CONFIG, weight_decay=0.5, seed=7, max_gradient_norm=0.05),
}


@pytest.fixture(scope="module")
def by_hand():
    return names_by_hand("05_training")


@given(pairs=tag_pairs())
def test_scores_by_hand_are_the_library_s(by_hand, pairs):
    gold, predicted = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    library = evaluate_tags(gold, predicted)
    overall = library.overall
    found = by_hand["entity_f1_by_hand"](gold, predicted)
    assert found == (overall.precision, overall.recall, overall.f1)
    assert by_hand["accuracy_by_hand"](gold, predicted) == library.token_accuracy


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


@pytest.mark.parametrize("seed", range(5))
def test_prediction_by_hand_is_the_library_s(by_hand, seed):
    for data in (small_data("bert", rows=80), odd_data()):
        model = new_model("bert", data.tags, seed=seed)
        model.head[-1].bias.data[1:] += 1  # or an unseen word could be O by chance
        predicted, loss = by_hand["predict_by_hand"](model, data)
        assert (predicted, loss) == predict_tags(model, data)
        assert [len(tags) for tags in predicted] == [len(row.words) for row in data.utterances]
        assert not model.training


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
