"""The static tagger: a vector for each subword, and a small network that sees seven words.

There is no encoder in it, so it is many times as fast and finds less. It learns what the trained
tagger says about its own training rows, and starts from that tagger's vectors of subwords (Hinton
et al., 2015; one vector a subword, whatever the sentence, as in model2vec).
"""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, dropout, embedding_bag, pad
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerFast

from nerlib.dataset import NERDataset
from nerlib.decoding import best_tags
from nerlib.device import Compute
from nerlib.encoders import EncoderError
from nerlib.evaluation import predict_batches
from nerlib.model import NERClassifier, NERConfig, pool_words
from nerlib.parsing import Word
from nerlib.subwords import encode_words
from nerlib.tools.serving.engines import EngineModel, Inputs

SIZE, SIDE, HIDDEN = 96, 3, 256  # of a vector, words to each side, between the two layers
STEPS, RATE = 1_500, 3e-3
PIECE = 32_768  # words that are computed at once, whatever the texts
MOST_WORDS = 200_000  # whose vectors are kept


class WindowNetwork(nn.Module):
    """Subword vectors (`table`), and two layers over a word and its three neighbours a side."""

    def __init__(self, subwords: int, tags: int) -> None:
        super().__init__()
        self.table = nn.Embedding(subwords, SIZE)
        self.window = nn.Linear((2 * SIDE + 1) * SIZE, HIDDEN)
        self.head = nn.Linear(HIDDEN, tags)

    def forward(self, vectors: Tensor, drop: float = 0.0) -> Tensor:
        """Return logits (batch, words, tags) of vectors (batch, words + 6, size): zeros outside."""
        near = vectors.unfold(1, 2 * SIDE + 1, 1).flatten(2)
        return cast(Tensor, self.head(dropout(self.window(near).relu(), drop)))


def write_static(model: NERClassifier, rows: NERDataset, path: Path) -> Path:
    """Write a static tagger that has learnt a model's tags of some rows, as safetensors."""
    learnt = [
        (batch["input_ids"], batch["word_ids"], batch["labels"] >= 0, output.logits.softmax(-1))
        for _, batch, output in predict_batches(model, rows, Compute(model.device, "fp32"))
    ]
    encoder: Any = model.encoder
    vectors = encoder.get_input_embeddings().weight.detach().float()
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        network, smaller = _learn(vectors, learnt, len(model.config.labels))
    with torch.no_grad():  # each subword's vector once and for all
        network.table.weight.copy_(smaller(vectors))
    save_file(network.state_dict(), path)
    return path


def _learn(
    vectors: Tensor, learnt: Sequence[tuple[Tensor, ...]], tags: int
) -> tuple[WindowNetwork, nn.Linear]:
    """Return a network, and what makes its vectors out of an encoder's (subwords, hidden)."""
    network, smaller = WindowNetwork(len(vectors), tags), nn.Linear(vectors.shape[1], SIZE)
    weights = [*network.window.parameters(), *network.head.parameters(), *smaller.parameters()]
    optimizer = torch.optim.AdamW(weights, RATE, weight_decay=0.0)
    slower = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, STEPS)
    for _ in range(STEPS):
        ids, word_ids, known, wanted = learnt[int(torch.randint(len(learnt), ()))]
        words = pool_words(smaller(vectors[ids]), word_ids, known.shape[1])
        words = words * (torch.rand(*known.shape, 1) > 0.1)  # as if some words were unknown
        logits = network(pad(words, (0, 0, SIDE, SIDE)), drop=0.2)
        loss = cross_entropy(logits[known], wanted[known])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        slower.step()
    return network, smaller


class StaticModel(EngineModel):
    """A static tagger in the place of a `NERClassifier`."""

    def __init__(self, config: NERConfig, path: Path) -> None:
        """Read the network; raises `EncoderError` unless the file holds one for this model."""
        super().__init__(config, self._compute)
        with torch.device("meta"):  # shapes only, no memory
            self.network = WindowNetwork(config.encoder["vocab_size"], len(config.labels))
        try:
            weights = {name: values.float() for name, values in load_file(path).items()}
            self.network.load_state_dict(weights, assign=True)
        except (SafetensorError, RuntimeError):
            raise EncoderError(f"{path} is no static tagger for this model: export again") from None
        self.requires_grad_(False)
        self._turn = Lock()
        self._forget()

    def _forget(self) -> None:
        """Begin with no word; the first vector is that of what stands between two texts."""
        self._known, self._used = dict[str, int](), 1
        self._vectors = torch.zeros(1024, SIZE)

    def _compute(self, inputs: Inputs) -> NDArray[np.float32]:
        """Return logits (batch, words, tags), as the other engines do."""
        ids, word_ids = (torch.from_numpy(inputs[name]) for name in ("input_ids", "word_ids"))
        words = pool_words(self.network.table(ids), word_ids, len(inputs["words"]))
        return cast(Tensor, self.network(pad(words, (0, 0, SIDE, SIDE)))).numpy()

    @torch.inference_mode()
    def predict_words(
        self, words: Sequence[Sequence[Word]], tokenizer: PreTrainedTokenizerFast
    ) -> list[tuple[list[str], list[float]]]:
        """Return the tags and their probabilities of every utterance's words.

        All words stand in one row, utterance after utterance, with room between two. Tags that are
        the best alone and that BIO allows are the best together: only the others are decoded.
        """
        if not any(words):
            return [([], []) for _ in words]
        row, starts = [0] * SIDE, []
        with self._turn:
            self._meet(words, tokenizer)
            for utterance in words:
                starts.append(len(row) - SIDE)
                row += [*(self._known[word.text] for word in utterance), *[0] * SIDE]
            vectors = self._vectors
        numbers = torch.tensor(row)
        pieces = range(0, len(row) - 2 * SIDE, PIECE)
        windows = (vectors[numbers[at : at + PIECE + 2 * SIDE]][None] for at in pieces)
        logits = torch.cat([self.network(one)[0] for one in windows])
        visible = numbers[SIDE : len(row) - SIDE] > 0
        chances, tags = logits.softmax(-1), logits.argmax(-1) * visible
        before = pad(tags[:-1], (1, 0))
        wrong = (tags > 0) & (tags % 2 == 0) & (before != tags) & (before != tags - 1)
        ends = [at + len(utterance) for at, utterance in zip(starts, words, strict=True)]
        marks = torch.searchsorted(torch.tensor(starts), wrong.nonzero()[:, 0], right=True) - 1
        bad = [slice(starts[number], ends[number]) for number in marks.unique().tolist()]
        if bad:
            parts = [pad_sequence([one[at] for at in bad], True) for one in (logits, visible)]
            for at, best in zip(bad, best_tags(*parts)[0], strict=True):
                tags[at] = best[: at.stop - at.start]
        scores = chances.gather(1, tags[:, None])[:, 0].tolist()
        labels = self.config.labels  # once: transformers looks for it anew each time
        named = [labels[tag] for tag in tags.tolist()]
        return [(named[a:b], scores[a:b]) for a, b in zip(starts, ends, strict=True)]

    def _meet(self, words: Sequence[Sequence[Word]], tokenizer: PreTrainedTokenizerFast) -> None:
        """Give every word a vector, the mean of its subwords'; one without any has none."""
        if len(self._known) > MOST_WORDS:
            self._forget()
        new = {w.text: w for some in words for w in some if w.text not in self._known}
        cut = encode_words(tokenizer, [[word] for word in new.values()], special=False)
        seen = {text: one.input_ids for text, one in zip(new, cut, strict=True) if one.input_ids}
        first = self._used
        if seen:
            sizes = torch.tensor([0, *map(len, seen.values())]).cumsum(0)
            flat = torch.tensor([i for ids in seen.values() for i in ids])
            found = embedding_bag(flat, self.network.table.weight, sizes[:-1], mode="mean")
            if first + len(found) > len(self._vectors):  # room for twice as many, at least
                self._vectors = torch.cat([self._vectors, torch.zeros(first + len(found), SIZE)])
            self._vectors[first : first + len(found)] = found
            self._used += len(found)
        # Last of all, for Ctrl-C may come at any time.
        self._known |= dict.fromkeys(new, 0) | {text: n for n, text in enumerate(seen, first)}
