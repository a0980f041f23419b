"""The processes of one training run: how they find one another, communicate, and end together.

`accelerate launch` starts the same program several times and tells each of them, in environment
variables, which one it is. From then on they communicate through PyTorch: gloo between CPUs, NCCL
between GPUs. Built in notebook 10.
"""

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, distributed

from nerlib.device import available_cores
from nerlib.optimization import TrainConfig


class ProcessError(RuntimeError):
    """A run of several processes that cannot start or go on: why, and what to do."""


class FirstProcessError(ProcessError):
    """Process 0 has failed, and has said why itself."""


@dataclass(frozen=True)
class Processes:
    """Which of how many processes this one is; the first has rank 0 and does all the writing.

    `local_rank` and `local_count` count those on the same machine. On its own, a process agrees
    with itself: nothing is sent, and nothing waits.

    >>> Processes(rank=1, count=4).first
    False
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    local_count: int = 1

    @property
    def alone(self) -> bool:
        """Whether there is no other process."""
        return self.count == 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes and speaks."""
        return self.rank == 0

    def own(self, config: TrainConfig) -> TrainConfig:
        """Return the settings with a GPU and CPU threads of this process's own, unless chosen."""
        if self.alone:
            return config
        if config.threads is None:
            config = replace(config, threads=max(1, available_cores() // self.local_count))
        if config.device in ("auto", "cuda") and torch.cuda.is_available():
            torch.cuda.set_device(min(self.local_rank, torch.cuda.device_count() - 1))
            config = replace(config, device=f"cuda:{self.local_rank}")
        return config

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum of a tensor over all processes; each gets the same result."""
        return torch.stack(self.gather(values)).sum(0)

    def gather(self, values: Tensor) -> list[Tensor]:
        """Return every process's tensor, by rank; they must have one shape."""
        if self.alone:
            return [values]
        parts = [torch.empty_like(values) for _ in range(self.count)]
        with all_alive():
            distributed.all_gather(parts, values)
        return parts

    def check_same(self, what: str, content: str) -> None:
        """Raise `ProcessError` in every process unless all of them have the same content."""
        digest = hashlib.sha256(content.encode("utf-8", "replace")).digest()
        every = self.gather(torch.tensor(list(digest), dtype=torch.uint8))
        for rank, other in enumerate(every):
            if not torch.equal(other, every[0]):
                raise ProcessError(
                    f"process {rank} has {what} other than those of process 0: start all with the "
                    "same command, and let all machines see the same files"
                )

    def on_first(self, action: Callable[[], object]) -> None:
        """Do something in the first process; the others wait, and fail if it fails."""
        if self.first:
            try:
                action()
            except Exception:
                self.sum(torch.ones(1))  # the others hear of it first
                raise
        if self.sum(torch.zeros(1)):
            raise FirstProcessError("process 0 has failed; its message says why")

    @contextmanager
    def one_first(self) -> Iterator[None]:
        """Let the first process go through a block, then all others: it may make files for them."""
        if not self.first:
            self.sum(torch.zeros(1))  # waits until the first process comes to its own
        yield
        if self.first:
            self.sum(torch.zeros(1))


def named() -> Processes:
    """Return which process this is, as the launcher's environment variables have it."""
    if not {"RANK", "WORLD_SIZE"} <= os.environ.keys():
        return Processes()
    rank, count = os.environ["RANK"], os.environ["WORLD_SIZE"]
    local = os.environ.get("LOCAL_RANK", rank), os.environ.get("LOCAL_WORLD_SIZE", count)
    return Processes(*map(int, (rank, count, *local)))


def join() -> Processes:
    """Return this process's place among those that were started together, connected with them.

    Started as usual, a process is alone: nothing is connected. Raises `ProcessError` if the others
    do not answer, and where `accelerate launch --cpu` was asked for several processes: it starts
    one (accelerate 1.15), which would train alone in silence.

    >>> join().alone
    True
    """
    processes = named()
    if processes.alone and {"ACCELERATE_USE_CPU", "MASTER_ADDR"} <= os.environ.keys():
        raise ProcessError(
            "accelerate launch was asked for several processes and has started one: without a GPU, "
            "use accelerate launch --multi_gpu, and --device cpu after `nerlib train`"
        )
    if processes.alone or distributed.is_initialized():
        return processes
    if processes.local_count == processes.count:  # all on this machine: nobody else may listen
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo0" if sys.platform == "darwin" else "lo")
    with all_alive((RuntimeError, ValueError)):
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        distributed.init_process_group(backend, rank=processes.rank, world_size=processes.count)
    return processes


@contextmanager
def all_alive(kinds: tuple[type[Exception], ...] = (RuntimeError,)) -> Iterator[None]:
    """Turn a failed exchange into one line: as a rule another process has ended."""
    try:
        yield
    except ProcessError:
        raise
    except kinds as error:  # gloo raises RuntimeError
        reason = " ".join(str(error).split())[:200]
        raise ProcessError(
            f"this process or another one of the run has failed ({reason}); its own last line "
            "may say why; a run with checkpoints can be resumed"
        ) from error
