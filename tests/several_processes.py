"""Other processes: some that can speak to one another, as a launcher starts them, and Python."""

import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

FORK = hasattr(os, "fork")  # a forked process has imported everything already


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def python_output(*arguments: object, **variables: str) -> str:
    """Return what Python prints, which has to succeed; `variables` go into its environment."""
    command, environment = [sys.executable, *map(str, arguments)], {**os.environ, **variables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def in_processes(count: int, function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Return what a function returns, or raises, in each of several processes, by rank.

    A process that ended in another way, by a signal say, counts with its exit status.
    """
    context, port = multiprocessing.get_context("fork"), free_port()

    def child(rank: int, pipe: Any) -> None:
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": rank, "LOCAL_RANK": rank}
        place |= {"WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
        os.environ.update({name: str(value) for name, value in place.items()})
        try:
            pipe.send(function(*arguments))
        except Exception as error:  # for the test to look at
            pipe.send((type(error).__name__, str(error)))

    started = []
    for rank in range(count):
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=child, args=(rank, there), daemon=True)
        process.start()
        there.close()
        started.append((process, here))
    results = []
    for process, here in started:
        try:
            result = here.recv()
        except EOFError:
            result = None
        process.join()
        results.append(process.exitcode if result is None else result)
    return results
