"""From parsed utterances to tensors: words matched to subwords, batches by length.

Built in notebook 03.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset, Sampler
from transformers import PreTrainedTokenizerFast

from nerlib.encoders import max_subwords
from nerlib.parsing import AnnotationError, ParsedUtterance, Parser, Word, check_same_text
from nerlib.tags import TagSet

IGNORE = -100  # the target that PyTorch's cross-entropy leaves out
NO_WORD = -1  # the word number of special subwords and padding

Item = dict[str, Tensor]
Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Encoded:
    """The subwords of one utterance.

    `input_ids` (subwords), special ones included; `subword_group` (words): for each word the index
    of its first subword and its number of subwords, (0, 0) for a word that has none.
    """

    input_ids: list[int]
    subword_group: list[tuple[int, int]]


@dataclass
class DatasetReport:
    """What happened while a dataset was made: nothing is dropped without a line here."""

    utterances: int = 0
    words: int = 0
    subwords: int = 0
    words_without_subword: int = 0
    words_cut_off: int = 0
    unknown_types: dict[str, int] = field(default_factory=dict)
    skipped: list[AnnotationError] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"{self.utterances:,} utterances, {self.words:,} words, {self.subwords:,} subwords"
        ]
        if self.words_without_subword:
            lines.append(f"words without any subword, tagged O: {self.words_without_subword}")
        if self.words_cut_off:
            lines.append(f"words beyond the maximum length, tagged O: {self.words_cut_off}")
        if self.unknown_types:
            names = ", ".join(f"{name} ({count})" for name, count in self.unknown_types.items())
            lines.append(f"slot types outside of the tag set, counted as missed: {names}")
        if self.skipped:
            lines.append(f"{len(self.skipped)} rows left out:")
            lines += [f"  {error}" for error in self.skipped]
        return "\n".join(lines)


class NERDataset(Dataset[Item]):
    """A corpus as tensors, one item an utterance.

    An item holds `input_ids` (subwords), `attention_mask` (subwords), `subword_group` (words, 2)
    and `target` (words): tag numbers, or -100 where there is nothing to learn (a tag outside of
    the tag set, a word that the encoder does not see). `utterances` keeps the parsed rows, whose
    tags are the gold standard for scores; `report` says what was cut, unknown or left out.

    `on_error="raise"` stops at the first row that cannot be parsed (`AnnotationError`);
    `on_error="skip"` leaves such rows out and reports them. Built in notebook 03.

    >>> from nerlib import PACKAGED, TagSet, load_corpus, load_tokenizer
    >>> corpus = load_corpus("en-US", "train[:10]")
    >>> data = NERDataset(corpus, load_tokenizer(PACKAGED), TagSet.from_corpus(corpus))
    >>> data[0]["subword_group"][:3].tolist()
    [[1, 1], [2, 1], [3, 1]]
    """

    def __init__(
        self,
        corpus: Iterable[Mapping[str, Any]],
        tokenizer: PreTrainedTokenizerFast,
        tags: TagSet,
        parser: Parser | None = None,
        max_length: int | None = None,
        on_error: Literal["raise", "skip"] = "raise",
    ) -> None:
        self.tags = tags
        self.pad_id = int(tokenizer.pad_token_id or 0)
        self.mask_id = int(tokenizer.mask_token_id or tokenizer.unk_token_id or 0)
        self.report = DatasetReport()
        self.row_ids: list[str] = []
        self.utterances = self._parse(corpus, parser, on_error)
        words = [utterance.words for utterance in self.utterances]
        limit = max_length or max_subwords(tokenizer)
        self.items = [
            self._item(encoded, utterance)
            for encoded, utterance in zip(
                encode_words(tokenizer, words, limit), self.utterances, strict=True
            )
        ]
        self._count(tokenizer, words)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Item:
        return self.items[index]

    @property
    def gold(self) -> list[tuple[str, ...]]:
        """The gold tags of every utterance, unknown types included."""
        return [utterance.tags for utterance in self.utterances]

    @property
    def lengths(self) -> list[int]:
        """The number of subwords of every item."""
        return [len(item["input_ids"]) for item in self.items]

    def _parse(
        self, corpus: Iterable[Mapping[str, Any]], parser: Parser | None, on_error: str
    ) -> list[ParsedUtterance]:
        """Parse every row, check it against its plain text, and keep or report what fails."""
        parsed: list[ParsedUtterance] = []
        for number, row in enumerate(corpus):
            row_id = str(row.get("id", number))
            row_parser = parser or Parser.for_locale(row.get("locale", ""))
            try:
                utterance = row_parser.parse(row["annot_utt"], row_id)
                check_same_text(utterance.text, row["utt"], row_id)
            except AnnotationError as error:
                if on_error == "raise":
                    raise
                self.report.skipped.append(error)
                continue
            parsed.append(utterance)
            self.row_ids.append(row_id)
        return parsed

    def _item(self, encoded: Encoded, utterance: ParsedUtterance) -> Item:
        """Return one utterance's tensors; words without subwords get no target."""
        groups = encoded.subword_group
        number = self.tags.tag_to_id
        target = [
            number.get(tag, IGNORE) if group[1] else IGNORE
            for tag, group in zip(utterance.tags, groups, strict=True)
        ]
        return {
            "input_ids": torch.tensor(encoded.input_ids),
            "attention_mask": torch.ones(len(encoded.input_ids), dtype=torch.long),
            "subword_group": torch.tensor(groups, dtype=torch.long).view(-1, 2),
            "target": torch.tensor(target, dtype=torch.long),
        }

    def _count(self, tokenizer: PreTrainedTokenizerFast, words: list[tuple[Word, ...]]) -> None:
        """Fill in the report."""
        report = self.report
        report.utterances = len(self.items)
        report.words = sum(map(len, words))
        report.subwords = sum(self.lengths)
        for item, inside in zip(self.items, words, strict=True):
            for index in (item["subword_group"][:, 1] == 0).nonzero().flatten().tolist():
                if encode_words(tokenizer, [inside[index : index + 1]], special=False)[0].input_ids:
                    report.words_cut_off += 1
                else:
                    report.words_without_subword += 1
        for tag in (tag for utterance in self.utterances for tag in utterance.tags):
            if tag.startswith("B-") and tag not in self.tags.tag_to_id:
                report.unknown_types[tag[2:]] = report.unknown_types.get(tag[2:], 0) + 1


def encode_words(
    tokenizer: PreTrainedTokenizerFast,
    words: Sequence[Sequence[Word]],
    max_length: int | None = None,
    special: bool = True,
) -> list[Encoded]:
    """Return the subwords of many utterances at once, cut at `max_length`. Built in notebook 03.

    `special=False` leaves out the special subwords at both ends.
    """
    if not words:
        return []
    batch = tokenizer(
        [[_encodable(word.text) for word in utterance] for utterance in words],
        is_split_into_words=True,
        add_special_tokens=special,
        truncation=max_length is not None,
        max_length=max_length,
        split_special_tokens=True,  # a "[SEP]" in the text is text
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    reserved = frozenset(tokenizer.all_special_ids)
    unknown = tokenizer.unk_token_id
    return [
        Encoded(
            plain_ids(encoding.ids, encoding.word_ids, reserved, unknown),
            subword_groups(encoding.word_ids, len(utterance)),
        )
        for encoding, utterance in zip(batch.encodings, words, strict=True)
    ]


def plain_ids(
    ids: list[int], word_ids: list[int | None], reserved: frozenset[int], unknown: int | None
) -> list[int]:
    """Return the ids, with `unknown` for special subwords inside of words.

    Tokenizers of the Unigram kind still read a literal "<s>" as the special subword.

    >>> plain_ids([0, 7, 0, 2], [None, 0, 0, None], frozenset([0, 2, 3]), unknown=3)
    [0, 7, 3, 2]
    """
    if unknown is None:
        return ids
    pairs = zip(ids, word_ids, strict=True)
    return [unknown if word is not None and i in reserved else i for i, word in pairs]


def _encodable(text: str) -> str:
    """Return the text with "?" for lone surrogates, which have no UTF-8 and stop tokenizers."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def subword_groups(word_ids: Iterable[int | None], words: int) -> list[tuple[int, int]]:
    """Return (index of first subword, number of subwords) of each word. Built in notebook 03.

    `word_ids` gives each subword's word, None for special ones. A word without any stays (0, 0),
    so that the words after it keep their places.

    >>> subword_groups([None, 0, 0, 2, None], words=3)
    [(1, 2), (0, 0), (3, 1)]
    """
    groups = [(0, 0)] * words
    for position, word in enumerate(word_ids):
        if word is not None:
            first, count = groups[word]
            groups[word] = (first, count + 1) if count else (position, 1)
    return groups


def word_ids_from_groups(groups: Tensor, subwords: int) -> Tensor:
    """Return each subword's word number, -1 for special ones: the inverse of `subword_groups`.

    `groups` (words, 2) → (subwords,)

    >>> word_ids_from_groups(torch.tensor([[1, 2], [0, 0], [3, 1]]), 5).tolist()
    [-1, 0, 0, 2, -1]
    """
    word_ids = [NO_WORD] * subwords
    for word, (first, count) in enumerate(groups.tolist()):
        word_ids[first : first + count] = [word] * count  # a word's subwords stand together
    return torch.tensor(word_ids, dtype=torch.long)


def collate(items: Sequence[Item], pad_id: int = 0) -> Batch:
    """Return a batch, padded on the right to its longest utterance. Built in notebook 03.

    `input_ids`, `attention_mask` and `word_ids` are (batch, subwords), `labels` (batch, words).

    >>> item = {"input_ids": torch.tensor([5, 6]), "attention_mask": torch.tensor([1, 1]),
    ...         "subword_group": torch.tensor([[1, 1]]), "target": torch.tensor([3])}
    >>> collate([item])["word_ids"].tolist()
    [[-1, 0]]
    """
    word_ids = [word_ids_from_groups(i["subword_group"], len(i["input_ids"])) for i in items]
    masks = [item["attention_mask"] for item in items]
    return {
        "input_ids": pad_sequence([item["input_ids"] for item in items], True, pad_id),
        "attention_mask": pad_sequence(masks, True, 0),
        "word_ids": pad_sequence(word_ids, True, NO_WORD),
        "labels": pad_sequence([item["target"] for item in items], True, IGNORE),
    }


class LengthBucketSampler(Sampler[list[int]]):
    """Batches of utterances of similar length, in an order that changes with every epoch.

    Rows are shuffled, cut into pools of `pool` batches, sorted by length inside each pool and cut
    into batches, which are shuffled again: little padding, still random. Without `shuffle` all rows
    are sorted by length once: the least padding, for validation. Built in notebook 03.

    >>> list(LengthBucketSampler([3, 9, 4, 8], batch_size=2, shuffle=False))
    [[0, 2], [3, 1]]
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        shuffle: bool = True,
        seed: int = 0,
        pool: int = 50,
    ) -> None:
        if batch_size < 1 or pool < 1:
            raise ValueError("batch_size and pool must be 1 or more")
        self.lengths = torch.tensor(lengths)
        self.batch_size, self.shuffle, self.seed, self.pool = batch_size, shuffle, seed, pool
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, which together with the seed fixes the order."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        if not len(self.lengths):
            return iter([])
        if not self.shuffle:
            order = self.lengths.argsort(stable=True)
            return iter([part.tolist() for part in order.split(self.batch_size)])
        generator = torch.Generator().manual_seed(self.seed * 100_003 + self.epoch)
        order = torch.randperm(len(self.lengths), generator=generator)
        batches: list[list[int]] = []
        for pool in order.split(self.batch_size * self.pool):
            by_length = pool[self.lengths[pool].argsort(stable=True)]
            batches += [part.tolist() for part in by_length.split(self.batch_size)]
        return iter([batches[i] for i in torch.randperm(len(batches), generator=generator)])
