"""Words matched to subwords: what the encoder reads, and which word each piece of it belongs to.

Built in notebook 03; the second half, long texts in windows that share some words, in notebook 12.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import PretrainedConfig, PreTrainedTokenizerFast

from nerlib.parsing import Word

NO_WORD = -1  # the word number of special subwords and padding
SUBWORDS_A_WINDOW = 32  # that a batch has room for: more than most utterances have
ENOUGH = 256  # subwords in a batch: from here on a larger one is no faster for each of them


@dataclass(frozen=True)
class Encoded:
    """The subwords of one utterance.

    `input_ids` (subwords), special ones included; `subword_group` (words): for each word the index
    of its first subword and its number of subwords, (0, 0) for a word that has none.
    """

    input_ids: list[int]
    subword_group: list[tuple[int, int]]


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


def encode_distinct_words(
    tokenizer: PreTrainedTokenizerFast,
    words: Sequence[Sequence[Word]],
    max_length: int | None = None,
) -> list[Encoded]:
    """Return what `encode_words` returns, with every distinct word cut into subwords only once.

    A word's subwords do not depend on its neighbours, and most words of a corpus have been met
    before: 11,514 utterances of MASSIVE hold 81,025 words, but 5,303 different ones.
    """
    distinct = list({word.text: word for utterance in words for word in utterance}.values())
    if len(words) < 2 or not distinct:
        return encode_words(tokenizer, words, max_length)
    cut = encode_words(tokenizer, [[word] for word in distinct], special=False)
    subwords = {word.text: one.input_ids for word, one in zip(distinct, cut, strict=True)}
    before, after = special_subwords(tokenizer)
    room = None if max_length is None else max(0, max_length - len(before + after))
    return [
        join_words([subwords[word.text] for word in utterance], before, after, room)
        for utterance in words
    ]


def join_words(
    subwords: Iterable[list[int]], before: list[int], after: list[int], room: int | None = None
) -> Encoded:
    """Return one utterance, put together from its words' subwords, of which only `room` fit.

    >>> join_words([[7, 8], [], [9]], before=[2], after=[3], room=None)
    Encoded(input_ids=[2, 7, 8, 9, 3], subword_group=[(1, 2), (0, 0), (3, 1)])
    """
    ids, groups = list(before), []
    end = None if room is None else len(before) + room
    for word in subwords:
        first = len(ids)
        ids += word if end is None else word[: max(0, end - first)]
        groups.append((first, len(ids) - first) if len(ids) > first else (0, 0))
    return Encoded(ids + after, groups)


def plain_ids(
    ids: list[int], word_ids: list[int | None], reserved: frozenset[int], unknown: int | None
) -> list[int]:
    """Return the ids, with `unknown` for special subwords inside of words.

    Tokenizers of the Unigram kind still read a literal "<s>" as the special subword.
    """
    inside = sum(map(reserved.__contains__, ids)) - word_ids.count(None)
    if unknown is None or not inside:
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
    numbers = [NO_WORD] * subwords
    for word, (first, count) in enumerate(groups.tolist()):
        numbers[first : first + count] = [word] * count  # a word's subwords stand together
    return torch.tensor(numbers, dtype=torch.long)


def special_subwords(tokenizer: PreTrainedTokenizerFast) -> tuple[list[int], list[int]]:
    """Return the special subwords that the tokenizer puts before and after a text."""
    encoding = tokenizer(["a"], is_split_into_words=True, verbose=False).encodings[0]
    inside = [position for position, word in enumerate(encoding.word_ids) if word is not None]
    if not inside:
        return list(encoding.ids), []
    return encoding.ids[: inside[0]], encoding.ids[inside[-1] + 1 :]


@dataclass(frozen=True, slots=True)
class Window:
    """A part of an utterance that fits into the encoder.

    `input_ids` (subwords); `groups` (words): first subword and count of each word from `first`
    on; words `keep_from` to `keep_to` take their tags from this window, the others are context.
    """

    text: int
    input_ids: list[int]
    groups: list[tuple[int, int]]
    first: int
    keep_from: int
    keep_to: int


def cut_into_windows(
    tokenizer: PreTrainedTokenizerFast,
    words: Sequence[Sequence[Word]],
    most: int,
    special: tuple[list[int], list[int]],
) -> Iterator[Window]:
    """Yield the windows of all utterances that have words, each of `most` subwords or fewer.

    `special` are the subwords that the tokenizer puts before and after a text.
    """
    rows = [row for row, inside in enumerate(words) if inside]
    encoded = encode_distinct_words(tokenizer, [words[row] for row in rows])
    for row, subwords in zip(rows, encoded, strict=True):
        groups = subwords.subword_group
        if len(subwords.input_ids) <= most:
            yield Window(row, subwords.input_ids, groups, first=0, keep_from=0, keep_to=len(groups))
        else:
            yield from _cut(row, subwords, most - len(special[0]) - len(special[1]), special)


def _cut(
    row: int, subwords: Encoded, limit: int, special: tuple[list[int], list[int]]
) -> Iterator[Window]:
    """Yield one utterance's windows; a word of more than `limit` subwords loses the rest."""
    before, after = special
    groups = subwords.subword_group
    counts = [min(count, limit) for _, count in groups]
    for first, end, keep_from, keep_to in plan_windows(counts, limit):
        inside, local = list(before), []
        for (start, _), count in zip(groups[first:end], counts[first:end], strict=True):
            local.append((len(inside), count) if count else (0, 0))
            inside += subwords.input_ids[start : start + count]
        yield Window(row, inside + after, local, first, keep_from, keep_to)


def positions(config: PretrainedConfig) -> int | None:
    """Return how many positions an encoder has, those reserved for padding not counted."""
    count = getattr(config, "max_position_embeddings", None)
    if count and config.model_type in ("roberta", "xlm-roberta", "camembert"):
        return int(count) - 2  # these start counting after the padding's number
    return count


def plan_windows(counts: Sequence[int], limit: int) -> list[tuple[int, int, int, int]]:
    """Return windows as (first word, end word, keep from, keep to), ends exclusive.

    No window has more than `limit` subwords. Neighbours share about a quarter of a window, and a
    word takes its tag from the window in which it has more context. Built in notebook 12.

    >>> plan_windows([1, 1, 1], limit=10)
    [(0, 3, 0, 3)]
    >>> plan_windows([1] * 8, limit=4)
    [(0, 4, 0, 3), (3, 7, 3, 6), (6, 8, 6, 8)]
    """
    bounds: list[tuple[int, int]] = []
    first = 0
    while True:
        end, used = first, 0
        while end < len(counts) and used + counts[end] <= limit:
            used += counts[end]
            end += 1
        bounds.append((first, end))
        if end == len(counts):
            break
        # What is read twice must leave room for the next word: each window reads something new.
        overlap, most = 0, min(limit // 4, limit - counts[end])
        while end - 1 > first + 1 and overlap + counts[end - 1] <= most:
            end -= 1
            overlap += counts[end]
        first = end
    # The middle of what two windows share divides them.
    middles = [(earlier[1] + later[0]) // 2 for earlier, later in pairwise(bounds)]
    cuts = [0, *middles, len(counts)]
    return [(*bound, *kept) for bound, kept in zip(bounds, pairwise(cuts), strict=True)]


def windows_by_length(windows: Sequence[Window], most: int) -> Iterator[list[Window]]:
    """Yield windows of like length together: `most` at a time, or fewer where they are long.

    No batch of several has more than 32 · `most` subwords, padding included, so that the memory it
    takes does not depend on the texts. Where a longer one would make padding, a batch that is large
    enough ends.
    """
    batch: list[Window] = []
    for window in sorted(windows, key=lambda window: len(window.input_ids)):
        length, count = len(window.input_ids), len(batch)
        full = count == most or (count + 1) * length > SUBWORDS_A_WINDOW * most
        shorter = len(batch[0].input_ids) if batch else length
        if batch and (full or (shorter < length and count * shorter >= ENOUGH)):
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def pad_windows(batch: Sequence[Window], pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return input_ids, attention_mask and word_ids of some windows, each (batch, subwords)."""
    rows = [torch.tensor(window.input_ids) for window in batch]
    words = [word_ids_from_groups(torch.tensor(w.groups), len(w.input_ids)) for w in batch]
    input_ids, word_ids = pad_sequence(rows, True, pad_id), pad_sequence(words, True, NO_WORD)
    mask = pad_sequence([torch.ones_like(row) for row in rows], True, 0)
    return input_ids, mask, word_ids
