"""Decoding finds the best sequence that BIO allows, and a CRF's sums are those over all paths:
compared with trying every sequence, and with the library pytorch-crf."""

from itertools import pairwise, product

import pytest
import torch
from tiny_encoders import new_model, small_data, tokenizer_of
from torch import Tensor

from nerlib import NERConfig, Tagger, TagSet, TrainConfig, collate, evaluate, predict_tags, train
from nerlib.decoding import best_tags, path_sums
from nerlib.model import crf_loss

TAGS = TagSet.from_types(["date", "time"])
SEQUENCES = list(product(range(len(TAGS)), repeat=4))


def is_allowed(sequence: tuple[int, ...]) -> bool:
    """Whether every I-X of a sequence follows B-X or I-X."""
    labels = ["O", *(TAGS.get_label(number) for number in sequence)]
    return all(not tag.startswith("I") or before[2:] == tag[2:] for before, tag in pairwise(labels))


def path_score(sequence: tuple[int, ...], logits: Tensor, transitions: Tensor) -> Tensor:
    """The score of one sequence, `logits` (words, tags)."""
    steps = [transitions[one, other] for one, other in pairwise(sequence)]
    return sum([logits[word, tag] for word, tag in enumerate(sequence)] + steps, torch.zeros(()))


def by_trying_all(logits: Tensor, transitions: Tensor) -> tuple[int, ...]:
    """The best allowed sequence of one utterance."""
    sequences = filter(is_allowed, product(range(len(TAGS)), repeat=len(logits)))
    return max(sequences, key=lambda s: float(path_score(s, logits, transitions)))


def random_case(seed: int, learnt: bool) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
    """Logits (3, 4, tags), which words are seen (all), the transitions if learnt, or zeros."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 4, len(TAGS), generator=generator) * 3
    transitions = torch.randn(len(TAGS), len(TAGS), generator=generator) * 3
    seen = torch.ones(3, 4, dtype=torch.bool)
    return logits, seen, (transitions if learnt else None), transitions * learnt


@pytest.mark.parametrize("learnt", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_it_is_the_best_allowed_sequence(seed, learnt):
    logits, seen, transitions, steps = random_case(seed, learnt)
    numbers, probabilities = best_tags(logits, seen, transitions)
    for row in range(3):
        assert tuple(numbers[row].tolist()) == by_trying_all(logits[row], steps)
        weights = torch.stack([path_score(s, logits[row], steps) for s in SEQUENCES]).softmax(0)
        for word, tag in enumerate(numbers[row].tolist()):
            having = torch.tensor([sequence[word] == tag for sequence in SEQUENCES])
            torch.testing.assert_close(probabilities[row, word], weights[having].sum())


@pytest.mark.parametrize("learnt", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_padding_and_unseen_words_are_outside_and_change_nothing(seed, learnt):
    logits, seen, transitions, steps = random_case(seed, learnt)
    seen[:, 2:] = False
    numbers, _ = best_tags(logits, seen, transitions)
    for row in range(3):
        assert numbers[row].tolist() == [*by_trying_all(logits[row, :2], steps), 0, 0]
    hole = torch.tensor([[True, False, True, True]] * 3)
    for row in best_tags(logits, hole, transitions)[0].tolist():
        assert row[1] == 0
        assert is_allowed(tuple(row))


def test_no_words_is_no_error():
    numbers, probabilities = best_tags(torch.zeros(2, 0, 5), torch.zeros(2, 0, dtype=torch.bool))
    assert numbers.shape == probabilities.shape == (2, 0)


class TestCRF:
    @pytest.mark.parametrize("seed", range(5))
    def test_the_loss_is_that_of_all_sequences(self, seed):
        """Also where a word has no label, and may have any tag."""
        logits, seen, _, steps = random_case(seed, True)
        labels = torch.tensor([[0, 1, 2, 0], [3, -100, 4, 1], [2, 2, -100, -100]])
        losses = []
        for row, wanted in enumerate(labels.tolist()):
            scores = torch.stack([path_score(s, logits[row], steps) for s in SEQUENCES])
            agree = torch.tensor(
                [all(b in (-100, a) for a, b in zip(s, wanted, strict=True)) for s in SEQUENCES]
            )
            losses.append(scores.logsumexp(0) - scores[agree].logsumexp(0))
        loss = crf_loss(logits, labels, seen, steps)
        torch.testing.assert_close(loss, sum(losses) / (labels >= 0).sum())

    @pytest.mark.parametrize("seed", range(5))
    def test_loss_and_gradients_are_those_of_pytorch_crf(self, seed):
        torchcrf = pytest.importorskip("torchcrf")
        logits, seen, _, steps = random_case(seed, True)
        seen[1, 2:] = seen[2, 1:] = False
        labels = torch.arange(12).view(3, 4) % len(TAGS)
        theirs = torchcrf.CRF(len(TAGS), batch_first=True)
        with torch.no_grad():
            theirs.transitions.copy_(steps)
            theirs.start_transitions.zero_()
            theirs.end_transitions.zero_()
        steps.requires_grad_()
        expected = -theirs(logits, labels, seen, reduction="sum") / seen.sum()
        loss = crf_loss(logits, labels.where(seen, -100), seen, steps)
        torch.testing.assert_close(loss, expected)
        (expected_gradient,) = torch.autograd.grad(expected, theirs.transitions)
        torch.testing.assert_close(torch.autograd.grad(loss, steps)[0], expected_gradient)

    def test_padding_changes_no_loss_and_no_labels_are_no_loss(self):
        logits, seen, _, steps = random_case(0, True)
        labels = torch.zeros(3, 4, dtype=torch.long)
        wide = torch.nn.functional.pad(logits, (0, 0, 0, 2), value=9.0)
        padded = torch.nn.functional.pad(labels, (0, 2), value=-100)
        unseen = torch.nn.functional.pad(seen, (0, 2))
        loss = crf_loss(logits, labels, seen, steps)
        torch.testing.assert_close(crf_loss(wide, padded, unseen, steps), loss)
        assert crf_loss(logits, labels - 100, seen, steps).item() == 0

    def test_unlearnt_it_is_the_linear_head(self):
        logits, seen, _, _ = random_case(0, False)
        nothing = torch.zeros(len(TAGS), len(TAGS))
        torch.testing.assert_close(best_tags(logits, seen), best_tags(logits, seen, nothing))
        sums = path_sums(logits, seen, nothing)[:, -1].logsumexp(-1)
        torch.testing.assert_close(sums, logits.logsumexp(-1).sum(1))

    def test_training_evaluation_tagging_and_saving(self, tmp_path):
        data = small_data("bert", rows=60)
        model = new_model("bert", data.tags, head="crf")
        batch = collate([data[row] for row in range(8)], data.pad_id)
        before = model(**batch).loss.item()
        settings = TrainConfig(epochs=6, learning_rate=3e-3, device="cpu", precision="fp32")
        history = train(model, data, data, settings, report=lambda _: None)
        assert model.transitions.abs().max() > 0.01
        assert model(**batch).loss.item() < before / 2
        assert evaluate(model, data)[0].overall.f1 == history.best.f1 > 0.5
        tagger = Tagger(model, tokenizer_of("bert"), "cpu", "fp32")
        predicted = predict_tags(model, data)[0]
        for utterance, tags in zip(data.utterances, predicted, strict=True):
            assert [tag for _, tag in tagger.tags(utterance.text)] == tags
        tagger.save_pretrained(tmp_path)
        again = Tagger.from_pretrained(tmp_path, "cpu", "fp32")
        assert again.model.state_dict()["transitions"].equal(model.transitions)
        long = " ".join(utterance.text for utterance in data.utterances)
        assert again(long) == tagger(long) != []

    def test_an_export_decodes_in_the_same_way(self, tmp_path):
        for module in ("onnx", "onnxscript", "onnxruntime"):
            pytest.importorskip(module)
        from nerlib.tools.serving.export import Rows, export_model

        data = small_data("bert")
        model = new_model("bert", data.tags, head="crf")
        with torch.no_grad():
            model.transitions.normal_(generator=torch.Generator().manual_seed(0))
        tagger = Tagger(model, tokenizer_of("bert"), "cpu", "fp32")
        tagger.save_pretrained(tmp_path)
        rows = Rows(data, data, "the same rows")
        export_model(tmp_path, rows, ["onnx"], ["fp32"], report=lambda _: None)
        exported = Tagger.from_pretrained(tmp_path, backend="onnx")
        for utterance in data.utterances:
            assert exported.tags(utterance.text) == tagger.tags(utterance.text)
        (_, loss), (_, expected) = (evaluate(one.model, data) for one in (exported, tagger))
        assert loss == pytest.approx(expected, rel=1e-5)

    def test_settings_that_make_no_sense(self):
        with pytest.raises(ValueError, match="head 'CRF'"):
            NERConfig(head="CRF")  # type: ignore[arg-type]
        data = small_data("bert", rows=2)
        model = new_model("bert", data.tags, head="crf")
        with pytest.raises(ValueError, match="label_smoothing"):
            model(**collate([data[0]], data.pad_id), label_smoothing=0.1)
