"""Ways to get named entity recognition wrong, each behind one switch.

Only notebook 08 and `benchmarks` use this module: everything that is wrong on purpose is here,
next to the small training loop that it spoils.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerFast

from nerlib.addons.dropout import cheap_dropout
from nerlib.corpus import CorpusError, rows_to_dataset
from nerlib.dataset import IGNORE, Batch, Item, LengthBucketSampler, NERDataset
from nerlib.decoding import best_tags
from nerlib.device import Compute, choose_compute, set_threads
from nerlib.encoders import load_tokenizer
from nerlib.metrics import Evaluation, evaluate_tags
from nerlib.model import NERClassifier, tagging_loss
from nerlib.optimization import TrainConfig, make_optimizer, make_schedule
from nerlib.parsing import OUTSIDE, ParsedUtterance, Parser
from nerlib.tags import TagSet
from nerlib.tools.recipes import SCRATCH, Recipe
from nerlib.tools.small_bert import build_small_bert

PADDED_WORDS = 64  # to how many words `padding_in_loss` fills every utterance up
# What English writes with capitals, among MASSIVE's slot types.
NAMES = {"app_name", "artist_name", "business_name", "movie_name", "person", "place_name"}
NAMES |= {"podcast_name", "radio_name", "song_name"}


@dataclass(frozen=True)
class Bugs:
    """Which faults a run has, each one switch; with all of them off it is right."""

    word_dictionary: bool = False  # training tags are looked up in a dictionary of slot words
    word_offsets: bool = False  # subword positions are counted in words
    padding_in_loss: bool = False  # padding counts as words that are `O`
    first_subword_loss: bool = False  # trained on first subwords, used with the mean of all
    file_order: bool = False  # the rows are never shuffled


NO_BUGS = Bugs()


def tags_by_dictionary(utterance: ParsedUtterance) -> list[str]:
    """Return tags that are looked up by word: wrong where a slot's word stands elsewhere as well.

    >>> from nerlib import Parser
    >>> tags_by_dictionary(Parser().parse("wake me in [time : an hour] or in an hour and a half"))
    ['O', 'O', 'O', 'B-TIME', 'I-TIME', 'O', 'O', 'B-TIME', 'I-TIME', 'O', 'O', 'O']
    """
    pairs = zip(utterance.words, utterance.tags, strict=True)
    word_to_tag = {word.text: tag for word, tag in pairs if tag != OUTSIDE}
    return [word_to_tag.get(word.text, OUTSIDE) for word in utterance.words]


def break_rows(data: NERDataset, bugs: Bugs, training: bool) -> list[Item]:
    """Return the dataset's items with the faults that lie in the data; the dataset stays right.

    Only training rows get wrong tags: scores are always taken against the right ones.
    """
    items = []
    for item, utterance in zip(data.items, data.utterances, strict=True):
        groups, target = item["subword_group"], item["target"]
        if bugs.word_offsets:  # right up to the first word of several subwords
            groups = torch.stack([torch.arange(1, len(groups) + 1), groups[:, 1]], dim=1)
        if bugs.first_subword_loss and training:
            groups = groups.clamp(max=torch.tensor([len(item["input_ids"]), 1]))
        if bugs.word_dictionary and training:
            numbers = data.tags.tag_to_id
            target = torch.tensor([numbers.get(t, IGNORE) for t in tags_by_dictionary(utterance)])
        items.append({**item, "subword_group": groups, "target": target})
    return items


def collate_groups(items: Sequence[Item], pad_id: int, bugs: Bugs = NO_BUGS) -> Batch:
    """Return a batch that keeps `subword_group` (batch, words, 2), which may be wrong.

    `input_ids` and `attention_mask` are (batch, subwords), `target` (batch, words).
    """
    padding = {"input_ids": pad_id, "attention_mask": 0, "subword_group": 0, "target": IGNORE}
    padding |= {"target": 0} if bugs.padding_in_loss else {}  # the number of O
    batch = {
        name: pad_sequence([item[name] for item in items], True, value)
        for name, value in padding.items()
    }
    if bugs.padding_in_loss:
        missing = max(0, PADDED_WORDS - batch["target"].shape[1])
        batch["target"] = nn.functional.pad(batch["target"], (0, missing))
        batch["subword_group"] = nn.functional.pad(batch["subword_group"], (0, 0, 0, missing))
    return batch


def pool_slices(hidden: Tensor, groups: Tensor) -> Tensor:
    """Return the mean of each word's slice of subwords, wherever the slice lies.

    `hidden` (batch, subwords, hidden), `groups` (batch, words, 2) → (batch, words, hidden).
    With right groups this is `pool_words`; here slices may overlap, as the faults make them.
    """
    position = torch.arange(hidden.shape[1], device=hidden.device)
    first, count = groups[..., :1], groups[..., 1:]
    inside = (position >= first) & (position < first + count)  # (batch, words, subwords)
    mean = inside / inside.sum(-1, keepdim=True).clamp(min=1)
    return mean.to(hidden.dtype) @ hidden


def word_logits(model: NERClassifier, batch: Batch, compute: Compute) -> Tensor:
    """Return logits (batch, words, tags) for a batch with `subword_group`."""
    inputs = {name: tensor.to(compute.device) for name, tensor in batch.items()}
    with compute.autocast():
        hidden = model.encoder(inputs["input_ids"], attention_mask=inputs["attention_mask"])[0]
        logits: Tensor = model.head(pool_slices(hidden, inputs["subword_group"]))
    return logits


def train_with(
    model: NERClassifier,
    items: Sequence[Item],
    config: TrainConfig,
    pad_id: int,
    bugs: Bugs = NO_BUGS,
    after_epoch: Callable[[], object] = lambda: None,
) -> list[float]:
    """Train the model in place and return the mean loss of each epoch.

    `nerlib.train`, shortened: the last epoch is kept, no subword is masked. `items` come from
    `break_rows`; `after_epoch` is called at the end of every epoch.
    """
    set_threads(config.threads)
    compute = choose_compute(config.device, config.precision)
    nn.Module.to(model, compute.device)
    torch.manual_seed(config.seed)
    lengths = [len(item["input_ids"]) for item in items]
    sampler = LengthBucketSampler(lengths, config.batch_size, seed=config.seed)
    in_file_order = [part.tolist() for part in torch.arange(len(items)).split(config.batch_size)]
    optimizer = make_optimizer(model, config)
    schedule = make_schedule(optimizer, config, config.epochs * len(sampler))
    losses = []
    for epoch in range(config.epochs):
        sampler.set_epoch(epoch)
        model.train()
        total = torch.zeros((), device=compute.device)
        for rows in in_file_order if bugs.file_order else sampler:
            batch = collate_groups([items[row] for row in rows], pad_id, bugs)
            logits, target = word_logits(model, batch, compute), batch["target"].to(compute.device)
            loss = tagging_loss(logits, target, config.label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), config.max_gradient_norm)
            optimizer.step()
            schedule.step()
            total += loss.detach()
        losses.append(total.item() / len(sampler))
        after_epoch()
    return losses


@torch.inference_mode()
def predict_items(
    model: NERClassifier,
    items: Sequence[Item],
    pad_id: int,
    dropout: bool = False,
    each_word_alone: bool = False,
) -> list[list[str]]:
    """Return the predicted tags of every item's words, in order.

    `dropout=True` leaves the model in training mode. `each_word_alone=True` takes the best tag of
    every word by itself; otherwise the best sequence that BIO allows.
    """
    compute, labels = choose_compute(str(model.device)), model.config.labels
    model.train(dropout)
    predicted: list[list[str]] = [[] for _ in items]
    lengths = [len(item["input_ids"]) for item in items]
    for rows in LengthBucketSampler(lengths, 64, shuffle=False):
        batch = collate_groups([items[row] for row in rows], pad_id)
        logits = word_logits(model, batch, compute).cpu()
        seen = batch["subword_group"][..., 1] > 0
        chosen = logits.argmax(-1) if each_word_alone else best_tags(logits, seen)[0]
        for row, numbers in zip(rows, (chosen * seen).tolist(), strict=True):
            predicted[row] = [labels[number] for number in numbers[: len(items[row]["target"])]]
    model.eval()
    return predicted


@dataclass(frozen=True)
class Lab:
    """What all runs of a comparison share: the rows, the words, the encoder, the settings.

    The lower half of an encoder with six layers or more is frozen, to keep the runs short.
    """

    train_rows: Dataset
    validation_rows: Dataset
    test_rows: Dataset
    tokenizer: PreTrainedTokenizerFast
    parser: Parser
    encoder: str
    settings: TrainConfig

    def data(self, rows: Dataset, tags: TagSet) -> NERDataset:
        """Return rows as a dataset whose tags are numbered as in `tags`."""
        return NERDataset(rows, self.tokenizer, tags, self.parser)


@dataclass(frozen=True)
class Run:
    """A trained model with its rows, and its scores on the validation rows.

    `history` holds the scores after every epoch, on validation and on test rows, if asked for.
    """

    model: NERClassifier
    bugs: Bugs
    validation_set: NERDataset
    test_set: NERDataset
    losses: list[float]
    history: list[tuple[Evaluation, Evaluation]]

    def answers(self, data: NERDataset | None = None, **how: bool) -> list[list[str]]:
        """Return the predicted tags, of the validation rows unless `data` is another dataset."""
        data = data or self.validation_set
        items = break_rows(data, self.bugs, training=False)
        return predict_items(self.model, items, data.pad_id, **how)

    def scores(self, data: NERDataset | None = None, **how: bool) -> Evaluation:
        """Return the scores of those answers against the right tags."""
        return evaluate_tags((data or self.validation_set).gold, self.answers(data, **how))

    @cached_property
    def f1(self) -> float:
        """Strict entity F1 on the validation rows after the last epoch."""
        return self.scores().overall.f1


def open_lab(recipe: Recipe, folder: str | Path, rows: int = 800, epochs: int = 4) -> Lab:
    """Return the lab of a recipe with at most `rows` rows to train on, 300 to validate on.

    `folder` takes the encoder of recipe `offline-scratch`. The test rows are other rows than both.
    """
    split = recipe.train_split.partition("[")[0]
    train_rows = recipe.corpus(f"{split}[:{rows}]")
    encoder, settings = recipe.encoder, replace(recipe.settings, epochs=epochs, batch_size=16)
    settings = replace(settings, label_smoothing=0.0, masked_subwords=0.0)
    if encoder == SCRATCH:
        path = Path(folder) / "encoders" / f"{recipe.name}-lab"
        encoder = str(build_small_bert(train_rows["utt"], path))
    elif recipe.source != "hub":  # the packaged one, half of it frozen
        settings = replace(settings, learning_rate=5e-4, head_rate_factor=5.0)
    validation_rows = recipe.corpus("validation[:300]")
    try:
        test_rows = recipe.corpus("test[:300]")
    except CorpusError:  # no test split: validation rows that nothing else uses
        test_rows = recipe.corpus("validation[300:600]")
    tokenizer, parser = load_tokenizer(encoder), Parser.for_locale(recipe.locale)
    return Lab(train_rows, validation_rows, test_rows, tokenizer, parser, encoder, settings)


def run(
    lab: Lab,
    bugs: Bugs = NO_BUGS,
    seed: int = 0,
    more_rows: Sequence[dict[str, Any]] = (),
    watch: bool = False,
) -> Run:
    """Train one model of the lab, with some faults, and return it with its rows.

    The seed decides first weights, order and dropout. `more_rows` are rows from which the tag set
    grows although nothing is trained on them. `watch` keeps the scores after every epoch.
    """
    train_rows = lab.train_rows
    if bugs.file_order:
        train_rows = rows_to_dataset(sorted(train_rows, key=lambda row: str(row["intent"])))
    tags = TagSet.from_corpus([*train_rows, *more_rows], lab.parser)
    torch.manual_seed(seed)
    model = NERClassifier.from_encoder(lab.encoder, tags, segmentation=lab.parser.segmentation)
    layers = getattr(getattr(model.encoder, "encoder", None), "layer", [])
    if len(layers) >= 6:
        for part in (model.encoder.embeddings, *layers[: len(layers) // 2]):
            part.requires_grad_(False)
    train_set = lab.data(train_rows, tags)
    validation_set, test_set = (lab.data(r, tags) for r in (lab.validation_rows, lab.test_rows))
    result = Run(model, bugs, validation_set, test_set, [], [])

    def after_epoch() -> None:
        if watch:
            result.history.append((result.scores(), result.scores(test_set)))

    config, items = replace(lab.settings, seed=seed), break_rows(train_set, bugs, training=True)
    with cheap_dropout(model):
        result.losses.extend(train_with(model, items, config, train_set.pad_id, bugs, after_epoch))
    return result


def with_capitals(corpus: Dataset, parser: Parser) -> Dataset:
    """Return rows with the names in them written with capitals, as English does."""
    rows = []
    for row in corpus:
        parsed = parser.parse(row["annot_utt"])
        text = parsed.text
        for span in parsed.spans:
            if span.type in NAMES:
                value = " ".join(map(str.capitalize, text[span.start : span.end].split(" ")))
                text = text[: span.start] + value + text[span.end :]
        rows.append({**row, "utt": text, "annot_utt": parser.annotate(text, parsed.spans)})
    return rows_to_dataset(rows)


def lower_cased(corpus: Dataset) -> Dataset:
    """Return rows in small letters, slot types untouched."""
    columns = ("utt", "annot_utt")
    return rows_to_dataset([row | {name: row[name].lower() for name in columns} for row in corpus])
