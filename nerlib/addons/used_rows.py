"""Training only those rows of the embedding table that the training text uses.

More than half of a small encoder is its table of subword embeddings, and most of its rows belong to
subwords that no training utterance holds. Their gradient is always zero, and yet a table trained
whole is filled, clipped and updated row by row at every step.

Adds: one module in place of the table. Costs: nothing in accuracy, up to weight decay on unused
rows. Brings: the ratio of a step that notebook 11 prints ("Cheaper: the rows that are used").
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding
from transformers import PreTrainedModel

from nerlib.dataset import NERDataset


class UsedRows(nn.Module):
    """An embedding table of which only some rows are trained; it reads and saves like the whole.

    `weight` (subwords, hidden) is the whole table, `used` (rows) the numbers of the rows to train.
    A row that is not used keeps its values: no weight decay wears it away either.

    >>> table = UsedRows(torch.tensor([[1.0], [2.0], [3.0]]), used=torch.tensor([2]))
    >>> table(torch.tensor([[0, 2]])).flatten().tolist()
    [1.0, 3.0]
    >>> [name for name, _ in table.named_parameters()], list(table.state_dict())
    (['rows'], ['weight'])
    """

    def __init__(self, weight: Tensor, used: Tensor, padding_idx: int | None = None) -> None:
        super().__init__()
        place = torch.full((len(weight),), -1, device=weight.device)
        place[used] = torch.arange(len(used), device=weight.device)
        self.weight = nn.Buffer(weight.detach())
        self.used = nn.Buffer(used.to(weight.device), persistent=False)
        # (subwords): where a subword's row stands among the used ones, or -1
        self.place = nn.Buffer(place, persistent=False)
        self.rows = nn.Parameter(self.weight[self.used])
        padding = -1 if padding_idx is None else int(place[padding_idx])
        self.padding = padding if padding >= 0 else None  # this row gets no gradient

    def forward(self, input_ids: Tensor) -> Tensor:
        """Return the embeddings (batch, subwords, hidden) of `input_ids` (batch, subwords)."""
        place = self.place[input_ids]
        trained = embedding(place.clamp(min=0), self.rows, self.padding)
        return torch.where((place >= 0).unsqueeze(-1), trained, embedding(input_ids, self.weight))

    @torch.no_grad()
    def whole(self) -> Tensor:
        """Return the whole table (subwords, hidden) with the trained rows in it; no copy."""
        self.weight[self.used] = self.rows.detach()
        return self.weight

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Save one tensor, the whole table, as `nn.Embedding` does."""
        destination[prefix + "weight"] = self.whole()

    @torch.no_grad()
    def _load_from_state_dict(self, state_dict: Any, prefix: str, *others: Any) -> None:
        """Load the whole table, and take the trained rows from it."""
        self.weight.copy_(state_dict[prefix + "weight"])
        self.rows.copy_(self.weight[self.used])


@contextmanager
def training_used_rows(model: PreTrainedModel, data: NERDataset) -> Iterator[None]:
    """Within the block, let a model train only the embedding rows of the subwords in `data`.

    Afterwards the model has its own table back, with the trained rows in it. Optimisers made within
    the block must not be used after it.
    """
    table = model.get_input_embeddings()
    trainable = type(table) is nn.Embedding and table.weight.requires_grad
    if not trainable or table.max_norm is not None or table.scale_grad_by_freq or table.sparse:
        yield
        return
    name = next(name for name, module in model.named_modules() if module is table)
    trained = UsedRows(table.weight, used_subwords(data), table.padding_idx)
    model.set_submodule(name, trained)
    try:
        yield
    finally:
        with torch.no_grad():
            table.weight.copy_(trained.whole())
        model.set_submodule(name, table)


def used_subwords(data: NERDataset) -> Tensor:
    """Return the numbers of all subwords that training on `data` can meet, in order.

    Padding and the mask, which takes subwords' places in training, are among them.
    """
    extra = torch.tensor([data.pad_id, data.mask_id])
    used: Tensor = torch.cat([extra, *(item["input_ids"] for item in data.items)]).unique()
    return used
