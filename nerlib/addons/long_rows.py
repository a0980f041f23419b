"""Training on long rows whole: in the windows in which a tagger reads them, not cut at their end.

Adds: an item a window. Costs: their steps. Brings: what stands beyond the encoder's last position.
"""

import torch
from transformers import PreTrainedTokenizerFast

from nerlib.dataset import IGNORE, Item, NERDataset
from nerlib.encoders import max_subwords
from nerlib.subwords import Window, cut_into_windows, special_subwords


def read_whole(data: NERDataset, tokenizer: PreTrainedTokenizerFast) -> None:
    """Replace the items of a dataset for training by windows, if any of its rows were cut off.

    Each word has a target in one window only. There are then more items than utterances.
    """
    if not data.report.words_cut_off:
        return
    most, words = max_subwords(tokenizer), [one.words for one in data.utterances]
    windows = list(cut_into_windows(tokenizer, words, most, special_subwords(tokenizer)))
    data.items = [_item(data, window) for window in windows]
    data.row_ids = [data.row_ids[window.text] for window in windows]
    data.report.words_cut_off = 0


def _item(data: NERDataset, window: Window) -> Item:
    """Return a window's tensors, with targets for the words that it is there for."""
    kept = range(window.keep_from, window.keep_to)
    numbers = [data.tags.tag_to_id.get(tag, IGNORE) for tag in data.gold[window.text]]
    target = [
        numbers[word] if count and word in kept else IGNORE
        for word, (_, count) in enumerate(window.groups, start=window.first)
    ]
    columns = {"input_ids": window.input_ids, "subword_group": window.groups, "target": target}
    tensors = {name: torch.tensor(values, dtype=torch.long) for name, values in columns.items()}
    return tensors | {"attention_mask": torch.ones_like(tensors["input_ids"])}
