"""The published tutorial's training, rebuilt: the loop around `nerlib.course.tutorial_rebuilt`.

One utterance a step, Adam at a rate of 1e-5, rows in the order of the file, dropout left on in
validation, accuracy as the only score.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.optim import Adam
from torch.utils.data import DataLoader

from nerlib.course.tutorial_rebuilt import TutorialClassifier, TutorialDataset

RATE = 1e-5


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
