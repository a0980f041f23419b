"""A tagger over HTTP, and the page on top of it: what `python -m nerlib serve` serves.

POST /tag, /mark and /lines take JSON, GET /health and /metrics say how it is, and / is the page.
Nothing of what is sent is kept.
"""

import asyncio
import json
import re
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from nerlib import __version__
from nerlib.corpus import CorpusError
from nerlib.inference import PlainTagger
from nerlib.parsing import Span
from nerlib.tools.answers import AnswerError, Wanted, answers
from nerlib.tools.exchange.brackets import bracketed, read_lines, whole_words
from nerlib.tools.exchange.document import Document

MOST_BYTES, MOST_TEXTS, MOST_CHARACTERS = 1_000_000, 1_000, 20_000
PAGE = Path(__file__).parents[1] / "data" / "templates" / "serve.html"
EXAMPLE = 'send {"text": "wake me at nine"} or {"texts": ["one", "two"]}'
PRIVATE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
# What the fields of a request are; of those for /tag, any may be left out.
TAG = {"text": str, "texts": [str], "min_score": float, "types": [str], "alternatives": int}
MARK = {"text": str, "spans": [{"type": str, "start": int, "end": int}]}
LINES = {"text": str}


def _is(value: object, kind: Any) -> bool:
    """Return whether a value of JSON is of a kind, written as above."""
    if isinstance(kind, list):
        return isinstance(value, list) and all(_is(one, kind[0]) for one in value)
    if isinstance(kind, dict):
        return isinstance(value, dict) and all(_is(value.get(n), one) for n, one in kind.items())
    return type(value) is kind or (kind is float and type(value) is int)


async def read_request(request: Request, kinds: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a request's JSON; raises `AnswerError` for what is none of these kinds.

    Other sites' pages cannot send JSON without asking, so that they reach no service on loopback.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise AnswerError("no JSON", "send the header Content-Type: application/json", 415)
    body, asked = b"", None
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            advice = f"send at most {MOST_BYTES:,} bytes at a time"
            raise AnswerError("the body is too large", advice, 413)
    with suppress(ValueError, RecursionError):
        asked = json.loads(body)
    if not isinstance(asked, dict):
        raise AnswerError("the body is no JSON object", EXAMPLE)
    for name in asked if kinds is TAG else [*kinds, *asked]:
        if name not in kinds or not _is(asked.get(name), kinds[name]):
            advice = f"the fields are {', '.join(kinds)}"
            raise AnswerError(f"the field {name[:40]!r} is none, or of another kind", advice)
    return asked


def texts_of(asked: Mapping[str, Any]) -> list[str]:
    """Return the texts to tag; raises `AnswerError` if there are none, or too much."""
    if ("text" in asked) == ("texts" in asked):
        raise AnswerError("one of text and texts is needed", EXAMPLE)
    texts: list[str] = [asked["text"]] if "text" in asked else asked["texts"]
    if len(texts) > MOST_TEXTS:
        raise AnswerError(f"{len(texts):,} texts", f"send at most {MOST_TEXTS:,} at a time", 413)
    if (longest := max(map(len, texts), default=0)) > MOST_CHARACTERS:
        advice = f"cut it into texts of at most {MOST_CHARACTERS:,}"
        raise AnswerError(f"a text of {longest:,} characters", advice, 413)
    return texts


class Service:
    """Answers requests with a tagger, one at a time, and counts them."""

    def __init__(self, tagger: PlainTagger) -> None:
        self.tagger, self.turn = tagger, asyncio.Lock()
        self.types = list(tagger.model.config.type_names.values())
        self.requests: Counter[int] = Counter()
        self.texts, self.entities, self.seconds = 0, 0, 0.0

    async def tag(self, request: Request) -> Response:
        """Answer one text with its `entities`, many with `results`, a list of such lists."""
        asked = await read_request(request, TAG)
        texts, types = texts_of(asked), tuple(asked.get("types", ()))
        wanted = Wanted(asked.get("min_score", 0.0), types, asked.get("alternatives", 0))
        wanted.check(self.types)
        async with self.turn:  # the network uses all cores for one already
            started = time.perf_counter()
            found = await run_in_threadpool(answers, self.tagger, texts, wanted)
            self.seconds += time.perf_counter() - started
        self.texts, self.entities = self.texts + len(texts), self.entities + sum(map(len, found))
        return self.answer({"entities": found[0]} if "text" in asked else {"results": found})

    async def mark(self, request: Request) -> Response:
        """Answer a text with marks with its bracketed `line`, and the marks widened to words."""
        asked = await read_request(request, MARK)
        texts_of({"text": asked["text"]})
        marks = [Span(one["type"], one["start"], one["end"]) for one in asked["spans"]]
        if len(marks) > MOST_TEXTS:
            raise AnswerError(f"{len(marks):,} marks", f"send at most {MOST_TEXTS:,}", 413)
        document = await run_in_threadpool(whole_words, asked["text"], marks, self.tagger.parser)
        return self.answer(_as_json(document) | {"line": bracketed(document)})

    async def lines(self, request: Request) -> Response:
        """Answer bracketed lines with their sentences: text and marks."""
        asked = await read_request(request, LINES)
        sentences = await run_in_threadpool(read_lines, asked["text"])
        texts_of({"texts": [sentence.text for sentence in sentences]})
        return self.answer({"sentences": [_as_json(sentence) for sentence in sentences]})

    async def health(self, _: Request) -> Response:
        """Say that the service works, and what it knows."""
        return self.answer({"status": "ok", "version": __version__, "types": self.types})

    async def metrics(self, _: Request) -> Response:
        """Return the counts as Prometheus reads them."""
        counts = {"texts": self.texts, "entities": self.entities, "tagging_seconds": self.seconds}
        lines = [f"nerlib_{name}_total {value}" for name, value in counts.items()]
        lines += [f'nerlib_requests_total{{status="{s}"}} {n}' for s, n in self.requests.items()]
        return PlainTextResponse("\n".join(lines) + "\n", headers=PRIVATE)

    async def refuse(self, _: Request, error: Exception) -> Response:
        """Return an error as JSON: what was wrong and what to do."""
        if isinstance(error, CorpusError):
            error = AnswerError(str(error), "change it, or leave it out")
        status = getattr(error, "status_code", 500)
        reason = getattr(error, "reason", HTTPStatus(status).phrase)
        advice = getattr(error, "advice", "GET / shows what there is")
        return self.answer({"error": reason, "advice": advice}, status)

    def answer(self, content: object, status: int = 200) -> Response:
        """Return an answer as JSON, in ASCII, for a text may hold half a character."""
        self.requests[status] += 1
        return Response(json.dumps(content), status, PRIVATE, "application/json")


def _as_json(document: Document) -> dict[str, Any]:
    """Return a sentence as the page reads it."""
    spans = [{"type": span.type, "start": span.start, "end": span.end} for span in document.spans]
    return {"text": document.text, "spans": spans}


def page() -> Response:
    """Return the page; its policy lets nothing run but its own script, and nothing be asked for."""
    html = PAGE.read_text(encoding="utf-8")
    policy = ["default-src 'none'", "connect-src 'self'", "img-src data:", "base-uri 'none'"]
    policy += ["form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"]
    for part in ("script", "style"):
        inside = re.findall(rf"<{part}>(.*?)</{part}>", html, re.DOTALL)
        digests = (b64encode(sha256(one.encode()).digest()).decode() for one in inside)
        policy.append(" ".join([f"{part}-src", *(f"'sha256-{digest}'" for digest in digests)]))
    headers = {"content-security-policy": "; ".join(policy), "referrer-policy": "no-referrer"}
    return Response(html, 200, PRIVATE | headers, "text/html")


def application(tagger: PlainTagger, hosts: Sequence[str] = ("*",)) -> Starlette:
    """Return the service as an ASGI application, for any server; `hosts` are its own names."""
    service = Service(tagger)
    routes = [Route("/", page(), methods=["GET"])]
    routes += [Route(f"/{one.__name__}", one) for one in (service.health, service.metrics)]
    posts = (service.tag, service.mark, service.lines)
    routes += [Route(f"/{one.__name__}", one, methods=["POST"]) for one in posts]
    known = [Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))]
    refused = AnswerError, CorpusError, HTTPException, ClientDisconnect, Exception
    kinds = dict.fromkeys(refused, service.refuse)
    return Starlette(routes=routes, middleware=known, exception_handlers=kinds)
