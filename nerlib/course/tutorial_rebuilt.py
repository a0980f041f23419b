"""A published tutorial, "Named Entity Recognition with Torch Loop" (2023), rebuilt with its faults.

Written anew, from what that tutorial's code does, with a Python loop over words. Its tags come from
a dictionary of words, its subword positions are counted in words, and its tag set grows with every
parsed row, of validation too. Two things differ: global variables are arguments here, and rows at
which its loop would stop with an error are left out. Its training loop stands in
`benchmarks/tutorial_loop.py`.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

import regex
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from nerlib.parsing import OUTSIDE

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


def ner_inference(
    text: str, model: TutorialClassifier, tokenizer: PreTrainedTokenizerFast
) -> list[int]:
    """Return one tag number per word, words being what the tokenizer takes for words."""
    device = next(model.parameters()).device
    inputs = {name: tensor.to(device) for name, tensor in encode(text, tokenizer).items()}
    return [int(number) for number in model(inputs).argmax(dim=1)]
