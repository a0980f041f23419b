"""What all tests share: no network, and one thread."""

import ipaddress
import os
import signal
import socket
from collections.abc import Iterator
from typing import Any

# Set before anything imports huggingface_hub, which reads them once; subprocesses inherit them.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.pop("NERLIB_RECIPE", None)  # a learner's own choice must not change the tests

import hypothesis
import pytest
import torch

# The first example of a test may pay for an import: time says nothing about right or wrong here.
hypothesis.settings.register_profile("nerlib", deadline=None)
hypothesis.settings.load_profile("nerlib")
signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background ignores it


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    """Compute with one thread: for tiny networks a second one waits longer than it works."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(sock: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not is_loopback(str(address[0])):
            raise OSError(f"a test tried to connect to {address}")
        connect(sock, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine itself."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
