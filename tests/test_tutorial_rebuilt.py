"""The rebuilt tutorial has the tutorial's behaviour, faults and all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tiny_encoders import encoder_folder, make_corpus, new_model, one_thread, tokenizer_of
from torch.optim import Adam

from benchmarks import waterfall
from nerlib import Parser, TagSet
from nerlib.course.broken import collate_groups, word_logits
from nerlib.course.measured import write_json
from nerlib.course.tutorial_rebuilt import (
    RATE,
    TutorialClassifier,
    TutorialDataset,
    TutorialParser,
    encode,
    ner_inference,
    places_of_words,
    run_through,
    tags_for_words,
    train_tutorial,
)
from nerlib.model import load_encoder

ROOT = Path(__file__).resolve().parents[1]
ROWS = make_corpus(
    "wake me up at [time : nine am] on [date : friday]",
    "call [person : anna]",
    "play [song_name : nine] jazz at nine in the kitchen",
)
_ = one_thread  # a fixture for the whole module


def rebuilt(seed: int = 0) -> tuple[TutorialClassifier, TutorialDataset, TutorialParser]:
    parser = TutorialParser()
    data = TutorialDataset(ROWS, tokenizer_of("bert"), parser)
    torch.manual_seed(seed)
    encoder = load_encoder(str(encoder_folder("bert")))
    return TutorialClassifier(encoder, len(parser.tag_to_id)), data, parser


class TestParser:
    def test_the_tutorial_s_own_example(self) -> None:
        tags = TutorialParser()(
            "разбуди меня в девять утра в пятницу",
            "разбуди меня в [time : девять утра] в [date : пятницу]",
        )
        assert tags == ["O", "O", "O", "B-TIME", "I-TIME", "O", "B-DATE"]

    def test_a_word_that_recurs_is_tagged_everywhere_and_the_last_slot_wins(self) -> None:
        annotated = "from [place_name : york] to [place_name : new york] by york train"
        tags = TutorialParser()("from york to new york by york train", annotated)
        assert " ".join(tags) == ("O I-PLACE_NAME O B-PLACE_NAME I-PLACE_NAME O I-PLACE_NAME O")

    def test_a_value_with_a_mark_in_it_is_lost(self) -> None:
        assert TutorialParser()("at five o'clock", "at [time : five o'clock]") == [
            *("O", "B-TIME", "O", "O", "O")
        ]

    def test_numbers_are_given_as_tags_turn_up(self) -> None:
        parser = TutorialParser()
        parser("at nine", "at [time : nine]")
        before = dict(parser.tag_to_id)
        parser("on friday", "on [date : friday]")
        assert before == {"O": 0, "B-TIME": 1}
        assert parser.tag_to_id == {**before, "B-DATE": 2}
        assert parser.get_label(parser.get_id("B-DATE")) == "B-DATE"
        with pytest.raises(KeyError):
            parser.get_id("B-PERSON")

    def test_a_slot_without_its_separator_is_an_error_without_a_word(self) -> None:
        with pytest.raises(ValueError, match="unpack"):
            TutorialParser()("at nine", "at [nine]")


class TestDataset:
    def test_subwords_are_counted_in_words(self) -> None:
        tokenizer = tokenizer_of("bert")
        item = encode("quietly somewhere nine", tokenizer)
        groups = item["subword_group"]
        assert groups[:, 0].tolist() == [1, 2, 3]
        assert int(groups[0, 1]) > 1  # so that the second word starts elsewhere in truth
        assert int(groups[:, 1].sum()) == item["input_ids"].shape[1] - 2

    def test_rows_at_which_the_original_stops_are_named(self) -> None:
        corpus = make_corpus("is it [time : nine]?", "call [person : anna]")
        data = TutorialDataset(corpus, tokenizer_of("bert"), TutorialParser())
        assert data.unusable == ["is it nine?"]
        assert data.kept == [1]

    def test_the_tag_set_grows_with_the_rows_of_validation(self) -> None:
        parser = TutorialParser()
        TutorialDataset(ROWS, tokenizer_of("bert"), parser)
        size = len(parser.tag_to_id)
        validation = make_corpus("in [place_name : york]")
        TutorialDataset(validation, tokenizer_of("bert"), parser)
        assert len(parser.tag_to_id) == size + 1


class TestModelAndLoop:
    def test_the_loop_over_words_is_a_mean_over_slices(self) -> None:
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
                torch.testing.assert_close(model(item), word_logits(ours, batch)[0])

    def test_one_step_an_utterance_in_the_order_of_the_file_at_the_tutorial_s_rate(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model, data, _ = rebuilt()
        seen, rates = [], []
        forward, step = TutorialClassifier.forward, Adam.step
        monkeypatch.setattr(
            TutorialClassifier,
            "forward",
            lambda self, inputs: (seen.append(inputs["input_ids"].shape), forward(self, inputs))[1],
        )

        def counted(self: Adam) -> None:
            rates.append(self.param_groups[0]["lr"])
            step(self)

        monkeypatch.setattr(Adam, "step", counted)
        train_tutorial(model, data, data, epochs=2, report=lambda line: None)
        assert rates == [RATE] * 2 * len(data)
        assert seen == [item["input_ids"].shape for item in data.items] * 4

    def test_dropout_stays_on_in_validation(self) -> None:
        model, data, _ = rebuilt()
        history = train_tutorial(model, data, data, epochs=1, report=lambda line: None)
        assert model.training
        with torch.no_grad():
            noisy = {run_through(model, data)[0] for _ in range(3)}
            model.eval()
            quiet = {run_through(model, data)[0] for _ in range(3)}
        assert len(noisy) == 3
        assert len(quiet) == 1
        assert "val_acc" in str(history[0])
        assert "F1" not in str(history[0])

    def test_its_loss_is_a_mean_over_utterances_and_its_accuracy_over_words(self) -> None:
        model, data, _ = rebuilt()
        model.eval()
        with torch.no_grad():
            logits = [model(item) for item in data.items]
            losses = [
                torch.nn.functional.cross_entropy(scores, item["target"]).item()
                for scores, item in zip(logits, data.items, strict=True)
            ]
            loss, accuracy = run_through(model, data)
        hits = torch.cat(
            [s.argmax(1) == i["target"] for s, i in zip(logits, data.items, strict=True)]
        )
        assert loss == pytest.approx(sum(losses) / len(losses))
        assert accuracy == pytest.approx(hits.float().mean().item())

    def test_it_can_learn_its_rows(self) -> None:
        model, data, _ = rebuilt()
        before = run_through(model.eval(), data)[0]
        optimizer = Adam(model.parameters(), lr=3e-3)
        for _ in range(15):
            model.train()
            run_through(model, data, optimizer)
        assert run_through(model.eval(), data)[0] < before / 3


class TestInference:
    def test_one_number_for_each_word_of_the_tokenizer(self) -> None:
        model, _, parser = rebuilt()
        numbers = ner_inference("what's new, anna?", model.eval(), tokenizer_of("bert"))
        assert len(numbers) == 7  # what ' s new , anna ?
        assert all(0 <= number < len(parser.tag_to_id) for number in numbers)

    def test_its_answers_are_put_beside_our_words(self) -> None:
        model, _, parser = rebuilt()
        tokenizer, text = tokenizer_of("bert"), "what's new, anna?"
        words = Parser().split_words(text)
        assert places_of_words(text, words, tokenizer) == [0, 3, 4, 5, 6]
        numbers = ner_inference(text, model.eval(), tokenizer)
        tags = tags_for_words(text, words, model, tokenizer, parser)
        assert tags == [parser.get_label(numbers[place]) for place in (0, 3, 4, 5, 6)]

    def test_words_that_no_subword_stands_for_are_outside(self) -> None:
        tokenizer, text = tokenizer_of("bert"), "wake \u200b me"
        words = Parser().split_words(text)
        assert places_of_words(text, words, tokenizer) == [0, None, 1]


class TestWaterfall:
    @pytest.fixture(scope="class")
    def results(self):
        return json.loads((ROOT / "benchmarks" / "waterfall.json").read_text(encoding="utf-8"))

    def test_every_step_is_there_for_every_seed(self, results) -> None:
        names = [[name for name, _ in bars] for _, bars in waterfall.JOBS]
        first = min(step["seed"] for step in results["steps"])
        for seed in {step["seed"] for step in results["steps"]}:
            found = [step["name"] for step in results["steps"] if step["seed"] == seed]
            expected = [name for group in names[0 if seed == first else 1 :] for name in group]
            assert found == expected

    def test_it_says_how_it_was_made_and_ends_higher_than_it_starts(self, results) -> None:
        assert results["command"] == "python -m benchmarks.waterfall"
        assert {"corpus", "machine", "compute", "epochs", "train_rows"} <= set(results)
        scores = [step["f1"] for step in results["steps"]]
        assert scores[-1] > scores[0] + 0.1

    def test_a_stopped_run_goes_on_only_under_the_same_conditions(self, tmp_path: Path) -> None:
        path, told = tmp_path / "results.json", {"epochs": 6}
        step = waterfall.Step("the tutorial", "start", 0, 0.3, 0.3, 0.3, 0.8)
        assert waterfall.steps_so_far(path, told) == []
        write_json(path, {**told, "steps": [waterfall.asdict(step)]})
        assert waterfall.steps_so_far(path, told) == [step]
        assert waterfall.steps_so_far(path, {"epochs": 7}) == []

    def test_it_runs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NERLIB_MASSIVE_DIR", raising=False)
        ran = []

        def pretend(job: str):
            def scores(rows, seed, config):
                ran.append((job, seed, config.epochs, config.label_smoothing))
                return [waterfall.evaluate_tags([["O"]], [["O"]])] * 2

            return scores

        jobs = [(pretend(job.__name__), bars) for job, bars in waterfall.JOBS]
        monkeypatch.setattr(waterfall, "JOBS", tuple(jobs))
        output = tmp_path / "deep" / "waterfall.json"
        arguments = ["--rows", "5", "--epochs", "2", "--seeds", "3", "4", "--threads", "1"]
        for _ in range(2):  # the second time everything is there
            assert waterfall.main([*arguments, "--output", str(output)]) == 0
        assert [(job, seed) for job, seed, _, _ in ran] == [
            *((job.__name__, 3) for job, _ in waterfall_jobs()),
            *((job.__name__, 4) for job, _ in waterfall_jobs()[1:]),
        ]
        assert {(epochs, smoothing) for _, _, epochs, smoothing in ran} == {(2, 0.0)}
        content = json.loads(output.read_text(encoding="utf-8"))
        assert content["train_rows"] == 5
        assert not list(output.parent.glob("*.part"))


JOBS = waterfall.JOBS


def waterfall_jobs():
    """The real jobs, whatever a test has put in their place."""
    return JOBS
