"""Each fault of notebook 08 hurts, or is invisible, exactly as the text says."""

import random
from dataclasses import replace
from functools import cache
from statistics import fmean

import pytest
import torch
from tiny_encoders import encoder_folder, make_row, new_model, small_data, tokenizer_of

from benchmarks.faults import cost_of_dropout, cost_of_lower_case, cost_of_new_head
from nerlib import (
    EncoderError,
    Parser,
    TrainConfig,
    collate,
    evaluate_tags,
    load_model,
    predict_tags,
    save_model,
)
from nerlib.corpus import rows_to_dataset
from nerlib.course import broken, faults
from nerlib.course.broken import NO_BUGS, Bugs, Lab, Run, run
from nerlib.course.figures import waterfall_chart
from nerlib.course.measured import read_results
from nerlib.device import choose_compute
from nerlib.model import tagging_loss

SEEDS = (0, 1, 2)
RATES = {"learning_rate": 3e-3, "head_rate_factor": 3}
ON = {"device": "cpu", "precision": "fp32", "threads": 1}
SETTINGS = TrainConfig(epochs=8, batch_size=8, **RATES, **ON)
# Words of slots stand outside of slots as well, and words of several subwords stand before slots.
FORMS = {
    "alarm_set": (
        "wake me up at [time : {t}] and not at {t2}",
        "please remind miles at [time : {t}], {t2} is late",
    ),
    "weather_query": (
        "what's the weather in [place_name : {p}] [date : {d}]",
        "tomorrow's weather in [place_name : {p}] please",
    ),
    "play_music": (
        "play [artist_name : {a}] in the [house_place : {h}]",
        "play some {a} jazz, [artist_name : {a}]",
    ),
}
VALUES = {
    "t": ("nine", "nine am", "half past seven", "seven", "half past nine"),
    "t2": ("nine", "seven", "half past seven"),
    "d": ("friday", "next friday", "tomorrow"),
    "p": ("new york", "miles", "anna", "york"),
    "a": ("miles davis", "quiet davis", "anna", "the heating"),
    "h": ("kitchen", "new kitchen"),
}


# Said before a sentence, so that its words stand at any place, behind any number of pieces.
OPENINGS = ("hey", "please", "quietly", "somewhere", "anyway", "miles", "well then", "by the way")


def make_rows(number: int, seed: int):
    """Rows of three intents, written anew with every seed."""
    pick = random.Random(seed)
    rows = []
    for row in range(number):
        intent = pick.choice(list(FORMS))
        values = {name: pick.choice(options) for name, options in VALUES.items()}
        said = pick.choices(OPENINGS, k=pick.randrange(4))
        text = " ".join([*said, pick.choice(FORMS[intent]).format(**values)])
        rows.append({**make_row(row, text), "intent": intent})
    return rows_to_dataset(rows)


@cache
def lab() -> Lab:
    rows = [make_rows(number, seed) for seed, number in enumerate((240, 150, 150))]
    folder = str(encoder_folder("bert"))
    return Lab(*rows, tokenizer_of("bert"), Parser(), folder, SETTINGS)


@cache
def trained(seed: int, **bugs: bool) -> Run:
    return run(lab(), Bugs(**bugs), seed, watch=not bugs)


class TestTheLoopWithoutAFault:
    """What the faults are compared with has to be what the library does."""

    def test_its_loss_is_the_library_s(self):
        data = small_data("bert", rows=40)
        model = new_model("bert", data.tags).eval()
        batch = broken.collate_groups(broken.break_rows(data, NO_BUGS, training=True), data.pad_id)
        logits = broken.word_logits(model, batch, choose_compute("cpu", "fp32"))
        expected = model(**collate(data.items, data.pad_id))
        torch.testing.assert_close(logits, expected.logits)
        torch.testing.assert_close(tagging_loss(logits, batch["target"]), expected.loss)

    def test_it_learns_and_its_answers_are_the_library_s(self):
        base = trained(0)
        assert base.answers() == predict_tags(base.model, base.validation_set)[0]
        assert min(trained(seed).f1 for seed in SEEDS) > 0.7


class TestFaultsThatSpoilTheModel:
    """Live, over three seeds, on sentences in which every fault can show."""

    @pytest.mark.parametrize(
        ("bug", "least", "most"),
        [
            ("word_dictionary", 0.04, 0.25),
            ("word_offsets", 0.2, 0.7),
            ("padding_in_loss", 0.02, 0.3),
            ("first_subword_loss", 0.2, 0.8),
            ("file_order", 0.08, 0.6),
        ],
    )
    def test_it_hurts(self, bug, least, most):
        cost = fmean(trained(seed).f1 - trained(seed, **{bug: True}).f1 for seed in SEEDS)
        assert least < cost < most

    def test_padding_makes_the_loss_look_better_than_the_model_is(self):
        plain, padded = trained(0), trained(0, padding_in_loss=True)
        assert padded.losses[-1] < plain.losses[-1] / 2

    def test_a_fault_in_the_training_tags_leaves_the_right_answers_alone(self):
        bugs = Bugs(word_dictionary=True, first_subword_loss=True)
        data = trained(0).validation_set
        for found, right in zip(broken.break_rows(data, bugs, False), data.items, strict=True):
            assert torch.equal(found["target"], right["target"])
            assert torch.equal(found["subword_group"], right["subword_group"])

    def test_a_new_head_knows_nothing_and_only_a_strict_loader_says_so(self, tmp_path):
        base = trained(0)
        assert cost_of_new_head(base).lost > 0.7 * base.f1
        weights = base.model.state_dict()
        renamed = {name.replace("head.", "classifier."): tensor for name, tensor in weights.items()}
        with pytest.raises(RuntimeError, match="Missing key"):
            base.model.load_state_dict(renamed)
        save_model(base.model, lab().tokenizer, tmp_path)
        base.model.save_pretrained(tmp_path, state_dict=renamed)
        with pytest.raises(EncoderError, match="head"):
            load_model(tmp_path)

    def test_a_grown_tag_set_is_invisible_until_the_numbers_are_read_with_another(self):
        foreign = faults.other_domain("en-US")
        costs = []
        for seed in SEEDS:
            base, grown = trained(seed), run(lab(), NO_BUGS, seed, foreign)
            own = set(base.model.config.labels)
            assert {tag for tags in grown.answers() for tag in tags} <= own
            assert len(grown.model.config.labels) == len(own) + 6
            costs.append(base.f1 - grown.f1)
            assert faults.renumbered(grown, base.model.config.labels).overall.f1 < grown.f1 - 0.2
        assert abs(fmean(costs)) < 0.12

    def test_small_letters_hurt_a_model_that_has_learnt_from_capitals(self, tmp_path):
        cased = faults.cased_lab(lab(), tmp_path, epochs=3)
        assert cased.validation_rows["utt"] != lab().validation_rows["utt"]
        trained_with_capitals = run(cased)
        assert trained_with_capitals.f1 > 0.5
        assert cost_of_lower_case(cased, trained_with_capitals).lost > 0.1


class TestFaultsThatSpoilTheReport:
    """The model is the same; the number said about it is not."""

    def test_dropout_reports_less_than_the_model_can_do_and_never_the_same_twice(self):
        torch.manual_seed(0)
        bases = [trained(seed) for seed in SEEDS]
        assert fmean(cost_of_dropout(base).told for base in bases) < -0.01
        assert all(cost_of_dropout(base).lost == 0 for base in bases)
        assert all(base.scores().overall.f1 == base.f1 for base in bases)
        assert len({base.scores(dropout=True).token_accuracy for base in bases for _ in "ab"}) > 1

    def test_accuracy_praises_a_model_that_finds_nothing(self):
        base = trained(0)
        gold = base.validation_set.gold
        silent = evaluate_tags(gold, [["O"] * len(tags) for tags in gold])
        assert silent.overall.f1 == 0
        assert silent.token_accuracy > 0.5
        assert faults.cost_of_accuracy(base).told > 0

    def test_test_rows_that_choose_the_epoch_never_tell_less(self):
        base = trained(0)
        assert faults.cost_of_test_epoch(base).told >= 0
        gold, other = base.test_set.gold, base.validation_set.gold
        silent = evaluate_tags(other, [["O"] * len(tags) for tags in other])
        # An epoch that is perfect on test rows and useless on validation rows.
        cheated = replace(base, history=[*base.history, (silent, evaluate_tags(gold, gold))])
        assert faults.cost_of_test_epoch(cheated).told > 0


class TestWhatIsCommitted:
    """The results that the notebook quotes, measured with the recipe `offline`."""

    def test_it_says_how_it_was_made(self):
        results = read_results("break_it.json")
        assert results["command"] == "python -m benchmarks.faults"
        assert results["recipe"] == "offline"
        assert len(results["seeds"]) >= 3
        assert {"machine", "torch", "compute", "train_rows", "epochs"} <= set(results)

    @pytest.mark.parametrize("key", faults.FAULTS)
    def test_every_seed_lies_in_the_band_from_which_the_verdict_follows(self, key):
        fault = faults.FAULTS[key]
        low, high = fault.band
        for costs in read_results("break_it.json")["seeds"].values():
            assert low <= costs[key][fault.counts] <= high
            assert costs[key]["lost"] == 0 or fault.counts == "lost" or key == "accuracy"
        verdict = {
            "hurts": fault.counts == "lost" and low > 0,
            "within chance": fault.counts == "lost" and low <= 0 < high < 0.1,
            "invisible in F1": low == high == 0,
            "flatters": fault.counts == "told" and low >= 0 < high,
            "random": fault.counts == "told" and low < 0 < high,
        }
        assert verdict[fault.verdict]
        lines = str(faults.wrong_and_right(key)).splitlines()
        assert lines == [f"wrong  {fault.wrong}", f"right  {fault.right}"]
        assert fault.wrong != fault.right


def test_waterfall_chart_starts_every_bar_where_the_last_one_ended():
    steps = [("as it was", "start", 0.3), ("repaired", "bug", 0.5), ("changed", "choice", 0.4)]
    (axis,) = waterfall_chart(steps).axes
    bars = [bar for container in axis.containers for bar in container]
    assert [bar.get_x() for bar in bars] == pytest.approx([0, 0.3, 0.5])
    assert [bar.get_x() + bar.get_width() for bar in bars] == pytest.approx([0.3, 0.5, 0.4])
    changes = [text.get_text().partition("  ")[2] for text in axis.texts]
    assert changes == ["", "(+0.200)", "(-0.100)"]
