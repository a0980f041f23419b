"""A small stand-in for the Hugging Face Hub: enough of its protocol for the real client.

    with HubStandIn({("datasets/AmazonScience/massive", "refs/convert/parquet"): files}) as hub:
        ...  # HF_ENDPOINT=hub.url

It answers `HEAD` and `GET` on `/<repository>/resolve/<revision>/<file>` as the Hub does: metadata
in headers, a redirect to where the bytes lie, and errors named by `X-Error-Code`.
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from nerlib import load_corpus
from nerlib.corpus import COLUMNS

MASSIVE = "datasets/AmazonScience/massive"
CONVERSION = "refs/convert/parquet"
Files = Mapping[str, bytes]


class HubStandIn:
    """A server on this machine that holds repositories: (name, revision) → path → content.

    `requests` lists what it was asked. `status` makes it refuse everything with that HTTP status,
    `silent` makes it accept connections and never answer.
    """

    def __init__(self, repositories: Mapping[tuple[str, str], Files]) -> None:
        self.repositories = repositories
        self.requests: list[str] = []
        self.status = 0
        self.silent = False
        self.closing = threading.Event()
        handler = type("Handler", (_Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> HubStandIn:
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def blob(self, digest: str) -> bytes | None:
        """Return the content with this SHA-256, where the redirects lead."""
        contents = (c for files in self.repositories.values() for c in files.values())
        return next((c for c in contents if sha256(c) == digest), None)


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection for its `hub`."""

    hub: ClassVar[HubStandIn]
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.hub.requests.append(f"{self.command} {self.path}")
        if self.hub.silent:
            self.hub.closing.wait()
            self.close_connection = True
        elif self.hub.status:
            self.answer(self.hub.status, {})
        elif self.path.startswith("/blobs/"):
            self.send_blob(self.path.removeprefix("/blobs/"))
        else:
            self.resolve(self.path.split("?")[0].strip("/"))

    do_GET = do_HEAD

    def resolve(self, path: str) -> None:
        """Answer for a file of a repository: what it is and where its bytes lie."""
        repository, _, rest = path.partition("/resolve/")
        revision, _, name = rest.partition("/")
        files = self.hub.repositories.get((repository, unquote(revision)))
        if repository not in {name for name, _ in self.hub.repositories}:
            return self.answer(404, {"X-Error-Code": "RepoNotFound"})
        if files is None:
            return self.answer(404, {"X-Error-Code": "RevisionNotFound"})
        commit = {"X-Repo-Commit": commit_of(files)}
        if unquote(name) not in files:
            return self.answer(404, {"X-Error-Code": "EntryNotFound", **commit})
        content = files[unquote(name)]
        digest = sha256(content)
        return self.answer(
            302,
            {
                **commit,
                "ETag": f'"{digest[:40]}"',
                "X-Linked-ETag": f'"{digest}"',
                "X-Linked-Size": str(len(content)),
                # Another host, as with the real Hub: the client must not follow when it asks.
                "Location": f"http://localhost:{self.hub.server.server_port}/blobs/{digest}",
            },
        )

    def send_blob(self, digest: str) -> None:
        """Send a file's bytes."""
        content = self.hub.blob(digest)
        self.answer(404 if content is None else 200, {"ETag": f'"{digest}"'}, content or b"")

    def answer(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet: `requests` is the log."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def commit_of(files: Files) -> str:
    """Return a commit's name: 40 hexadecimal digits that change with the files."""
    listed = sorted((name, sha256(content)) for name, content in files.items())
    return hashlib.sha1(repr(listed).encode()).hexdigest()


def massive_conversion(locale: str = "ru-RU", rows: int | None = None) -> dict[str, bytes]:
    """Return the sample in the layout and the column types of MASSIVE's Parquet conversion."""
    splits = ("train", "validation", "test")
    loaded = {split: load_corpus(locale, split).to_list() for split in splits}
    everything = [row for split in splits for row in loaded[split]]
    classes = {name: sorted({row[name] for row in everything}) for name in ("scenario", "intent")}
    return {
        f"{locale}/{split}/0000.parquet": parquet(loaded[split][:rows], classes) for split in splits
    }


def parquet(rows: list[dict[str, str]], classes: Mapping[str, list[str]]) -> bytes:
    """Return rows as a Parquet file: names in `classes` as numbers, lists of records as records
    of lists, and the features described in the metadata as `datasets` 2 wrote them."""
    columns: dict[str, Any] = {
        name: pa.array([row[name] for row in rows], pa.string())
        for name in COLUMNS
        if name in rows[0] and name not in classes
    }
    for name, known in classes.items():
        columns[name] = pa.array([known.index(row[name]) for row in rows], pa.int64())
    columns["worker_id"] = pa.array(["0"] * len(rows), pa.string())
    columns["slot_method"] = pa.array([_ONE_SLOT] * len(rows), _SLOT_METHOD)
    columns["judgments"] = pa.array([_ONE_JUDGMENT] * len(rows), _JUDGMENTS)
    table = pa.table(columns)
    info = {"info": {"features": _features(columns, classes)}}
    file = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(info)}), file)
    return file.getvalue()


_JUDGMENT = {
    "worker_id": "string",
    "intent_score": "int8",
    "slots_score": "int8",
    "grammar_score": "int8",
    "spelling_score": "int8",
    "language_identification": "string",
}
_ONE_JUDGMENT = {name: ["0"] if kind == "string" else [1] for name, kind in _JUDGMENT.items()}
_ONE_SLOT = {"slot": ["time"], "method": ["localization"]}
_SLOT_METHOD = pa.struct({"slot": pa.list_(pa.string()), "method": pa.list_(pa.string())})
_JUDGMENTS = pa.struct(
    {name: pa.list_(pa.type_for_alias(kind)) for name, kind in _JUDGMENT.items()}
)


def _features(columns: Mapping[str, Any], classes: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return the description of the columns that `datasets` keeps in a file's metadata."""
    value = {"_type": "Value"}
    records = {
        "slot_method": {
            "slot": {"dtype": "string", **value},
            "method": {"dtype": "string", **value},
        },
        "judgments": {name: {"dtype": kind, **value} for name, kind in _JUDGMENT.items()},
    }
    features: dict[str, Any] = {}
    for name in columns:
        if name in classes:
            features[name] = {"names": classes[name], "_type": "ClassLabel"}
        elif name in records:
            features[name] = {"feature": records[name], "_type": "Sequence"}
        else:
            features[name] = {"dtype": "string", **value}
    return features
