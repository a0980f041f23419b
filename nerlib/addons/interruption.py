"""Training that ends before its time: what is left then, and how to go on."""

from __future__ import annotations

from pathlib import Path

from nerlib.history import History


class WorkerError(RuntimeError):
    """A process that makes batches has ended before its time: how, and what to do."""


def how_to_go_on(history: History, checkpoint_dir: str | Path | None) -> str:
    """Return the line that says what Ctrl-C has left."""
    left = f"those of epoch {history.best.epoch}, the best" if history else "the latest"
    advice = "with checkpoint_dir=FOLDER, a stopped run can go on later"
    if checkpoint_dir is not None:
        advice = f"to go on, train again with checkpoint_dir={str(checkpoint_dir)!r}, resume=True"
    return f"stopped: the model's weights are {left}; {advice}"


def how_a_worker_ended(error: RuntimeError, checkpoint_dir: str | Path | None) -> str:
    """Return the line that says so; what torch says has the process and the signal in it."""
    again = "go on with resume" if checkpoint_dir is not None else "train again"
    return (
        f"a process that makes batches has died ({' '.join(str(error).split())}); often there is "
        f"too little memory: {again}, with fewer workers (0 needs no process)"
    )
