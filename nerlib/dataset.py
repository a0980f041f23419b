"""From parsed utterances to tensors: words matched to subwords, batches by length.

Built in notebook 03.
"""

import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset, Sampler
from transformers import PreTrainedTokenizerFast

from nerlib.encoders import max_subwords
from nerlib.parsing import AnnotationError, ParsedUtterance, Parser, check_same_text
from nerlib.subwords import NO_WORD, Encoded, encode_distinct_words, word_ids_from_groups
from nerlib.subwords import encode_words as encode_words  # known from here
from nerlib.subwords import subword_groups as subword_groups
from nerlib.tags import TagSet

IGNORE = -100  # the target that PyTorch's cross-entropy leaves out

Item = dict[str, Tensor]
Batch = dict[str, Tensor]


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
        with garbage_collection_paused():
            self.utterances = self._parse(corpus, parser, on_error)
            words = [utterance.words for utterance in self.utterances]
            limit = max_length or max_subwords(tokenizer)
            encoded = encode_distinct_words(tokenizer, words, limit)
            self.items = self._items(encoded)
            self._count(tokenizer, encoded)

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

    def _items(self, encoded: Sequence[Encoded]) -> list[Item]:
        """Return every utterance's tensors; words without subwords get no target.

        They are slices of a few long tensors, which are made much faster than many short ones.
        """
        words = [len(utterance.words) for utterance in self.utterances]
        subwords = [len(row.input_ids) for row in encoded]
        groups = _joined(row.subword_group for row in encoded)
        number = self.tags.tag_to_id
        target = [
            number.get(tag, IGNORE) if group[1] else IGNORE
            for tag, group in zip(_joined(self.gold), groups, strict=True)
        ]
        columns = {
            "input_ids": torch.tensor(_joined(r.input_ids for r in encoded)).long().split(subwords),
            "attention_mask": torch.ones(sum(subwords), dtype=torch.long).split(subwords),
            "subword_group": torch.tensor(groups, dtype=torch.long).view(-1, 2).split(words),
            "target": torch.tensor(target, dtype=torch.long).split(words),
        }
        rows = zip(*columns.values(), strict=True)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def _count(self, tokenizer: PreTrainedTokenizerFast, encoded: Sequence[Encoded]) -> None:
        """Fill in the report."""
        report, words = self.report, _joined(each.words for each in self.utterances)
        report.utterances, report.words = len(self.items), len(words)
        report.subwords = sum(self.lengths)
        groups = _joined(row.subword_group for row in encoded)
        for word in (word for word, group in zip(words, groups, strict=True) if not group[1]):
            if encode_words(tokenizer, [[word]], special=False)[0].input_ids:
                report.words_cut_off += 1
            else:
                report.words_without_subword += 1
        for tag, count in Counter(_joined(self.gold)).items():
            if tag.startswith("B-") and tag not in self.tags.tag_to_id:
                report.unknown_types[tag[2:]] = count


@contextmanager
def garbage_collection_paused() -> Iterator[None]:
    """Within the block, let Python not look for unused objects.

    A dataset is made of many small ones that all stay: looking took longer than making them.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _joined(parts: Iterable[Iterable[Any]]) -> list[Any]:
    """Return what stands in many lists as one list."""
    return list(chain.from_iterable(parts))


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
        if not self.shuffle or not len(self.lengths):
            order = self.lengths.argsort(stable=True)
            return iter([part.tolist() for part in order.split(self.batch_size) if len(part)])
        generator = torch.Generator().manual_seed(self.seed * 100_003 + self.epoch)
        order = torch.randperm(len(self.lengths), generator=generator)
        batches: list[list[int]] = []
        for pool in order.split(self.batch_size * self.pool):
            by_length = pool[self.lengths[pool].argsort(stable=True)]
            batches += [part.tolist() for part in by_length.split(self.batch_size)]
        return iter([batches[i] for i in torch.randperm(len(batches), generator=generator)])
