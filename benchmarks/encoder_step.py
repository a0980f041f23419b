"""How long a training step takes with encoders of three sizes, as ratios.

    python -m benchmarks.encoder_step

The weights are random: a step costs the same whatever they are. Times are CPU time of one thread;
the encoders take turns, and the fastest step of each counts, so that a busy machine disturbs
little.
"""

import time

import torch
from transformers import BertConfig

from nerlib import (
    PACKAGED,
    NERClassifier,
    NERConfig,
    NERDataset,
    TagSet,
    collate,
    load_corpus,
    load_tokenizer,
)

COLUMNS = "hidden_size num_hidden_layers num_attention_heads intermediate_size vocab_size"
SIZES = {
    "MiniLM (offline)": (384, 6, 12, 1536, 30_522),
    "BERT base, English (english)": (768, 12, 12, 3072, 30_522),
    "BERT base, 120,000 subwords (tutorial, multilingual)": (768, 12, 12, 3072, 120_000),
}
ROUNDS = 4


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    rows = load_corpus("en-US", "train[:32]")
    tags = TagSet.from_corpus(rows)
    data = NERDataset(rows, load_tokenizer(PACKAGED), tags)
    batch = collate([data[number] for number in range(len(data))], data.pad_id)
    models = {}
    for name, sizes in SIZES.items():
        encoder = BertConfig(**dict(zip(COLUMNS.split(), sizes, strict=True))).to_dict()  # type: ignore[arg-type]
        model = NERClassifier(NERConfig(encoder=encoder, labels=tags.labels))
        models[name] = model, torch.optim.AdamW(model.parameters(), 1e-5)
    fastest = dict.fromkeys(models, float("inf"))
    for _ in range(ROUNDS):
        for name, (model, optimizer) in models.items():
            started = time.process_time()
            model(**batch).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            fastest[name] = min(fastest[name], time.process_time() - started)
    for name, seconds in fastest.items():
        print(f"{name:<55} {seconds / min(fastest.values()):.1f}")


if __name__ == "__main__":
    main()
