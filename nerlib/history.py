"""What each epoch of a training run did, and which one was best.

Built in notebook 05.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from nerlib.metrics import Evaluation

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch did: losses a word, scores on validation, speed in utterances per second."""

    epoch: int
    train_loss: float
    validation_loss: float
    accuracy: float
    precision: float
    recall: float
    f1: float
    massive_f1: float
    utterances_per_second: float
    seconds: float

    def __str__(self) -> str:
        return (
            f"epoch {self.epoch:2d}  loss {self.train_loss:.3f} / {self.validation_loss:.3f}  "
            f"accuracy {self.accuracy:.3f}  precision {self.precision:.3f}  "
            f"recall {self.recall:.3f}  F1 {self.f1:.3f}  {self.utterances_per_second:.0f} utt/s"
        )


class History(list[EpochRecord]):
    """The records of a run, one an epoch; `interrupted` says that Ctrl-C ended it early."""

    interrupted: bool = False

    @property
    def best(self) -> EpochRecord:
        """The epoch with the highest entity F1 on validation, the earliest of equals."""
        return max(self, key=lambda record: record.f1)

    def to_dataframe(self) -> pandas.DataFrame:
        """Return the records as a table, indexed by epoch."""
        import pandas  # slow to import, and only needed for tables

        return pandas.DataFrame([asdict(record) for record in self]).set_index("epoch")


def epoch_record(
    epoch: int, loss: float, validation_loss: float, scores: Evaluation, rows: int, seconds: float
) -> EpochRecord:
    """Return the record of one epoch; `rows` were trained on in `seconds`."""
    overall = scores.overall
    return EpochRecord(
        epoch,
        loss,
        validation_loss,
        scores.token_accuracy,
        overall.precision,
        overall.recall,
        overall.f1,
        scores.massive_f1,
        rows / seconds,
        seconds,
    )
