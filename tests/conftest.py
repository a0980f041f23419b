"""What all tests share: no network, one thread, and the fixtures that several files use."""

import ipaddress
import os
import signal
import socket
from collections.abc import Callable, Iterator
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

from nerlib.tools import cli

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


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """A function that runs a command of `nerlib`, checks its exit status and returns its output.

    Of a mistake, status 2, it returns the message, which has to be one line.
    """

    def run(*arguments: object, status: int = 0) -> str:
        capsys.readouterr()  # of what ran before
        assert cli.main([*map(str, arguments)]) == status
        output, error = capsys.readouterr()
        assert status != 2 or error.count("\n") == len(error.splitlines()) == 1, error
        return error[:-1] if status == 2 else output

    return run


@pytest.fixture(scope="module")
def by_hand(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What is written by hand in the notebook that a file of tests names as its `LESSON`."""
    from notebook_cells import names_by_hand

    return names_by_hand(request.module.LESSON)


@pytest.fixture
def shell() -> Iterator[Any]:
    """An IPython as a notebook's kernel has it."""
    from IPython.core.interactiveshell import InteractiveShell

    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real browser."""
    from local_pages import chromium

    with chromium() as started:
        yield started


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine itself."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
