"""The gate before Gradio's server, which can do much more than the page needs, as take uploads."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_REQUEST = 2 * 2**20  # bytes; a text of so many would be refused anyway
NEEDED = re.compile(
    r"/(config|theme\.css|favicon\.ico|robots\.txt)?|/(assets|static|svelte)/.*"
    r"|/gradio_api/(startup-events|queue/join|queue/data|cancel|app_id|theme\.css|heartbeat/.*)"
)
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
# The browser itself keeps the page from asking anybody else for anything.
HEADERS = {
    "content-security-policy": "default-src 'self' data: blob:; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'self'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class Gate:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer that there is nothing, or too much."""

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]
        size = headers.get("content-length", "0")
        if scope["method"] not in METHODS or ".." in path or not NEEDED.fullmatch(path):
            await PlainTextResponse("There is nothing here.", 404)(scope, receive, send)
        elif "transfer-encoding" in headers or not size.isdecimal() or int(size) > LARGEST_REQUEST:
            await PlainTextResponse("This is too much at once.", 413)(scope, receive, send)
        else:
            await self.app(scope, receive, send_with_policy)
