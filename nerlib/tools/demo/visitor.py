"""A user of the page without a browser: what the page's own script says to the server, over HTTP.

For load and tests: nothing but the standard library, and no knowledge of the server's inside.
"""

from __future__ import annotations

import http.client
import json
import secrets
from typing import Any
from urllib.parse import urlsplit

PREFIX = "/gradio_api"


class VisitError(RuntimeError):
    """The server did not do what was asked: with which words it said so."""


class Visitor:
    """One open page, with a session of its own."""

    def __init__(self, address: str, timeout: float = 60) -> None:
        parts = urlsplit(address)
        self._place, self._timeout = (parts.hostname or "", parts.port or 80), timeout
        self.session = secrets.token_hex(8)
        config = json.loads(self._ask("GET", "/config"))
        self._components = {c["id"]: c["props"] for c in config["components"]}
        self._steps = {
            self._components[block].get("elem_id"): dependency
            for dependency in config["dependencies"]
            for block, event in dependency["targets"]
            if event in ("click", "input") and dependency["backend_fn"]
        }

    def choices(self, name: str) -> list[Any]:
        """Return what a list of the page offers when it is opened."""
        (found,) = [c for c in self._components.values() if c.get("elem_id") == name]
        return [value for _, value in found["choices"]]

    def step(self, name: str, *values: Any) -> dict[str, Any]:
        """Use the button or list `name`; return what the page then shows anew, place by place.

        `values` are those of the lists and boxes that the step reads, in their order. Raises
        `VisitError` if the server has an error instead.
        """
        dependency = self._steps[name]
        event = self.join(dependency["id"], [None, *values])  # the session stays on the server
        shown = {}
        for number, output in zip(dependency["outputs"], self._wait(event), strict=True):
            changes = output if isinstance(output, dict) else {"value": output}
            if "value" in changes:
                shown[self._components[number].get("elem_id")] = changes["value"]
        return shown

    def join(self, step: int, data: list[Any]) -> str:
        """Put a step into the server's queue and return its number there."""
        body = {"data": data, "fn_index": step, "session_hash": self.session, "event_data": None}
        answer = json.loads(self._ask("POST", f"{PREFIX}/queue/join", json.dumps(body)))
        return str(answer["event_id"])

    def _wait(self, event: str) -> list[Any]:
        """Read the server's messages until a step is done; return what it gives."""
        connection = http.client.HTTPConnection(*self._place, timeout=self._timeout)
        try:
            connection.request("GET", f"{PREFIX}/queue/data?session_hash={self.session}")
            response = connection.getresponse()
            while line := response.readline():
                message = json.loads(line[6:]) if line.startswith(b"data: ") else {}
                if message.get("msg") == "process_completed" and message["event_id"] == event:
                    return _output_of(message)
                if message.get("msg") in ("unexpected_error", "server_stopped"):
                    raise VisitError(str(message.get("message")))
        finally:
            connection.close()
        raise VisitError("the server ended before the step was done")

    def _ask(self, method: str, path: str, body: str | None = None) -> bytes:
        """Return the answer to one request; raises `VisitError` for any but a good one."""
        connection = http.client.HTTPConnection(*self._place, timeout=self._timeout)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise VisitError(f"{method} {path}: {response.status} {answer[:200]!r}")
        return answer


def _output_of(message: dict[str, Any]) -> list[Any]:
    """Return what a finished step shows."""
    if not message["success"]:
        raise VisitError(str(message["output"].get("error")))
    found: list[Any] = message["output"]["data"]
    return found
