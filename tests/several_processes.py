"""A function run in several processes that can speak to one another, as a launcher starts them."""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Callable
from typing import Any

FORK = hasattr(os, "fork")  # a forked process has imported everything already


def in_processes(count: int, function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Return what a function returns, or raises, in each of several processes, by rank.

    A process that ended in another way, by a signal say, counts with its exit status.
    """
    context = multiprocessing.get_context("fork")
    variables = {"WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
    variables |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": _free_port()}
    children = []
    for rank in range(count):
        own = {**variables, "RANK": rank, "LOCAL_RANK": rank}
        here, there = context.Pipe(duplex=False)
        child = context.Process(target=_run, args=(own, there, function, arguments), daemon=True)
        child.start()
        there.close()
        children.append((child, here))
    return [_result(child, pipe) for child, pipe in children]


def _run(
    variables: dict[str, Any], pipe: Any, function: Callable[..., Any], arguments: Any
) -> None:
    """Set a process's place, call the function and send what comes of it."""
    os.environ.update({name: str(value) for name, value in variables.items()})
    try:
        pipe.send(function(*arguments))
    except Exception as error:  # for the test to look at
        pipe.send((type(error).__name__, str(error)))


def _result(child: Any, pipe: Any) -> Any:
    try:
        result = pipe.recv()
    except EOFError:
        result = None
    child.join()
    return child.exitcode if result is None else result


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])
