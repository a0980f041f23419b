"""What decides how large each step of training is: settings, AdamW, and the learning rate schedule.

Built in notebook 05.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from nerlib.device import Precision

if TYPE_CHECKING:  # a lesson without a model need not wait for one
    from nerlib.model import NERClassifier


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a training run. Rates are per step; shares lie between 0 and 1.

    `head_rate_factor` multiplies the encoder's rate for the head, which starts from random weights.
    `label_smoothing`, `masked_subwords` (the share of subwords replaced by the mask token) and
    `consistency` (the weight of the agreement of two readings) are what `nerlib.train` adds to the
    loss: see `nerlib.addons.regularisation`. `progress=None` shows a bar on a terminal only.
    `workers` is the number of processes that make batches; it changes no result. With a folder for
    checkpoints, one is written after every epoch and after every `checkpoint_steps` steps in it,
    and the last `checkpoints_kept` are kept. Raises `ValueError` for impossible settings.
    """

    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 1e-4
    head_rate_factor: float = 10.0
    weight_decay: float = 0.01
    warmup: float = 0.1
    max_gradient_norm: float = 1.0
    label_smoothing: float = 0.0
    masked_subwords: float = 0.0
    consistency: float = 0.0
    seed: int = 0
    device: str = "auto"
    precision: Precision = "auto"
    threads: int | None = None
    progress: bool | None = None
    workers: int = 0
    checkpoint_steps: int = 200
    checkpoints_kept: int = 2

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1:
            raise ValueError("epochs and batch_size must be 1 or more")
        positive = (self.learning_rate, self.head_rate_factor, self.max_gradient_norm)
        if not all(value > 0 for value in positive):  # so written, NaN is refused as well
            raise ValueError("learning rates and max_gradient_norm must be above 0")
        if not (self.consistency >= 0 and self.weight_decay >= 0):
            raise ValueError("consistency and weight_decay must be 0 or more")
        for name in ("warmup", "label_smoothing", "masked_subwords"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is a share: from 0 to below 1")
        if self.workers < 0 or self.checkpoint_steps < 1 or self.checkpoints_kept < 1:
            raise ValueError("workers must be 0 or more, the counts of checkpoints 1 or more")


def make_optimizer(model: "NERClassifier", config: TrainConfig) -> AdamW:
    """Return AdamW with one rate for the encoder and a higher one for everything else.

    Weight decay leaves out biases and normalisation, the parameters with one dimension. Every
    parameter of the model is in one of the groups, also those of layers that somebody adds.
    Source: Loshchilov & Hutter (2019), Decoupled Weight Decay Regularization.
    """
    of_encoder = {id(parameter) for parameter in model.encoder.parameters()}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        factor = 1.0 if id(parameter) in of_encoder else config.head_rate_factor
        decay = config.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((config.learning_rate * factor, decay), []).append(parameter)
    settings = [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]
    return AdamW(settings, fused=model.device.type in ("cpu", "cuda"))


def make_schedule(optimizer: Optimizer, config: TrainConfig, total_steps: int) -> LambdaLR:
    """Return a schedule that warms the rates up and then lowers them in a straight line to 0."""
    warmup_steps = max(1, round(config.warmup * total_steps))
    return LambdaLR(optimizer, partial(warmup_and_decay, warmup=warmup_steps, total=total_steps))


def warmup_and_decay(step: int, warmup: int, total: int) -> float:
    """Return the factor on the learning rate at a step.

    >>> [warmup_and_decay(step, warmup=2, total=6) for step in range(7)]
    [0.5, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]
    """
    if step < warmup:
        return (step + 1) / warmup
    return max(0.0, (total - step) / max(1, total - warmup))
