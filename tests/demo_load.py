"""Many users of the demo at once: does each get an answer, their own, and how soon?

python tests/demo_load.py --users 50               # with the models in build/
python tests/demo_load.py --model FOLDER --rounds 5
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

PREFIX = "/gradio_api"
NAMES = ("find", "keep")


class VisitError(RuntimeError):
    """The server did not do what was asked: with which words it said so."""


class Visitor:
    """One open page, without a browser: what the page's own script says to the server, over HTTP.

    `warnings` holds what the server has said besides its answers.
    """

    def __init__(self, address: str, timeout: float = 60) -> None:
        self._place, self._timeout = address.split("/")[2], timeout
        self._session, self.warnings = secrets.token_hex(8), list[str]()
        config = json.loads(self._ask("GET", "/config"))
        self._components = {one["id"]: one["props"] for one in config["components"]}
        self._steps = {
            self._components[block].get("elem_id"): dependency
            for dependency in config["dependencies"]
            for block, event in dependency["targets"]
            if dependency["backend_fn"]
        }

    def choices(self, name: str) -> list[Any]:
        """Return what a list of the page offers."""
        (found,) = [c for c in self._components.values() if c.get("elem_id") == name]
        return [value for _, value in found["choices"]]

    def step(self, name: str, *values: Any) -> list[Any]:
        """Use the button `name`, which reads `values`; return what the page then shows.

        Raises `VisitError` if the server has an error instead.
        """
        number = self._steps[name]["id"]
        body = {"data": values, "fn_index": number, "session_hash": self._session}
        answer = json.loads(self._ask("POST", f"{PREFIX}/queue/join", json.dumps(body)))
        return self._wait(answer["event_id"])

    def _wait(self, event: str) -> list[Any]:
        """Read the server's messages until a step is done; return what it gives."""
        with closing(http.client.HTTPConnection(self._place, timeout=self._timeout)) as connection:
            connection.request("GET", f"{PREFIX}/queue/data?session_hash={self._session}")
            for line in connection.getresponse():
                message = json.loads(line[6:]) if line.startswith(b"data: ") else {}
                if message.get("msg") == "log":
                    self.warnings.append(message["log"])
                elif message.get("msg") == "process_completed" and message["event_id"] == event:
                    output = message["output"]
                    if not message["success"]:
                        raise VisitError(str(output.get("error")))
                    return list(output["data"])
        raise VisitError("the server ended before the step was done")

    def _ask(self, method: str, path: str, body: str | None = None) -> bytes:
        """Return the answer to one request; raises `VisitError` for any but a good one."""
        with closing(http.client.HTTPConnection(self._place, timeout=self._timeout)) as connection:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        if response.status != 200:
            raise VisitError(f"{method} {path}: {response.status} {answer[:200]!r}")
        return answer


@dataclass
class Load:
    """What a run of many users gave: seconds of every step by its name, and all errors."""

    users: int
    seconds: dict[str, list[float]] = field(default_factory=lambda: {n: [] for n in NAMES})
    errors: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"users at once: {self.users}, errors: {len(self.errors)}"]
        for name, times in self.seconds.items():
            percentiles = ", ".join(
                f"p{p} {percentile(times, p) * 1000:,.0f} ms" for p in (50, 90, 99)
            )
            lines.append(f"{name:<5} {len(times):>5} steps: {percentiles}")
        return "\n".join([*lines, *self.errors[:5]])


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least so many percent of all values do not exceed.

    >>> percentile([3, 1, 2, 4], 50), percentile([3, 1, 2, 4], 99)
    (2, 4)
    """
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def load(address: str, users: int, rounds: int) -> Load:
    """Let many users do the same at the same time: find, and keep; in a sentence of their own."""
    result = Load(users)
    with ThreadPoolExecutor(users) as threads:
        for seconds, errors in threads.map(partial(visit, address, rounds), range(users)):
            result.errors += errors
            for name, times in seconds.items():
                result.seconds[name] += times
    return result


def visit(address: str, rounds: int, user: int) -> tuple[dict[str, list[float]], list[str]]:
    """Be one user; return the seconds of each step, and what went wrong."""
    seconds: dict[str, list[float]] = {name: [] for name in NAMES}
    try:
        visitor = Visitor(address)
        model, kept = visitor.choices("model")[0], ""
        for number in range(rounds):
            text = f"wake user{user} at nine am on day{number}"
            found, _ = timed(visitor, seconds, "find", model, text)
            (kept,) = timed(visitor, seconds, "keep", model, found, kept)
            lines = kept.splitlines()
            if len(lines) != number + 1 or not all(f"user{user}" in line for line in lines):
                return seconds, [f"user {user} sees lines of others, or has lost one"]
    except (VisitError, OSError) as error:
        return seconds, [f"user {user}: {error}"]
    return seconds, []


def timed(
    visitor: Visitor, seconds: dict[str, list[float]], name: str, *values: object
) -> list[Any]:
    """Do one step, and note how long it took."""
    started = time.perf_counter()
    shown = visitor.step(name, *values)
    seconds[name].append(time.perf_counter() - started)
    return shown


@contextmanager
def running(models: Sequence[str]) -> Iterator[str]:
    """Run the demo in a process of its own; yields its address."""
    named = [word for model in models for word in ("--model", model)]
    command = [sys.executable, "-m", "nerlib", "demo", "--no-browser", *named]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit(process.wait())  # it has said why
        yield line.split()[4]
    finally:
        process.terminate()
        process.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the latencies; exit status 1 if there was any error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=4, help="sentences a user (4)")
    parser.add_argument("--model", action="append", default=[], metavar="FOLDER")
    options = parser.parse_args(arguments)
    with running(options.model) as address:
        load(address, 1, 1)  # the first request pays for what is only set up once
        results = [load(address, users, options.rounds) for users in (1, options.users)]
    print(*results, sep="\n")
    return int(any(result.errors for result in results))


if __name__ == "__main__":
    sys.exit(main())
