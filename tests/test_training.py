"""The loop: repeatable, learning, keeping the best epoch, and doing what its settings say."""

import ast
import hashlib
import inspect
import json
import re
import textwrap
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from several_processes import python_output
from small_runs import TINY, outcome, pretend_scores, run, silent
from tiny_encoders import make_corpus, new_model, small_data, tokenizer_of

from nerlib import NERDataset, TrainConfig, collate, evaluate, train, training
from nerlib.addons.regularisation import disagreement, mask_subwords, regularised_loss
from nerlib.callbacks import Callback
from nerlib.decoding import best_tags, visible_words
from nerlib.evaluation import predict_tags
from nerlib.optimization import make_optimizer, make_schedule
from nerlib.saving import save_model
from nerlib.training import fit

QUICK = replace(TINY, epochs=2, batch_size=8, learning_rate=1e-3)


def fingerprint(model, history=()):
    """Return one hash of all weights, and of a history without what a clock measured."""
    return hashlib.sha256(repr(outcome(model, history)).encode()).hexdigest()


def test_same_seed_same_numbers():
    tags = small_data("bert").tags
    one, other = new_model("bert", tags), new_model("bert", tags)
    torch.manual_seed(1)  # where the global generator stands must not matter
    _, first = run(None, QUICK, model=one)
    torch.manual_seed(2)
    _, second = run(None, QUICK, model=other)
    assert fingerprint(one, first) == fingerprint(other, second)


IN_A_PROCESS = """
import sys
sys.path.insert(0, sys.argv[1])
from tiny_encoders import small_corpus
from test_training import QUICK, fingerprint, silent
from nerlib import NERDataset, Tagger, train
tagger = Tagger.from_pretrained(sys.argv[2], "cpu", "fp32")
tags, tokenizer = tagger.model.config.tags, tagger.tokenizer
sets = [NERDataset(small_corpus(*which), tokenizer, tags) for which in ((24, 0), (12, 1))]
history = train(tagger.model, *sets, QUICK, silent)
print(fingerprint(tagger.model, history))
"""


def test_two_processes_get_the_same_numbers(tmp_path):
    model = new_model("bert", small_data("bert").tags)
    save_model(model, tokenizer_of("bert"), tmp_path)
    here, history = run(None, QUICK, model=model)
    place = Path(__file__).parent
    there = python_output("-c", IN_A_PROCESS, place, tmp_path, PYTHONHASHSEED="7")
    assert there.splitlines()[-1] == fingerprint(here, history)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_loss_falls(precision):
    _, history = run(None, replace(QUICK, epochs=6, precision=precision))
    losses = [record.train_loss for record in history]
    assert losses[-1] < losses[0] / 2
    assert history[-1].validation_loss < history[0].validation_loss
    assert [record.epoch for record in history] == [1, 2, 3, 4, 5, 6]


def test_the_best_epochs_weights_are_kept(monkeypatch):
    seen = []
    watch = lambda model: seen.append(fingerprint(model))  # noqa: E731
    pretend_scores(monkeypatch, 0.2, 0.9, 0.9, 0.5, watch=watch)
    model, history = run(None, replace(QUICK, epochs=4))
    assert [record.f1 for record in history] == [0.2, 0.9, 0.9, 0.5]
    assert history.best.epoch == 2  # the earliest of equals
    assert len(set(seen)) == 4
    assert fingerprint(model) == seen[1]


@pytest.mark.parametrize("training", [True, False])
def test_evaluation_repeats_exactly_and_restores_the_mode(training):
    data = small_data("bert", 24)
    model = new_model("bert", data.tags, dropout=0.5).train(training)
    assert evaluate(model, data) == evaluate(model, data)
    assert model.training is training


def test_predictions_keep_the_order_of_the_rows():
    data = small_data("bert", 24)
    model = new_model("bert", data.tags)
    together, loss = predict_tags(model, data, batch_size=5)
    losses = []
    for row, tags in enumerate(together):
        alone = collate([data[row]], data.pad_id)
        output = model(**alone)
        visible = visible_words(alone["word_ids"], len(tags))
        (best,) = best_tags(output.logits, visible)[0].tolist()
        assert [model.config.labels[number] for number in best] == tags
        losses += [output.loss.item()] * len(tags)
    assert loss == pytest.approx(sum(losses) / len(losses), abs=1e-5)


def test_the_optimizer_has_a_rate_for_each_part_and_spares_biases_and_norms():
    model = new_model("bert")
    model.extra = torch.nn.Linear(2, 2)  # a layer that somebody adds is trained, too
    config = TrainConfig(learning_rate=1e-4, head_rate_factor=7, weight_decay=0.02)
    names = {id(value): name for name, value in model.named_parameters()}
    seen = []
    for group in make_optimizer(model, config).param_groups:
        for name in (names[id(parameter)] for parameter in group["params"]):
            seen.append(name)
            rate = 1e-4 if name.startswith("encoder.") else 7e-4
            assert group["lr"] == pytest.approx(rate), name
            spared = name.endswith(".bias") or "LayerNorm" in name
            assert group["weight_decay"] == (0 if spared else 0.02), name
    assert sorted(seen) == sorted(names.values())  # every one, once


def rates(warmup, total):
    """Return the encoder's learning rate before each step and after the last."""
    config = TrainConfig(learning_rate=1.0, head_rate_factor=10.0, warmup=warmup)
    optimizer = make_optimizer(new_model("bert"), config)
    schedule, found = make_schedule(optimizer, config, total), []
    for _ in range(total + 1):
        found.append(optimizer.param_groups[0]["lr"])
        assert optimizer.param_groups[-1]["lr"] == pytest.approx(10 * found[-1])
        optimizer.step()
        schedule.step()
    return found


def test_the_schedule_warms_up_and_decays_to_zero():
    wanted = [0.5, 1.0, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0.0]
    assert rates(0.2, 10) == pytest.approx(wanted)


@pytest.mark.parametrize("warmup", [0.0, 0.5, 0.99])
def test_no_step_of_a_run_is_wasted(warmup):
    for total in (1, 2, 7):
        assert all(0 < rate <= 1 for rate in rates(warmup, total)[:-1])


def test_consistency_is_the_mean_of_both_divergences():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 4, 5, generator=generator)
    labels = torch.tensor([[1, 2, 0, -100], [0, -100, -100, -100], [3, 1, 1, 4]]).repeat(2, 1)
    expected = []
    for row in range(3):
        for word in range(4):
            if labels[row, word] >= 0:
                first, second = logits[row, word].softmax(-1), logits[row + 3, word].softmax(-1)
                both = (first / second).log() @ first, (second / first).log() @ second
                expected.append(sum(both) / 2)
    found = disagreement(logits, labels)
    assert found.item() == pytest.approx((sum(expected) / len(expected)).item(), abs=1e-6)


def test_without_dropout_and_masks_two_readings_agree():
    data = small_data("bert", 6)
    model = new_model("bert", data.tags).eval()
    batch = collate([data[row] for row in range(6)], data.pad_id)
    once, both = (replace(QUICK, masked_subwords=0, consistency=weight) for weight in (0.0, 5.0))
    plain = regularised_loss(once, data.mask_id)(model, batch)
    twice = regularised_loss(both, data.mask_id)(model, batch)
    assert twice.item() == pytest.approx(plain.item(), abs=1e-5)
    model.train()
    torch.manual_seed(0)
    twice = regularised_loss(both, data.mask_id)(model, batch)
    assert twice.item() > plain.item() + 1e-3


def test_gradients_are_clipped():
    before, after = [], []

    class Norms(Callback):
        def on_step_end(self, loop, loss, norm):
            before.append(norm.item())
            gradients = [p.grad.norm() for p in loop.model.parameters() if p.grad is not None]
            after.append(torch.stack(gradients).norm().item())

    data = small_data("bert", 24)
    config = replace(QUICK, epochs=1, max_gradient_norm=0.01)
    fit(new_model("bert", data.tags), data, data, config, silent, [Norms()])
    assert len(after) == 3
    assert max(after) <= 0.01 * 1.0001 < min(before)


def test_every_hook_is_called_in_order_and_sees_where_the_run_is():
    calls = []

    def hook(name):
        def call(self, loop, *given):
            calls.append(f"{name} {loop.step} {len(loop.history)}")
            return given[0] if given else None

        return call

    @contextmanager
    def around(self, model, data):
        calls.append("enter")
        yield
        calls.append("leave")

    names = ("on_train_begin", "on_backward_end", "on_step_end", "on_evaluate", "on_epoch_end")
    hooks = {"around": around, **{name: hook(name) for name in ("batches", *names)}}
    data = small_data("bert", 12)
    model, recorder = new_model("bert", data.tags), type("Recorder", (Callback,), hooks)()
    fit(model, data, data, replace(QUICK, epochs=1), silent, [recorder])
    begin = ["enter", "on_train_begin 0 0", "batches 0 0"]
    steps = ["on_backward_end 0 0", "on_step_end 1 0", "on_backward_end 1 0", "on_step_end 2 0"]
    assert calls == [*begin, *steps, "on_evaluate 2 0", "on_epoch_end 0 1", "leave"]


def test_the_lessons_loop_and_the_librarys_are_the_same_lines():
    """Every statement of the loop by hand stands in the library's, in the same order."""
    path = Path(__file__).resolve().parents[1] / "notebooks" / "05_training.ipynb"
    cells = {cell["id"]: "".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]}
    lesson = ast.parse(cells["05-epoch-by-hand"]).body[-1]
    (by_hand,) = (node for node in ast.walk(lesson) if isinstance(node, ast.For))
    library = ast.parse(textwrap.dedent(inspect.getsource(training.train_epoch)))
    statements = [node for node in ast.walk(library) if isinstance(node, ast.stmt)]
    statements.sort(key=lambda node: (node.lineno, node.col_offset))
    lines = [ast.unparse(node) for node in statements]
    own = [ast.unparse(node).replace("total +=", "loop.total +=") for node in by_hand.body]
    assert not set(own) - set(lines)
    places = [lines.index(line) for line in own]
    assert places == sorted(places)


def test_masking_hides_only_subwords_of_words():
    data = small_data("bert", 24)
    batch = collate(data, data.pad_id)
    before, words = batch["input_ids"].clone(), batch["word_ids"] >= 0
    torch.manual_seed(0)
    masked = mask_subwords(batch, data.mask_id, 0.3)
    hidden = masked != before
    assert data.mask_id == tokenizer_of("bert").mask_token_id
    assert masked[hidden].unique().tolist() == [data.mask_id]
    assert not (hidden & ~words).any()
    assert 0.2 < hidden[words].float().mean() < 0.4
    assert torch.equal(mask_subwords(batch, data.mask_id, 0.0), before)
    assert torch.equal(batch["input_ids"], before)  # a new tensor, the batch is as it was


def test_dropout_and_masking_are_on_in_training_and_off_in_validation():
    data, modes = small_data("bert", 24), []
    model = new_model("bert", data.tags)

    def note(module, _, inputs):
        masked = bool((inputs["input_ids"] == data.mask_id).any())
        modes.append((torch.is_grad_enabled(), module.training, masked))

    model.encoder.register_forward_pre_hook(note, with_kwargs=True)
    train(model, data, data, replace(QUICK, masked_subwords=0.5), silent)
    assert modes == ([(True, True, True)] * 3 + [(False, False, False)]) * 2
    assert not model.training


def test_label_smoothing_reaches_the_loss_in_training_only():
    still = replace(QUICK, epochs=1, learning_rate=1e-12)
    plain, smooth = (run(None, replace(still, label_smoothing=share))[1][0] for share in (0, 0.5))
    assert smooth.validation_loss == pytest.approx(plain.validation_loss, abs=1e-6)
    assert smooth.train_loss != pytest.approx(plain.train_loss, abs=1e-4)


def test_a_word_without_label_pulls_at_nothing():
    """Rows whose every word is unknown to the tag set leave the weights alone."""
    data = NERDataset(make_corpus("[song : jazz]"), tokenizer_of("bert"), small_data("bert").tags)
    model = new_model("bert", data.tags)
    model(**collate([data[0]], data.pad_id)).loss.backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert gradients
    assert all(g.count_nonzero() == 0 for g in gradients)


def test_training_leaves_its_inputs_alone():
    data, validation = small_data("bert", 24), small_data("bert", 16, seed=1)
    model = new_model("bert", data.tags)
    before = [{k: v.clone() for k, v in item.items()} for item in [*data, *validation]]
    frozen = model.encoder.embeddings.word_embeddings.weight.requires_grad_(False)
    start = frozen.clone()
    train(model, data, validation, QUICK, silent)
    for item, old in zip([*data, *validation], before, strict=True):
        assert item.keys() == old.keys()
        assert all(torch.equal(item[name], old[name]) for name in old)
    assert torch.equal(frozen, start)  # what its owner froze stays frozen
    assert not frozen.requires_grad
    assert model.head[1].weight.requires_grad


def test_what_is_reported():
    lines, data = [], small_data("bert", 24)
    history = train(new_model("bert", data.tags), data, data, QUICK, lines.append)
    first, *epochs = lines
    assert first.startswith("training on CPU")
    assert "fp32, seed 0, 24 utterances" in first
    said = r"loss .*accuracy .*precision .*recall .*F1 .*utt/s"
    assert all(re.match(rf"epoch  {n}.*{said}", one) for n, one in zip("12", epochs, strict=True))
    assert [record.epoch for record in history] == [1, 2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"learning_rate": 0}, "learning rates"),
        ({"learning_rate": float("nan")}, "learning rates"),
        ({"head_rate_factor": -1}, "learning rates"),
        ({"max_gradient_norm": 0}, "max_gradient_norm"),
        ({"consistency": -1}, "consistency"),
        ({"weight_decay": -0.1}, "weight_decay"),
        ({"warmup": 1}, "warmup is a share"),
        ({"label_smoothing": -0.1}, "label_smoothing is a share"),
        ({"masked_subwords": 1.5}, "masked_subwords is a share"),
        ({"device": "nonsense"}, "not available"),
        ({"precision": "fp7"}, "unknown precision"),
        ({"threads": 0}, "threads must be 1 or more"),
    ],
)
def test_impossible_settings_raise(settings, message):
    with pytest.raises(ValueError, match=message):
        run(None, replace(QUICK, **settings))


def test_training_needs_rows():
    data = small_data("bert", 8)
    empty = NERDataset(make_corpus(), tokenizer_of("bert"), data.tags)
    for sets in ((empty, data), (data, empty)):
        with pytest.raises(ValueError, match="at least one utterance"):
            train(new_model("bert", data.tags), *sets, QUICK, silent)
