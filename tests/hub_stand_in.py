"""A small stand-in for the Hugging Face Hub: enough of its protocol for the real clients.

with HubStandIn({("datasets/AmazonScience/massive", "refs/convert/parquet"): files}) as hub:
    ...  # HF_ENDPOINT=hub.url
"""

import base64
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from nerlib import load_corpus
from nerlib.corpus import COLUMNS, sample_folder

MASSIVE = "datasets/AmazonScience/massive"
CONVERSION = "refs/convert/parquet"
ARCHIVE = "amazon-massive-dataset-1.1.tar.gz"
LARGE = (".parquet", ".safetensors", ".bin", ".h5", ".msgpack", ".model")
Files = Mapping[str, bytes]
Online = Callable[[str], None]  # points this process's client at an address


class HubStandIn(ThreadingHTTPServer):
    """A server on this machine that holds repositories: (name, revision) → path → content.

    `requests` lists what it was asked, `ranges` which parts, `published` what was uploaded.
    """

    daemon_threads = True

    def __init__(self, repositories: Mapping[tuple[str, str], Files] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.repositories = dict(repositories or {})
        self.downloads: dict[str, bytes] = {}  # files at plain addresses
        self.moved: dict[str, str] = {}  # old names and new ones
        self.gated: set[str] = set()
        self.published: dict[str, dict[str, bytes]] = {}
        self.requests: list[str] = []
        self.ranges: list[str] = []
        self.status = 0  # another one: everything is refused with it
        self.silent = False  # accept connections, and never answer
        self.cut_after, self.cuts = 0, 0  # hang up after so many bytes, so many times
        self.closing = threading.Event()

    def __enter__(self) -> "HubStandIn":
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()

    def blob(self, digest: str) -> bytes | None:
        """Return the content with this SHA-256, where the redirects lead."""
        contents = (c for files in self.repositories.values() for c in files.values())
        return next((c for c in contents if sha256(c) == digest), None)

    def fetched(self) -> list[str]:
        """Return the paths of the files whose content was asked for."""
        got = [line for line in self.requests if line.startswith("GET ") and "/api/" not in line]
        names = {sha256(c): n for files in self.repositories.values() for n, c in files.items()}
        ends = [line.partition("/resolve/")[2].partition("/")[2] for line in got]
        digests = [line.rpartition("/")[2] for line in got]
        return [end or names.get(d, d) for end, d in zip(ends, digests, strict=True)]


class _Handler(BaseHTTPRequestHandler):
    server: HubStandIn
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        hub, path = self.server, urlsplit(self.path).path.strip("/")
        hub.requests.append(f"{self.command} {self.path}")
        if hub.silent:
            hub.closing.wait()
            self.close_connection = True
        elif hub.status:
            self.answer(hub.status)
        elif path.startswith("blobs/"):
            digest = path.removeprefix("blobs/")
            self.send_content(hub.blob(digest), digest)
        elif path in hub.downloads:
            self.send_content(hub.downloads[path], "")
        elif path.startswith("api/"):
            self.describe(path.removeprefix("api/"))
        else:
            self.resolve(path)

    do_GET = do_HEAD

    def do_POST(self) -> None:
        """Take part in the steps of an upload, in which everything travels with the commit."""
        hub, path = self.server, urlsplit(self.path).path.strip("/")
        hub.requests.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if hub.status or "Authorization" not in self.headers:
            return self.answer(hub.status or 401)
        if path == "api/repos/create":
            asked = json.loads(body)
            name = "/".join(filter(None, (asked.get("organization"), asked["name"])))
            hub.published.setdefault(name, {})
            return self.send_json({"url": f"{hub.url}/{name}", "name": name})
        if path == "api/validate-yaml":
            return self.send_json({"errors": [], "warnings": []})
        match = re.fullmatch(r"api/models/(.+)/(preupload|commit)/main", path)
        assert match, path
        name, step = match.groups()
        if step == "preupload":
            how = {"uploadMode": "regular", "shouldIgnore": False}
            return self.send_json({"files": [f | how for f in json.loads(body)["files"]]})
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                content = base64.b64decode(line["value"]["content"])
                hub.published[name][line["value"]["path"]] = content
        commit = commit_of(hub.published[name])
        url = f"{hub.url}/{name}/commit/{commit}"
        return self.send_json({"commitUrl": url, "commitOid": commit, "success": True})

    def describe(self, path: str) -> None:
        """Answer for what a repository is and holds."""
        match = re.fullmatch(
            r"(models|datasets)/([^/]+(?:/[^/]+)?)(?:/(revision|tree)/([^/]+))?", path
        )
        if not match:
            return self.answer(404)
        kind, name, what, revision = match.groups()
        if name in self.server.moved:
            place = path.replace(name, self.server.moved[name], 1)
            return self.answer(307, {"Location": f"/api/{place}?{urlsplit(self.path).query}"})
        repository = name if kind == "models" else f"datasets/{name}"
        files = self.files_of(repository, unquote(revision or "main"))
        if files is None:
            return None
        described = [_described(*each) for each in sorted(files.items())]
        if what == "tree":
            return self.send_json(described)
        gated = "manual" if repository in self.server.gated else False
        facts = {"id": name, "sha": commit_of(files), "siblings": described, "gated": gated}
        return self.send_json({**facts, "private": False, "downloads": 0, "likes": 0, "tags": []})

    def files_of(self, repository: str, revision: str) -> Files | None:
        """Return a repository's files at a branch or a commit, or answer why there are none."""
        known = [(r, f) for (name, r), f in self.server.repositories.items() if name == repository]
        for name, files in known:
            if revision in (name, commit_of(files)):
                return files
        # Like the Hub, which tells nobody whether something is private or does not exist.
        status, code = (404, "RevisionNotFound") if known else (401, "RepoNotFound")
        return self.answer(status, {"X-Error-Code": code})

    def resolve(self, path: str) -> None:
        """Answer for a file of a repository: what it is and where its bytes lie."""
        repository, _, rest = path.partition("/resolve/")
        revision, _, name = map(unquote, rest.partition("/"))
        if repository in self.server.moved:
            place = f"/{self.server.moved[repository]}/resolve/{rest}"
            return self.answer(307, {"Location": place})
        files = self.files_of(repository, revision)
        if files is None:
            return None
        commit = {"X-Repo-Commit": commit_of(files)}
        if repository in self.server.gated:
            return self.answer(403, {"X-Error-Code": "GatedRepo", **commit})
        if name not in files:
            return self.answer(404, {"X-Error-Code": "EntryNotFound", **commit})
        content = files[name]
        if not name.endswith(LARGE):
            return self.send_content(content, git_hash(content), commit)
        digest = sha256(content)
        linked = {"X-Linked-ETag": f'"{digest}"', "X-Linked-Size": str(len(content))}
        # Another host, as with the real Hub: the client must not follow when it asks.
        place = f"http://localhost:{self.server.server_port}/blobs/{digest}"
        return self.answer(302, {**commit, **linked, "Location": place})

    def send_content(
        self, content: bytes | None, digest: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a file's bytes, or the part that is asked for."""
        if content is None:
            return self.answer(404)
        headers = {"ETag": f'"{digest}"', "Accept-Ranges": "bytes", **(headers or {})}
        asked = self.headers.get("Range", "")
        if not asked:
            return self.answer(200, headers, content)
        self.server.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").partition("-")[0])
        if start >= len(content):
            return self.answer(416, {"Content-Range": f"bytes */{len(content)}"})
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return self.answer(206, headers, content[start:])

    def send_json(self, value: object) -> None:
        self.answer(200, {"Content-Type": "application/json"}, json.dumps(value).encode())

    def answer(
        self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> None:
        """Answer, or hang up in the middle of it."""
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if status in (200, 206) and self.server.cuts and len(body) > self.server.cut_after:
            self.server.cuts -= 1
            body = body[: self.server.cut_after]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet: `requests` is the log."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_hash(content: bytes) -> str:
    """Return the name of a file as an object of git."""
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content)).hexdigest()


def commit_of(files: Files) -> str:
    """Return a commit's name: 40 hexadecimal digits that change with the files."""
    listed = sorted((name, sha256(content)) for name, content in files.items())
    return hashlib.sha1(repr(listed).encode()).hexdigest()


def _described(path: str, content: bytes) -> dict[str, Any]:
    """Return what the Hub says of a file, with the names of both kinds of listings."""
    size, digest = len(content), git_hash(content)
    facts = {"rfilename": path, "path": path, "type": "file", "size": size}
    facts |= {"oid": digest, "blobId": digest}
    if path.endswith(LARGE):
        digest = sha256(content)
        facts["lfs"] = {"sha256": digest, "oid": digest, "size": size, "pointerSize": 134}
    return facts


def massive_archive() -> bytes:
    """Return the sample as a `.tar.gz` in the layout of MASSIVE's official archive."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.add(sample_folder() / "1.1" / "data", "1.1/data")
    return gzip.compress(content.getvalue(), mtime=0)  # the same bytes every time


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
    """Return rows as a Parquet file: names in `classes` as numbers, a list of records as a record
    of lists, and the features described in the metadata as `datasets` 2 wrote them."""
    text, number = ({"dtype": kind, "_type": "Value"} for kind in ("string", "int8"))
    plain = [name for name in COLUMNS if name in rows[0] and name not in classes]
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in plain}
    features: dict[str, Any] = dict.fromkeys(columns, text)
    for name, known in classes.items():
        columns[name] = [known.index(row[name]) for row in rows]
        features[name] = {"names": known, "_type": "ClassLabel"}
    columns["judgments"] = [{"worker_id": ["0"], "slots_score": [1]}] * len(rows)
    record = {"worker_id": text, "slots_score": number}
    features["judgments"] = {"feature": record, "_type": "Sequence"}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    file = io.BytesIO()
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), file)
    return file.getvalue()


def learner_environment(endpoint: str, home: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a process in which nothing is patched."""
    dropped = ("HF_", "NERLIB_", "TRANSFORMERS_")
    kept = {name: os.environ[name] for name in os.environ if not name.startswith(dropped)}
    kept |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "PYTHONUTF8": "1"}
    kept |= {"NO_PROXY": "127.0.0.1,localhost", "HF_HUB_DISABLE_TELEMETRY": "1"}
    return kept | variables


def run_python(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python as a learner does and return what it said."""
    command = [sys.executable, *arguments]  # the limit is a guard: nothing here may hang
    return subprocess.run(
        command, env=variables, capture_output=True, encoding="utf-8", timeout=600
    )
