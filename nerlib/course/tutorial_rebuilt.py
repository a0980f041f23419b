"""A published tutorial, "Named Entity Recognition with Torch Loop" (2023), rebuilt with its faults.

Written anew, from what that tutorial's code does: one utterance a step, a Python loop over words,
Adam at a rate of 1e-5, rows in the order of the file, dropout left on in validation, accuracy as
the only score. Its tags come from a dictionary of words, its subword positions are counted in
words, and its tag set grows with every parsed row, of validation too. Two things differ: global
variables are arguments here, and rows at which its loop would stop with an error are left
out. Only notebook 08 and `benchmarks` use this module.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

import regex
import torch
from torch import Tensor, nn
from torch.optim import Adam
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from nerlib.parsing import OUTSIDE

RATE = 1e-5
HEAD_SIZE = 256
_SLOT = regex.compile(r"\[(.*?)\]")
_MARKS = regex.compile(r"""[.,/#!$%^&*;:{}=\-_`~()'"’¿]""")

Item = dict[str, Tensor]


class TutorialParser:
    """Tags an utterance by looking its words up among the words of its slots.

    The tag set grows with every call; numbers are given in the order of first appearance.
    """

    def __init__(self) -> None:
        self.tag_to_id: dict[str, int] = {OUTSIDE: 0}

    def __call__(self, sentence: str, annotated: str) -> list[str]:
        """Return one tag per word; raises `ValueError` for a slot without exactly one " : "."""
        word_to_tag: dict[str, str] = {}
        for inside in _SLOT.findall(annotated):
            slot_type, value = inside.split(" : ")
            for number, word in enumerate(value.split(" ")):
                word_to_tag[word] = f"{'I' if number else 'B'}-{slot_type.upper()}"
        words = _MARKS.sub(lambda mark: f" {mark[0]} ", sentence).split()
        tags = [word_to_tag.get(word, OUTSIDE) for word in words]
        for tag in tags:
            self.tag_to_id.setdefault(tag, len(self.tag_to_id))
        return tags


class TutorialDataset:
    """Rows as tensors, one utterance each: `input_ids` and `attention_mask` (1, subwords),
    `subword_group` (words, 2) and `target` (words).

    The tokenizer splits words for the groups, and the parser splits them again for the tags. Rows
    in which the two disagree, at which the tutorial's training would stop, are left out.
    """

    def __init__(
        self,
        corpus: Iterable[Mapping[str, Any]],
        tokenizer: PreTrainedTokenizerFast,
        parser: TutorialParser,
    ) -> None:
        self.items: list[Item] = []
        for row in corpus:
            numbers = [parser.tag_to_id[tag] for tag in parser(row["utt"], row["annot_utt"])]
            item = encode(row["utt"], tokenizer)
            if len(numbers) == len(item["subword_group"]):
                self.items.append(item | {"target": torch.tensor(numbers)})


def encode(text: str, tokenizer: PreTrainedTokenizerFast) -> Item:
    """Return one text's tensors; `subword_group` holds (word number + 1, number of subwords).

    That is right only until the first word of several subwords.
    """
    encoded = tokenizer(text, padding=True, truncation=True, return_tensors="pt", verbose=False)
    words = groupby(number for number in encoded.word_ids() if number is not None)
    groups = torch.tensor([(word + 1, len(list(subwords))) for word, subwords in words])
    return {**encoded, "subword_group": groups}


class TutorialClassifier(nn.Module):
    """Encoder, a loop over words, and a head of two layers without dropout."""

    def __init__(self, encoder: PreTrainedModel, tags: int) -> None:
        super().__init__()
        self.encoder = encoder
        first = nn.Linear(encoder.config.hidden_size, HEAD_SIZE)
        self.head = nn.Sequential(first, nn.ReLU(), nn.Linear(HEAD_SIZE, tags))

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return logits (words, tags) of one utterance."""
        hidden = self.encoder(inputs["input_ids"], inputs["attention_mask"])[0]
        words = [hidden[:, first : first + n].mean(dim=1) for first, n in inputs["subword_group"]]
        return torch.stack([self.head(word) for word in words]).squeeze(1)


def train_tutorial(
    model: TutorialClassifier,
    train_set: TutorialDataset,
    validation_set: TutorialDataset,
    epochs: int,
    report: Callable[[str], None] = print,
    fused: bool = False,
) -> None:
    """Train as the tutorial does: one utterance a step, in the order of the file.

    `report` gets what the tutorial prints after each epoch. The model stays in training mode
    afterwards, as there. `fused` computes the same steps with PyTorch's quicker Adam, which the
    tutorial does not ask for.
    """
    optimizer = Adam(model.parameters(), lr=RATE, fused=fused)
    for epoch in range(1, epochs + 1):
        model.train()
        loss, accuracy = run_through(model, train_set, optimizer)
        with torch.no_grad():  # stops gradients; dropout goes on
            other_loss, other_accuracy = run_through(model, validation_set)
        trained = f"Epoch-{epoch}: loss: {loss:.4f}; acc: {accuracy:.4f}"
        report(f"{trained}, val_loss: {other_loss:.4f}, val_acc: {other_accuracy:.4f}")


def run_through(
    model: TutorialClassifier, data: TutorialDataset, optimizer: Adam | None = None
) -> tuple[float, float]:
    """Return mean loss and accuracy over all rows, with a step after each if there is an optimizer.

    The mean is over utterances, so that a word of a short one counts for more.
    """
    device = next(model.parameters()).device
    criterion = nn.CrossEntropyLoss()
    losses, right, words = 0.0, 0, 0
    for batch in DataLoader(data.items):  # type: ignore[arg-type]
        inputs = {name: tensor.squeeze(0).to(device) for name, tensor in batch.items()}
        logits = model(inputs)
        loss = criterion(logits, inputs["target"])
        right += int((logits.argmax(1) == inputs["target"]).sum())
        words += len(inputs["target"])
        losses += loss.item()
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return losses / len(data.items), right / words


def ner_inference(
    text: str, model: TutorialClassifier, tokenizer: PreTrainedTokenizerFast
) -> list[int]:
    """Return one tag number per word, words being what the tokenizer takes for words."""
    device = next(model.parameters()).device
    inputs = {name: tensor.to(device) for name, tensor in encode(text, tokenizer).items()}
    return [int(number) for number in model(inputs).argmax(dim=1)]
