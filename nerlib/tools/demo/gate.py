"""The gate before the web server: what the page needs comes through, nothing else does.

Gradio's server can do more than this page uses: take uploads, hand out files, fetch addresses for
its visitors. What is not on the list here is not found.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

LARGEST_REQUEST = 2 * 2**20  # bytes; a text of so many would be refused anyway
PREFIX = "/gradio_api"
PAGES = frozenset(
    {
        *("/", "/config", "/theme.css", "/favicon.ico", "/robots.txt"),
        *(f"{PREFIX}/{name}" for name in ("startup-events", "queue/join", "queue/data", "cancel")),
        *(f"{PREFIX}/{name}" for name in ("app_id", "theme.css")),
    }
)
FOLDERS = ("/assets/", "/static/", "/svelte/", f"{PREFIX}/heartbeat/")
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
# The browser itself keeps the page from asking anybody else for anything.
POLICY = "; ".join(
    (
        "default-src 'self' data: blob:",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'none'",
    )
)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Any], Awaitable[None]]


class Gate:
    """An ASGI application around another one."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer that there is nothing, or too much."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["method"] not in METHODS or not comes_through(scope["path"]):
            await answer(send, 404, b"There is nothing here.")
        elif announced_size(scope["headers"]) > LARGEST_REQUEST:
            await answer(send, 413, b"This is too much at once.")
        else:
            await self.app(scope, receive, with_policy(send))


def comes_through(path: str) -> bool:
    """Return whether the page needs a path.

    >>> comes_through("/config"), comes_through("/gradio_api/file=/etc/passwd")
    (True, False)
    """
    return path in PAGES or (path.startswith(FOLDERS) and ".." not in path)


def announced_size(headers: Iterable[tuple[bytes, bytes]]) -> float:
    """Return how many bytes a request's body has; one that does not say is too large.

    >>> announced_size([(b"content-length", b"12")]), announced_size([])
    (12.0, 0.0)
    """
    named = dict(headers)
    if b"transfer-encoding" in named:
        return float("inf")
    size = named.get(b"content-length", b"0")
    return float(size) if size.isdigit() else float("inf")


def with_policy(send: Send) -> Send:
    """Return `send` with the security policy put among an answer's headers."""

    async def sending(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            extra = [
                (b"content-security-policy", POLICY.encode()),
                (b"x-content-type-options", b"nosniff"),
                (b"referrer-policy", b"no-referrer"),
            ]
            message = {**message, "headers": [*message.get("headers", []), *extra]}
        await send(message)

    return sending


async def answer(send: Send, status: int, text: bytes) -> None:
    """Send a short answer of plain text."""
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
