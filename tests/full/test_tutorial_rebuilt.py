"""The rebuilt tutorial has the tutorial's behaviour, faults and all."""

import json
from functools import partial

import pytest
import torch
from tiny_encoders import encoder_folder, make_corpus, new_model, tokenizer_of
from torch.nn.functional import cross_entropy
from torch.optim import Adam

from benchmarks import waterfall
from benchmarks.tutorial_loop import RATE, run_through, train_tutorial
from benchmarks.waterfall import for_our_words, places_of_words
from nerlib import NERDataset, Parser, TagSet
from nerlib.course.broken import collate_groups, word_logits
from nerlib.course.measured import read_results
from nerlib.course.tutorial_rebuilt import (
    TutorialClassifier,
    TutorialDataset,
    TutorialParser,
    encode,
    ner_inference,
)
from nerlib.device import choose_compute
from nerlib.model import load_encoder

ROWS = make_corpus(
    "wake me up at [time : nine am] on [date : friday]",
    "call [person : anna]",
    "play [song_name : nine] jazz at nine in the kitchen",
)


def rebuilt(seed: int = 0) -> tuple[TutorialClassifier, TutorialDataset, TutorialParser]:
    parser = TutorialParser()
    data = TutorialDataset(ROWS, tokenizer_of("bert"), parser)
    torch.manual_seed(seed)
    encoder = load_encoder(str(encoder_folder("bert")))
    return TutorialClassifier(encoder, len(parser.tag_to_id)), data, parser


class TestParser:
    @pytest.mark.parametrize(
        ("annotated", "tags"),
        [
            (
                "разбуди меня в [time : девять утра] в [date : пятницу]",  # its own example
                "O O O B-TIME I-TIME O B-DATE",
            ),
            (  # a word that recurs is tagged everywhere, and the last slot wins
                "from [place_name : york] to [place_name : new york] by york train",
                "O I-PLACE_NAME O B-PLACE_NAME I-PLACE_NAME O I-PLACE_NAME O",
            ),
            ("at [time : five o'clock]", "O B-TIME O O O"),  # a value with a mark in it is lost
        ],
    )
    def test_tags_are_looked_up_by_word(self, annotated, tags):
        text = Parser().parse(annotated).text
        assert " ".join(TutorialParser()(text, annotated)) == tags

    def test_numbers_are_given_as_tags_turn_up(self):
        parser = TutorialParser()
        parser("at nine", "at [time : nine]")
        before = dict(parser.tag_to_id)
        parser("on friday", "on [date : friday]")
        assert before == {"O": 0, "B-TIME": 1}
        assert parser.tag_to_id == {**before, "B-DATE": 2}

        with pytest.raises(ValueError, match="unpack"):  # a slot without its separator
            parser("at nine", "at [nine]")


class TestDataset:
    def test_subwords_are_counted_in_words(self):
        item = encode("quietly somewhere nine", tokenizer_of("bert"))
        groups = item["subword_group"]
        assert groups[:, 0].tolist() == [1, 2, 3]
        assert int(groups[0, 1]) > 1  # so that the second word starts elsewhere in truth
        assert int(groups[:, 1].sum()) == item["input_ids"].shape[1] - 2

    def test_rows_at_which_the_original_stops_are_left_out(self):
        corpus = make_corpus("is it [time : nine]?", "call [person : anna]")
        (item,) = TutorialDataset(corpus, tokenizer_of("bert"), TutorialParser()).items
        assert item["target"].tolist() == [0, 1]


class TestModelAndLoop:
    def test_the_loop_over_words_is_a_mean_over_slices(self):
        model, data, parser = rebuilt()
        tags = TagSet.from_types({tag[2:] for tag in parser.tag_to_id if tag != "O"})
        ours = new_model("bert", tags, head_size=256, dropout=0.0)
        ours.encoder.load_state_dict(model.encoder.state_dict(), strict=False)
        model.eval()
        ours.head[1], ours.head[3] = model.head[0], model.head[2]
        for item in data.items:
            flat = {name: item[name][0] for name in ("input_ids", "attention_mask")}
            batch = collate_groups([{**item, **flat}], 0)
            with torch.no_grad():
                torch.testing.assert_close(
                    model(item), word_logits(ours, batch, choose_compute("cpu", "fp32"))[0]
                )

    def test_one_step_an_utterance_in_the_order_of_the_file(self, monkeypatch):
        model, data, _ = rebuilt()
        seen, rates = [], []
        model.register_forward_pre_hook(lambda _, args: seen.append(args[0]["input_ids"].shape))
        step = Adam.step
        count = lambda self: rates.append(self.param_groups[0]["lr"]) or step(self)  # noqa: E731
        monkeypatch.setattr(Adam, "step", count)
        train_tutorial(model, data, data, epochs=2, report=lambda line: None)
        assert rates == [RATE] * 2 * len(data.items)
        assert seen == [item["input_ids"].shape for item in data.items] * 4

    def test_dropout_stays_on_in_validation(self):
        model, data, _ = rebuilt()
        lines: list[str] = []
        train_tutorial(model, data, data, epochs=1, report=lines.append)
        assert model.training
        with torch.no_grad():
            noisy = {run_through(model, data)[0] for _ in range(3)}
            model.eval()
            quiet = {run_through(model, data)[0] for _ in range(3)}
        assert (len(noisy), len(quiet)) == (3, 1)
        assert "val_acc" in lines[0]
        assert "F1" not in lines[0]

    @torch.no_grad()
    def test_its_loss_is_a_mean_over_utterances_and_its_accuracy_over_words(self):
        model, data, _ = rebuilt()
        model.eval()
        pairs = [(model(item), item["target"]) for item in data.items]
        losses = [cross_entropy(logits, target).item() for logits, target in pairs]
        hits = torch.cat([logits.argmax(1) == target for logits, target in pairs])
        loss, accuracy = run_through(model, data)
        assert loss == pytest.approx(sum(losses) / len(losses))
        assert accuracy == pytest.approx(hits.float().mean().item())


def test_the_tutorial_s_answers_are_compared_word_by_word():
    model, _, _ = rebuilt()
    tokenizer, text = tokenizer_of("bert"), "what's new, anna?"
    words = Parser().split_words(text)
    assert places_of_words(text, words, tokenizer) == [0, 3, 4, 5, 6]
    assert len(ner_inference(text, model.eval(), tokenizer)) == 7  # what ' s new , anna ?
    data = NERDataset(make_corpus(text), tokenizer, TagSet.from_corpus(ROWS))
    assert for_our_words(["abcdefg"], data, tokenizer) == [[*"adefg"]]
    text = "wake \u200b me"  # a word without a subword has no place
    assert places_of_words(text, Parser().split_words(text), tokenizer) == [0, None, 1]


class TestWaterfall:
    def test_what_is_committed_has_every_step_for_every_seed(self):
        results = read_results("waterfall.json")
        steps = results["steps"]
        for seed in {step["seed"] for step in steps}:
            found = [step["name"] for step in steps if step["seed"] == seed]
            jobs = waterfall.JOBS if seed == steps[0]["seed"] else waterfall.JOBS[1:]
            assert found == [name for _, bars in jobs for name in bars]
        assert results["command"] == "python -m benchmarks.waterfall"
        assert {"corpus", "machine", "compute", "epochs", "train_rows"} <= set(results)
        assert steps[-1]["f1"] > steps[0]["f1"] + 0.1

    def test_it_runs(self, tmp_path, monkeypatch):
        monkeypatch.delenv("NERLIB_MASSIVE_DIR", raising=False)
        ran = []

        def scores(rows, seed, config, job):
            ran.append((job, seed))
            assert (config.epochs, config.label_smoothing) == (2, 0.0)
            return [waterfall.evaluate_tags([["O"]], [["O"]])] * 2

        names = [next(iter(bars)) for _, bars in waterfall.JOBS]
        jobs = [(partial(scores, job=next(iter(bars))), bars) for _, bars in waterfall.JOBS]
        output = tmp_path / "deep" / "waterfall.json"
        changed = {"JOBS": jobs, "RESULTS": output, "ROWS": 5, "EPOCHS": 2, "SEEDS": (3, 4)}
        for name, value in changed.items():
            monkeypatch.setattr(waterfall, name, value)
        for _ in range(2):  # the second time everything is there
            assert waterfall.main() == 0
        assert ran == [(name, 3) for name in names] + [(name, 4) for name in names[1:]]
        assert json.loads(output.read_text(encoding="utf-8"))["train_rows"] == 5
