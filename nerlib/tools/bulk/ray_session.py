"""Ray, started for one job on this machine alone: closed to the network, and ended after it.

By itself Ray listens on all addresses of a machine, without a password, and whoever reaches it can
run code. The switch that closes it is the one with which it runs on Windows and macOS.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from nerlib.tools.bulk.manifest import BulkError

MOST_STARTS = 2
MOST_WAITS = 180  # seconds that Ray may take to start
OBJECTS = 100 * 2**20  # bytes that Ray sets aside for what travels: far more than is needed
LOOPBACK = ("127.", "::1")
# Read when Ray is imported and when its processes start.
VARIABLES = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent home
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # leave the variable that names the GPUs
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # no hints for Ray's own developers
}
CLOSED = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


@contextmanager
def ray_session(workers: int) -> Iterator[Any]:
    """Yield `ray`, started for so many workers, or joined to the cluster that RAY_ADDRESS names.

    A Ray that this process has started before is used as it is. Raises `BulkError` if it cannot
    start, or cannot be closed to the network.
    """
    cluster = bool(os.environ.get("RAY_ADDRESS"))
    with (
        mock.patch.dict(os.environ, VARIABLES if cluster else VARIABLES | CLOSED),
        ExitStack() as end,
    ):
        import ray
        import ray.data

        logging.getLogger("ray.data").setLevel(logging.ERROR)
        # Ray prints what it does about a dead worker; the results say all that counts.
        end.enter_context(
            _replaced(ray._private.worker, "print_to_stdstream", lambda *a, **b: None)
        )
        if not ray.is_initialized():
            _start(ray, {} if cluster else _settings(workers))
            end.callback(ray.shutdown)
            if not cluster:
                _check_closed(ray)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        yield ray


def _settings(workers: int) -> dict[str, Any]:
    """Return how Ray is started on this machine."""
    return {
        "num_cpus": workers,
        "include_dashboard": False,
        "_node_ip_address": "127.0.0.1",
        "object_store_memory": OBJECTS,
    }


def _check_closed(ray: Any) -> None:
    """Raise `BulkError` if Ray can be reached from the network."""
    address = str(ray.nodes()[0]["NodeManagerAddress"])
    if not address.startswith(LOOPBACK):
        raise BulkError(
            f"Ray listens on {address}, where others can reach it: start the job in a Python that "
            "has not imported ray before, or with --workers 0"
        )


def _start(ray: Any, settings: dict[str, Any]) -> None:
    """Start Ray, again if need be."""
    for left in reversed(range(MOST_STARTS)):
        began = time.time()
        try:
            with warnings.catch_warnings(), _silent(), _patient():
                warnings.simplefilter("ignore")
                ray.init(log_to_driver=False, logging_level=logging.ERROR, **settings)
            return
        except Exception as error:  # Ray raises a plain one
            ray.shutdown()
            _end_what_started(began)
            if not left:
                reason = " ".join(str(error).split())[:300]
                raise BulkError(f"Ray cannot start: {reason} (--workers 0 needs no Ray)") from None


def _end_what_started(began: float) -> None:
    """End what a start that failed has left: it would only be in the way of the next one."""
    try:
        import psutil
    except ImportError:
        return
    for child in psutil.Process().children(recursive=True):
        try:
            words = " ".join(child.cmdline())
            own = words.startswith("ray::") or f"{os.sep}ray{os.sep}" in words
            if own and child.create_time() >= began:
                child.kill()
        except psutil.Error:
            continue


@contextmanager
def _patient() -> Iterator[None]:
    """Within the block, let Ray wait longer for its own start than the 30 seconds of Ray 2.60.

    On a busy machine that is not enough, and no setting changes it.
    """
    from ray._private import services

    found = getattr(services, "get_node", None)

    def get_node(*arguments: Any, **named: Any) -> Any:
        for _ in range(MOST_WAITS):
            try:
                return found(*arguments, **named)  # type: ignore[misc]
            except RuntimeError:  # it is not there yet
                time.sleep(1)
        return found(*arguments, **named)  # type: ignore[misc]

    with _replaced(services, "get_node", get_node):
        yield


@contextmanager
def _replaced(module: Any, name: str, function: Any) -> Iterator[None]:
    """Within the block, let a module have another function, if it has one of that name."""
    if not hasattr(module, name):
        yield
        return
    with mock.patch.object(module, name, function):
        yield


@contextmanager
def _silent() -> Iterator[None]:
    """Within the block, send standard error nowhere: Ray's core writes to it by itself."""
    before, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)
